/* All runners of a worker behind one interface: routes an attempt to the runner of its function's
 * kind. */
#ifndef MARATHON_RUN_RUNNERS_H
#define MARATHON_RUN_RUNNERS_H

#include "run/reaper.h"
#include "run/runner.h"

/* What runners share; lives as long as they do. */
struct runner_world {
    struct loop *loop;
    struct reaper *reaper;
    struct runner_listener listener;
    const char *program;      /* path of marathon-worker, for --plugin-host */
    const char *cwd;          /* of functions without their own; NULL = the worker's */
    char *const *environment; /* the worker's */
};

/* Each borrows world. run_http loads libcurl only when it is created. */
struct runner *run_builtin_create(const struct runner_world *world);
struct runner *run_exec_create(const struct runner_world *world);
struct runner *run_plugin_create(const struct runner_world *world);
struct runner *run_http_create(const struct runner_world *world);

/* A plugin's call without its end (run_plugin.c). */
void plugin_call_begin(const struct function *f, const struct step_order *order, struct buf *out);

struct runners;

/* Borrows world and functions. */
struct runners *runners_create(const struct runner_world *world, const struct functions *functions);
/* For an order_keeper: keeps an order in the form that the function's runner will pass on.
 * functions: a struct functions. */
void runners_keep(const void *functions, struct step_order *order, struct buf *out);
/* call's function must be one of functions. */
void runners_start(struct runners *r, const struct attempt_call *call);
void runners_stop(struct runners *r, uint64_t number, bool kill);
void runners_destroy(struct runners *r);

#endif
