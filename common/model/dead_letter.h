/* Dead letters, as part of message.h. */
#ifndef MARATHON_MODEL_DEAD_LETTER_H
#define MARATHON_MODEL_DEAD_LETTER_H

#include "base/bytes.h"
#include "base/clock.h"
#include "model/code.h"

/* A step that was set aside, which failed its task: because it kept killing workers, or because it
 * ran out of attempts and its definition says so. */
struct dead_letter {
    struct bytes task_id, task_type;
    uint32_t step; /* index: step_id is step_<index> */
    struct bytes name, function;
    uint32_t deaths;
    enum code error_code;       /* WORKER_DEATHS, or the error of its last attempt */
    unix_ms at;                 /* when it became a dead letter; sort key in lists */
    struct bytes error;         /* includes the end of its log */
    struct bytes function_code; /* the function's own code of that error, empty = none */
};

#endif
