/* Reads of store_memory; answers borrow from the data for the duration of the callback. */
#include "store/memory_store.h"

#include "model/limits.h"

#define LIVE_PAGE 64u

struct task_record memory_record(const struct memory_task *t, bool steps)
{
    struct task_record r = {.task_id = t->id,
                            .version = t->version,
                            .run = t->run,
                            .spec = buf_bytes(&t->spec),
                            .head = buf_bytes(&t->head)};
    if (steps) {
        r.steps = t->steps;
        r.step_count = t->step_count;
    }
    return r;
}

static void read_owners(struct memory_store *s, struct store_answer *a, struct arena *arena)
{
    a->owners = arena_alloc(arena, PARTITION_COUNT * sizeof *a->owners);
    for (uint32_t p = 0; p < PARTITION_COUNT; p++) {
        a->owners[p] = s->owners[p].record;
    }
}

/* The cursor is the slot to continue at: since slots do not move, no task that stays is missed. */
static void read_live(struct memory_store *s, const struct store_read *read, struct store_answer *a,
                      struct arena *arena)
{
    uint64_t slot = read->cursor;
    a->tasks = arena_alloc(arena, LIVE_PAGE * sizeof *a->tasks);
    for (; slot < s->slot_count && a->task_count < LIVE_PAGE; slot++) {
        const struct memory_task *t = s->slots[slot];
        if (t != NULL && !t->ended && id_partition(t->id) == read->partition) {
            a->tasks[a->task_count] = memory_record(t, true);
            memory_items_record(t, &a->tasks[a->task_count++], arena);
        }
    }
    a->cursor = slot < s->slot_count ? slot : 0;
}

static void read_parts(const struct memory_task *t, const struct store_read *read,
                       struct store_answer *a, struct arena *arena)
{
    if (read->input) {
        a->input = buf_bytes(&t->input);
    }
    if (read->item != 0) {
        a->item = memory_item_value(t, read->step, read->item);
    }
    a->part_count = read->range_count;
    a->parts = arena_alloc(arena, read->range_count * sizeof *a->parts);
    for (uint32_t i = 0; i < read->range_count; i++) {
        const struct byte_range *range = &read->ranges[i];
        a->parts[i] = bytes_part(buf_bytes(&t->doc), (size_t)range->offset, range->len);
    }
}

static void read_events(const struct memory_task *t, const struct store_read *read,
                        struct store_answer *a, struct arena *arena)
{
    bool whole_page = read->limit == 0 || read->limit > EVENTS_PAGE_MAX;
    uint32_t limit = whole_page ? EVENTS_PAGE_MAX : read->limit;
    a->events = arena_alloc(arena, limit * sizeof *a->events);
    a->oldest_seq = t->event_count > 0 ? t->events[t->event_first].seq : 0;
    for (uint32_t i = 0; i < t->event_count && a->event_count < limit; i++) {
        const struct event_blob *e = &t->events[(t->event_first + i) % t->event_cap];
        if (e->seq > read->after) {
            a->events[a->event_count++] = *e;
        }
    }
}

/* READ_TASK, READ_PARTS, READ_EVENTS, READ_ITEMS. */
static void read_one(struct memory_store *s, const struct store_read *read, struct store_answer *a,
                     struct arena *arena)
{
    const struct memory_task *t = memory_task_find(s, read->task_id);
    if (t == NULL) {
        a->err = ERR_NOT_FOUND;
    } else if (read->kind == READ_PARTS) {
        read_parts(t, read, a, arena);
    } else if (read->kind == READ_EVENTS) {
        read_events(t, read, a, arena);
    } else if (read->kind == READ_ITEMS) {
        memory_items_read(t, read, a, arena);
    } else {
        a->tasks = arena_alloc(arena, sizeof *a->tasks);
        a->tasks[0] = memory_record(t, true);
        if (read->items) {
            memory_items_record(t, &a->tasks[0], arena);
        }
        a->task_count = 1;
    }
}

static void read_audit(struct memory_store *s, const struct store_read *read,
                       struct store_answer *a, struct arena *arena)
{
    a->fence = s->owners[read->partition].record.fence;
    a->audits = arena_alloc(arena, (read->id_count + 1) * sizeof *a->audits);
    for (uint32_t i = 0; i < read->id_count; i++) {
        const struct memory_task *t = memory_task_find(s, read->ids[i]);
        if (t != NULL) {
            a->audits[i] = (struct audit_entry){.found = true,
                                                .ended = t->ended,
                                                .listed = !t->ended,
                                                .expires = t->expires_at != NEVER_MS,
                                                .version = t->version};
        }
    }
    a->audit_count = read->id_count;
    uint64_t slot = read->cursor;
    a->listed = arena_alloc(arena, LIVE_PAGE * sizeof *a->listed);
    for (; slot < s->slot_count && a->listed_count < LIVE_PAGE; slot++) {
        const struct memory_task *t = s->slots[slot];
        if (t != NULL && !t->ended && id_partition(t->id) == read->partition) {
            a->listed[a->listed_count++] = t->id;
        }
    }
    a->cursor = slot < s->slot_count ? slot : 0;
}

static void do_limits(struct memory_store *s, const struct store_read *read, struct store_answer *a,
                      struct arena *arena)
{
    a->limits = arena_alloc(arena, (read->limit_count + 1) * sizeof *a->limits);
    a->limit_count = read->limit_count;
    for (uint32_t i = 0; i < read->limit_count; i++) {
        limit_book_do(&s->limits, &read->limits[i], memory_now(s) * 1000, &a->limits[i]);
    }
}

void memory_read(struct memory_store *s, const struct store_read *read)
{
    struct arena arena = {0};
    struct store_answer a = {.kind = read->kind, .read_id = read->read_id};
    switch (read->kind) {
    case READ_OWNERS:
        read_owners(s, &a, &arena);
        break;
    case READ_LIVE:
        read_live(s, read, &a, &arena);
        break;
    case READ_TASK:
    case READ_PARTS:
    case READ_EVENTS:
    case READ_ITEMS:
        read_one(s, read, &a, &arena);
        break;
    case READ_LIST:
    case READ_DEAD:
        memory_read_list(s, read, &a, &arena);
        break;
    case READ_USAGE:
        memory_usage_read(s, read, &a, &arena);
        break;
    case READ_AUDIT:
        read_audit(s, read, &a, &arena);
        break;
    case READ_PIPELINE:
    case READ_VERSIONS:
        memory_pipelines_read(s, read, &a, &arena);
        break;
    case READ_LIMITS:
        do_limits(s, read, &a, &arena);
        break;
    case READ_PING:
        break;
    }
    s->handler.read(s->handler.user, &a);
    arena_free(&arena);
}
