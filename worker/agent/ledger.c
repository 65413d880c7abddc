/* The attempts that are here, with an index for each way to find one: by number, by what it is an
 * attempt of, by arrival, by phase, by due time. Each costs constant or logarithmic time, so a step
 * costs the same with one slot and with a thousand. */
#include "agent/state.h"

#include <assert.h>
#include <string.h>

static struct bytes number_key(const uint64_t *number)
{
    return bytes_of(number, sizeof *number);
}

/* A key that is unique to each attempt. The numbers alone are not: those of an id that is used
 * again after its record expired begin anew, while an old attempt may still be here. */
static struct bytes ref_key(struct buf *out, const struct attempt_ref *ref)
{
    uint32_t numbers[] = {ref->run,        ref->step,    ref->item,
                          ref->generation, ref->attempt, ref->delivery};
    buf_clear(out);
    buf_add(out, numbers, sizeof numbers);
    buf_add(out, ref->token, TOKEN_BYTES);
    buf_add_bytes(out, ref->task_id);
    return buf_bytes(out);
}

struct attempt *attempt_find(struct agent *a, uint64_t number)
{
    return map_get(&a->by_number, number_key(&number));
}

struct attempt *attempt_find_ref(struct agent *a, const struct attempt_ref *ref)
{
    return map_get(&a->by_ref, ref_key(&a->key, ref));
}

/* ---- lists ---- */

static void list_add(struct attempt_list *l, enum attempt_link k, struct attempt *t)
{
    t->links[k].prev = l->last;
    t->links[k].next = NULL;
    if (l->last != NULL) {
        l->last->links[k].next = t;
    } else {
        l->first = t;
    }
    l->last = t;
    l->count++;
}

static void list_remove(struct attempt_list *l, enum attempt_link k, struct attempt *t)
{
    struct attempt *prev = t->links[k].prev;
    struct attempt *next = t->links[k].next;
    if (prev != NULL) {
        prev->links[k].next = next;
    } else {
        l->first = next;
    }
    if (next != NULL) {
        next->links[k].prev = prev;
    } else {
        l->last = prev;
    }
    l->count--;
}

static void orders_count(struct agent *a, peer_id id, bool more)
{
    struct peer *p = peer_find(a, id);
    if (p != NULL) {
        p->orders += more ? 1 : UINT32_MAX;
    }
}

/* Adds the attempt to the counts of its current phase, or removes it. */
static void phase_count(struct agent *a, struct attempt *t, bool in)
{
    struct attempt_list *l = &a->in[t->phase];
    if (in) {
        list_add(l, LINK_PHASE, t);
    } else {
        list_remove(l, LINK_PHASE, t);
    }
    uint32_t one = in ? 1 : UINT32_MAX;
    if (t->phase != ATTEMPT_HELD) {
        orders_count(a, t->from, in);
        a->alone += t->order.alone ? one : 0;
    }
    a->alone_running += t->phase == ATTEMPT_RUNNING && t->order.alone ? one : 0;
}

void attempt_enter(struct agent *a, struct attempt *t, enum attempt_phase phase)
{
    phase_count(a, t, false);
    t->phase = phase;
    phase_count(a, t, true);
}

void attempt_from(struct agent *a, struct attempt *t, peer_id from)
{
    if (t->phase != ATTEMPT_HELD) {
        orders_count(a, t->from, false);
        orders_count(a, from, true);
    }
    t->from = from;
    attempt_reckon(a, t);
}

void attempt_keep(struct agent *a, struct attempt *t)
{
    t->key = arena_bytes(&t->memory, ref_key(&a->key, &t->order.ref));
    t->partition = id_partition(t->order.ref.task_id);
    list_add(&a->all, LINK_ALL, t);
    phase_count(a, t, true);
    (void)map_put(&a->by_number, number_key(&t->number), t);
    struct attempt *twin = map_put(&a->by_ref, t->key, t);
    assert(twin == NULL);
    attempt_reckon(a, t);
}

void attempt_drop(struct agent *a, struct attempt *t)
{
    list_remove(&a->all, LINK_ALL, t);
    phase_count(a, t, false);
    (void)map_remove(&a->by_number, number_key(&t->number));
    (void)map_remove(&a->by_ref, t->key);
    if (heap_holds(&t->in_due)) {
        heap_remove(&a->due, &t->in_due);
    }
    MEM_GROW(a->dead, a->dead_count, a->dead_cap);
    a->dead[a->dead_count++] = t;
}

/* ---- what is due ---- */

static struct attempt *of_due(const struct heap_node *n)
{
    return (struct attempt *)((uintptr_t)n - offsetof(struct attempt, in_due));
}

