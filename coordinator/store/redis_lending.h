/* Whom an answer borrows its long slices from: from there they are written to the peers that they
 * go to (base/shared.h), in place of a copy. Zero-initialise it, but for its arena. Pure.
 *
 * What a peer that reads slowly keeps alive by that is bounded by its connection: all memory of a
 * lender counts as output that waits (TRANSPORT_BACKLOG_BYTES_MAX), and only so much of it may be
 * there beside what was lent (TRANSPORT_BESIDE_BYTES_MAX). */
#ifndef MARATHON_STORE_REDIS_LENDING_H
#define MARATHON_STORE_REDIS_LENDING_H

#include "base/shared.h"

struct redis_lending {
    struct arena *arena; /* of what follows */
    struct shared **items;
    uint32_t count, cap;
};

/* The answer has a slice of so many bytes in it. Those of one come one behind the other. */
void lending_add(struct redis_lending *l, struct shared *from, size_t len);
/* All of them, in their order; in the arena. */
struct lenders lending_end(const struct redis_lending *l);

#endif
