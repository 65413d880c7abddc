/* A piece of a document, or an input, on its way to Redis: the one copy of it that this process
 * makes. The call that carries it and the cache that remembers it share it. Loop's thread. */
#ifndef MARATHON_STORE_REDIS_TEXT_H
#define MARATHON_STORE_REDIS_TEXT_H

#include "core/storage.h"

struct text {
    uint32_t holders;
    size_t len;
    uint8_t ptr[];
};

static inline struct bytes text_bytes(const struct text *t)
{
    return t == NULL ? BYTES_NONE : bytes_of(t->ptr, t->len);
}

/* What of a row is shared: its part of the document without the tail, which is soon overwritten,
 * and its input. NULL where it has none. Held once. */
struct row_texts {
    struct text *doc, *input;
};

struct row_texts row_texts_make(const struct store_row *row);
void row_texts_drop(struct row_texts *t);

struct text *text_hold(struct text *t); /* returns it */
void text_drop(struct text *t);         /* NULL is fine; frees it with its last holder */

#endif
