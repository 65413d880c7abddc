/* The store in memory: the same contract, but nothing is durable. For trials, and as the loud
 * fallback. */
#include <stdlib.h>

#include "crypto/random.h"
#include "store/memory_store.h"

#define SWEEP_EVERY_MS 1000

struct memory_call {
    struct memory_call *next;
    bool is_row;
    struct store_row row; /* slices are in the arena */
    struct store_read read;
    struct arena arena;
};

static struct memory_store *of(struct store *s)
{
    return (struct memory_store *)s;
}

static struct memory_call *call_add(struct memory_store *s)
{
    struct memory_call *c = mem_zalloc(sizeof *c);
    *(s->last != NULL ? &s->last->next : &s->first) = c;
    s->last = c;
    s->calls_given++;
    return c;
}

static void call_drop_first(struct memory_store *s)
{
    struct memory_call *c = s->first;
    s->first = c->next;
    if (s->first == NULL) {
        s->last = NULL;
    }
    arena_free(&c->arena);
    free(c);
}

/* ---- queueing ---- */

static void store_memory_write(struct store *base, const struct store_row *row)
{
    struct memory_call *c = call_add(of(base));
    struct arena *a = &c->arena;
    c->is_row = true;
    c->row = *row;
    c->row.owner = arena_bytes(a, row->owner);
    c->row.task_id = arena_bytes(a, row->task_id);
    c->row.head = arena_bytes(a, row->head);
    c->row.error_doc = arena_bytes(a, row->error_doc);
    c->row.spec = arena_bytes(a, row->spec);
    c->row.input = arena_bytes(a, row->input);
    c->row.idempotency_key = arena_bytes(a, row->idempotency_key);
    c->row.body_hash = arena_bytes(a, row->body_hash);
    for (int i = 0; i < 3; i++) {
        c->row.doc[i] = arena_bytes(a, row->doc[i]);
    }
    c->row.steps = arena_alloc(a, row->step_count * sizeof *row->steps);
    for (uint32_t i = 0; i < row->step_count; i++) {
        c->row.steps[i] =
            (struct row_step){row->steps[i].index, parts_copy(&row->steps[i].blob, a)};
    }
    memory_items_copy(&c->row, a);
    memory_usage_copy(&c->row, a);
    c->row.events = arena_alloc(a, row->event_count * sizeof *row->events);
    for (uint32_t i = 0; i < row->event_count; i++) {
        c->row.events[i] =
            (struct row_event){row->events[i].seq, parts_copy(&row->events[i].blob, a)};
    }
}

static void store_memory_read(struct store *base, const struct store_read *read)
{
    struct memory_call *c = call_add(of(base));
    c->read = *read;
    c->read.task_id = arena_bytes(&c->arena, read->task_id);
    c->read.before_id = arena_bytes(&c->arena, read->before_id);
    c->read.name = arena_bytes(&c->arena, read->name);
    c->read.ids = arena_alloc(&c->arena, (read->id_count + 1) * sizeof *read->ids);
    for (uint32_t i = 0; i < read->id_count; i++) {
        c->read.ids[i] = arena_bytes(&c->arena, read->ids[i]);
    }
    c->read.ranges = arena_alloc(&c->arena, read->range_count * sizeof *read->ranges);
    for (uint32_t i = 0; i < read->range_count; i++) {
        c->read.ranges[i] = read->ranges[i];
    }
    c->read.limits = limit_ops_copy(read->limits, read->limit_count, &c->arena);
}

static void store_memory_flush(struct store *base)
{
    struct memory_store *s = of(base);
    s->calls_flushed = s->calls_given;
    if (s->calls_done < s->calls_flushed) {
        loop_timer_set(s->turn, memory_now(s));
    }
}

static void store_memory_publish(struct store *base, const struct store_publish *publish)
{
    struct memory_store *s = of(base);
    memory_publish(s, publish);
    loop_timer_set(s->turn, memory_now(s));
}

/* ---- turns ---- */

static void on_turn(void *user)
{
    struct memory_store *s = user;
    memory_pipelines_tell(s);
    if (!s->is_up) {
        s->is_up = true;
        s->handler.up(s->handler.user, s->secret);
    }
    while (s->calls_done < s->calls_flushed) {
        s->calls_done++;
        const struct memory_call *c = s->first;
        if (c->is_row) {
            struct store_written written;
            memory_apply(s, &c->row, &written);
            s->rows_done++;
            s->handler.written(s->handler.user, &written);
        } else {
            memory_read(s, &c->read);
            s->reads_done++;
        }
        call_drop_first(s);
    }
}

static void on_sweep(void *user)
{
    struct memory_store *s = user;
    memory_sweep(s);
    loop_timer_set(s->sweep, memory_now(s) + SWEEP_EVERY_MS);
}

static struct store_stats store_memory_stats(const struct store *base)
{
    const struct memory_store *s = (const struct memory_store *)base;
    return (struct store_stats){.rows_total = s->rows_done,
                                .reads_total = s->reads_done,
                                .connects_total = s->is_up,
                                .rows_waiting = s->calls_given - s->calls_done};
}

static void store_memory_destroy(struct store *base)
{
    struct memory_store *s = of(base);
    limit_book_free(&s->limits);
    loop_timer_destroy(s->turn);
    loop_timer_destroy(s->sweep);
    while (s->first != NULL) {
        call_drop_first(s);
    }
    for (uint32_t i = 0; i < s->slot_count; i++) {
        if (s->slots[i] != NULL) {
            memory_task_free(s, s->slots[i]);
        }
    }
    void *idem = NULL;
    for (size_t at = 0; map_next(&s->idems, &at, &idem);) {
        memory_idem_free(s, idem);
    }
    memory_pipelines_free(s);
    for (uint32_t p = 0; p < PARTITION_COUNT; p++) {
        free(s->owners[p].name);
    }
    memory_usage_free(s);
    map_free(&s->tasks);
    map_free(&s->idems);
    free(s->slots);
    free(s->holes);
    free(s);
}

static const struct store_ops memory_ops = {
    .backend = "memory",
    .write = store_memory_write,
    .read = store_memory_read,
    .flush = store_memory_flush,
    .publish = store_memory_publish,
    .stats = store_memory_stats,
    .destroy = store_memory_destroy,
};

struct store *store_memory_create(struct loop *loop, struct store_handler handler)
{
    struct memory_store *s = mem_zalloc(sizeof *s);
    s->base.ops = &memory_ops;
    s->loop = loop;
    s->handler = handler;
    random_bytes(s->secret, sizeof s->secret);
    s->turn = loop_timer_create(loop, on_turn, s);
    s->sweep = loop_timer_create(loop, on_sweep, s);
    loop_timer_set(s->turn, memory_now(s));
    loop_timer_set(s->sweep, memory_now(s) + SWEEP_EVERY_MS);
    return &s->base;
}
