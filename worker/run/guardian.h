/* A small process beside the worker that outlives it: when the worker is gone, for whatever reason,
 * it kills what the worker's functions have left. It is the last of three safety nets: a function's
 * process dies with the worker by itself (spawn.h); the process group dies with its leader
 * (reaper.h); the guardian finds everything else by the reaper's mark. */
#ifndef MARATHON_RUN_GUARDIAN_H
#define MARATHON_RUN_GUARDIAN_H

#include "base/err.h"

/* Call before any thread is started. worker: the id in the marks. ERR_IO: no process could be
 * created. */
enum err MUST_CHECK guardian_start(const char *worker);
/* Kills every process whose environment has the worker's mark; returns how many there were. */
unsigned guardian_sweep(const char *worker);

#endif
