/* The reads, and the deep copies of rows and reads. */
#include <stdlib.h>

#include "store_model.h"

static struct task_record record_of(const struct stored_task *t, bool steps, struct arena *arena)
{
    struct task_record r = {.version = t->version, .run = t->run};
    r.task_id = arena_bytes(arena, t->id);
    r.spec = arena_bytes(arena, buf_bytes(&t->spec));
    r.head = arena_bytes(arena, buf_bytes(&t->head));
    r.steps = arena_alloc(arena, (t->step_count + 1) * sizeof *r.steps);
    for (uint32_t i = 0; steps && i < t->step_count; i++) {
        if (t->steps[i].len > 0) {
            r.steps[r.step_count++] =
                (struct step_blob){i, arena_bytes(arena, buf_bytes(&t->steps[i]))};
        }
    }
    return r;
}

static void read_owners(const struct store_model *m, struct store_answer *a, struct arena *arena)
{
    a->owners = arena_alloc(arena, PARTITION_COUNT * sizeof *a->owners);
    for (int i = 0; i < PARTITION_COUNT; i++) {
        const struct stored_owner *o = &m->owners[i];
        a->owners[i] = (struct owner_record){.exists = o->exists,
                                             .fence = o->fence,
                                             .owner = arena_bytes(arena, buf_bytes(&o->owner)),
                                             .wished = o->wished,
                                             .beat = o->beat};
        memcpy(a->owners[i].wish, o->wish, NONCE_BYTES);
    }
}

static bool listed(const struct stored_task *t)
{
    return t->ended ? t->stray : !t->unlisted;
}

/* The whole live index in one page. */
static void read_audit(struct store_model *m, const struct store_read *read, mono_ms now,
                       struct store_answer *a, struct arena *arena)
{
    a->fence = m->owners[read->partition].fence;
    a->audits = arena_alloc(arena, (read->id_count + 1) * sizeof *a->audits);
    a->audit_count = read->id_count;
    for (uint32_t i = 0; i < read->id_count; i++) {
        const struct stored_task *t = store_model_find(m, read->ids[i], now);
        if (t != NULL) {
            a->audits[i] = (struct audit_entry){.found = true,
                                                .ended = t->ended,
                                                .listed = listed(t),
                                                .expires = t->expires_at != NEVER_MS,
                                                .version = t->version};
        }
    }
    a->listed = arena_alloc(arena, (m->task_count + 1) * sizeof *a->listed);
    for (size_t i = 0; i < m->task_count; i++) {
        const struct stored_task *t = m->tasks[i];
        if (id_partition(t->id) == read->partition && listed(t)) {
            a->listed[a->listed_count++] = arena_bytes(arena, t->id);
        }
    }
}

/* The cursor is a position in the order of admission. A page's last task is repeated on the next
 * one, since a real scan may repeat, too. */
static void read_live(const struct store_model *m, const struct store_read *read,
                      struct store_answer *a, struct arena *arena)
{
    a->tasks = arena_alloc(arena, (STORE_MODEL_PAGE + 1) * sizeof *a->tasks);
    size_t i = (size_t)read->cursor;
    for (; i < m->task_count && a->task_count < STORE_MODEL_PAGE; i++) {
        const struct stored_task *t = m->tasks[i];
        if (id_partition(t->id) == read->partition && !t->ended && listed(t)) {
            a->tasks[a->task_count] = record_of(t, true, arena);
            fans_record(t, &a->tasks[a->task_count++], arena);
        }
    }
    a->cursor = i < m->task_count ? i - (i > read->cursor + 1) : 0;
}

static void read_parts(const struct stored_task *t, const struct store_read *read,
                       struct store_answer *a, struct arena *arena)
{
    a->input = read->input ? arena_bytes(arena, buf_bytes(&t->input)) : BYTES_NONE;
    if (read->item != 0) {
        a->item = arena_bytes(arena, fans_value(t, read->step, read->item));
    }
    a->parts = arena_alloc(arena, (read->range_count + 1) * sizeof *a->parts);
    a->part_count = read->range_count;
    for (uint32_t i = 0; i < read->range_count; i++) {
        struct bytes part =
            bytes_part(buf_bytes(&t->doc), (size_t)read->ranges[i].offset, read->ranges[i].len);
        a->parts[i] = arena_bytes(arena, part);
    }
}

