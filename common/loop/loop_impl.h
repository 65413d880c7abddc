/* Inside of the loop: shared by its own files only. */
#ifndef MARATHON_LOOP_LOOP_IMPL_H
#define MARATHON_LOOP_LOOP_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <uv.h>

#include "loop/loop.h"

#define POSTS_MAX    65536u /* as loop.h says: a bound against a stalled loop */
#define PULSE_MS_MAX 1000   /* longest sleep, as loop.h says */

/* The clock as of this turn. Behind a pointer, so that asking for it (which may read the clock)
 * leaves the loop const. */
struct turn {
    struct moment now;
    bool begun;
    _Atomic int64_t last_us;
};

struct post {
    loop_fn *fn;
    void *user;
};

struct post_list {
    struct post *items;
    size_t count;
    size_t cap;
};

/* Two lists: other threads fill one under the lock while the loop runs the other. */
struct mailbox {
    pthread_mutex_t lock;
    struct post_list filling;  /* under the lock */
    struct post_list draining; /* the loop's own */
    uv_async_t async;
};

struct turn_end {
    loop_fn *fn; /* NULL: taken out, swept after the round */
    void *user;
};

/* When the process was last looked at, and its CPU until then. */
struct memory {
    mono_ms looked_at;
    int64_t cpu_us;
    int64_t busy_us;     /* CPU since memory was last given back */
    uint64_t given_back; /* so many times */
};

/* Of one descriptor; the numbers are libuv's. */
struct interest {
    uv_poll_t *poll;
    uv_poll_cb fn;
    uint8_t wanted;
    uint8_t told; /* libuv knows this one */
    bool changed; /* it is among those to be told */
};

struct interests {
    struct interest *of; /* by descriptor */
    size_t count;
    size_t cap;
    int *changed; /* descriptors */
    size_t changed_count;
    size_t changed_cap;
};

struct loop {
    uv_loop_t uv; /* first: a loop is its uv_loop_t */
    uv_prepare_t prepare;
    uv_check_t check;
    uv_timer_t tick; /* the one uv timer: wakes the loop for the earliest of ours */
    bool running;
    struct turn *turn;
    struct mailbox mailbox;

    struct memory memory;

    struct turn_end *ends;
    size_t end_count;
    size_t end_cap;
    bool ending; /* turn-end callbacks are being run */
    bool again;

    struct loop_timer **heap; /* armed timers, by (deadline, sequence) */
    size_t heap_count;
    size_t heap_cap;
    uint64_t timer_sequence;
    struct loop_timer *timers; /* all, armed or not */
    struct loop_watch *watches;
    struct loop_signal *signals;
    struct interests interests;
};

/* First thing in each callback from libuv: reads the clock where this turn has not yet. */
void turn_begin(struct turn *t);

/* Gives unused memory back to the system, where it is time for that. */
void memory_look(struct memory *m, mono_ms now);

void mailbox_init(struct loop *l);
void mailbox_close(struct loop *l); /* the async handle */
void mailbox_free(struct loop *l);  /* after it is closed */

/* Runs the timers that are due; those set meanwhile wait for the next turn. */
void timers_run(struct loop *l);
/* Milliseconds until the earliest deadline, within 0..PULSE_MS_MAX. */
uint64_t timers_sleep_ms(const struct loop *l);
void timers_free(struct loop *l);

/* uv_poll_start() and uv_poll_stop() of a handle of a loop of ours, told to libuv once a turn. The
 * handle is to be closed before its descriptor, which is in the epoll set until then. */
int interest_start(uv_poll_t *poll, int events, uv_poll_cb fn);
int interest_stop(uv_poll_t *poll);
/* Before libuv waits, and before it frees what was closed: a handle that has changed is one still.
 */
void interests_tell(struct interests *all);
void interests_free(struct interests *all);

void watches_close(struct loop *l); /* and signals */

#endif
