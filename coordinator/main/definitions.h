/* Pipeline definitions from directories of *.json files. */
#ifndef MARATHON_COORDINATOR_DEFINITIONS_H
#define MARATHON_COORDINATOR_DEFINITIONS_H

#include "base/err.h"
#include "model/pipeline.h"

/* Called with each definition, in the order of file names. The pipeline is the callee's only for
 * the call. */
typedef void definition_fn(void *user, const struct pipeline *pipeline);

/* Checks every *.json in the directory and hands them over. A file that cannot be read or does not
 * pass its checks is logged with file, pointer and reason; ERR_INVALID then, after all files were
 * looked at. A missing directory is ERR_NOT_FOUND. */
enum err MUST_CHECK definitions_load(const char *directory, definition_fn *fn, void *user);

#endif
