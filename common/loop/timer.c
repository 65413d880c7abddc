/* Timers on CLOCK_BOOTTIME in a binary heap of our own: libuv's timers use CLOCK_MONOTONIC, which
 * stops during a suspend. */
#include "loop/loop_impl.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"

#define NOT_ARMED SIZE_MAX

struct loop_timer {
    struct loop *loop;
    loop_fn *fn;
    void *user;
    mono_ms deadline;
    uint64_t sequence; /* of its latest setting: equal deadlines fire in that order */
    size_t at;         /* index in the heap, or NOT_ARMED */
    struct loop_timer *next;
    struct loop_timer *prev;
};

static bool before(const struct loop_timer *a, const struct loop_timer *b)
{
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->sequence < b->sequence;
}

static void put(struct loop *l, size_t at, struct loop_timer *t)
{
    l->heap[at] = t;
    t->at = at;
}

static void sift_up(struct loop *l, size_t at, struct loop_timer *t)
{
    while (at > 0 && before(t, l->heap[(at - 1) / 2])) {
        put(l, at, l->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(l, at, t);
}

static void sift_down(struct loop *l, size_t at, struct loop_timer *t)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= l->heap_count) {
            break;
        }
        if (child + 1 < l->heap_count && before(l->heap[child + 1], l->heap[child])) {
            child++;
        }
        if (!before(l->heap[child], t)) {
            break;
        }
        put(l, at, l->heap[child]);
        at = child;
    }
    put(l, at, t);
}

static void disarm(struct loop_timer *t)
{
    struct loop *l = t->loop;
    if (t->at == NOT_ARMED) {
        return;
    }
    size_t at = t->at;
    t->at = NOT_ARMED;
    struct loop_timer *last = l->heap[--l->heap_count];
    if (last == t) {
        return;
    }
    if (at > 0 && before(last, l->heap[(at - 1) / 2])) {
        sift_up(l, at, last);
    } else {
        sift_down(l, at, last);
    }
}

void timers_run(struct loop *l)
{
    mono_ms now = l->turn->now.mono;
    uint64_t fence = l->timer_sequence;
    /* Deadlines in the past are moved up to now, so a timer set from here on sorts after all that
     * were already due. */
    while (l->heap_count > 0 && l->heap[0]->deadline <= now && l->heap[0]->sequence < fence) {
        struct loop_timer *t = l->heap[0];
        disarm(t);
        t->fn(t->user);
    }
}

uint64_t timers_sleep_ms(const struct loop *l)
{
    if (l->heap_count == 0) {
        return PULSE_MS_MAX;
    }
    /* read the clock again: the turn may have been long */
    mono_ms left = l->heap[0]->deadline - clock_mono_us() / 1000;
    if (left <= 0) {
        return 0;
    }
    return left < PULSE_MS_MAX ? (uint64_t)left : PULSE_MS_MAX;
}

void timers_free(struct loop *l)
{
    while (l->timers != NULL) {
        loop_timer_destroy(l->timers);
    }
    free(l->heap);
}

struct loop_timer *loop_timer_create(struct loop *l, loop_fn *fn, void *user)
{
    struct loop_timer *t = mem_zalloc(sizeof *t);
    t->loop = l;
    t->fn = fn;
    t->user = user;
    t->at = NOT_ARMED;
    t->next = l->timers;
    if (t->next != NULL) {
        t->next->prev = t;
    }
    l->timers = t;
    return t;
}

void loop_timer_set(struct loop_timer *t, mono_ms deadline)
{
    struct loop *l = t->loop;
    disarm(t);
    if (deadline == NEVER_MS) {
        return;
    }
    mono_ms now = loop_now(l).mono;
    t->deadline = deadline > now ? deadline : now;
    t->sequence = l->timer_sequence++;
    MEM_GROW(l->heap, l->heap_count, l->heap_cap);
    sift_up(l, l->heap_count++, t);
}

void loop_timer_destroy(struct loop_timer *t)
{
    disarm(t);
    if (t->next != NULL) {
        t->next->prev = t->prev;
    }
    if (t->prev != NULL) {
        t->prev->next = t->next;
    } else {
        t->loop->timers = t->next;
    }
    free(t);
}
