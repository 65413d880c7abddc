/* Runners on a real loop with real processes; a test waits for ends, never for time to pass. */
#ifndef MARATHON_TESTS_RUN_BENCH_H
#define MARATHON_TESTS_RUN_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "run/runners.h"

#define BENCH_CALLS_MAX 64
#define BENCH_WAIT_MS   30000 /* a test that hangs fails after this */

/* What the runners told about one call. */
struct bench_call {
    bool ended;
    struct attempt_result result;
    struct arena memory; /* of result */
    unsigned news;
    double fraction;      /* the newest */
    char message[256];    /* the newest */
    char checkpoint[256]; /* the newest */
    struct usage_sum used;
    mono_ms began, took_ms;
};

struct bench {
    struct loop *loop;
    struct reaper *reaper;
    struct functions functions;
    struct runner_world world;
    struct runners *runners;
    struct loop_timer *deadline;
    struct bench_call calls[BENCH_CALLS_MAX]; /* by number, from 1 */
    uint64_t last;
    unsigned running;
    bool waiting;    /* orders that are started now had to wait for a slot */
    char folder[64]; /* of its own, for the functions' files; their work directory */
};

/* functions: the text of a functions file; NULL = only the built-ins. */
struct bench *bench_open(const char *functions);
void bench_close(struct bench *b);
/* An exec function "f" that is /bin/sh -c script. */
struct bench *bench_open_sh(const char *script);

/* Starts a call of step_2 "extract" of task "task-1", attempt 1, and returns its number. input may
 * be NULL. */
uint64_t bench_start(struct bench *b, const char *function, const char *input);
uint64_t bench_start_order(struct bench *b, const struct step_order *order);
struct step_order bench_order(const char *function, const char *input);
/* Runs the loop until every call has ended. */
void bench_wait(struct bench *b);
/* Runs the loop until done(user) is true; looked at every 5 ms. */
void bench_until(struct bench *b, bool (*done)(void *user), void *user);
/* Runs it twice, the second time as if its order had had to wait: both give the same. */
void bench_run_both(struct bench *b, const char *function, const char *input);
/* Starts one, waits for it, returns it. */
const struct bench_call *bench_run(struct bench *b, const char *function, const char *input);

/* The number in a file of the bench's folder; 0 while it is not there. */
long bench_number(const struct bench *b, const char *file);
/* Waits until a function has written a pid to that file, and until that process is gone. */
pid_t bench_wait_pid(struct bench *b, const char *file);
void bench_wait_gone(struct bench *b, pid_t pid);

/* Fails the test where the call did not fail like that; part: of the message. */
void bench_assert_failed(const struct bench_call *c, enum code code, const char *part);
void bench_assert_result(const struct bench_call *c, const char *json);

#endif
