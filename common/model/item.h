/* Items of fan-out steps, as part of message.h. */
#ifndef MARATHON_MODEL_ITEM_H
#define MARATHON_MODEL_ITEM_H

#include "base/bytes.h"
#include "base/clock.h"
#include "model/code.h"
#include "model/state.h"

struct items_request {
    struct bytes task_id;
    struct bytes step; /* name or step_id */
    int32_t state;     /* enum step_state, -1 = any */
    uint32_t from;     /* first item of the page, from 1 */
    uint32_t limit;
};

/* An item of a fan-out step. */
struct item_view {
    uint32_t item; /* from 1 */
    enum step_state state;
    unix_ms started_at, completed_at, retry_at;
    uint32_t duration_ms;
    uint32_t retry_count, deaths;
    double progress;
    enum code error_code;
    struct bytes error;
    struct bytes result;       /* JSON; empty = none */
    uint32_t checkpoint_bytes; /* as for a step */
    unix_ms checkpoint_at;
    struct bytes checkpoint;
    struct bytes log;           /* running or completed: the end of its log; empty = none */
    struct bytes function_code; /* the function's own code of the error, empty = none */
};

#endif
