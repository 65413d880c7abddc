/* Ids. Task ids match [A-Za-z0-9_.:-]{1,128}; a generated one is 26 characters of lower-case
 * Crockford base32 that sort by time (48 bits of milliseconds, then 80 random bits). Names of
 * steps, pipelines and functions have the same alphabet and bound. */
#ifndef MARATHON_BASE_ID_H
#define MARATHON_BASE_ID_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/clock.h"

#define ID_BYTES_MAX    128 /* clients and Redis keys rely on it */
#define ID_TEXT_BYTES   27  /* a generated id and its NUL */
#define PARTITION_COUNT 64  /* a power of two; stored data depends on it */

typedef uint8_t partition_id;

bool id_valid(struct bytes id);
/* Pure: the caller supplies the randomness. */
char *id_make(unix_ms now, const uint8_t random[10], char text[ID_TEXT_BYTES]);
/* The partition of a task: bytes_hash folded to 6 bits. Must never change: stored data depends on
 * it. */
partition_id id_partition(struct bytes task_id);

#endif
