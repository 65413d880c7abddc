/* A part of a document, or an input, on its way to Redis: the only copy of it in this process,
 * never modified. The call that carries it, the cache and output to peers share it
 * (base/shared.h). */
#ifndef MARATHON_STORE_REDIS_TEXT_H
#define MARATHON_STORE_REDIS_TEXT_H

#include "base/shared.h"
#include "core/storage.h"

/* The shared texts of a row: its part of the document without the tail (which is overwritten soon),
 * and its input. NULL where the row has none. One reference each. */
struct row_texts {
    struct shared *doc, *input;
};

struct row_texts row_texts_make(const struct store_row *row);
void row_texts_drop(struct row_texts *t);

#endif
