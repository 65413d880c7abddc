#include "http/gathering.h"

static size_t memory_of_all;

size_t gatherings_memory(void)
{
    return memory_of_all;
}

static void count(struct gathering *g, size_t memory)
{
    memory_of_all += memory;
    memory_of_all -= g->memory;
    g->memory = memory;
}

/* Copying a short piece costs less than another page. */
static bool stays(struct bytes part, size_t length)
{
    return length == 0 || part.len >= LENT_BYTES_MIN;
}

size_t gathering_wants(const struct page *page, struct bytes part, size_t length)
{
    static const struct page fresh;
    return stays(part, length) ? page_memory(page, (size_t)(part.ptr - page->bytes) + part.len)
                               : page_memory(&fresh, part.len);
}

void gathering_begin(struct gathering *g, struct page **page, struct bytes part, size_t length)
{
    struct page *other = page_take();
    if (stays(part, length)) {
        g->page = *page;
        g->at = (size_t)(part.ptr - g->page->bytes);
        *page = other;
    } else {
        g->page = other;
        memcpy(g->page->bytes, part.ptr, part.len);
    }
    gathering_reserve(g, 0);
    gathering_grow(g, part.len);
}

void gathering_reserve(struct gathering *g, size_t more)
{
    page_reserve(g->page, g->at + g->body.len + more);
    g->body.ptr = g->page->bytes + g->at;
    g->body.cap = g->page->size - g->at;
}

void gathering_skip(struct gathering *g, size_t bytes)
{
    g->at += bytes;
    gathering_reserve(g, 0);
}

void gathering_grow(struct gathering *g, size_t bytes)
{
    g->body.len += bytes;
    page_touch(g->page, g->at + g->body.len);
    count(g, page_memory(g->page, 0));
}

struct shared *gathering_take(struct gathering *g, struct bytes *ret_body)
{
    *ret_body = buf_bytes(&g->body);
    struct shared *lender = page_lend(g->page, *ret_body);
    count(g, 0);
    *g = (struct gathering){0};
    return lender;
}

void gathering_drop(struct gathering *g)
{
    page_give_back(g->page);
    count(g, 0);
    *g = (struct gathering){0};
}
