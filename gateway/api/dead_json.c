#include "api/dead_json.h"

#include "api/status_json.h"
#include "json/scan.h"

bool dead_query_parse(const struct query *q, struct arena *arena, struct list_request *ret_request,
                      struct problem *ret_problem)
{
    *ret_request = (struct list_request){.state = -1, .limit = DEAD_PAGE_MAX};
    return page_query_parse(q, DEAD_PAGE_MAX, arena, ret_request, ret_problem);
}

static uint32_t letter_count(const struct message *m)
{
    return m->dead.count;
}

static struct place letter_place(const struct message *m, uint32_t index)
{
    return (struct place){m->dead.items[index].at, m->dead.items[index].task_id};
}

static struct place letters_end(const struct message *m)
{
    return (struct place){m->dead.next_before, m->dead.next_before_id};
}

static const struct page_kind letters = {letter_count, letter_place, letters_end};

void dead_page_merge(const struct message *const *replies, size_t count, uint32_t limit,
                     struct dead_page *ret_page)
{
    struct pages p = pages_merge(&letters, replies, count, limit);
    size_t reply;
    uint32_t index;
    ret_page->count = 0;
    while (pages_next(&p, &reply, &index)) {
        ret_page->items[ret_page->count++] = &replies[reply]->dead.items[index];
    }
    ret_page->next = pages_end(&p);
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
    json_put_member_or_null(out, "function_code", d->function_code);
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
    page_cursor_put(out, page->next);
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
