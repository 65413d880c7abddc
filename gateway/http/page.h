/* What a head, and what comes with it, is read to: a mapping of its own. A body that goes on behind
 * its head stays there, and may grow (its pages move then, its bytes never); it is lent from there,
 * and the next head is read to another page. */
#ifndef MARATHON_HTTP_PAGE_H
#define MARATHON_HTTP_PAGE_H

#include "base/shared.h"

#define PAGE_BYTES (52u << 10) /* of a new one */

struct page {
    struct shared shared; /* once it is lent */
    uint8_t *bytes;
    size_t size;    /* what is not touched of it takes no memory */
    size_t touched; /* so much of it was, by what was read to it before as well */
};

struct page *page_take(void);
/* Room for so many bytes in all; it may move. */
void page_reserve(struct page *p, size_t size);
/* So many of its first bytes are read to. */
void page_touch(struct page *p, size_t used);
/* Memory that it takes, with so many of its first bytes in use. */
size_t page_memory(const struct page *p, size_t used);
void page_give_back(struct page *p); /* NULL is fine; on any thread */
/* The body lies in it; the page goes with the last holder. Held once. */
struct shared *page_lend(struct page *p, struct bytes body);

#endif
