/* Pipeline definitions from directories of *.json files. */
#ifndef MARATHON_COORDINATOR_DEFINITIONS_H
#define MARATHON_COORDINATOR_DEFINITIONS_H

#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/store.h"

/* Checks every *.json of the directories, in the order of file names, and gives those that pass to
 * the store. A file that cannot be read or does not pass its checks is logged with file, pointer
 * and reason; ERR_INVALID then, after all files were looked at. A missing directory is
 * ERR_NOT_FOUND. */
enum err MUST_CHECK definitions_publish(const char *const *directories, size_t count,
                                        struct store *store, unix_ms now);

#endif
