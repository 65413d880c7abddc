/* What was written lately: the input of a task and the beginning of its document, so that most
 * reads of what a step needs take no round trip. Inside of store_redis only.
 *
 * Only what Redis has confirmed is given out. A task is known from its admission to its end, or
 * until room is needed; all is forgotten with the connection, with any refused change, and a
 * partition's with its claim or release: somebody else may have written then. */
#ifndef MARATHON_STORE_REDIS_CACHE_H
#define MARATHON_STORE_REDIS_CACHE_H

#include "base/map.h"
#include "core/storage.h"
#include "store/redis_text.h"

/* Of the process's memory; the oldest use makes room. What has left and is still on its way out
 * counts there: to Redis (WRITES_BYTES_MAX), to peers (redis_lending.h) */
#define CACHE_BYTES_MAX     (8u << 20)
#define CACHE_DOC_BYTES_MAX (1u << 20) /* one larger document would push all others out */

struct cached_doc;
struct cached_row;

/* Zero-initialise it. */
struct redis_cache {
    struct map docs; /* by task id */
    struct cached_doc *newest, *oldest;
    size_t bytes;
    struct cached_row *rows; /* not yet answered, in the order in which they were given: a ring */
    size_t row_first, row_count, row_cap;
};

void cache_wrote(struct redis_cache *c, const struct store_row *row, const struct row_texts *texts);
/* Those of a partition are answered in the order in which they were given. */
void cache_answered(struct redis_cache *c, uint64_t write_id, enum store_verdict verdict);
/* True where a READ_PARTS can be answered; fills in input and parts, which borrow from the cache
 * until its next change, and their lenders. ret_answer NULL: only asks. */
bool cache_read(struct redis_cache *c, const struct store_read *read, struct arena *arena,
                struct store_answer *ret_answer);
void cache_forget_partition(struct redis_cache *c, partition_id partition);
void cache_forget(struct redis_cache *c); /* all; rows under way count no more */

#endif
