/* Starts a program from a process with threads: between fork and exec it makes only
 * async-signal-safe calls. */
#ifndef MARATHON_RUN_SPAWN_H
#define MARATHON_RUN_SPAWN_H

#include <sys/types.h>

#include "base/err.h"

enum { SPAWN_STDIN, SPAWN_STDOUT, SPAWN_STDERR, SPAWN_NEWS, SPAWN_FDS };

struct spawn_spec {
    const char *const *argv; /* ends with NULL; argv[0] without a slash is looked up in PATH */
    const char *const *env;  /* ends with NULL */
    const char *cwd;         /* NULL = ours */
};

/* Our ends of the pipes, non-blocking and close-on-exec; the caller closes them. report: reads end
 * of file once the program has begun, otherwise struct spawn_report. */
struct spawned {
    pid_t pid; /* leads its own session and group, and dies with the thread that called */
    int fds[SPAWN_FDS];
    int report;
};

struct spawn_report {
    int error;     /* errno */
    char stage[8]; /* "chdir" or "exec" */
};

/* ERR_IO: no pipe or no process (errno says why). */
enum err MUST_CHECK spawn_program(const struct spawn_spec *spec, struct spawned *ret_child);

#endif
