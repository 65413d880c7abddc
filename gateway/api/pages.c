#include "api/pages.h"

#include <assert.h>

#include "api/cursor.h"

bool page_query_parse(const struct query *q, uint32_t limit_max, struct arena *arena,
                      struct list_request *request, struct problem *ret_problem)
{
    uint64_t limit = request->limit;
    struct bytes text;
    if (!query_limit(q, limit_max, &limit, ret_problem)) {
        return false;
    }
    request->limit = (uint32_t)limit;
    request->before = NEVER_MS;
    if (query_get(q, "cursor", &text) && text.len > 0 &&
        !cursor_parse(text, arena, &request->before, &request->before_id)) {
        return query_fault(ret_problem, "cursor", "the next_cursor of an earlier answer");
    }
    return true;
}

static bool newer(struct place a, struct place b)
{
    return a.at != b.at ? a.at > b.at : bytes_cmp(a.id, b.id) > 0;
}

struct pages pages_merge(const struct page_kind *kind, const struct message *const *replies,
                         size_t count, uint32_t limit)
{
    assert(count <= PAGES_MERGED_MAX);
    struct pages p = {.kind = kind, .replies = replies, .count = count, .limit = limit};
    for (size_t i = 0; i < count; i++) {
        struct place end = kind->end(replies[i]);
        if (end.id.len > 0 && (p.barrier.id.len == 0 || newer(end, p.barrier))) {
            p.barrier = end;
        }
    }
    return p;
}

/* The reply whose next item is the newest of all, or -1. */
static int newest_head(const struct pages *p, struct place *ret_place)
{
    int best = -1;
    for (size_t i = 0; i < p->count; i++) {
        if (p->next[i] == p->kind->count(p->replies[i])) {
            continue;
        }
        struct place head = p->kind->item(p->replies[i], p->next[i]);
        if (best < 0 || newer(head, *ret_place)) {
            best = (int)i;
            *ret_place = head;
        }
    }
    return best;
}

bool pages_next(struct pages *p, size_t *ret_reply, uint32_t *ret_index)
{
    struct place place;
    int i = newest_head(p, &place);
    if (i < 0) {
        return false;
    }
    if (p->taken == p->limit || (p->barrier.id.len > 0 && newer(p->barrier, place))) {
        p->cut = true;
        return false;
    }
    p->taken++;
    p->last = place;
    *ret_reply = (size_t)i;
    *ret_index = p->next[i]++;
    return true;
}

struct place pages_end(const struct pages *p)
{
    bool more = p->cut || p->barrier.id.len > 0;
    return !more ? (struct place){0} : p->taken == p->limit ? p->last : p->barrier;
}

void page_cursor_put(struct buf *out, struct place next)
{
    buf_add_str(out, ",\"next_cursor\":");
    if (next.id.len == 0) {
        buf_add_str(out, "null");
        return;
    }
    buf_add_char(out, '"');
    cursor_put(out, next.at, next.id);
    buf_add_char(out, '"');
}
