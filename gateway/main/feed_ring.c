/* The rings of all feeds: each holds a client's backlog, and all of them together no more than
 * FEEDS_BYTES_MAX. */
#include <stdlib.h>

#include "api/event_json.h"
#include "main/feed.h"

static struct feed_event *slot_of(const struct feed *f, uint64_t seq)
{
    return &f->ring[seq % f->ring_slots];
}

const struct feed_event *feed_event(const struct feed *f, uint64_t seq)
{
    bool inside = seq >= f->base && seq < f->base + f->ring_slots;
    return inside && slot_of(f, seq)->text.len > 0 ? slot_of(f, seq) : NULL;
}

static void drop_oldest(struct feed *f)
{
    struct feed_event *e = slot_of(f, f->base);
    f->ring_bytes -= e->text.len;
    f->text_memory -= e->text.cap;
    buf_free(&e->text);
    f->base++;
    if (f->head + 1 < f->base) {
        f->head = f->base - 1;
    }
}

/* Of those before it none is kept. Behind the slots that there are is nothing to drop. */
static void begin_at(struct feed *f, uint64_t base)
{
    for (uint32_t i = 0; i < f->ring_slots && f->base < base; i++) {
        drop_oldest(f);
    }
    if (f->base < base) {
        f->base = base;
        f->head = base - 1;
    }
}

void feed_count(struct feed *f)
{
    size_t memory = f->ring_slots * sizeof *f->ring + f->text_memory;
    for (int i = 0; i < FORM_COUNT; i++) {
        memory += f->bursts[i].bytes.cap;
    }
    f->gateway->rings.bytes += memory;
    f->gateway->rings.bytes -= f->counted;
    f->counted = memory;
}

/* ---- those that have one, by age ---- */

static void rings_leave(struct feed *f)
{
    struct feed_rings *r = &f->gateway->rings;
    *(f->ring_prev != NULL ? &f->ring_prev->ring_next : &r->oldest) = f->ring_next;
    *(f->ring_next != NULL ? &f->ring_next->ring_prev : &r->newest) = f->ring_prev;
    f->ring_prev = f->ring_next = NULL;
}

static void rings_join(struct feed *f)
{
    struct feed_rings *r = &f->gateway->rings;
    f->ring_prev = r->newest;
    *(r->newest != NULL ? &r->newest->ring_next : &r->oldest) = f;
    r->newest = f;
}

/* Of the one that was told nothing for longest first: who takes what is told has it since then. Who
 * does not has fallen behind, and is told of a gap. */
static void rings_shed(struct gateway *g)
{
    while (g->rings.bytes > FEEDS_BYTES_MAX && g->rings.oldest != g->rings.newest) {
        feed_ring_clear(g->rings.oldest, g->rings.oldest->head);
        g->rings.shed_total++;
    }
}

void feed_ring_clear(struct feed *f, uint64_t head)
{
    if (f->ring != NULL) {
        rings_leave(f);
    }
    for (uint32_t i = 0; i < f->ring_slots; i++) {
        buf_free(&f->ring[i].text);
    }
    free(f->ring);
    f->ring = NULL;
    f->ring_slots = 0;
    f->ring_bytes = f->text_memory = 0;
    f->base = head + 1;
    f->head = head;
    feed_bursts_forget(f);
}

/* Slots for all from base to seq, as far as there may be. */
static void ring_fit(struct feed *f, uint64_t seq)
{
    uint32_t slots = f->ring_slots > 0 ? f->ring_slots : FEED_RING_EVENTS_MIN;
    while (slots < FEED_RING_EVENTS_MAX && seq - f->base >= slots) {
        slots *= 2;
    }
    if (slots == f->ring_slots) {
        return;
    }
    struct feed_event *ring = mem_zalloc(slots * sizeof *ring);
    for (uint64_t at = f->base; at < f->base + f->ring_slots; at++) {
        ring[at % slots] = *slot_of(f, at);
    }
    free(f->ring);
    f->ring = ring;
    f->ring_slots = slots;
}

void feed_ring_put(struct feed *f, const struct task_event *e)
{
    if (e->seq < f->base || feed_event(f, e->seq) != NULL) {
        return; /* seen before */
    }
    if (f->ring != NULL) {
        rings_leave(f);
    }
    rings_join(f);
    ring_fit(f, e->seq);
    if (e->seq - f->base >= FEED_RING_EVENTS_MAX) {
        begin_at(f, e->seq - FEED_RING_EVENTS_MAX + 1);
    }
    struct feed_event *slot = slot_of(f, e->seq);
    slot->type = e->type;
    event_render(bytes_str(f->task_id), e, &slot->text);
    f->ring_bytes += slot->text.len;
    f->text_memory += slot->text.cap;
    f->gateway->events_total++;
    while (f->ring_bytes > FEED_RING_BYTES_MAX && f->base < e->seq) {
        drop_oldest(f);
    }
    while (feed_event(f, f->head + 1) != NULL) {
        f->head++;
    }
    feed_count(f);
    rings_shed(f->gateway);
}
