/* Collects the buffers (lenders) in which an answer's long slices lie: the slices are written to
 * the peers from there instead of being copied (base/shared.h). Zero-initialise it, except `arena`.
 * Pure.
 *
 * What a slow peer keeps alive this way is bounded by its connection: a lender's whole memory
 * counts as waiting output (TRANSPORT_BACKLOG_BYTES_MAX), and the part of it beside the lent slices
 * has a bound of its own (TRANSPORT_BESIDE_BYTES_MAX). */
#ifndef MARATHON_STORE_REDIS_LENDING_H
#define MARATHON_STORE_REDIS_LENDING_H

#include "base/shared.h"

struct redis_lending {
    struct arena *arena; /* holds `items` */
    struct shared **items;
    uint32_t count, cap;
};

/* The answer has a slice of len bytes in this lender. Slices of one lender must come in a row. */
void lending_add(struct redis_lending *l, struct shared *from, size_t len);
/* All lenders in their order; in the arena. */
struct lenders lending_end(const struct redis_lending *l);

#endif
