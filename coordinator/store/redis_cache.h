/* Recently written data: inputs of tasks and the beginnings of their documents, so that most reads
 * of what a step needs take no round trip. Internal to store_redis.
 *
 * Only data that Redis has confirmed is given out. A task is cached from its admission to its end,
 * or until its room is needed. Everything is dropped with the connection and after any refused
 * change, and a partition's entries when it is claimed or released: somebody else may have written
 * in between. */
#ifndef MARATHON_STORE_REDIS_CACHE_H
#define MARATHON_STORE_REDIS_CACHE_H

#include "base/map.h"
#include "core/storage.h"
#include "store/redis_text.h"

/* Bound of the memory used; the least recently used task is evicted. Bytes that are still on their
 * way out count where they are going: to Redis (WRITES_BYTES_MAX), to peers (redis_lending.h) */
#define CACHE_BYTES_MAX     (8u << 20)
#define CACHE_DOC_BYTES_MAX (1u << 20) /* a larger document would evict all others */

struct cached_doc;
struct cached_row;

/* Zero-initialise it. */
struct redis_cache {
    struct map docs; /* by task id */
    struct cached_doc *newest, *oldest;
    size_t bytes;
    struct cached_row *rows; /* rows not answered yet, in the order given: a ring */
    size_t row_first, row_count, row_cap;
};

void cache_wrote(struct redis_cache *c, const struct store_row *row, const struct row_texts *texts);
/* Answers for one partition must come in the order in which its rows were given. */
void cache_answered(struct redis_cache *c, uint64_t write_id, enum store_verdict verdict);
/* Can a READ_PARTS be answered from the cache? If so, fills in input, parts (which borrow from the
 * cache until its next change) and lenders. ret_answer NULL: only tests. */
bool cache_read(struct redis_cache *c, const struct store_read *read, struct arena *arena,
                struct store_answer *ret_answer);
void cache_forget_partition(struct redis_cache *c, partition_id partition);
/* drops everything, and ignores the rows that are in flight */
void cache_forget(struct redis_cache *c);

#endif
