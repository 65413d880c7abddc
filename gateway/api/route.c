#include "api/route.h"

#include <string.h>

#include "model/pipeline.h"

#define PREFIX "/api/v1/marathon"

struct route_row {
    const char *name;
    const char *path; /* ending in '/': an id follows */
    bool post;
    const char *tail; /* follows the id: "/<step>" and this; NULL = nothing */
};

static const struct route_row rows[CALL_COUNT] = {
    [CALL_START] = {"start", PREFIX "/start", true, NULL},
    [CALL_START_BATCH] = {"start_batch", PREFIX "/start/batch", true, NULL},
    [CALL_STATUS] = {"status", PREFIX "/status/", false, NULL},
    [CALL_RECOVER] = {"recover", PREFIX "/recover/", true, NULL},
    [CALL_CANCEL] = {"cancel", PREFIX "/cancel/", true, NULL},
    [CALL_PAUSE] = {"pause", PREFIX "/pause/", true, NULL},
    [CALL_RESUME] = {"resume", PREFIX "/resume/", true, NULL},
    [CALL_SIGNAL] = {"signal", PREFIX "/signal/", true, NULL},
    [CALL_FORK] = {"fork", PREFIX "/fork/", true, NULL},
    [CALL_CHECKPOINTS] = {"checkpoints", PREFIX "/checkpoints/", false, NULL},
    [CALL_HISTORY] = {"history", PREFIX "/history/", false, NULL},
    [CALL_RESULT] = {"result", PREFIX "/result/", false, NULL},
    [CALL_STREAM] = {"stream", PREFIX "/stream/", false, NULL},
    [CALL_TASKS] = {"tasks", PREFIX "/tasks", false, NULL},
    [CALL_ITEMS] = {"items", PREFIX "/tasks/", false, NULL},
    [CALL_PIPELINES] = {"pipelines", PREFIX "/pipelines", false, NULL},
    [CALL_PIPELINE] = {"pipeline", PREFIX "/pipelines/", false, NULL},
    [CALL_PIPELINE_PUT] = {"put_pipeline", PREFIX "/pipelines/", false, NULL},
    [CALL_PIPELINE_VERSIONS] = {"versions", PREFIX "/pipelines/", false, NULL},
    [CALL_PIPELINE_CHECK] = {"check_pipeline", PREFIX "/pipelines/validate", true, NULL},
    [CALL_WORKERS] = {"workers", PREFIX "/workers", false, NULL},
    [CALL_USAGE] = {"usage", PREFIX "/usage", false, NULL},
    [CALL_DEAD_LETTERS] = {"dead_letters", PREFIX "/dead-letters", false, NULL},
    [CALL_REQUEUE_ALL] = {"requeue_all", PREFIX "/dead-letters/requeue", true, NULL},
    [CALL_REQUEUE] = {"requeue", PREFIX "/dead-letters/", true, "/requeue"},
    [CALL_LIVE] = {"livez", "/livez", false, NULL},
    [CALL_READY] = {"readyz", "/readyz", false, NULL},
    [CALL_METRICS] = {"metrics", "/metrics", false, NULL},
    [CALL_OPENAPI] = {"openapi", "/openapi.json", false, NULL},
    [CALL_SOCKET] = {"socket", "/api/v1/ws/marathon/", false, NULL},
};

const char *call_name(enum call c)
{
    return rows[c].name;
}

/* Splits "<id>/<step><tail>" into its two names. */
static bool split_tail(const char *tail, struct bytes *id, struct bytes *ret_step)
{
    size_t end = strlen(tail);
    const uint8_t *slash = memchr(id->ptr, '/', id->len);
    size_t at = slash != NULL ? (size_t)(slash - id->ptr) : 0;
    if (at == 0 || id->len < at + 2 + end || !bytes_is(bytes_part(*id, id->len - end, end), tail)) {
        return false;
    }
    *ret_step = bytes_part(*id, at + 1, id->len - end - at - 1);
    *id = bytes_part(*id, 0, at);
    return true;
}

static bool row_matches(const struct route_row *row, struct bytes path, struct route *ret_route)
{
    struct bytes own = bytes_str(row->path);
    bool takes_id = own.ptr[own.len - 1] == '/';
    ret_route->id = ret_route->step = BYTES_NONE;
    if (!takes_id) {
        return bytes_eq(path, own);
    }
    if (path.len <= own.len || !bytes_eq(bytes_part(path, 0, own.len), own)) {
        return false;
    }
    ret_route->id = bytes_part(path, own.len, path.len - own.len);
    return row->tail == NULL || split_tail(row->tail, &ret_route->id, &ret_route->step);
}

