/* Merges the output of several programs into labelled lines: "coordinator | text". Pure. */
#ifndef MARATHON_CLI_DEV_LINES_H
#define MARATHON_CLI_DEV_LINES_H

#include "cli/text.h"

/* A longer line is broken, so that no program can fill our memory. */
#define DEV_LINE_BYTES_MAX 8192

/* Zero-initialise it, then set label and colour; dev_lines_free when done. */
struct dev_lines {
    const char *label;
    enum text_colour colour;
    struct buf partial; /* the current, incomplete line */
};

void dev_lines_free(struct dev_lines *l);
/* Takes a piece of output and appends the lines that it completes. */
void dev_lines_feed(struct dev_lines *l, struct bytes piece, const struct text_style *style,
                    struct buf *out);
/* The program has ended: an incomplete last line counts as a line. */
void dev_lines_end(struct dev_lines *l, const struct text_style *style, struct buf *out);

#endif
