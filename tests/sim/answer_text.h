/* A store's answer as text: equal answers of two stores have equal texts. */
#ifndef MARATHON_SIM_ANSWER_TEXT_H
#define MARATHON_SIM_ANSWER_TEXT_H

#include "core/storage.h"

void written_text(const struct store_written *w, struct buf *out);
void published_text(const struct store_published *p, struct buf *out);
/* One line for each part of the answer. */
void answer_text(const struct store_answer *a, struct buf *out);
/* For pages whose order and bounds each store chooses itself: sorts the lines and removes
 * duplicates. */
void lines_sort(struct buf *text);

#endif
