/* Ids. Task ids: [A-Za-z0-9_.:-]{1,128}; a generated one is 26 characters of Crockford base32,
 * sortable by time (48 bits of milliseconds, then 80 random bits), lower case. Names of steps,
 * pipelines and functions share the alphabet and the bound. */
#ifndef MARATHON_BASE_ID_H
#define MARATHON_BASE_ID_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/clock.h"

#define ID_BYTES_MAX    128 /* clients and keys of Redis rely on it */
#define ID_TEXT_BYTES   27  /* a generated id and its NUL */
#define PARTITION_COUNT 64  /* a power of two; stored data depends on it */

typedef uint8_t partition_id;

bool id_valid(struct bytes id);
/* Pure: the randomness is the caller's. */
char *id_make(unix_ms now, const uint8_t random[10], char text[ID_TEXT_BYTES]);
/* The partition of a task: bytes_hash folded to 6 bits. Fixed for ever: stored data depends on it.
 */
partition_id id_partition(struct bytes task_id);

#endif
