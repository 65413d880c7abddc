/* Child processes that cannot outlive us: each is started in its own process group (so that Ctrl-C
 * reaches only us), is killed by the kernel when we die, and its orphans become our children.
 * Linux. */
#ifndef MARATHON_CLI_DEV_CHILD_H
#define MARATHON_CLI_DEV_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* From here on orphaned grandchildren become our children. */
void dev_child_adopt_orphans(void);
/* Starts argv[0] with `env` on top of our environment. Its output comes through *ret_output
 * (non-blocking; the caller closes it). ERR_IO: errno says why. */
enum err MUST_CHECK dev_child_start(const char *const *argv, const char *const *env, pid_t *ret_pid,
                                    int *ret_output);
/* Signals the child's whole process group. */
void dev_child_signal(pid_t pid, int signo);
/* The next child that has ended, 0 if there is none. */
pid_t dev_child_reap(int *ret_status);
/* Sends SIGKILL to all remaining children, orphans too, and waits for them (they cannot refuse). */
void dev_child_kill_all(void);
/* "exited with 1", "killed by signal 9"; static. */
const char *dev_child_end_text(int status);

#endif
