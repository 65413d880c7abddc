#include "cli/dev_lines.h"

#define LABEL_COLUMNS 11 /* "coordinator" */

void dev_lines_free(struct dev_lines *l)
{
    buf_free(&l->partial);
}

static void put_line(struct dev_lines *l, const struct text_style *style, struct buf *out)
{
    text_colour_begin(out, style, l->colour);
    text_put_fit(out, bytes_str(l->label), LABEL_COLUMNS, true);
    buf_add_str(out, " | ");
    text_colour_end(out, style);
    text_put_clean(out, buf_bytes(&l->partial));
    buf_add_char(out, '\n');
    buf_clear(&l->partial);
}

void dev_lines_feed(struct dev_lines *l, struct bytes piece, const struct text_style *style,
                    struct buf *out)
{
    for (size_t i = 0; i < piece.len; i++) {
        if (piece.ptr[i] == '\n') {
            put_line(l, style, out);
            continue;
        }
        buf_add_char(&l->partial, (char)piece.ptr[i]);
        if (l->partial.len == DEV_LINE_BYTES_MAX) {
            put_line(l, style, out);
        }
    }
}

void dev_lines_end(struct dev_lines *l, const struct text_style *style, struct buf *out)
{
    if (l->partial.len > 0) {
        put_line(l, style, out);
    }
}
