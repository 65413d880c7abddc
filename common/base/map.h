/* A hash table from byte strings to pointers: open addressing, grows by doubling. Keys are
 * borrowed: they must live inside the value. The iteration order depends on the inserts, the
 * removals and the seed. */
#ifndef MARATHON_BASE_MAP_H
#define MARATHON_BASE_MAP_H

#include "base/bytes.h"

struct map_slot;
struct map {
    struct map_slot *slots;
    size_t count;
    size_t cap;   /* a power of two, or 0 */
    size_t used;  /* slots in use, tombstones included */
    bool numbers; /* all keys are eight bytes that no outsider chooses: the map does not use the
                     seed, and iterates in the same order in every process */
};

/* Sets the hash seed; once, before any map is used. Clients choose keys, and must not be able to
 * predict collisions. Without a seed, as in tests and the simulator, equal runs iterate in the same
 * order. */
void map_seed(uint64_t seed);

void map_free(struct map *m); /* does not free the values */
void *map_get(const struct map *m, struct bytes key);
/* Sets or replaces; returns the old value or NULL. */
void *map_put(struct map *m, struct bytes key, void *value);
/* Returns the removed value or NULL. */
void *map_remove(struct map *m, struct bytes key);
/* for (size_t i = 0; map_next(m, &i, &value);) ... ; the current entry may be removed meanwhile. */
bool map_next(const struct map *m, size_t *cursor, void **ret_value);

#endif
