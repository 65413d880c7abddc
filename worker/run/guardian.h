/* A small process beside the worker that outlives it: when the worker is gone, however it went,
 * whatever its functions left is killed. It is the last of three nets: a function's process dies
 * with the worker by itself (spawn.h), its group with its leader's end (reaper.h); the guardian
 * finds the rest by the reaper's mark. */
#ifndef MARATHON_RUN_GUARDIAN_H
#define MARATHON_RUN_GUARDIAN_H

#include "base/err.h"

/* Before any thread is started. worker: the id in the marks. ERR_IO: no process could be made. */
enum err MUST_CHECK guardian_start(const char *worker);
/* Kills every process whose environment carries the worker's mark; returns how many there were. */
unsigned guardian_sweep(const char *worker);

#endif
