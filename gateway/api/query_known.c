/* The arguments of each call. The calls that clients have always made, the probes and the web
 * page's own calls tolerate others: a ?_=17 that somebody adds against caches must not break a
 * status request. */
#include "api/near.h"
#include "api/query.h"

#define ARGS_MAX 5

struct known_args {
    bool strict;
    const char *names[ARGS_MAX]; /* up to the first NULL */
};

static const struct known_args known[CALL_COUNT] = {
    [CALL_START_BATCH] = {true, {NULL}},
    [CALL_PAUSE] = {true, {NULL}},
    [CALL_RESUME] = {true, {NULL}},
    [CALL_SIGNAL] = {true, {NULL}},
    [CALL_FORK] = {true, {NULL}},
    [CALL_HISTORY] = {true, {"limit", "cursor"}},
    [CALL_RESULT] = {true, {NULL}},
    [CALL_TASKS] = {true, {"status", "task_type", "limit", "cursor"}},
    [CALL_ITEMS] = {true, {"status", "limit", "cursor"}},
    [CALL_PIPELINES] = {true, {NULL}},
    [CALL_PIPELINE] = {true, {"version"}},
    [CALL_PIPELINE_PUT] = {true, {NULL}},
    [CALL_PIPELINE_VERSIONS] = {true, {"limit", "cursor"}},
    [CALL_PIPELINE_CHECK] = {true, {NULL}},
    [CALL_WORKERS] = {true, {NULL}},
    [CALL_USAGE] = {true, {"group_by", "since", "until"}},
    [CALL_DEAD_LETTERS] = {true, {"limit", "cursor"}},
    [CALL_REQUEUE_ALL] = {true, {"limit", "cursor"}},
    [CALL_REQUEUE] = {true, {NULL}},
};

static struct bytes name_of(struct bytes arg)
{
    const uint8_t *equals = memchr(arg.ptr, '=', arg.len);
    return equals != NULL ? bytes_part(arg, 0, (size_t)(equals - arg.ptr)) : arg;
}

static void unknown_set(struct bytes name, const struct known_args *k, size_t count,
                        struct problem *ret_problem)
{
    struct buf rule = {0};
    name.len = name.len < 60 ? name.len : 60;
    near_put(&rule, name, k->names, count);
    if (count == 0) {
        buf_add_str(&rule, ": it takes none");
    }
    problem_set(ret_problem, CODE_INVALID_FIELD,
                "the query parameter `%.*s` does not exist for this call%s", (int)name.len,
                (const char *)name.ptr, buf_cstr(&rule));
    problem_add_parameter(ret_problem, name, "is not a parameter of this call%s", buf_cstr(&rule));
    buf_free(&rule);
}

bool query_check(const struct query *q, enum call call, struct problem *ret_problem)
{
    const struct known_args *k = &known[call];
    size_t count = 0;
    unsigned seen = 0;
    while (count < ARGS_MAX && k->names[count] != NULL) {
        count++;
    }
    for (size_t i = 0; k->strict && i < q->count; i++) {
        struct bytes name = name_of(q->args[i]);
        size_t at = 0;
        while (at < count && !bytes_is(name, k->names[at])) {
            at++;
        }
        if (at == count && q->args[i].len > 0) {
            unknown_set(name, k, count, ret_problem);
            return false;
        }
        if (at < count && (seen & 1u << at) != 0) {
            problem_set(ret_problem, CODE_INVALID_FIELD,
                        "the query parameter `%s` is given twice%s", k->names[at],
                        call == CALL_USAGE ? ": separate its values by commas" : "");
            problem_add_parameter(ret_problem, name, "is given twice");
            return false;
        }
        seen |= at < count ? 1u << at : 0;
    }
    return true;
}
