/* One libuv loop per daemon: timers, signals, watched descriptors, a mailbox for other threads, and
 * an end-of-turn hook. The only folder that includes libuv. Everything except loop_post is for the
 * loop's own thread.
 *
 * A turn: descriptors and the mailbox are drained (their callbacks run); then every on_turn_end
 * callback runs once, in the order of registration (batches are flushed there); then the loop
 * sleeps until the next descriptor event, post or deadline, but for at most a second. Hence the age
 * of the last turn tells a stuck loop from an idle one, and after a suspend of the machine no
 * deadline is late by more than a second. When the process has been busy and is quiet again, the
 * loop returns unused heap memory to the system. */
#ifndef MARATHON_LOOP_LOOP_H
#define MARATHON_LOOP_LOOP_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/err.h"

struct loop;
struct loop_timer;
struct loop_watch;

struct loop *loop_create(void);
/* Call after loop_run has returned. Frees the timers and watches that still exist. */
void loop_destroy(struct loop *l);
void loop_run(struct loop *l); /* returns after loop_stop */
void loop_stop(struct loop *l);
/* The uv_loop_t, for libraries that run on a foreign loop (libwebsockets). A program that calls
 * this may have no libuv loops but ours: interest in descriptors is then passed to libuv once a
 * turn. */
void *loop_uv(struct loop *l);
struct moment loop_now(const struct loop *l); /* time of this turn */

typedef void loop_fn(void *user);
void loop_on_turn_end(struct loop *l, loop_fn *fn, void *user);
/* also allowed from a turn-end callback */
void loop_off_turn_end(struct loop *l, loop_fn *fn, void *user);
/* Call from a turn-end callback that was given more work after it had run: another turn follows at
 * once. Elsewhere it does nothing, since the end of this turn is still to come. */
void loop_turn_again(struct loop *l);

/* From any thread: fn(user) will run on the loop's thread; posts of one thread stay in order.
 * ERR_FULL beyond 65,536 waiting posts (the bound for a stalled loop): the caller must drop the
 * connection or wait. */
enum err MUST_CHECK loop_post(struct loop *l, loop_fn *fn, void *user);
/* When the loop last began a turn, in microseconds of CLOCK_BOOTTIME. Any thread (atomic). */
int64_t loop_last_turn_us(const struct loop *l);

/* One-shot timer. Setting it again re-arms it; NEVER_MS disarms it. A deadline in the past fires in
 * the next turn. */
struct loop_timer *loop_timer_create(struct loop *l, loop_fn *fn, void *user);
void loop_timer_set(struct loop_timer *t, mono_ms deadline);
void loop_timer_destroy(struct loop_timer *t);

enum { LOOP_READABLE = 1, LOOP_WRITABLE = 2 };
/* ready: LOOP_READABLE | LOOP_WRITABLE; both on an error or hang-up. */
typedef void loop_watch_fn(void *user, int ready);
/* fd stays the caller's. */
struct loop_watch *loop_watch_create(struct loop *l, int fd, loop_watch_fn *fn, void *user);
void loop_watch_set(struct loop_watch *w, int interest); /* 0 pauses it */
void loop_watch_destroy(struct loop_watch *w);           /* call before closing the fd */

#define LOOP_ADDRESSES_MAX 64 /* per host; further ones are ignored */
/* A host's addresses as text ("10.0.0.3", "fd00::1"), borrowed for the call; count is 0 if it has
 * none or the lookup failed. */
typedef void loop_resolved_fn(void *user, const char *const *addresses, size_t count);
/* Asks the system's resolver; calls fn once, in a later turn. Cannot be cancelled: the loop must
 * not be destroyed before. */
void loop_resolve(struct loop *l, const char *host, loop_resolved_fn *fn, void *user);

/* Calls fn(user) on the loop's thread for each delivery. loop_create ignores SIGPIPE. */
void loop_on_signal(struct loop *l, int signo, loop_fn *fn, void *user);

#endif
