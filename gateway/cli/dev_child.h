/* Child processes that cannot outlive us: started in a process group of their own (so that Ctrl-C
 * reaches only us), killed by the kernel when we die, and found again among the orphans that fall
 * to us. Linux. */
#ifndef MARATHON_CLI_DEV_CHILD_H
#define MARATHON_CLI_DEV_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* Orphaned grandchildren become our children from here on. */
void dev_child_adopt_orphans(void);
/* Starts argv[0] with `env` on top of our environment; its output comes through *ret_output
 * (non-blocking, close it). ERR_IO: errno. */
enum err MUST_CHECK dev_child_start(const char *const *argv, const char *const *env, pid_t *ret_pid,
                                    int *ret_output);
/* To the whole process group of the child. */
void dev_child_signal(pid_t pid, int signo);
/* The next one that ended, 0 where there is none. */
pid_t dev_child_reap(int *ret_status);
/* kill -9 to all children that are still there, orphans too, and waits for them (they cannot
 * refuse). */
void dev_child_kill_all(void);
/* "exited with 1", "killed by signal 9"; static. */
const char *dev_child_end_text(int status);

#endif
