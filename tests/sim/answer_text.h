/* What a store has said, as text: equal answers of two stores have equal texts. */
#ifndef MARATHON_SIM_ANSWER_TEXT_H
#define MARATHON_SIM_ANSWER_TEXT_H

#include "core/storage.h"

void written_text(const struct store_written *w, struct buf *out);
void published_text(const struct store_published *p, struct buf *out);
/* One line for each thing that it is made of. */
void answer_text(const struct store_answer *a, struct buf *out);
/* Of pages whose order and bounds are the store's own: the lines sorted, each once. */
void lines_sort(struct buf *text);

#endif
