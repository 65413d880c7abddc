/* What happened to a task, as its history and its watchers have it; and who wanted it. */
#ifndef MARATHON_MODEL_EVENT_H
#define MARATHON_MODEL_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "model/code.h"
#include "model/state.h"
#include "model/usage.h"

/* Who asks for a change of a task, and why, as they say of themselves: kept in its history. Empty =
 * not said. */
struct deed {
    struct bytes actor;  /* at most ACTOR_BYTES_MAX */
    struct bytes reason; /* at most REASON_BYTES_MAX */
};

/* Stored as numbers: append only. */
enum event_type {
    EVENT_PROGRESS,       /* progress_update */
    EVENT_STEP_COMPLETED, /* step_completed */
    EVENT_STEP_RETRY,    /* step_retry: an attempt failed or its worker died; retry_at says when the
                            next one may start */
    EVENT_TASK_COMPLETE, /* task_complete */
    EVENT_TASK_ERROR,    /* task_error */
    EVENT_TASK_CANCELLED,  /* task_cancelled */
    EVENT_TASK_RECOVERING, /* task_recovering */
    EVENT_TASK_PAUSED,     /* task_paused */
    EVENT_TASK_RESUMED,    /* task_resumed */
    EVENT_STEP_FAILED,     /* step_failed: for good, and the task goes on: on_failure, finally */
    EVENT_STEP_SKIPPED, /* step_skipped: its condition is false, or what it depends on has failed */
    EVENT_TASK_FAILING, /* task_failing: it has failed, its finally steps run now */
    EVENT_STEP_WAITING, /* step_waiting: a wait step has begun; retry_at: when it is over */
    EVENT_SIGNAL,       /* signal: a person's or a program's, for the step named */
    EVENT_TASK_FORKED,  /* task_forked: the first event of a fork; message: of which task */
    EVENT_STEP_CHECKPOINT, /* step_checkpoint: what a running step has saved is durable */
    EVENT_BUDGET_WARNING,  /* budget_warning: 80 % of it are spent; message: the budget, JSON */
    EVENT_BUDGET_EXCEEDED, /* budget_exceeded: no further step starts; message: likewise */
    EVENT_BUDGET_CHANGED,  /* budget_changed: somebody has set it; message: the new one */
    EVENT_TYPE_COUNT
};

struct task_event {
    uint64_t seq; /* from 1, without holes, over all recovers; a fresh start begins at 1 again */
    enum event_type type;
    unix_ms at;
    enum task_state state;
    double progress;
    uint32_t step; /* index of the step it is about; for EVENT_PROGRESS the current step */
    struct bytes step_name;
    uint32_t total_steps;
    uint32_t attempt; /* STEP_RETRY: the attempt that failed */
    unix_ms retry_at;
    enum code code;
    struct bytes message; /* error, or the function's progress message; STEP_COMPLETED without a
                             code: the end of its log; RECOVERING: what was asked
                             for, members of a JSON object (from_step, checkpoint_id, only_failed,
                             requeue, input_data: itself, or a text with its size and hash) */
    bool can_recover;
    struct deed deed;                         /* of what people asked for */
    uint32_t items, items_done, items_failed; /* of the step, where it fans out; else 0 */
    uint32_t checkpoint_bytes;                /* STEP_CHECKPOINT: its size, ... */
    struct bytes checkpoint; /* ... and itself, JSON; empty where it is too large to be shown */
    /* by the step until now (STEP_COMPLETED, STEP_FAILED, STEP_RETRY), or by the task (its end,
     * BUDGET_*) */
    struct usage_sum usage;
};

#endif
