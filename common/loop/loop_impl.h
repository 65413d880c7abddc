/* Internals of the loop, shared only by its own files. */
#ifndef MARATHON_LOOP_LOOP_IMPL_H
#define MARATHON_LOOP_LOOP_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <uv.h>

#include "loop/loop.h"

#define POSTS_MAX    65536u /* see loop_post: the bound for a stalled loop */
#define PULSE_MS_MAX 1000   /* the longest sleep, see loop.h */

/* The clock of this turn. Behind a pointer, so that functions with a const loop can read the clock
 * on first use. */
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

/* Two lists: other threads fill one under the lock while the loop drains the other. */
struct mailbox {
    pthread_mutex_t lock;
    struct post_list filling;  /* under the lock */
    struct post_list draining; /* used by the loop's thread only */
    uv_async_t async;
};

struct turn_end {
    loop_fn *fn; /* NULL: removed, swept after the round */
    void *user;
};

/* When the process was last examined, and the CPU time it had used by then. */
struct memory {
    mono_ms looked_at;
    int64_t cpu_us;
    int64_t busy_us;     /* CPU time used since memory was last returned */
    uint64_t given_back; /* how often memory was returned */
};

/* Interest in one descriptor; event numbers are libuv's. */
struct interest {
    uv_poll_t *poll;
    uv_poll_cb fn;
    uint8_t wanted;
    uint8_t told; /* what libuv has been told */
    bool changed; /* it is in the list of changed ones */
};

struct interests {
    struct interest *of; /* indexed by descriptor */
    size_t count;
    size_t cap;
    int *changed; /* the descriptors whose interest changed */
    size_t changed_count;
    size_t changed_cap;
};

struct loop {
    uv_loop_t uv; /* first member: a loop pointer is its uv_loop_t pointer */
    uv_prepare_t prepare;
    uv_check_t check;
    uv_timer_t tick; /* the only libuv timer: wakes the loop for the earliest of our deadlines */
    bool running;
    struct turn *turn;
    struct mailbox mailbox;

    struct memory memory;

    struct turn_end *ends;
    size_t end_count;
    size_t end_cap;
    bool ending; /* turn-end callbacks are running */
    bool again;

    struct loop_timer **heap; /* armed timers, ordered by (deadline, sequence) */
    size_t heap_count;
    size_t heap_cap;
    uint64_t timer_sequence;
    struct loop_timer *timers; /* all timers, armed or not */
    struct loop_watch *watches;
    struct loop_signal *signals;
    struct interests interests;
};

/* Call first in each callback from libuv: reads the clock if this turn has not done so yet. */
void turn_begin(struct turn *t);

/* Returns unused memory to the system when it is time for that. */
void memory_look(struct memory *m, mono_ms now);

void mailbox_init(struct loop *l);
void mailbox_close(struct loop *l); /* closes the async handle */
void mailbox_free(struct loop *l);  /* call after the handle is closed */

/* Runs the timers that are due; those set meanwhile wait for the next turn. */
void timers_run(struct loop *l);
/* Milliseconds until the earliest deadline, clamped to 0..PULSE_MS_MAX. */
uint64_t timers_sleep_ms(const struct loop *l);
void timers_free(struct loop *l);

/* Replacements for uv_poll_start() and uv_poll_stop() on handles of our loops; libuv hears of the
 * changes once a turn. Close the handle before its descriptor, which stays in the epoll set until
 * then. */
int interest_start(uv_poll_t *poll, int events, uv_poll_cb fn);
int interest_stop(uv_poll_t *poll);
/* Call before libuv waits, and before it frees closed handles: a changed handle must still
 * exist. */
void interests_tell(struct interests *all);
void interests_free(struct interests *all);

void watches_close(struct loop *l); /* closes signals too */

#endif
