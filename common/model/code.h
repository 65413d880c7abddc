/* The closed set of codes that users see: in problem+json (`code`), in errors of steps and tasks.
 * Stable for ever: add, never rename. The number is the HTTP status. */
#ifndef MARATHON_MODEL_CODE_H
#define MARATHON_MODEL_CODE_H

#include "base/bytes.h"

enum code {
    CODE_NONE = 0,
    /* requests */
    CODE_INVALID_JSON,         /* 400 the body is not JSON or not UTF-8 */
    CODE_INVALID_FIELD,        /* 422 a field has a wrong type or value, or is unknown */
    CODE_INVALID_PIPELINE,     /* 422 the definition does not pass its checks */
    CODE_UNKNOWN_PIPELINE,     /* 422 there is no pipeline of the name in task_type */
    CODE_INVALID_ID,           /* 404 not in the alphabet of ids, so that no task can have it */
    CODE_TASK_NOT_FOUND,       /* 404 */
    CODE_PIPELINE_NOT_FOUND,   /* 404 */
    CODE_NOT_FOUND,            /* 404 no such path */
    CODE_METHOD_NOT_ALLOWED,   /* 405 */
    CODE_TASK_EXISTS,          /* 409 start with the id of a live task */
    CODE_TASK_ENDED,           /* 409 cancel of an ended task */
    CODE_NOTHING_TO_RECOVER,   /* 409 recover of a task that is alive or completed */
    CODE_RESULT_NOT_READY,     /* 409 result of a task that has not completed */
    CODE_LENGTH_REQUIRED,      /* 411 */
    CODE_TOO_LARGE,            /* 413 body or input over its bound */
    CODE_URI_TOO_LONG,         /* 414 */
    CODE_UNSUPPORTED_TYPE,     /* 415 the body's type is not application/json */
    CODE_IDEMPOTENCY_MISMATCH, /* 422 same Idempotency-Key, different body */
    CODE_UPGRADE_REFUSED,      /* 400 not an acceptable WebSocket upgrade */
    CODE_HEADERS_TOO_LARGE,    /* 431 */
    CODE_TOO_MANY_REQUESTS,    /* 429 the client's quota is used up */
    CODE_UNAVAILABLE,          /* 503 the store or the owner is away; Retry-After */
    CODE_STORE_FULL,           /* 503 Redis is at maxmemory; Retry-After */
    CODE_OVERLOADED,           /* 503 a bound of the system is reached; Retry-After */
    CODE_TIMEOUT,  /* 504 no answer in time: the outcome is unknown, repeat with the same key */
    CODE_INTERNAL, /* 500 */
    CODE_STEP_NOT_FOUND,    /* 404 the task has no such step */
    CODE_NOT_A_DEAD_LETTER, /* 409 requeue of a step that is not a dead letter */
    /* errors of steps (and of the tasks that they end) */
    CODE_FUNCTION_FAILED,      /* non-zero exit, transient by default */
    CODE_FUNCTION_REJECTED,    /* permanent: exit 65, an HTTP 4xx */
    CODE_FUNCTION_CRASHED,     /* killed by a signal */
    CODE_FUNCTION_BAD_OUTPUT,  /* no JSON, two values, or not UTF-8 */
    CODE_RESULT_TOO_LARGE,     /* permanent */
    CODE_INPUT_TOO_LARGE,      /* permanent: the envelope of the step is over its bound */
    CODE_STEP_TIMEOUT,         /* the attempt ran past its time limit */
    CODE_FUNCTION_UNAVAILABLE, /* the function could not be started (no such program, no memory,
                                  connection refused) */
    CODE_WORKER_DEATHS,        /* three workers died while running the step */
    CODE_TASK_TIMEOUT,         /* max_task_duration passed */
    CODE_RECOVERY_DISABLED,    /* found at a takeover with MARATHON_ENABLE_RECOVERY=false */
    CODE_TASK_TOO_LARGE,       /* permanent: all results together are over their bound */
    CODE_CANCELLED,
    CODE_NOT_PAUSED,     /* 409 resume of a task that is neither paused nor over its budget */
    CODE_WAIT_TIMEOUT,   /* of a wait step: no signal within its timeout, and no default */
    CODE_SIGNAL_TAKEN,   /* 409 the step already has a signal: the first one wins */
    CODE_UNKNOWN_SIGNAL, /* 422 no step of the task waits for this one */
    CODE_UNAUTHORIZED,   /* 401 no key, or not a valid one */
    CODE_FORBIDDEN,      /* 403 the key may not do this */
    /* permanent: an expression of the step cannot be evaluated (missing path, wrong type) */
    CODE_EXPRESSION_ERROR,
    CODE_STEP_TIMEOUT_TOTAL, /* timeout_total: all attempts together took too long */
    CODE_QUEUE_TIMEOUT,      /* queue_timeout: ready, but no worker took it */
    CODE_PROGRESS_TIMEOUT,   /* progress_timeout: the attempt sent no news */
    CODE_TOO_MANY_PIPELINES, /* 409 the limit of names, or of versions of this name, is reached */
    CODE_BUDGET_EXCEEDED,    /* 409 resume of a task whose budget would still be spent */
    CODE_BAD_REQUEST,        /* 400 not HTTP */
    CODE_ORIGIN_REFUSED,     /* 403 a page of this origin may not do that */
    CODE_COUNT
};

struct code_info {
    const char *name;  /* "TASK_NOT_FOUND" */
    const char *title; /* a short human phrase */
    int http_status;   /* 0 for errors of steps */
};

const struct code_info *code_info(enum code c);
/* CODE_NONE if there is no such name. */
enum code code_parse(struct bytes name);

#endif
