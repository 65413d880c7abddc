/* What a head, and what comes with it, is read into: a memory mapping of its own. A body that
 * continues after its head stays there, and may grow (its pages are remapped, its bytes never
 * copied). The body is lent from there, and the next head is read into another page. */
#ifndef MARATHON_HTTP_PAGE_H
#define MARATHON_HTTP_PAGE_H

#include "base/shared.h"

#define PAGE_BYTES (52u << 10) /* of a new one */

struct page {
    struct shared shared; /* used once it is lent */
    uint8_t *bytes;
    size_t size;    /* untouched parts take no memory */
    size_t touched; /* how many bytes were ever touched, by earlier contents too */
};

struct page *page_take(void);
/* Makes room for so many bytes in all; the page may move. */
void page_reserve(struct page *p, size_t size);
/* Records that so many of its first bytes are in use. */
void page_touch(struct page *p, size_t used);
/* Memory that it takes, with so many of its first bytes in use. */
size_t page_memory(const struct page *p, size_t used);
void page_give_back(struct page *p); /* NULL is allowed; any thread */
/* Lends the body, which lies in the page; the last holder frees the page. Starts with one
 * reference. */
struct shared *page_lend(struct page *p, struct bytes body);

#endif
