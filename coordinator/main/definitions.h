/* Pipeline definitions from directories of *.json files. */
#ifndef MARATHON_COORDINATOR_DEFINITIONS_H
#define MARATHON_COORDINATOR_DEFINITIONS_H

#include "base/clock.h"
#include "conf/conf.h"
#include "core/core.h"
#include "store/store.h"

/* Checks every *.json of the directories of MARATHON_PIPELINES, in the order of file names, and
 * gives those that pass to the store, parsed for the core that is told of them by that. A file that
 * cannot be read or does not pass its checks is logged with file, pointer and reason; after all
 * files were looked at the process then ends with 2, as it does for a missing directory. */
void definitions_publish_or_exit(const struct conf *conf, struct core *core, struct store *store,
                                 unix_ms now);

#endif
