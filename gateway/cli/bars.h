/* The live picture of a task as lines of text, without any cursor movement. Pure: equal arguments
 * give equal text.
 *
 *   analysis_123  full_analysis  running
 *    ✔ menu_extraction    completed  1.2s
 *    ▶ bcg_analysis       ━━━━━━━━────────  52%  3s
 *    ↻ competitive_intel  retry 1 of 3 in 4s: no network
 *    · campaigns          waiting
 *   ━━━━━━━━━━━━━━━━━━━───────────────────  38%  1/5 steps  4s elapsed, about 6s left
 *
 * If a pipeline has more steps than the screen has rows, its steps become one line with counts. */
#ifndef MARATHON_CLI_BARS_H
#define MARATHON_CLI_BARS_H

#include "cli/text.h"
#include "cli/view.h"

struct bars_screen {
    size_t columns, rows;
    struct text_style style;
    unsigned tick; /* animates the marks of running steps */
};

/* Appends the picture and returns its number of lines, which is at most rows - 1. Each line is
 * narrower than the screen and ends with LF. */
size_t bars_render(struct buf *out, const struct view *v, const struct bars_screen *screen,
                   unix_ms now);

#endif
