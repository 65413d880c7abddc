/* Dead letters, as message.h has them. */
#ifndef MARATHON_MODEL_DEAD_LETTER_H
#define MARATHON_MODEL_DEAD_LETTER_H

#include "base/bytes.h"
#include "base/clock.h"
#include "model/code.h"

/* A step set aside because it kept killing workers, or was out of attempts where its definition
 * wants that: its task has failed by it. */
struct dead_letter {
    struct bytes task_id, task_type;
    uint32_t step; /* index: step_id is step_<index> */
    struct bytes name, function;
    uint32_t deaths;
    enum code error_code;       /* WORKER_DEATHS, or how its last attempt failed */
    unix_ms at;                 /* when it became one; its place in lists */
    struct bytes error;         /* with the end of its log */
    struct bytes function_code; /* the function's own code of that error, empty = none */
};

#endif
