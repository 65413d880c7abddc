/* An intrusive binary heap: each item embeds a heap_node that knows its place, so that removal is
 * O(log n). */
#ifndef MARATHON_BASE_HEAP_H
#define MARATHON_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    uint32_t place; /* index in the heap + 1; 0 = not in a heap */
};

/* Does a come before b? Must be a strict total order: the caller breaks ties (by a sequence
 * number), so that equal runs pop in the same order. */
typedef bool heap_before(const struct heap_node *a, const struct heap_node *b);

struct heap {
    heap_before *before;
    struct heap_node **items;
    size_t count;
    size_t cap;
};

void heap_free(struct heap *h); /* does not free the items */
void heap_push(struct heap *h, struct heap_node *n);
void heap_remove(struct heap *h, struct heap_node *n); /* it must be in h */
struct heap_node *heap_top(const struct heap *h);      /* NULL where empty */

static inline bool heap_holds(const struct heap_node *n)
{
    return n->place != 0;
}

#endif
