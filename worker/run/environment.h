/* The environment of a function: the worker's own, without the worker's settings and the store's
 * address; then what the function's configuration adds; then the attempt:
 *
 * - MARATHON_TASK_ID, MARATHON_STEP (its name), MARATHON_STEP_ID, MARATHON_ATTEMPT,
 *   MARATHON_IDEMPOTENCY_KEY; for an item also MARATHON_INDEX (from 0)
 * - MARATHON_DATA_DIR and MARATHON_EFFECTS_LOG, if the worker has them
 * - MARATHON_PROCESS: the reaper's mark */
#ifndef MARATHON_RUN_ENVIRONMENT_H
#define MARATHON_RUN_ENVIRONMENT_H

#include "agent/attempt.h"
#include "run/functions.h"

/* May functions see this "K=V" of the worker's environment? */
bool environment_passes(const char *entry);
/* ours: the worker's environment, ends with NULL; extra: the function's, may be NULL; call: NULL if
 * there is no attempt (a plugin host). The array and new strings live in arena; the rest is
 * borrowed. */
const char *const *environment_make(struct arena *arena, char *const *ours,
                                    const char *const *extra, const struct attempt_call *call);

#endif
