/* A piece of a document, or an input, on its way to Redis: the one copy of it that this process
 * makes, which is never changed. The call that carries it and the cache that remembers it share it
 * (base/shared.h), and so does what goes out to peers with a slice of it. */
#ifndef MARATHON_STORE_REDIS_TEXT_H
#define MARATHON_STORE_REDIS_TEXT_H

#include "base/shared.h"
#include "core/storage.h"

/* What of a row is shared: its part of the document without the tail, which is soon overwritten,
 * and its input. NULL where it has none. Held once. */
struct row_texts {
    struct shared *doc, *input;
};

struct row_texts row_texts_make(const struct store_row *row);
void row_texts_drop(struct row_texts *t);

#endif