static void read_events(const struct stored_task *t, const struct store_read *read,
                        struct store_answer *a, struct arena *arena)
{
    a->events = arena_alloc(arena, (t->event_count + 1) * sizeof *a->events);
    a->oldest_seq = t->event_count > 0 ? t->events[0].seq : 0;
    for (size_t i = 0; i < t->event_count && a->event_count < read->limit; i++) {
        if (t->events[i].seq > read->after) {
            a->events[a->event_count++] = (struct event_blob){
                t->events[i].seq, arena_bytes(arena, buf_bytes(&t->events[i].blob))};
        }
    }
}

static int newest_dead_first(const void *a, const void *b)
{
    const struct stored_task *x = *(struct stored_task *const *)a;
    const struct stored_task *y = *(struct stored_task *const *)b;
    if (x->dead_at != y->dead_at) {
        return x->dead_at > y->dead_at ? -1 : 1;
    }
    return bytes_cmp(y->id, x->id);
}

static int newest_first(const void *a, const void *b)
{
    const struct stored_task *x = *(struct stored_task *const *)a;
    const struct stored_task *y = *(struct stored_task *const *)b;
    if (x->created_at != y->created_at) {
        return x->created_at > y->created_at ? -1 : 1;
    }
    return bytes_cmp(y->id, x->id);
}

static void read_list(const struct store_model *m, const struct store_read *read,
                      struct store_answer *a, struct arena *arena)
{
    bool dead = read->kind == READ_DEAD;
    struct stored_task **order = arena_alloc(arena, (m->task_count + 1) * sizeof(m->tasks[0]));
    if (m->task_count > 0) {
        memcpy(order, m->tasks, m->task_count * sizeof(m->tasks[0]));
        qsort(order, m->task_count, sizeof(m->tasks[0]), dead ? newest_dead_first : newest_first);
    }
    a->tasks = arena_alloc(arena, (m->task_count + 1) * sizeof *a->tasks);
    for (size_t i = 0; i < m->task_count; i++) {
        const struct stored_task *t = order[i];
        unix_ms at = dead ? t->dead_at : t->created_at;
        bool older =
            at < read->before || (at == read->before && bytes_cmp(t->id, read->before_id) < 0);
        if ((read->partitions >> id_partition(t->id) & 1) == 0 || !older ||
            (dead && t->dead.len == 0)) {
            continue;
        }
        if (a->task_count == read->limit) {
            a->more = true;
            return;
        }
        a->tasks[a->task_count++] =
            dead ? (struct task_record){.task_id = arena_bytes(arena, t->id),
                                        .dead = arena_bytes(arena, buf_bytes(&t->dead))}
                 : record_of(t, false, arena);
    }
}

static void read_one(const struct stored_task *t, const struct store_read *read,
                     struct store_answer *a, struct arena *arena)
{
    if (t == NULL) {
        a->err = ERR_NOT_FOUND;
    } else if (read->kind == READ_TASK) {
        a->tasks = arena_alloc(arena, sizeof *a->tasks);
        a->tasks[0] = record_of(t, true, arena);
        if (read->items) {
            fans_record(t, &a->tasks[0], arena);
        }
        a->task_count = 1;
    } else if (read->kind == READ_ITEMS) {
        fans_read(t, read, a, arena);
    } else if (read->kind == READ_PARTS) {
        read_parts(t, read, a, arena);
    } else {
        read_events(t, read, a, arena);
    }
}

static void do_limits(struct store_model *m, const struct store_read *read, mono_ms now,
                      struct store_answer *a, struct arena *arena)
{
    a->limits = arena_alloc(arena, (read->limit_count + 1) * sizeof *a->limits);
    a->limit_count = read->limit_count;
    for (uint32_t i = 0; i < read->limit_count; i++) {
        limit_book_do(&m->limits, &read->limits[i], now * 1000, &a->limits[i]);
    }
}

/* Expires tasks first, since lists do not look each task up. */
static void expire(struct store_model *m, mono_ms now)
{
    for (size_t i = m->task_count; i > 0; i--) {
        (void)store_model_find(m, m->tasks[i - 1]->id, now);
    }
}

