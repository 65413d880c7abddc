/* Child processes: which have ended, and what they left behind. One per process, since it waits for
 * all children.
 *
 * Each function's process starts in a session of its own, with REAPER_MARK=<worker>.<serial> in its
 * environment. When it ends, its group is killed before its pid is released. Descendants that left
 * the group become children of this process, which is their subreaper; they are recognised by the
 * mark, and killed once their function has ended. A descendant that has wiped its environment is
 * killed when no function runs. Loop's thread only, which must be the main thread. */
#ifndef MARATHON_RUN_REAPER_H
#define MARATHON_RUN_REAPER_H

#include <sys/types.h>

#include "loop/loop.h"

#define REAPER_MARK "MARATHON_PROCESS"

struct reaper;

/* status: as waitpid gives it. */
typedef void reaper_fn(void *user, int status);

/* worker: the id in the marks; borrowed. Makes this process the subreaper of its descendants. */
struct reaper *reaper_create(struct loop *loop, const char *worker);
/* A serial for the next process; never reused. */
uint64_t reaper_serial(struct reaper *r);
const char *reaper_worker(const struct reaper *r);
/* Calls fn(user, status) once when pid has ended, in a later turn. serial 0: not a function; its
 * group is not killed. */
void reaper_add(struct reaper *r, pid_t pid, uint64_t serial, reaper_fn *fn, void *user);
/* Reports nothing about pid any more; its group is still killed when it ends. */
void reaper_forget(struct reaper *r, pid_t pid);
/* Number of functions' processes that still run. */
size_t reaper_count(const struct reaper *r);
/* Does not wait for any child. The loop must not run any more. */
void reaper_destroy(struct reaper *r);

#endif
