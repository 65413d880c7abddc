#include "api/dead_json.h"

#include <stdlib.h>

#include "api/cursor.h"
#include "api/status_json.h"
#include "json/scan.h"

bool dead_query_parse(const struct query *q, struct arena *arena, struct list_request *ret_request,
                      struct problem *ret_problem)
{
    struct list_request r = {.state = -1, .before = NEVER_MS};
    uint64_t limit = DEAD_PAGE_MAX;
    struct bytes text;
    if (!query_limit(q, DEAD_PAGE_MAX, &limit, ret_problem)) {
        return false;
    }
    if (query_get(q, "cursor", &text) && text.len > 0 &&
        !cursor_parse(text, arena, &r.before, &r.before_id)) {
        return query_fault(ret_problem, "cursor", "a next_cursor of an earlier answer");
    }
    r.limit = (uint32_t)limit;
    *ret_request = r;
    return true;
}

/* A place in the order. */
struct place {
    unix_ms at;
    struct bytes id;
};

static bool newer(struct place a, struct place b)
{
    return a.at != b.at ? a.at > b.at : bytes_cmp(a.id, b.id) > 0;
}

static struct place place_of(const struct dead_letter *d)
{
    return (struct place){d->at, d->task_id};
}

/* The reply whose next item is the newest of all, or -1. */
static int newest_head(const struct message *const *replies, size_t count, const uint32_t *at)
{
    int best = -1;
    for (size_t i = 0; i < count; i++) {
        if (at[i] < replies[i]->dead.count &&
            (best < 0 || newer(place_of(&replies[i]->dead.items[at[i]]),
                               place_of(&replies[best]->dead.items[at[best]])))) {
            best = (int)i;
        }
    }
    return best;
}

/* Behind which place nothing may be shown: a coordinator whose page ends there may have newer ones
 * than the others' next. id empty: none. */
static struct place barrier_of(const struct message *const *replies, size_t count)
{
    struct place barrier = {0};
    for (size_t i = 0; i < count; i++) {
        struct place end = {replies[i]->dead.next_before, replies[i]->dead.next_before_id};
        if (end.id.len > 0 && (barrier.id.len == 0 || newer(end, barrier))) {
            barrier = end;
        }
    }
    return barrier;
}

void dead_page_merge(const struct message *const *replies, size_t count, uint32_t limit,
                     struct dead_page *ret_page)
{
    struct dead_page page = {0};
    uint32_t *at = mem_zalloc((count + 1) * sizeof *at);
    struct place barrier = barrier_of(replies, count);
    page.next_before = barrier.at;
    page.next_id = barrier.id;
    for (;;) {
        int i = newest_head(replies, count, at);
        if (i < 0) {
            break;
        }
        const struct dead_letter *d = &replies[i]->dead.items[at[i]++];
        if (page.count == limit) {
            page.next_before = page.items[limit - 1]->at;
            page.next_id = page.items[limit - 1]->task_id;
            break;
        }
        if (barrier.id.len > 0 && newer(barrier, place_of(d))) {
            break;
        }
        page.items[page.count++] = d;
    }
    free(at);
    *ret_page = page;
}

void dead_cursor_put(struct buf *out, unix_ms before, struct bytes id)
{
    buf_add_str(out, ",\"next_cursor\":");
    if (id.len == 0) {
        buf_add_str(out, "null");
        return;
    }
    buf_add_char(out, '"');
    cursor_put(out, before, id);
    buf_add_char(out, '"');
}

static void letter_put(const struct dead_letter *d, struct buf *out)
{
    buf_add_str(out, "{\"task_id\":");
    json_put_string(out, d->task_id);
    buf_addf(out, ",\"step_id\":\"step_%u\"", d->step);
    json_put_member(out, "name", d->name);
    json_put_member(out, "function", d->function);
    json_put_member_or_null(out, "task_type", d->task_type);
    buf_addf(out, ",\"deaths\":%u", d->deaths);
    json_put_member(out, "error_code", bytes_str(code_info(d->error_code)->name));
    json_put_time(out, "dead_at", d->at);
    json_put_member(out, "error_message", d->error);
    buf_add_char(out, '}');
}

void dead_page_render(const struct dead_page *page, struct buf *out)
{
    buf_add_str(out, "{\"items\":[");
    for (uint32_t i = 0; i < page->count; i++) {
        if (i > 0) {
            buf_add_char(out, ',');
        }
        letter_put(page->items[i], out);
    }
    buf_add_char(out, ']');
    dead_cursor_put(out, page->next_before, page->next_id);
    buf_add_char(out, '}');
}

void dead_failure_put(struct buf *out, struct bytes task_id, uint32_t step,
                      const struct problem *why)
{
    buf_add_str(out, "{\"task_id\":");
    json_put_string(out, task_id);
    buf_addf(out, ",\"step_id\":\"step_%u\"", step);
    json_put_member(out, "code", bytes_str(code_info(why->code)->name));
    json_put_member(out, "detail", bytes_str(why->detail));
    buf_add_char(out, '}');
}
