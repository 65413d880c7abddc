/* A runner executes attempts: it starts functions of one kind, passes on what they report, and
 * stops them.
 *
 * A vtable with one implementation per kind (run_exec, run_http, run_plugin, run_builtin);
 * runners.h routes by function. Loop's thread only. A runner enforces no time limits and knows no
 * coordinators: the agent says when to stop. Errors of a function are results, never errors of the
 * runner. */
#ifndef MARATHON_RUN_RUNNER_H
#define MARATHON_RUN_RUNNER_H

#include "agent/attempt.h"
#include "run/functions.h"

/* What runners report. news: any number of times between start and ended. ended: exactly once per
 * start, never from inside start or stop. */
struct runner_listener {
    void (*news)(void *user, uint64_t number, const struct attempt_news *news);
    void (*ended)(void *user, uint64_t number, const struct attempt_result *result);
    void *user;
};

struct runner;

struct runner_ops {
    /* Everything in call is borrowed for the call; f lives as long as the runner. */
    void (*start)(struct runner *r, const struct function *f, const struct attempt_call *call);
    /* kill false: asks it to end (SIGTERM, or closing the connection); true: by force, and ended
     * follows within PROCESS_KILL_MS. A number that has ended is ignored. */
    void (*stop)(struct runner *r, uint64_t number, bool kill);
    /* Kills what runs, without telling the listener. Not allowed from within the listener. */
    void (*destroy)(struct runner *r);
};

struct runner {
    const struct runner_ops *ops;
};

#endif
