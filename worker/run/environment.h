/* What functions see in their environment: the worker's own without its settings and without the
 * store's address, then what the function's configuration adds, then the attempt:
 *
 * - MARATHON_TASK_ID, MARATHON_STEP (its name), MARATHON_STEP_ID, MARATHON_ATTEMPT,
 *   MARATHON_IDEMPOTENCY_KEY; of an item MARATHON_INDEX (from 0)
 * - MARATHON_DATA_DIR and MARATHON_EFFECTS_LOG, where the worker has them
 * - MARATHON_PROCESS: the reaper's mark */
#ifndef MARATHON_RUN_ENVIRONMENT_H
#define MARATHON_RUN_ENVIRONMENT_H

#include "agent/attempt.h"
#include "run/functions.h"

/* Is this "K=V" of the worker's environment for functions to see? */
bool environment_passes(const char *entry);
/* ours: the worker's, ends with NULL; extra: the function's, may be NULL; call NULL: of no attempt
 * (a plugin host). The array and what was made lives in arena; the rest is borrowed. */
const char *const *environment_make(struct arena *arena, char *const *ours,
                                    const char *const *extra, const struct attempt_call *call);

#endif
