/* Text for terminals: cut to columns, without control characters (a function's error message must
 * not move the cursor). Pure. One code point counts as one column: names are ASCII by their
 * alphabet, and only messages may have other characters. */
#ifndef MARATHON_CLI_TEXT_H
#define MARATHON_CLI_TEXT_H

#include <stdbool.h>

#include "base/bytes.h"

enum text_colour { TEXT_PLAIN, TEXT_GREEN, TEXT_RED, TEXT_YELLOW, TEXT_BLUE, TEXT_DIM, TEXT_BOLD };

/* What the output device can show. */
struct text_style {
    bool colour;
    bool utf8;
};

size_t text_columns(struct bytes s);
/* Appends at most `columns` columns of s as one line, with blanks in place of line breaks and
 * control characters; padded with blanks to `columns` if pad. */
void text_put_fit(struct buf *out, struct bytes s, size_t columns, bool pad);
/* Appends s with line breaks and control characters replaced. */
void text_put_clean(struct buf *out, struct bytes s);
/* The part of s after its last line break, ignoring one at the very end. */
struct bytes text_last_line(struct bytes s);
/* Appends a decimal number, as 0.00002 or 12: with no more decimals than it needs, at most nine. */
void text_put_amount(struct buf *out, double amount);
/* Begins and ends a colour; appends nothing without style->colour. */
void text_colour_begin(struct buf *out, const struct text_style *style, enum text_colour colour);
void text_colour_end(struct buf *out, const struct text_style *style);
void text_put_coloured(struct buf *out, const struct text_style *style, enum text_colour colour,
                       const char *s);

#endif
