#include "store/redis_text.h"

#include <assert.h>
#include <stdlib.h>

static struct text *text_make(struct bytes first, struct bytes second)
{
    size_t len = first.len + second.len;
    if (len == 0) {
        return NULL;
    }
    struct text *t = mem_alloc(sizeof *t + len);
    t->holders = 1;
    t->len = len;
    if (first.len > 0) {
        memcpy(t->ptr, first.ptr, first.len);
    }
    if (second.len > 0) {
        memcpy(t->ptr + first.len, second.ptr, second.len);
    }
    return t;
}

struct row_texts row_texts_make(const struct store_row *row)
{
    return (struct row_texts){.doc = text_make(row->doc[0], row->doc[1]),
                              .input = text_make(row->input, BYTES_NONE)};
}

void row_texts_drop(struct row_texts *t)
{
    text_drop(t->doc);
    text_drop(t->input);
}

struct text *text_hold(struct text *t)
{
    t->holders++;
    return t;
}

void text_drop(struct text *t)
{
    if (t == NULL) {
        return;
    }
    assert(t->holders > 0);
    if (--t->holders == 0) {
        free(t);
    }
}