/* "t1/steps/extract/items": the task's id and the step. */
static bool items_path(struct route *r)
{
    static const char middle[] = "/steps/", end[] = "/items";
    struct bytes path = r->id;
    size_t slash = 0;
    while (slash < path.len && path.ptr[slash] != '/') {
        slash++;
    }
    size_t step = slash + strlen(middle);
    if (path.len <= step + strlen(end) ||
        !bytes_is(bytes_part(path, slash, strlen(middle)), middle) ||
        !bytes_is(bytes_part(path, path.len - strlen(end), strlen(end)), end)) {
        return false;
    }
    r->id = bytes_part(path, 0, slash);
    r->step = bytes_part(path, step, path.len - strlen(end) - step);
    return r->id.len > 0 && r->step.len > 0;
}

/* Distinguishes the calls that share a pipeline's path. */
static void refine_pipeline(struct bytes method, struct route *r)
{
    static const char versions[] = "/versions";
    size_t end = strlen(versions);
    if (r->id.len > end && bytes_is(bytes_part(r->id, r->id.len - end, end), versions)) {
        r->id = bytes_part(r->id, 0, r->id.len - end);
        r->call = CALL_PIPELINE_VERSIONS;
    } else if (bytes_is(method, "PUT")) {
        r->call = CALL_PIPELINE_PUT;
    } else if (bytes_is(method, "POST") && bytes_is(r->id, "validate")) {
        r->id = BYTES_NONE;
        r->call = CALL_PIPELINE_CHECK;
    }
}

static bool call_of(struct bytes method, struct bytes path, struct route *ret_route)
{
    if (bytes_is(path, "/healthz")) { /* the alias that other systems' probes use */
        *ret_route = (struct route){.call = CALL_READY};
        return true;
    }
    for (int c = 0; c < CALL_COUNT; c++) {
        if (row_matches(&rows[c], path, ret_route) && (c != CALL_ITEMS || items_path(ret_route))) {
            ret_route->call = (enum call)c;
            if (c == CALL_PIPELINE) {
                refine_pipeline(method, ret_route);
            }
            return true;
        }
    }
    return false;
}

static void method_refuse(const struct route *r, struct problem *ret_problem)
{
    /* may also be a pipeline's name */
    bool checks = r->call == CALL_PIPELINE && bytes_is(r->id, "validate");
    const char *methods = rows[r->call].post         ? "POST"
                          : checks                   ? "GET, HEAD, POST, PUT"
                          : r->call == CALL_PIPELINE ? "GET, HEAD, PUT"
                                                     : "GET, HEAD";
    problem_set(ret_problem, CODE_METHOD_NOT_ALLOWED, "this call takes %s", methods);
    ret_problem->allow = methods;
}

bool route_find(struct bytes method, struct bytes path, struct route *ret_route,
                struct problem *ret_problem)
{
    struct route r;
    if (!call_of(method, path, &r)) {
        struct bytes shown = bytes_part(path, 0, 200);
        problem_set(
            ret_problem, CODE_NOT_FOUND,
            "there is nothing at %.*s; the calls are under /api/v1/marathon, see /openapi.json",
            (int)shown.len, (const char *)shown.ptr);
        return false;
    }
    bool post = rows[r.call].post;
    bool fits = r.call == CALL_PIPELINE_PUT ? bytes_is(method, "PUT")
                : post                      ? bytes_is(method, "POST")
                                            : bytes_is(method, "GET") || bytes_is(method, "HEAD");
    if (!fits) {
        method_refuse(&r, ret_problem);
        return false;
    }
    if (r.step.len > 0 && !step_name_valid(r.step)) {
        problem_set(ret_problem, CODE_INVALID_ID,
                    "this is not a valid step name: its parts are 1 to %d of the characters A-Z "
                    "a-z 0-9 _ . : -, joined by / (in a path %%2F)",
                    ID_BYTES_MAX);
        return false;
    }
    if (r.id.len > 0 && !id_valid(r.id)) {
        problem_set(ret_problem, CODE_INVALID_ID,
                    "this is not a valid id: ids are 1 to %d of the characters A-Z a-z 0-9 _ . : -",
                    ID_BYTES_MAX);
        return false;
    }
    *ret_route = r;
    return true;
}
