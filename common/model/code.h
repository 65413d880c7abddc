/* The closed set of codes that users see: in problem+json (`code`), in errors of steps and tasks.
 * Stable for ever: add, never rename. */
#ifndef MARATHON_MODEL_CODE_H
#define MARATHON_MODEL_CODE_H

#include "base/bytes.h"

enum code {
    CODE_NONE = 0,
    /* requests */
    CODE_INVALID_JSON,         /* 400 the body is not JSON or not UTF-8 */
    CODE_INVALID_FIELD,        /* 422 a field has a wrong type or value, or is unknown */
    CODE_INVALID_PIPELINE,     /* 422 the definition does not pass its checks */
    CODE_UNKNOWN_PIPELINE,     /* 422 task_type names none */
    CODE_INVALID_ID,           /* 404 an id outside the alphabet: nothing can have it */
    CODE_TASK_NOT_FOUND,       /* 404 */
    CODE_PIPELINE_NOT_FOUND,   /* 404 */
    CODE_NOT_FOUND,            /* 404 no such path */
    CODE_METHOD_NOT_ALLOWED,   /* 405 */
    CODE_TASK_EXISTS,          /* 409 a start of an id whose task is alive */
    CODE_TASK_ENDED,           /* 409 cancel of an ended task */
    CODE_NOTHING_TO_RECOVER,   /* 409 recover of a task that is alive or completed */
    CODE_RESULT_NOT_READY,     /* 409 result of a task that has not completed */
    CODE_LENGTH_REQUIRED,      /* 411 */
    CODE_TOO_LARGE,            /* 413 body or input over its bound */
    CODE_URI_TOO_LONG,         /* 414 */
    CODE_UNSUPPORTED_TYPE,     /* 415 a body that does not say application/json */
    CODE_IDEMPOTENCY_MISMATCH, /* 422 same Idempotency-Key, other body */
    CODE_UPGRADE_REFUSED,      /* 400 not a WebSocket upgrade we accept */
    CODE_HEADERS_TOO_LARGE,    /* 431 */
    CODE_TOO_MANY_REQUESTS,    /* 429 a client's quota */
    CODE_UNAVAILABLE,          /* 503 the store or the owner is away; Retry-After */
    CODE_STORE_FULL,           /* 503 Redis is at maxmemory; Retry-After */
    CODE_OVERLOADED,           /* 503 a bound of the system is reached; Retry-After */
    CODE_TIMEOUT,  /* 504 no answer in time: the outcome is unknown, repeat with the same key */
    CODE_INTERNAL, /* 500 */
    CODE_STEP_NOT_FOUND,    /* 404 the task has no such step */
    CODE_NOT_A_DEAD_LETTER, /* 409 requeue of a step that is none */
    /* errors of steps (and of the tasks that they end) */
    CODE_FUNCTION_FAILED,      /* non-zero exit, transient by default */
    CODE_FUNCTION_REJECTED,    /* permanent: exit 65, an HTTP 4xx */
    CODE_FUNCTION_CRASHED,     /* died by a signal */
    CODE_FUNCTION_BAD_OUTPUT,  /* no JSON, two values, or not UTF-8 */
    CODE_RESULT_TOO_LARGE,     /* permanent */
    CODE_INPUT_TOO_LARGE,      /* permanent: the envelope of the step is over its bound */
    CODE_STEP_TIMEOUT,         /* the attempt ran past its time limit */
    CODE_FUNCTION_UNAVAILABLE, /* the function could not be started (no such program, no memory,
                                  connection refused) */
    CODE_WORKER_DEATHS,        /* the step killed three workers */
    CODE_TASK_TIMEOUT,         /* max_task_duration passed */
    CODE_RECOVERY_DISABLED,    /* found at a takeover with MARATHON_ENABLE_RECOVERY=false */
    CODE_TASK_TOO_LARGE,       /* permanent: all results together are over their bound */
    CODE_CANCELLED,
    CODE_NOT_PAUSED,     /* 409 resume of a task that does not rest */
    CODE_WAIT_TIMEOUT,   /* of a step: no signal within its timeout, and no default */
    CODE_SIGNAL_TAKEN,   /* 409 the first signal of a name wins, and it was there */
    CODE_UNKNOWN_SIGNAL, /* 422 no step of the task waits for this one */
    CODE_UNAUTHORIZED,   /* 401 no key, or not a valid one */
    CODE_FORBIDDEN,      /* 403 the key may not do this */
    /* permanent: an expression of the step has no value (a path that is not there, a wrong kind) */
    CODE_EXPRESSION_ERROR,
    CODE_STEP_TIMEOUT_TOTAL, /* all attempts together: timeout_total */
    CODE_QUEUE_TIMEOUT,      /* ready, and no worker took it: queue_timeout */
    CODE_PROGRESS_TIMEOUT,   /* the attempt was silent: progress_timeout */
    CODE_TOO_MANY_PIPELINES, /* 409 as many names, or versions of this name, as there may be */
    CODE_BUDGET_EXCEEDED,    /* 409 resume of a task whose budget would still be spent */
    CODE_BAD_REQUEST,        /* 400 not HTTP */
    CODE_ORIGIN_REFUSED,     /* 403 a page of another origin may not do this */
    CODE_COUNT
};

struct code_info {
    const char *name;  /* "TASK_NOT_FOUND" */
    const char *title; /* a short human phrase */
    int http_status;   /* 0 for codes of steps */
};

const struct code_info *code_info(enum code c);
/* CODE_NONE where there is no such name. */
enum code code_parse(struct bytes name);

#endif
