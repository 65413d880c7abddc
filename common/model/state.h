/* States of tasks and steps. The life cycles are drawn in coordinator/core/README.md; this file
 * only names them. */
#ifndef MARATHON_MODEL_STATE_H
#define MARATHON_MODEL_STATE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"

/* Stored as numbers: append only. */
enum task_state {
    TASK_PENDING, /* accepted, no step was dispatched yet */
    TASK_RUNNING,
    TASK_RECOVERING, /* recovered or taken over, no step was dispatched since */
    TASK_COMPLETED,
    TASK_FAILED,
    TASK_CANCELLED,
    TASK_PAUSED,  /* rests until it is resumed: no further step starts, running steps go on */
    TASK_WAITING, /* only wait steps are left: no worker has anything to do for it */
    TASK_BUDGET_EXCEEDED, /* rests until its budget is raised: no further step starts, running steps
                             go on */
    TASK_STATE_COUNT
};

enum step_state {
    STEP_PENDING, /* waits for its needs, for a worker, or (retry_at set) for its next attempt */
    STEP_RUNNING, /* an attempt is with a worker */
    STEP_COMPLETED,
    STEP_FAILED, /* for good */
    STEP_SKIPPED,
    STEP_CANCELLED,
    STEP_STATE_COUNT
};

/* All names, for texts that say what a state may be. */
#define TASK_STATES_TEXT                                                                           \
    "pending, running, recovering, completed, failed, cancelled, paused, waiting or "              \
    "budget_exceeded"

const char *task_state_name(enum task_state s);
const char *step_state_name(enum step_state s);
enum err MUST_CHECK task_state_parse(struct bytes name, enum task_state *ret_state);

static inline bool task_state_ended(enum task_state s)
{
    return s == TASK_COMPLETED || s == TASK_FAILED || s == TASK_CANCELLED;
}

/* Alive, but no step of it is dispatched until somebody resumes it. */
static inline bool task_state_rests(enum task_state s)
{
    return s == TASK_PAUSED || s == TASK_BUDGET_EXCEEDED;
}

#endif
