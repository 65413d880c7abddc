/* A task as gateways see it, as message.h has it. */
#ifndef MARATHON_MODEL_TASK_VIEW_H
#define MARATHON_MODEL_TASK_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "model/budget.h"
#include "model/code.h"
#include "model/state.h"
#include "model/usage.h"

struct step_view {
    enum step_state state;
    unix_ms started_at, completed_at, retry_at;
    uint32_t duration_ms;
    uint32_t retry_count; /* attempts that failed */
    uint32_t deaths;
    uint32_t max_retries;
    double progress;        /* 0..1 */
    uint32_t order;         /* place in the order of completion, from 0; only for completed steps */
    uint64_t result_offset; /* in the checkpoint document; len 0 = none */
    uint32_t result_len;
    enum code error_code;
    struct bytes error;       /* of the last failed attempt, empty = none */
    struct bytes waiting_for; /* why a ready step does not run: "no worker offers function x", empty
                                 otherwise */
    struct bytes name, description, function;
    unix_ms waiting_until;      /* a wait step's timeout or moment, 0 = none */
    struct bytes function_code; /* the function's own code of the last error, empty = none */
    /* the progress checkpoint that is durable, and what the next attempt is given; 0 = none */
    uint32_t checkpoint_bytes;
    unix_ms checkpoint_at;
    struct bytes checkpoint; /* JSON; empty where it is too large to be shown */
    /* of a fan-out step whose list is known */
    bool fans_out;
    uint32_t items, items_done, items_failed, items_running;
    struct usage_part *usage; /* by all of its attempts until now, by model */
    uint32_t usage_count;
    struct bytes log; /* running: the end of its log, as far as it was heard; empty = none */
};

struct task_view {
    struct bytes task_id, task_type, session_id;
    uint32_t run;
    enum task_state state;
    double progress;
    uint64_t seq; /* of the newest event that this view includes */
    unix_ms created_at, started_at, completed_at;
    unix_ms estimated_completion; /* 0 = cannot be said */
    enum code error_code;
    struct bytes error;      /* empty = none */
    struct bytes error_step; /* name */
    bool can_recover;
    bool checkpoints; /* enable_checkpoints */
    uint32_t checkpoint_interval_s, max_retries;
    bool recovery_enabled;
    struct bytes backend; /* "redis" or "memory" */
    uint32_t doc_revision;
    uint64_t results_bytes; /* the document's results object is its bytes [RESULTS_OFFSET,
                               RESULTS_OFFSET + results_bytes), with both braces */
    struct step_view *steps;
    uint32_t step_count;
    struct usage_part *usage; /* by all of its steps, by model */
    uint32_t usage_count;
    struct budget budget;      /* no limit at all: it has none */
    uint64_t attempts_over;    /* spent of its steps */
    uint32_t pipeline_version; /* that it runs; 0: inline, or an older peer did not say */
};

#endif
