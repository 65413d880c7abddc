/* A function's process: its pipes on the loop, its end, its death with all of its group. Everything
 * on the loop's thread. */
#ifndef MARATHON_RUN_PROCESS_H
#define MARATHON_RUN_PROCESS_H

#include <stdbool.h>

#include "base/bytes.h"
#include "loop/loop.h"
#include "run/reaper.h"
#include "run/spawn.h"

/* After the process has ended, its pipes are read for so long: somebody who escaped may hold them
 * open. */
#define PROCESS_DRAIN_MS 200
/* After a kill, an end is told at the latest now, even where the kernel has not let go of the
 * process. */
#define PROCESS_KILL_MS 1000

struct process;

struct process_end {
    const char
        *error; /* it could not be started: why, as "No such file or directory"; NULL otherwise */
    const char *stage; /* with error: "exec", "chdir", "fork" */
    bool lacking;      /* with error: the system had not the means; later it may */
    int status;        /* as waitpid gives it */
};

struct process_handler {
    /* stream: SPAWN_STDOUT, SPAWN_STDERR or SPAWN_NEWS. */
    void (*output)(void *user, int stream, struct bytes data);
    /* Where what comes on a stream is read to, behind what is there: data is the new part. The
     * caller's; it may shorten it, or put another into its place, in output. NULL: nowhere. */
    struct buf *kept[SPAWN_FDS];
    /* Exactly once, never inside process_start; no output afterwards. process_destroy is allowed
     * here. */
    void (*ended)(void *user, const struct process_end *end);
    void *user;
};

/* Never fails: what goes wrong is told by ended. env is completed with the reaper's mark. */
struct process *process_start(struct loop *loop, struct reaper *reaper,
                              const struct spawn_spec *spec, struct process_handler handler);
/* Queues input, taking the buffer, which is empty then; what the process does not read is dropped
 * at its end. */
void process_write(struct process *p, struct buf *data);
/* End of file on its stdin, once all is written. */
void process_close_input(struct process *p);
/* Hands over now what stands in the pipe of that stream, up to 64 KiB. */
void process_read(struct process *p, int stream);
/* SIGTERM to its group. */
void process_stop(struct process *p);
/* SIGKILL to its group. */
void process_kill(struct process *p);
/* Kills it where it still runs. Not inside output. */
void process_destroy(struct process *p);

#endif
