/* Progress as plain lines, one per change: for logs, pipes and CI. Pure: it compares the view with
 * what it has printed last.
 *
 *   analysis_123 step bcg_analysis waits: no worker offers the function menu.bcg
 *   analysis_123 running 0% 0/5 steps
 *   analysis_123 step bcg_analysis running
 *   analysis_123 step bcg_analysis completed in 1.2s
 *   analysis_123 running 40% 2/5 steps
 *   analysis_123 completed 100% 5/5 steps in 4.0s */
#ifndef MARATHON_CLI_NEWS_H
#define MARATHON_CLI_NEWS_H

#include "cli/view.h"

struct news_step {
    enum step_state state;
    uint32_t retry_count;
    bool waits; /* it was printed what the step waits for */
};

/* What was printed so far. Zero-initialise it; news_free when done. */
struct news {
    struct news_step *steps;
    size_t step_count;
    char state_text[VIEW_STATE_BYTES];
    int tenth; /* of the progress printed last */
};

void news_free(struct news *n);
/* Appends a line for each change since the last call. */
void news_write(struct news *n, const struct view *v, unix_ms now, struct buf *out);

#endif