bool attempt_sooner(const struct heap_node *a, const struct heap_node *b)
{
    const struct attempt *x = of_due(a);
    const struct attempt *y = of_due(b);
    return x->due != y->due ? x->due < y->due : x->number < y->number;
}

static mono_ms earlier(mono_ms a, mono_ms b)
{
    return a < b ? a : b;
}

/* DUE_AT_ONCE: the outcome was not sent yet to the peer that it now goes to. */
static mono_ms due_of(const struct agent *a, const struct attempt *t)
{
    if (t->phase == ATTEMPT_WAITING) {
        return t->deadline;
    }
    const struct peer *p = peer_for(a, t);
    if (t->phase == ATTEMPT_HELD) {
        mono_ms known = t->sent_to == (p != NULL ? p->id : 0) ? t->resend_at : DUE_AT_ONCE;
        return p != NULL ? known : NEVER_MS;
    }
    mono_ms stop = t->cause == CAUSE_NONE ? earlier(t->deadline, t->silent_at) : t->deadline;
    return earlier(stop, t->news && p != NULL ? t->news_due : NEVER_MS);
}

void attempt_reckon(struct agent *a, struct attempt *t)
{
    mono_ms due = due_of(a, t);
    if (due == t->due && heap_holds(&t->in_due) == (due != NEVER_MS)) {
        return;
    }
    if (heap_holds(&t->in_due)) {
        heap_remove(&a->due, &t->in_due);
    }
    t->due = due;
    if (due != NEVER_MS) {
        heap_push(&a->due, &t->in_due);
    }
}

mono_ms attempts_due(const struct agent *a)
{
    const struct heap_node *n = heap_top(&a->due);
    return n != NULL ? of_due(n)->due : NEVER_MS;
}

/* Takes each attempt at most once per step, even if it becomes due again at once. */
size_t attempts_take_due(struct agent *a)
{
    for (struct attempt *t = a->reach_changed ? a->all.first : NULL; t != NULL;
         t = t->links[LINK_ALL].next) {
        attempt_reckon(a, t);
    }
    a->reach_changed = false;
    size_t count = 0;
    while (attempts_due(a) <= a->now.mono) {
        struct attempt *t = of_due(heap_top(&a->due));
        heap_remove(&a->due, &t->in_due);
        MEM_GROW(a->turn, count, a->turn_cap);
        a->turn[count++] = t;
    }
    return count;
}

/* ---- for tests ---- */

static void phase_check(const struct agent *a, enum attempt_phase phase)
{
    uint32_t count = 0;
    for (const struct attempt *t = a->in[phase].first; t != NULL; t = t->links[LINK_PHASE].next) {
        const struct attempt *next = t->links[LINK_PHASE].next;
        count++;
        assert(t->phase == phase);
        assert(phase != ATTEMPT_RUNNING || next == NULL || t->started <= next->started);
    }
    assert(count == a->in[phase].count);
}

static void attempt_check(const struct agent *a, const struct attempt *t)
{
    const struct attempt *next = t->links[LINK_ALL].next;
    assert(t->number < a->next_number && (next == NULL || t->number < next->number));
    assert(map_get(&a->by_number, number_key(&t->number)) == t);
    assert(map_get(&a->by_ref, t->key) == t);
    assert(t->due == due_of(a, t) && heap_holds(&t->in_due) == (t->due != NEVER_MS));
}

void ledger_check(const struct agent *a)
{
    uint32_t count = 0;
    uint32_t alone = 0;
    uint32_t alone_running = 0;
    uint32_t orders = 0;
    size_t held_bytes = 0;
    for (const struct attempt *t = a->all.first; t != NULL; t = t->links[LINK_ALL].next) {
        attempt_check(a, t);
        count++;
        alone += t->phase != ATTEMPT_HELD && t->order.alone;
        alone_running += t->phase == ATTEMPT_RUNNING && t->order.alone;
        for (uint32_t i = 0; i < a->peer_count; i++) {
            orders += t->phase != ATTEMPT_HELD && t->from == a->peers[i].id;
        }
        held_bytes += t->outcome.result.len + t->outcome.message.len;
    }
    for (uint32_t i = 0; i < a->peer_count; i++) {
        orders -= a->peers[i].orders;
    }
    for (enum attempt_phase phase = ATTEMPT_WAITING; phase <= ATTEMPT_HELD; phase++) {
        phase_check(a, phase);
        count -= a->in[phase].count;
    }
    assert(count == 0 && orders == 0 && a->all.count == a->by_number.count);
    assert(alone == a->alone && alone_running == a->alone_running);
    assert(held_bytes == a->held_bytes);
    assert(a->in[ATTEMPT_RUNNING].count <= a->config.slots);
    assert(alone_running == 0 || a->in[ATTEMPT_RUNNING].count == 1);
}
