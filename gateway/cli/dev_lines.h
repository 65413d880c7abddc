/* Output of several programs as lines of one: "coordinator | text". Pure. */
#ifndef MARATHON_CLI_DEV_LINES_H
#define MARATHON_CLI_DEV_LINES_H

#include "cli/text.h"

/* A longer line is broken: one program must not fill our memory */
#define DEV_LINE_BYTES_MAX 8192

/* Zero-initialise it, set label and colour; dev_lines_free when done. */
struct dev_lines {
    const char *label;
    enum text_colour colour;
    struct buf partial; /* the line that has no end yet */
};

void dev_lines_free(struct dev_lines *l);
/* Takes a piece of output and appends the lines that it completes. */
void dev_lines_feed(struct dev_lines *l, struct bytes piece, const struct text_style *style,
                    struct buf *out);
/* The program has ended: what is there of the last line is a line. */
void dev_lines_end(struct dev_lines *l, const struct text_style *style, struct buf *out);

#endif
