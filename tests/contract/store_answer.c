/* What a store answers: a copy of it for the test, and what it lends is held until the end, long
 * after the store: it must stay as it was. */
#include "store_world.h"

#include <stdlib.h>

struct lent_text {
    struct shared *lender;
    struct bytes there; /* in the lender */
    struct bytes copy;  /* owned */
};

static void hold(struct world *w, struct lenders *lenders, struct bytes slice)
{
    struct shared *lender = slice.len > 0 ? lenders_find(lenders, slice) : NULL;
    if (lender != NULL) {
        MEM_GROW(w->lent, w->lent_count, w->lent_cap);
        w->lent[w->lent_count++] = (struct lent_text){shared_hold(lender), slice, bytes_own(slice)};
    }
}

static void hold_lent(struct world *w, const struct store_answer *a)
{
    struct lenders lenders = a->lenders;
    hold(w, &lenders, a->input);
    hold(w, &lenders, a->item);
    hold(w, &lenders, a->source);
    for (uint32_t i = 0; i < a->part_count; i++) {
        hold(w, &lenders, a->parts[i]);
    }
    for (uint32_t i = 0; i < a->items_count; i++) {
        hold(w, &lenders, a->items[i].result);
    }
    for (uint32_t i = 0; i < a->event_count; i++) {
        hold(w, &lenders, a->events[i].blob);
    }
}

void world_check_lent(struct world *w)
{
    for (size_t i = 0; i < w->lent_count; i++) {
        struct lent_text *t = &w->lent[i];
        assert_true(bytes_eq(t->there, t->copy));
        bytes_free(t->copy);
        shared_drop(t->lender);
    }
    free(w->lent);
}

static struct stored_item *copy_items(struct arena *arena, const struct stored_item *from,
                                      uint32_t count)
{
    struct stored_item *items = arena_alloc(arena, (count + 1) * sizeof *items);
    for (uint32_t i = 0; i < count; i++) {
        items[i] = (struct stored_item){from[i].item, arena_bytes(arena, from[i].blob),
                                        arena_bytes(arena, from[i].result)};
    }
    return items;
}

static void copy_records(struct world *w, const struct store_answer *a)
{
    struct arena *arena = &w->arena;
    w->answer.tasks = arena_alloc(arena, (a->task_count + 1) * sizeof *a->tasks);
    for (uint32_t i = 0; i < a->task_count; i++) {
        struct task_record t = a->tasks[i];
        t.task_id = arena_bytes(arena, t.task_id);
        t.spec = arena_bytes(arena, t.spec);
        t.head = arena_bytes(arena, t.head);
        t.dead = arena_bytes(arena, t.dead);
        t.steps = arena_alloc(arena, (t.step_count + 1) * sizeof *t.steps);
        for (uint32_t j = 0; j < t.step_count; j++) {
            t.steps[j] = (struct step_blob){a->tasks[i].steps[j].index,
                                            arena_bytes(arena, a->tasks[i].steps[j].blob)};
        }
        t.items = arena_alloc(arena, (t.items_count + 1) * sizeof *t.items);
        for (uint32_t j = 0; j < t.items_count; j++) {
            t.items[j] = a->tasks[i].items[j];
            t.items[j].marks = arena_bytes(arena, t.items[j].marks);
            t.items[j].begun = copy_items(arena, t.items[j].begun, t.items[j].begun_count);
        }
        w->answer.tasks[i] = t;
    }
}

void world_copy_answer(struct world *w, const struct store_answer *a)
{
    hold_lent(w, a);
    arena_reset(&w->arena);
    w->answer = *a;
    w->answer.lenders = (struct lenders){0};
    if (a->owners != NULL) {
        w->answer.owners = arena_alloc(&w->arena, PARTITION_COUNT * sizeof *a->owners);
        for (uint32_t i = 0; i < PARTITION_COUNT; i++) {
            w->answer.owners[i] = a->owners[i];
            w->answer.owners[i].owner = arena_bytes(&w->arena, a->owners[i].owner);
        }
    }
    copy_records(w, a);
    w->answer.listed = arena_alloc(&w->arena, (a->listed_count + 1) * sizeof *a->listed);
    for (uint32_t i = 0; i < a->listed_count; i++) {
        w->answer.listed[i] = arena_bytes(&w->arena, a->listed[i]);
    }
    w->answer.audits = arena_alloc(&w->arena, (a->audit_count + 1) * sizeof *a->audits);
    for (uint32_t i = 0; i < a->audit_count; i++) {
        w->answer.audits[i] = a->audits[i];
    }
    w->answer.usage = arena_alloc(&w->arena, (a->usage_count + 1) * sizeof *a->usage);
    for (uint32_t i = 0; i < a->usage_count; i++) {
        w->answer.usage[i] = a->usage[i];
        w->answer.usage[i].model = arena_bytes(&w->arena, a->usage[i].model);
        w->answer.usage[i].task_type = arena_bytes(&w->arena, a->usage[i].task_type);
    }
    w->answer.input = arena_bytes(&w->arena, a->input);
    w->answer.source = arena_bytes(&w->arena, a->source);
    w->answer.versions = arena_alloc(&w->arena, (a->version_count + 1) * sizeof *a->versions);
    for (uint32_t i = 0; i < a->version_count; i++) {
        w->answer.versions[i] = a->versions[i];
        w->answer.versions[i].hash = arena_bytes(&w->arena, a->versions[i].hash);
        w->answer.versions[i].by = arena_bytes(&w->arena, a->versions[i].by);
    }
    w->answer.item = arena_bytes(&w->arena, a->item);
    w->answer.limits = arena_alloc(&w->arena, (a->limit_count + 1) * sizeof *a->limits);
    for (uint32_t i = 0; i < a->limit_count; i++) {
        w->answer.limits[i] = a->limits[i];
    }
    w->answer.items = copy_items(&w->arena, a->items, a->items_count);
    w->answer.parts = arena_alloc(&w->arena, (a->part_count + 1) * sizeof *a->parts);
    for (uint32_t i = 0; i < a->part_count; i++) {
        w->answer.parts[i] = arena_bytes(&w->arena, a->parts[i]);
    }
    w->answer.events = arena_alloc(&w->arena, (a->event_count + 1) * sizeof *a->events);
    for (uint32_t i = 0; i < a->event_count; i++) {
        w->answer.events[i] =
            (struct event_blob){a->events[i].seq, arena_bytes(&w->arena, a->events[i].blob)};
    }
}