struct store_answer *store_model_read(struct store_model *m, const struct store_read *read,
                                      mono_ms now, struct arena *arena)
{
    struct store_answer *a = arena_alloc(arena, sizeof *a);
    a->kind = read->kind;
    a->read_id = read->read_id;
    expire(m, now);
    switch (read->kind) {
    case READ_OWNERS:
        read_owners(m, a, arena);
        break;
    case READ_LIVE:
        read_live(m, read, a, arena);
        break;
    case READ_TASK:
    case READ_PARTS:
    case READ_EVENTS:
    case READ_ITEMS:
        read_one(store_model_find(m, read->task_id, now), read, a, arena);
        break;
    case READ_LIST:
    case READ_DEAD:
        read_list(m, read, a, arena);
        break;
    case READ_AUDIT:
        read_audit(m, read, now, a, arena);
        break;
    case READ_PIPELINE:
    case READ_VERSIONS:
        store_model_read_pipeline(m, read, a, arena);
        break;
    case READ_USAGE: /* not used here: the audit sums up what the rows report */
    case READ_LIMITS:
        do_limits(m, read, now, a, arena);
        break;
    case READ_PING:
        break;
    }
    return a;
}

struct store_row *store_row_copy(const struct store_row *row, struct arena *arena)
{
    struct store_row *r = arena_alloc(arena, sizeof *r);
    *r = *row;
    r->owner = arena_bytes(arena, row->owner);
    r->task_id = arena_bytes(arena, row->task_id);
    r->head = arena_bytes(arena, row->head);
    r->error_doc = arena_bytes(arena, row->error_doc);
    r->dead = arena_bytes(arena, row->dead);
    r->spec = arena_bytes(arena, row->spec);
    r->input = arena_bytes(arena, row->input);
    r->idempotency_key = arena_bytes(arena, row->idempotency_key);
    r->body_hash = arena_bytes(arena, row->body_hash);
    r->doc_text = NULL;
    r->lenders = (struct lenders){0};
    r->input_text = NULL;
    for (int i = 0; i < 3; i++) {
        r->doc[i] = arena_bytes(arena, row->doc[i]);
    }
    r->steps = arena_alloc(arena, (row->step_count + 1) * sizeof *r->steps);
    for (uint32_t i = 0; i < row->step_count; i++) {
        r->steps[i] =
            (struct row_step){row->steps[i].index, parts_copy(&row->steps[i].blob, arena)};
    }
    r->items = items_copy(row, arena);
    r->usage = arena_alloc(arena, (row->usage_count + 1) * sizeof *r->usage);
    for (uint32_t i = 0; i < row->usage_count; i++) {
        r->usage[i] =
            (struct usage_part){arena_bytes(arena, row->usage[i].model), row->usage[i].sum};
    }
    r->usage_type = arena_bytes(arena, row->usage_type);
    r->events = arena_alloc(arena, (row->event_count + 1) * sizeof *r->events);
    for (uint32_t i = 0; i < row->event_count; i++) {
        r->events[i] =
            (struct row_event){row->events[i].seq, parts_copy(&row->events[i].blob, arena)};
    }
    return r;
}

struct store_read *store_read_copy(const struct store_read *read, struct arena *arena)
{
    struct store_read *r = arena_alloc(arena, sizeof *r);
    *r = *read;
    r->task_id = arena_bytes(arena, read->task_id);
    r->before_id = arena_bytes(arena, read->before_id);
    r->name = arena_bytes(arena, read->name);
    r->ids = arena_alloc(arena, (read->id_count + 1) * sizeof *r->ids);
    for (uint32_t i = 0; i < read->id_count; i++) {
        r->ids[i] = arena_bytes(arena, read->ids[i]);
    }
    r->limits = limit_ops_copy(read->limits, read->limit_count, arena);
    r->ranges = arena_alloc(arena, (read->range_count + 1) * sizeof *r->ranges);
    if (read->range_count > 0) {
        memcpy(r->ranges, read->ranges, read->range_count * sizeof *r->ranges);
    }
    return r;
}
