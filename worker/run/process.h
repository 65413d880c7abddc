/* A function's process: its pipes on the loop, its end, and killing it with its whole group. Loop's
 * thread only. */
#ifndef MARATHON_RUN_PROCESS_H
#define MARATHON_RUN_PROCESS_H

#include <stdbool.h>

#include "base/bytes.h"
#include "loop/loop.h"
#include "run/reaper.h"
#include "run/spawn.h"

/* How long its pipes are read after the process has ended: a descendant that escaped may hold them
 * open. */
#define PROCESS_DRAIN_MS 200
/* After a kill, the end is reported after this time at the latest, even if the kernel has not let
 * go of the process. */
#define PROCESS_KILL_MS 1000

struct process;

struct process_end {
    const char
        *error; /* why it could not be started, as in "No such file or directory"; NULL otherwise */
    const char *stage; /* with error: "exec", "chdir", "fork" */
    bool lacking;      /* with error: the system lacked resources; a retry may succeed */
    int status;        /* as waitpid gives it */
};

struct process_handler {
    /* stream: SPAWN_STDOUT, SPAWN_STDERR or SPAWN_NEWS. */
    void (*output)(void *user, int stream, struct bytes data);
    /* Buffers to which streams are appended; output's data is the new part. Owned by the caller,
     * which may shorten or replace them in output. NULL: not kept. */
    struct buf *kept[SPAWN_FDS];
    /* Exactly once, never inside process_start; no output afterwards. process_destroy is allowed
     * here. */
    void (*ended)(void *user, const struct process_end *end);
    void *user;
};

/* Never fails: errors are reported by ended. Adds the reaper's mark to env. */
struct process *process_start(struct loop *loop, struct reaper *reaper,
                              const struct spawn_spec *spec, struct process_handler handler);
/* Queues input. Takes the buffer's content, leaving it empty. What the process does not read is
 * dropped at its end. */
void process_write(struct process *p, struct buf *data);
/* Closes its stdin, once all is written. */
void process_close_input(struct process *p);
/* Delivers now what is in the pipe of that stream, up to 64 KiB. */
void process_read(struct process *p, int stream);
/* SIGTERM to its group. */
void process_stop(struct process *p);
/* SIGKILL to its group. */
void process_kill(struct process *p);
/* Kills it if it still runs. Not allowed inside output. */
void process_destroy(struct process *p);

#endif
