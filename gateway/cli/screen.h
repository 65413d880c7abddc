/* A block of lines at the bottom of a terminal that is redrawn in place. */
#ifndef MARATHON_CLI_SCREEN_H
#define MARATHON_CLI_SCREEN_H

#include "base/bytes.h"

/* Zero-initialise it. */
struct screen {
    size_t lines; /* of the block on the screen; the cursor is below it */
    /* the terminal's width when it was drawn: if that has changed, lines may have wrapped, and
     * cannot be counted */
    size_t columns;
};

/* Size of the terminal at standard error; 80 x 24 if it is unknown. */
void screen_size(size_t *ret_columns, size_t *ret_rows);
/* Replaces the block by `text` (of `lines` lines). One write, so that it does not flicker. */
void screen_draw(struct screen *s, struct bytes text, size_t lines);
/* Removes the block, so that other lines can be printed. */
void screen_wipe(struct screen *s);
/* Leaves the block in place; the next draw begins below it. */
void screen_leave(struct screen *s);

#endif
