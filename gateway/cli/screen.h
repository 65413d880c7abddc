/* The block of lines at the bottom of a terminal that is drawn again and again. */
#ifndef MARATHON_CLI_SCREEN_H
#define MARATHON_CLI_SCREEN_H

#include "base/bytes.h"

/* Zero-initialise it. */
struct screen {
    size_t lines;   /* of the block that stands there now; the cursor is below it */
    size_t columns; /* of the terminal when it was drawn: lines that have wrapped since cannot be
                       counted */
};

/* Size of the terminal at standard error; 80 x 24 where it does not say. */
void screen_size(size_t *ret_columns, size_t *ret_rows);
/* Draws `text` (of `lines` lines) in place of the block before. One write, so that it does not
 * flicker. */
void screen_draw(struct screen *s, struct bytes text, size_t lines);
/* Takes the block away: other lines are going to be printed. */
void screen_wipe(struct screen *s);
/* Leaves the block standing; the next draw begins below it. */
void screen_leave(struct screen *s);

#endif
