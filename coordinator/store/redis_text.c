#include "store/redis_text.h"

static struct shared *text_make(struct bytes first, struct bytes second)
{
    if (first.len + second.len == 0) {
        return NULL;
    }
    struct shared *t = shared_make(first.len + second.len);
    if (first.len > 0) {
        memcpy(t->bytes.ptr, first.ptr, first.len);
    }
    if (second.len > 0) {
        memcpy(t->bytes.ptr + first.len, second.ptr, second.len);
    }
    return t;
}

struct row_texts row_texts_make(const struct store_row *row)
{
    return (struct row_texts){.doc = row->doc_text != NULL ? shared_hold(row->doc_text)
                                                           : text_make(row->doc[0], row->doc[1]),
                              .input = row->input_text != NULL ? shared_hold(row->input_text)
                                                               : text_make(row->input, BYTES_NONE)};
}

void row_texts_drop(struct row_texts *t)
{
    shared_drop(t->doc);
    shared_drop(t->input);
}
