#include "base/heap.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"

static void heap_set(struct heap *h, size_t index, struct heap_node *n)
{
    h->items[index] = n;
    n->place = (uint32_t)index + 1;
}

static void heap_rise(struct heap *h, size_t index)
{
    struct heap_node *n = h->items[index];
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (!h->before(n, h->items[parent])) {
            break;
        }
        heap_set(h, index, h->items[parent]);
        index = parent;
    }
    heap_set(h, index, n);
}

static void heap_sink(struct heap *h, size_t index)
{
    struct heap_node *n = h->items[index];
    for (;;) {
        size_t child = index * 2 + 1;
        if (child >= h->count) {
            break;
        }
        if (child + 1 < h->count && h->before(h->items[child + 1], h->items[child])) {
            child++;
        }
        if (!h->before(h->items[child], n)) {
            break;
        }
        heap_set(h, index, h->items[child]);
        index = child;
    }
    heap_set(h, index, n);
}

void heap_free(struct heap *h)
{
    free(h->items);
    h->items = NULL;
    h->count = 0;
    h->cap = 0;
}

void heap_push(struct heap *h, struct heap_node *n)
{
    assert(n->place == 0);
    MEM_GROW(h->items, h->count, h->cap);
    h->count++;
    heap_set(h, h->count - 1, n);
    heap_rise(h, h->count - 1);
}

void heap_remove(struct heap *h, struct heap_node *n)
{
    size_t index = n->place - 1;
    assert(n->place > 0 && index < h->count && h->items[index] == n);
    n->place = 0;
    h->count--;
    if (index == h->count) {
        return;
    }
    heap_set(h, index, h->items[h->count]);
    heap_rise(h, index);
    heap_sink(h, index);
}

struct heap_node *heap_top(const struct heap *h)
{
    return h->count > 0 ? h->items[0] : NULL;
}
