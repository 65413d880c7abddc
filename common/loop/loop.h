/* One libuv loop per daemon: timers, signals, watched descriptors, a mailbox for other threads, and
 * the end of a turn. The only folder that includes libuv. Everything but loop_post is for the
 * loop's own thread.
 *
 * A turn: descriptors and mailbox are drained (callbacks run), then every on_turn_end callback runs
 * once, in the order in which it was added (that is where batches are flushed), then the loop
 * sleeps until the next descriptor, post or deadline, at most a second: so the age of its last turn
 * tells a stuck loop from an idle one, and no deadline is late by more than that after the machine
 * was suspended. When the process has been busy and is quiet again, the loop gives the memory that
 * nobody uses any more back to the system. */
#ifndef MARATHON_LOOP_LOOP_H
#define MARATHON_LOOP_LOOP_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/err.h"

struct loop;
struct loop_timer;
struct loop_watch;

struct loop *loop_create(void);
/* After loop_run returned; frees timers and watches still there. */
void loop_destroy(struct loop *l);
void loop_run(struct loop *l); /* until loop_stop */
void loop_stop(struct loop *l);
/* The uv_loop_t, for libraries that run on a foreign loop (libwebsockets). All loops of a program
 * that calls this must be ours: what they want of descriptors is told to libuv once a turn. */
void *loop_uv(struct loop *l);
struct moment loop_now(const struct loop *l); /* of this turn */

typedef void loop_fn(void *user);
void loop_on_turn_end(struct loop *l, loop_fn *fn, void *user);
void loop_off_turn_end(struct loop *l, loop_fn *fn, void *user); /* allowed inside a turn's end */
/* From within a turn's end: one more turn follows at once, for a callback that was given work after
 * it had run. Elsewhere it does nothing, since the end of this turn is still to come. */
void loop_turn_again(struct loop *l);

/* From any thread: fn(user) will run on the loop's thread, in order per thread. ERR_FULL beyond
 * 65,536 waiting posts (a bound against a stalled loop; the caller must drop the connection or
 * wait). */
enum err MUST_CHECK loop_post(struct loop *l, loop_fn *fn, void *user);
/* Microseconds of CLOCK_BOOTTIME at which the loop last began a turn. Any thread (atomic). */
int64_t loop_last_turn_us(const struct loop *l);

/* One-shot timer, re-armed by setting it again; NEVER_MS disarms. A deadline in the past fires in
 * the next turn. */
struct loop_timer *loop_timer_create(struct loop *l, loop_fn *fn, void *user);
void loop_timer_set(struct loop_timer *t, mono_ms deadline);
void loop_timer_destroy(struct loop_timer *t);

enum { LOOP_READABLE = 1, LOOP_WRITABLE = 2 };
/* ready: LOOP_READABLE | LOOP_WRITABLE, both on error or hang-up. */
typedef void loop_watch_fn(void *user, int ready);
/* fd stays the caller's. */
struct loop_watch *loop_watch_create(struct loop *l, int fd, loop_watch_fn *fn, void *user);
void loop_watch_set(struct loop_watch *w, int interest); /* 0 pauses */
void loop_watch_destroy(struct loop_watch *w);           /* before the fd is closed */

#define LOOP_ADDRESSES_MAX 64 /* of one host; more are left out */
/* The texts of a host's addresses ("10.0.0.3", "fd00::1"), borrowed for the call; none where it has
 * none or cannot be asked for. */
typedef void loop_resolved_fn(void *user, const char *const *addresses, size_t count);
/* Asks the system's resolver; fn is called once, in a later turn. It cannot be taken back: the loop
 * must not be destroyed before. */
void loop_resolve(struct loop *l, const char *host, loop_resolved_fn *fn, void *user);

/* fn(user) on the loop thread for each delivery. SIGPIPE is ignored by loop_create. */
void loop_on_signal(struct loop *l, int signo, loop_fn *fn, void *user);

#endif
