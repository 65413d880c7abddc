/* Events of a task, as its history and its watchers get them, and who caused them. */
#ifndef MARATHON_MODEL_EVENT_H
#define MARATHON_MODEL_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "model/code.h"
#include "model/state.h"
#include "model/usage.h"

/* Who asks for a change of a task, and why, as stated by the client; kept in the task's history.
 * Empty = not given. */
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
    EVENT_STEP_FAILED,     /* step_failed: for good, but the task goes on (on_failure, finally) */
    EVENT_STEP_SKIPPED, /* step_skipped: its condition is false, or what it depends on has failed */
    EVENT_TASK_FAILING, /* task_failing: the task has failed and its finally steps run now */
    EVENT_STEP_WAITING, /* step_waiting: a wait step has begun; retry_at: when it ends */
    EVENT_SIGNAL,       /* signal: a signal has arrived for the step named */
    EVENT_TASK_FORKED,  /* task_forked: first event of a fork; message: id of the source task */
    EVENT_STEP_CHECKPOINT, /* step_checkpoint: a running step's checkpoint is durable */
    EVENT_BUDGET_WARNING,  /* budget_warning: 80 % of the budget are spent; message: it, as JSON */
    EVENT_BUDGET_EXCEEDED, /* budget_exceeded: no further step starts; message: likewise */
    EVENT_BUDGET_CHANGED,  /* budget_changed: message: the new budget */
    EVENT_TYPE_COUNT
};

struct task_event {
    uint64_t seq; /* from 1, without gaps, across all recovers; a fresh start begins at 1 again */
    enum event_type type;
    unix_ms at;
    enum task_state state;
    double progress;
    uint32_t step; /* index of the step it is about; for EVENT_PROGRESS the current step */
    struct bytes step_name;
    uint32_t total_steps;
    uint32_t attempt; /* STEP_RETRY: the one that failed */
    unix_ms retry_at;
    enum code code;
    struct bytes message; /* the error, or the function's progress message; STEP_COMPLETED without a
                             code: the end of its log; RECOVERING: the request, as members of a JSON
                             object (from_step, checkpoint_id, only_failed, requeue, input_data: the
                             data, or a text with its size and hash) */
    bool can_recover;
    struct deed deed;                         /* of events that clients caused */
    uint32_t items, items_done, items_failed; /* of the step, if it fans out; else 0 */
    uint32_t checkpoint_bytes;                /* STEP_CHECKPOINT: its size, ... */
    struct bytes checkpoint; /* ... and its content, JSON; empty if it is too large to be shown */
    /* used so far: by the step (STEP_COMPLETED, STEP_FAILED, STEP_RETRY), or by the task (its end,
     * BUDGET_*) */
    struct usage_sum usage;
};

#endif
