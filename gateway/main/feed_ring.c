#include <stdlib.h>

#include "api/event_json.h"
#include "main/feed.h"

static struct feed_event *slot_of(const struct feed *f, uint64_t seq)
{
    return &f->ring[seq % FEED_RING_EVENTS_MAX];
}

const struct feed_event *feed_event(const struct feed *f, uint64_t seq)
{
    bool inside = f->ring != NULL && seq >= f->base && seq < f->base + FEED_RING_EVENTS_MAX;
    return inside && slot_of(f, seq)->text.len > 0 ? slot_of(f, seq) : NULL;
}

static void drop_oldest(struct feed *f)
{
    struct feed_event *e = slot_of(f, f->base);
    f->ring_bytes -= e->text.len;
    buf_free(&e->text);
    f->base++;
    if (f->head + 1 < f->base) {
        f->head = f->base - 1;
    }
}

void feed_ring_clear(struct feed *f, uint64_t head)
{
    for (uint32_t i = 0; f->ring != NULL && i < FEED_RING_EVENTS_MAX; i++) {
        buf_free(&f->ring[i].text);
    }
    feed_bursts_forget(f);
    f->ring_bytes = 0;
    f->base = head + 1;
    f->head = head;
}

void feed_ring_free(struct feed *f)
{
    feed_ring_clear(f, 0);
    free(f->ring);
    f->ring = NULL;
}

void feed_ring_put(struct feed *f, const struct task_event *e)
{
    if (e->seq < f->base || feed_event(f, e->seq) != NULL) {
        return; /* seen before */
    }
    if (f->ring == NULL) {
        f->ring = mem_zalloc(FEED_RING_EVENTS_MAX * sizeof *f->ring);
    }
    while (e->seq >= f->base + FEED_RING_EVENTS_MAX) {
        drop_oldest(f);
    }
    struct feed_event *slot = slot_of(f, e->seq);
    slot->type = e->type;
    event_render(bytes_str(f->task_id), e, &slot->text);
    f->ring_bytes += slot->text.len;
    f->gateway->events_total++;
    while (f->ring_bytes > FEED_RING_BYTES_MAX && f->base < e->seq) {
        drop_oldest(f);
    }
    while (feed_event(f, f->head + 1) != NULL) {
        f->head++;
    }
}
