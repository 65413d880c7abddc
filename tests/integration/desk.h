/* A coordinator that only the test speaks for, on the real wire, with a real marathon-worker in
 * front of it. */
#ifndef MARATHON_TESTS_DESK_H
#define MARATHON_TESTS_DESK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/types.h>

#include "base/map.h"
#include "loop/loop.h"
#include "model/message.h"
#include "transport/transport.h"

#define DESK_WAIT_MS 60000 /* whatever a test waits for fails after this */

/* What the worker told about one task (the tests' tasks have one step). */
struct desk_task {
    char id[64];
    unsigned outcomes; /* how often it was told */
    struct step_outcome outcome;
    struct arena memory; /* of outcome */
    unsigned news;
    double fraction;
    mono_ms ordered_at, ended_at;
};

struct desk {
    struct loop *loop;
    struct transport *transport;
    struct loop_timer *beat, *look;
    conn_id conn; /* 0: no worker */
    char folder[64];
    char url[128];
    pid_t worker;
    int log; /* the reading end of its stderr, -1 = passed through */
    struct desk_task tasks[32];
    size_t task_count;
    bool acknowledges;
    /* what was heard since the connection was opened */
    unsigned hellos; /* over all connections */
    unsigned runnings;
    uint32_t claims;  /* attempts in the newest RUNNING */
    uint32_t credits; /* granted and not used */
    bool draining;
    unsigned beats; /* over all connections */
    uint32_t loop_age_ms;
    mono_ms beat_at, beat_gap_ms; /* of the newest, the longest between two */
    unsigned refusals;
    bool exited;
    int status;
};

struct desk_options {
    const char *functions; /* text of a functions file */
    const char *slots;
    const char *drain_s;
    const char *grace_s;
    unsigned refusals; /* so many connections are refused first */
    bool log_pipe;     /* its stderr is a small pipe that the test reads, or not */
};

/* Listens, starts the worker, waits for its first credit. */
struct desk *desk_open(const struct desk_options *options);
/* Kills the worker where it still runs. */
void desk_close(struct desk *d);

/* Runs the loop until done(user); looked at every 5 ms. */
void desk_until(struct desk *d, bool (*done)(struct desk *d, void *user), void *user);
struct desk_task *desk_order(struct desk *d, const char *task, const char *function,
                             uint32_t timeout_ms);
void desk_send_order(struct desk *d, const struct step_order *order);
struct step_order desk_order_of(const char *task, const char *function, uint32_t timeout_ms);
/* Until the task's outcome is there at least `times` times. */
void desk_wait_outcome(struct desk *d, struct desk_task *t, unsigned times);
/* Acknowledges the task's outcome by hand. */
void desk_answer(struct desk *d, const struct desk_task *t, enum verdict verdict);
void desk_stop(struct desk *d, const char *task);
/* Cuts the connection and waits until the worker is back and has granted credit. */
void desk_reconnect(struct desk *d);
void desk_signal(struct desk *d, int signo);
/* Until the worker's process has ended; its exit status as waitpid gives it. */
int desk_wait_exit(struct desk *d);
/* A pid that a function has written into a file of the folder, once it is there. */
pid_t desk_wait_pid(struct desk *d, const char *file);
void desk_wait_gone(struct desk *d, pid_t pid);
void desk_assert_failed(const struct desk_task *t, enum code code, const char *part);

#endif
