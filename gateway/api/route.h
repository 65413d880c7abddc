/* Maps a request's method and path to a call. Pure; the only table of paths. */
#ifndef MARATHON_API_ROUTE_H
#define MARATHON_API_ROUTE_H

#include "api/problem.h"

enum call {
    CALL_START,
    CALL_START_BATCH,
    CALL_STATUS,
    CALL_RECOVER,
    CALL_CANCEL,
    CALL_PAUSE,
    CALL_RESUME,
    CALL_SIGNAL,
    CALL_FORK,
    CALL_CHECKPOINTS,
    CALL_HISTORY,
    CALL_RESULT,
    CALL_STREAM,
    CALL_TASKS,
    CALL_ITEMS,
    CALL_PIPELINES,
    CALL_PIPELINE,
    CALL_PIPELINE_PUT,
    CALL_PIPELINE_VERSIONS,
    CALL_PIPELINE_CHECK,
    CALL_WORKERS,
    CALL_USAGE,
    CALL_DEAD_LETTERS,
    CALL_REQUEUE_ALL,
    CALL_REQUEUE,
    CALL_LIVE,
    CALL_READY,
    CALL_METRICS,
    CALL_OPENAPI,
    CALL_SOCKET, /* WebSocket; only by an upgrade */
    CALL_COUNT
};

struct route {
    enum call call;
    struct bytes id;   /* the task's, or the pipeline's name; borrowed from the path */
    struct bytes step; /* CALL_REQUEUE, CALL_ITEMS: name or step_id */
};

/* path is decoded and without the query. HEAD is treated as GET. False: ret_problem says why (404,
 * 405 with Allow). */
bool route_find(struct bytes method, struct bytes path, struct route *ret_route,
                struct problem *ret_problem);
/* "start": for logs and as a label of metrics. */
const char *call_name(enum call c);

#endif
