#include "http/page.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/err.h"

#define SYSTEM_PAGE_BYTES 4096u

/* The page that was returned last: reusing it, a body of usual length touches no new memory. */
static _Atomic(struct page *) spare;

struct page *page_take(void)
{
    struct page *p = atomic_exchange_explicit(&spare, NULL, memory_order_acquire);
    if (p != NULL) {
        return p;
    }
    p = mem_zalloc(sizeof *p);
    p->size = PAGE_BYTES;
    p->bytes = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p->bytes == MAP_FAILED) {
        die("out of memory (%u bytes)", PAGE_BYTES);
    }
    return p;
}

static size_t whole_pages(size_t bytes)
{
    return (bytes + SYSTEM_PAGE_BYTES - 1) / SYSTEM_PAGE_BYTES * SYSTEM_PAGE_BYTES;
}

static void resize(struct page *p, size_t size)
{
    p->bytes = mremap(p->bytes, p->size, size, MREMAP_MAYMOVE);
    if (p->bytes == MAP_FAILED) {
        die("out of memory (%zu bytes)", size);
    }
    p->size = size;
}

void page_reserve(struct page *p, size_t size)
{
    if (size > p->size) {
        resize(p, whole_pages(size > 2 * p->size ? size : 2 * p->size));
    }
}

void page_touch(struct page *p, size_t used)
{
    p->touched = used > p->touched ? used : p->touched;
}

size_t page_memory(const struct page *p, size_t used)
{
    return whole_pages(used > p->touched ? used : p->touched);
}

void page_give_back(struct page *p)
{
    if (p == NULL) {
        return;
    }
    if (p->size > PAGE_BYTES) {
        resize(p, PAGE_BYTES);
        p->touched = PAGE_BYTES;
    }
    p = atomic_exchange_explicit(&spare, p, memory_order_acq_rel);
    if (p != NULL) {
        munmap(p->bytes, p->size);
        free(p);
    }
}

static void on_last(struct shared *s)
{
    page_give_back((struct page *)(void *)s);
}

struct shared *page_lend(struct page *p, struct bytes body)
{
    uint8_t *at = p->bytes + (body.ptr - p->bytes);
    size_t memory = page_memory(p, (size_t)(at - p->bytes) + body.len);
    shared_init(&p->shared, (struct buf){.ptr = at, .len = body.len, .cap = memory}, on_last);
    return &p->shared;
}
