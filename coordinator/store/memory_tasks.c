#include "store/memory_store.h"

#include <assert.h>
#include <stdlib.h>

#include "model/limits.h"

#define SWEPT_AT_ONCE 1024u /* tasks, and keys, examined per sweep: takes some microseconds */

mono_ms memory_now(const struct memory_store *s)
{
    return loop_now(s->loop).mono;
}

/* ---- tasks ---- */

struct memory_task *memory_task_find(struct memory_store *s, struct bytes id)
{
    struct memory_task *t = map_get(&s->tasks, id);
    if (t != NULL && t->expires_at <= memory_now(s)) {
        memory_task_free(s, t);
        return NULL;
    }
    return t;
}

static uint32_t free_slot(struct memory_store *s)
{
    if (s->hole_count > 0) {
        return s->holes[--s->hole_count];
    }
    MEM_GROW(s->slots, s->slot_count, s->slot_cap);
    return s->slot_count++;
}

struct memory_task *memory_task_add(struct memory_store *s, struct bytes id)
{
    struct memory_task *t = mem_zalloc(sizeof *t);
    t->id = bytes_own(id);
    t->expires_at = NEVER_MS;
    t->slot = free_slot(s);
    s->slots[t->slot] = t;
    void *old = map_put(&s->tasks, t->id, t);
    assert(old == NULL);
    return t;
}

void memory_task_free(struct memory_store *s, struct memory_task *t)
{
    map_remove(&s->tasks, t->id);
    s->slots[t->slot] = NULL;
    MEM_GROW(s->holes, s->hole_count, s->hole_cap);
    s->holes[s->hole_count++] = t->slot;
    for (uint32_t i = 0; i < t->step_count; i++) {
        bytes_free(t->steps[i].blob);
    }
    for (uint32_t i = 0; i < t->event_count; i++) {
        bytes_free(t->events[(t->event_first + i) % t->event_cap].blob);
    }
    memory_items_free(t);
    free(t->steps);
    free(t->events);
    buf_free(&t->spec);
    buf_free(&t->head);
    buf_free(&t->input);
    buf_free(&t->doc);
    buf_free(&t->error);
    buf_free(&t->dead);
    bytes_free(t->idem);
    bytes_free(t->id);
    free(t);
}

void memory_task_put_step(struct memory_task *t, const struct row_step *step)
{
    uint32_t low = 0;
    uint32_t high = t->step_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (t->steps[middle].index < step->index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < t->step_count && t->steps[low].index == step->index) {
        bytes_free(t->steps[low].blob);
    } else {
        MEM_GROW(t->steps, t->step_count, t->step_cap);
        memmove(&t->steps[low + 1], &t->steps[low], (t->step_count - low) * sizeof *t->steps);
        t->step_count++;
    }
    t->steps[low] = (struct step_blob){step->index, bytes_own(step->blob.whole)};
}

static void grow_events(struct memory_task *t)
{
    uint32_t cap = t->event_cap == 0 ? 16 : t->event_cap * 2;
    cap = cap > EVENTS_KEPT_MAX ? EVENTS_KEPT_MAX : cap;
    struct event_blob *events = mem_alloc(cap * sizeof *events);
    for (uint32_t i = 0; i < t->event_count; i++) {
        events[i] = t->events[(t->event_first + i) % t->event_cap];
    }
    free(t->events);
    t->events = events;
    t->event_first = 0;
    t->event_cap = cap;
}

void memory_task_put_event(struct memory_task *t, const struct row_event *event)
{
    if (t->event_count == t->event_cap && t->event_cap < EVENTS_KEPT_MAX) {
        grow_events(t);
    }
    if (t->event_count == t->event_cap) { /* drop the oldest */
        bytes_free(t->events[t->event_first].blob);
        t->event_first = (t->event_first + 1) % t->event_cap;
        t->event_count--;
    }
    t->events[(t->event_first + t->event_count++) % t->event_cap] =
        (struct event_blob){event->seq, bytes_own(event->blob.whole)};
    t->last_seq = event->seq;
}

/* ---- idempotency keys ---- */

struct memory_idem *memory_idem_find(struct memory_store *s, struct bytes key)
{
    struct memory_idem *i = map_get(&s->idems, key);
    if (i != NULL && i->expires_at <= memory_now(s)) {
        memory_idem_free(s, i);
        return NULL;
    }
    return i;
}

struct memory_idem *memory_idem_add(struct memory_store *s, struct bytes key)
{
    struct memory_idem *i = mem_zalloc(sizeof *i);
    i->key = arena_bytes(&i->arena, key);
    i->expires_at = NEVER_MS;
    void *old = map_put(&s->idems, i->key, i);
    assert(old == NULL);
    return i;
}

void memory_idem_free(struct memory_store *s, struct memory_idem *i)
{
    map_remove(&s->idems, i->key);
    arena_free(&i->arena);
    free(i);
}

/* ---- expiry ---- */

void memory_sweep(struct memory_store *s)
{
    mono_ms now = memory_now(s);
    for (uint32_t n = 0; n < SWEPT_AT_ONCE && n < s->slot_count; n++) {
        s->swept = s->swept + 1 < s->slot_count ? s->swept + 1 : 0;
        struct memory_task *t = s->slots[s->swept];
        if (t != NULL && t->expires_at <= now) {
            memory_task_free(s, t);
        }
    }
    for (uint32_t n = 0; n < SWEPT_AT_ONCE; n++) {
        void *value = NULL;
        if (!map_next(&s->idems, &s->idems_swept, &value)) {
            s->idems_swept = 0;
            break;
        }
        struct memory_idem *i = value;
        if (i->expires_at <= now) {
            memory_idem_free(s, i);
        }
    }
}
