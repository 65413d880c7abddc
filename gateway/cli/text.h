/* Text for terminals: cut to columns, without control characters (a function's error message must
 * not move the cursor). Pure. One code point counts as one column: names are ASCII by their
 * alphabet, and only messages may hold more. */
#ifndef MARATHON_CLI_TEXT_H
#define MARATHON_CLI_TEXT_H

#include <stdbool.h>

#include "base/bytes.h"

enum text_colour { TEXT_PLAIN, TEXT_GREEN, TEXT_RED, TEXT_YELLOW, TEXT_BLUE, TEXT_DIM, TEXT_BOLD };

/* How the other end shows text. */
struct text_style {
    bool colour;
    bool utf8;
};

size_t text_columns(struct bytes s);
/* At most `columns` of s on one line, line breaks and controls as blanks; padded with blanks to
 * `columns` if pad. */
void text_put_fit(struct buf *out, struct bytes s, size_t columns, bool pad);
/* s without line breaks and controls. */
void text_put_clean(struct buf *out, struct bytes s);
/* What stands behind its last line break; one at its end does not count. */
struct bytes text_last_line(struct bytes s);
/* A number in decimals, as 0.00002 or 12: at most nine of them, and no more than it has. */
void text_put_amount(struct buf *out, double amount);
/* Begins and ends a colour; nothing without style->colour. */
void text_colour_begin(struct buf *out, const struct text_style *style, enum text_colour colour);
void text_colour_end(struct buf *out, const struct text_style *style);
void text_put_coloured(struct buf *out, const struct text_style *style, enum text_colour colour,
                       const char *s);

#endif
