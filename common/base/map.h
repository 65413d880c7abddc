/* A hash table from byte keys to pointers: open addressing, grows by doubling. Keys are borrowed:
 * they must live inside the value. Iteration order depends on the inserts, the removals and the
 * seed. */
#ifndef MARATHON_BASE_MAP_H
#define MARATHON_BASE_MAP_H

#include "base/bytes.h"

struct map_slot;
struct map {
    struct map_slot *slots;
    size_t count;
    size_t cap;   /* a power of two, or 0 */
    size_t used;  /* with tombstones */
    bool numbers; /* all keys are of eight bytes, and nobody else chooses them: it does without the
                     seed, and iterates alike in every process */
};

/* Once, before there is any map: clients choose keys, and are not to know which ones meet in one
 * slot. Without it, as in tests and the simulator, equal runs iterate equally. */
void map_seed(uint64_t seed);

void map_free(struct map *m); /* the values stay the caller's */
void *map_get(const struct map *m, struct bytes key);
/* Sets or replaces; returns the old value or NULL. */
void *map_put(struct map *m, struct bytes key, void *value);
/* Returns the removed value or NULL. */
void *map_remove(struct map *m, struct bytes key);
/* for (size_t i = 0; map_next(m, &i, &value);) ... ; removing the current one during it is allowed.
 */
bool map_next(const struct map *m, size_t *cursor, void **ret_value);

#endif
