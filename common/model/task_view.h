/* A task as gateways see it, as part of message.h. */
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
    uint32_t order;         /* rank in the order of completion, from 0; only for completed steps */
    uint64_t result_offset; /* in the checkpoint document; result_len 0 = none */
    uint32_t result_len;
    enum code error_code;
    struct bytes error; /* of the last failed attempt; empty = none */
    /* why a ready step does not run: "no worker offers function x"; else empty */
    struct bytes waiting_for;
    struct bytes name, description, function;
    unix_ms waiting_until;      /* when a wait step ends or times out; 0 = none */
    struct bytes function_code; /* the function's own code of the last error, empty = none */
    /* the newest durable progress checkpoint, which the next attempt gets; 0 = none */
    uint32_t checkpoint_bytes;
    unix_ms checkpoint_at;
    struct bytes checkpoint; /* JSON; empty if it is too large to be shown */
    /* of a fan-out step, once its list is known */
    bool fans_out;
    uint32_t items, items_done, items_failed, items_running;
    struct usage_part *usage; /* of all its attempts so far, by model */
    uint32_t usage_count;
    struct bytes log; /* of a running step: the end of its log, as last reported; empty = none */
};

struct task_view {
    struct bytes task_id, task_type, session_id;
    uint32_t run;
    enum task_state state;
    double progress;
    uint64_t seq; /* newest event included in this view */
    unix_ms created_at, started_at, completed_at;
    unix_ms estimated_completion; /* 0 = unknown */
    enum code error_code;
    struct bytes error;      /* empty = none */
    struct bytes error_step; /* name */
    bool can_recover;
    bool checkpoints; /* enable_checkpoints */
    uint32_t checkpoint_interval_s, max_retries;
    bool recovery_enabled;
    struct bytes backend; /* "redis" or "memory" */
    uint32_t doc_revision;
    uint64_t results_bytes; /* size of the document's results object, both braces included; it
                               starts at RESULTS_OFFSET */
    struct step_view *steps;
    uint32_t step_count;
    struct usage_part *usage; /* of all its steps, by model */
    uint32_t usage_count;
    struct budget budget;      /* all zero: no budget */
    uint64_t attempts_over;    /* attempts counted against budget.steps */
    uint32_t pipeline_version; /* that the task runs; 0: inline, or from an older peer */
};

#endif
