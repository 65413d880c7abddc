#include "model/state.h"

#include <assert.h>

static const char *const task_names[TASK_STATE_COUNT] = {
    [TASK_PENDING] = "pending",
    [TASK_RUNNING] = "running",
    [TASK_RECOVERING] = "recovering",
    [TASK_COMPLETED] = "completed",
    [TASK_FAILED] = "failed",
    [TASK_CANCELLED] = "cancelled",
    [TASK_PAUSED] = "paused",
    [TASK_WAITING] = "waiting",
    [TASK_BUDGET_EXCEEDED] = "budget_exceeded",
};

static const char *const step_names[STEP_STATE_COUNT] = {
    [STEP_PENDING] = "pending", [STEP_RUNNING] = "running", [STEP_COMPLETED] = "completed",
    [STEP_FAILED] = "failed",   [STEP_SKIPPED] = "skipped", [STEP_CANCELLED] = "cancelled",
};

const char *task_state_name(enum task_state s)
{
    assert((unsigned)s < TASK_STATE_COUNT);
    return task_names[s];
}

const char *step_state_name(enum step_state s)
{
    assert((unsigned)s < STEP_STATE_COUNT);
    return step_names[s];
}

enum err task_state_parse(struct bytes name, enum task_state *ret_state)
{
    for (unsigned i = 0; i < TASK_STATE_COUNT; i++) {
        if (bytes_is(name, task_names[i])) {
            *ret_state = (enum task_state)i;
            return ERR_OK;
        }
    }
    return ERR_INVALID;
}
