#include "run/runners.h"

#include <assert.h>
#include <stdlib.h>

#include "run/envelope.h"

#define KINDS (FUNCTION_PLUGIN + 1)

struct runners {
    const struct runner_world *world;
    const struct functions *functions;
    struct runner *by_kind[KINDS]; /* created when first needed */
};

static struct runner *runner_of(struct runners *r, enum function_kind kind);

/* Reports a missing libcurl at the start. */
static void http_prepare(struct runners *r)
{
    for (uint32_t i = 0; i < r->functions->count; i++) {
        if (r->functions->items[i].kind == FUNCTION_HTTP) {
            (void)runner_of(r, FUNCTION_HTTP);
            return;
        }
    }
}

struct runners *runners_create(const struct runner_world *world, const struct functions *functions)
{
    struct runners *r = mem_zalloc(sizeof *r);
    r->world = world;
    r->functions = functions;
    http_prepare(r);
    return r;
}

static struct runner *runner_of(struct runners *r, enum function_kind kind)
{
    static struct runner *(*const create[KINDS])(const struct runner_world *) = {
        [FUNCTION_BUILTIN] = run_builtin_create,
        [FUNCTION_EXEC] = run_exec_create,
        [FUNCTION_HTTP] = run_http_create,
        [FUNCTION_PLUGIN] = run_plugin_create,
    };
    if (r->by_kind[kind] == NULL) {
        r->by_kind[kind] = create[kind](r->world);
    }
    return r->by_kind[kind];
}

void runners_keep(const void *functions, struct step_order *order, struct buf *out)
{
    const struct function *f = functions_find(functions, order->function);
    if (f->kind == FUNCTION_BUILTIN) {
        order_keep_plain(NULL, order, out);
        return;
    }
    if (f->kind == FUNCTION_PLUGIN) {
        plugin_call_begin(f, order, out);
    } else {
        envelope_begin(order, out);
    }
    order->input.whole = order->results.whole = order->progress_checkpoint = BYTES_NONE;
}

void runners_start(struct runners *r, const struct attempt_call *call)
{
    const struct function *f = functions_find(r->functions, call->order->function);
    assert(f != NULL && "the agent orders only what the worker offers");
    struct runner *runner = runner_of(r, f->kind);
    runner->ops->start(runner, f, call);
}

void runners_stop(struct runners *r, uint64_t number, bool kill)
{
    for (size_t i = 0; i < KINDS;
         i++) { /* numbers are unique in the process, so at most one runner knows it */
        if (r->by_kind[i] != NULL) {
            r->by_kind[i]->ops->stop(r->by_kind[i], number, kill);
        }
    }
}

void runners_destroy(struct runners *r)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (r->by_kind[i] != NULL) {
            r->by_kind[i]->ops->destroy(r->by_kind[i]);
        }
    }
    free(r);
}
