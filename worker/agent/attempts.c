/* Attempts: from the order to the runner, time limits, stops. outcomes.c has their end. */
#include "agent/state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct attempt *attempt_find(struct agent *a, uint64_t number)
{
    for (size_t i = 0; i < a->attempt_count; i++) {
        if (a->attempts[i]->number == number) {
            return a->attempts[i];
        }
    }
    return NULL;
}

static struct attempt *attempt_find_ref(struct agent *a, const struct attempt_ref *ref)
{
    for (size_t i = 0; i < a->attempt_count; i++) {
        const struct attempt_ref *r = &a->attempts[i]->order.ref;
        if (r->run == ref->run && r->step == ref->step && r->item == ref->item &&
            r->generation == ref->generation && r->attempt == ref->attempt &&
            r->delivery == ref->delivery && bytes_eq(r->task_id, ref->task_id)) {
            return a->attempts[i];
        }
    }
    return NULL;
}

static struct attempt *attempt_add(struct agent *a, peer_id from, const struct step_order *order)
{
    struct attempt *t = mem_zalloc(sizeof *t);
    t->number = a->next_number++;
    t->phase = ATTEMPT_WAITING;
    t->from = from;
    t->deadline = order->alone ? NEVER_MS : a->now.mono + AGENT_WAIT_MS;
    t->news_due = NEVER_MS;
    t->silent_at = NEVER_MS;
    t->fraction = -1;
    t->order = *order;
    t->order.ref.task_id = arena_bytes(&t->memory, order->ref.task_id);
    t->order.function = arena_bytes(&t->memory, order->function);
    t->order.name = arena_bytes(&t->memory, order->name);
    t->order.idempotency_key = arena_bytes(&t->payload, order->idempotency_key);
    t->order.input = arena_bytes(&t->payload, order->input);
    t->order.results = arena_bytes(&t->payload, order->results);
    t->order.progress_checkpoint = arena_bytes(&t->payload, order->progress_checkpoint);
    MEM_GROW(a->attempts, a->attempt_count, a->attempt_cap);
    a->attempts[a->attempt_count++] = t;
    a->waiting++;
    a->alone += order->alone;
    return t;
}

void attempt_drop(struct agent *a, struct attempt *t)
{
    size_t i = 0;
    while (a->attempts[i] != t) {
        i++;
        assert(i < a->attempt_count);
    }
    a->attempt_count--;
    memmove(&a->attempts[i], &a->attempts[i + 1],
            (a->attempt_count - i) * sizeof(struct attempt *));
    MEM_GROW(a->dead, a->dead_count, a->dead_cap);
    a->dead[a->dead_count++] = t;
}

void attempt_ordered(struct agent *a, struct peer *p, const struct step_order *order)
{
    bool paid = p->granted > 0;
    p->granted -= paid;
    struct attempt *t = attempt_find_ref(a, &order->ref);
    if (t != NULL) { /* it did not know that it is here: an outcome is told again, a running one
                        goes on */
        a->totals.duplicates_total++;
        t->from = p->id;
        t->sent_to = 0;
        return;
    }
    if (!paid) {
        fx_log(a, LOG_WARN, "order_without_credit", "peer=%" PRIu64 " %s", p->id,
               fx_ref_text(a, &order->ref));
        peer_close(a, p, AGENT_LEND_MS);
        return;
    }
    if (a->draining) { /* it crossed our DRAINING */
        peers_claim(a);
        return;
    }
    a->totals.orders_total++;
    t = attempt_add(a, p->id, order);
    if (map_get(&a->functions, order->function) == NULL) {
        outcome_refused(a, t, CODE_FUNCTION_UNAVAILABLE, "this worker does not offer the function");
    }
}

static void stop_softly(struct agent *a, struct attempt *t, enum stop_cause cause, mono_ms grace_ms)
{
    t->cause = cause;
    t->deadline = a->now.mono + grace_ms;
    fx_add(a, AGENT_FX_STOP)->number = t->number;
}

static const char *stop_reason_text(enum stop_reason reason)
{
    switch (reason) {
    case STOP_CANCELLED:
        return "cancelled";
    case STOP_SUPERSEDED:
        return "superseded";
    case STOP_TASK_ENDED:
        return "task_ended";
    }
    return "unknown";
}

void attempt_stopped(struct agent *a, const struct step_stop *stop)
{
    struct attempt *t = attempt_find_ref(a, &stop->ref);
    if (t == NULL || t->phase == ATTEMPT_HELD) {
        return; /* its outcome says the rest */
    }
    fx_log(a, LOG_INFO, "attempt_stopped", "%s reason=%s", fx_ref_text(a, &stop->ref),
           stop_reason_text(stop->reason));
    if (t->phase == ATTEMPT_WAITING) {
        outcome_refused(a, t, CODE_CANCELLED, "stopped before it began");
    } else if (t->cause == CAUSE_NONE) {
        stop_softly(a, t, CAUSE_STOPPED, a->config.stop_grace_ms);
    }
}

static void attempt_start(struct agent *a, struct attempt *t)
{
    a->waiting--;
    a->running++;
    t->phase = ATTEMPT_RUNNING;
    t->started = a->now.mono;
    t->started_wall = a->now.wall;
    mono_ms limit = t->order.timeout_ms > 0 ? (mono_ms)t->order.timeout_ms
                                            : (mono_ms)STEP_TIMEOUT_DEFAULT_S * 1000;
    t->deadline = a->now.mono + limit;
    if (t->order.progress_timeout_ms > 0) {
        t->silent_at = a->now.mono + t->order.progress_timeout_ms;
    }
    struct step_order *order = arena_alloc(&a->fx->arena, sizeof *order);
    *order = t->order;
    struct agent_effect *e = fx_add(a, AGENT_FX_START);
    e->call =
        (struct attempt_call){.number = t->number, .order = order, .deadline = a->now.wall + limit};
    /* The payload is handed out now; megabytes need not stay for the hours that it may run. */
    MEM_GROW(a->spent, a->spent_count, a->spent_cap);
    a->spent[a->spent_count++] = t->payload;
    t->payload = (struct arena){0};
    t->order.idempotency_key = t->order.input = BYTES_NONE;
    t->order.results = t->order.progress_checkpoint = BYTES_NONE;
}

/* In order of arrival; whoever wants to be alone waits until nothing runs, and nobody overtakes it.
 */
void attempts_start(struct agent *a)
{
    bool alone_runs = false;
    for (size_t i = 0; i < a->attempt_count; i++) {
        const struct attempt *t = a->attempts[i];
        alone_runs = alone_runs || (t->phase == ATTEMPT_RUNNING && t->order.alone);
    }
    for (size_t i = 0; i < a->attempt_count && a->waiting > 0; i++) {
        struct attempt *t = a->attempts[i];
        if (t->phase != ATTEMPT_WAITING) {
            continue;
        }
        if (alone_runs || a->running >= a->config.slots || (t->order.alone && a->running > 0)) {
            return;
        }
        alone_runs = t->order.alone;
        attempt_start(a, t);
    }
}

/* An order that found no free slot: another worker may have one. */
static void attempt_decline(struct agent *a, struct attempt *t)
{
    const struct peer *p = peer_for(a, t); /* the owner may have changed since it was ordered */
    if (p == NULL) {
        t->deadline = a->now.mono + AGENT_WAIT_MS; /* nobody to give it back to */
        return;
    }
    struct message *m = fx_send(a, p->id, MSG_DECLINE);
    m->decline.ref = t->order.ref;
    m->decline.ref.task_id = arena_bytes(&a->fx->arena, t->order.ref.task_id);
    a->totals.declined_total++;
    a->waiting--;
    attempt_drop(a, t);
}

static void attempts_decline(struct agent *a)
{
    for (size_t i = a->attempt_count; i-- > 0;) {
        struct attempt *t = a->attempts[i];
        if (t->phase == ATTEMPT_WAITING && t->deadline <= a->now.mono) {
            attempt_decline(a, t);
        }
    }
}

void attempts_expire(struct agent *a)
{
    attempts_decline(a);
    for (size_t i = 0; i < a->attempt_count; i++) {
        struct attempt *t = a->attempts[i];
        if (t->phase == ATTEMPT_RUNNING && t->cause == CAUSE_NONE && t->silent_at <= a->now.mono &&
            t->deadline > a->now.mono) {
            a->totals.timeouts_total++;
            fx_log(a, LOG_WARN, "attempt_silent", "%s progress_timeout_ms=%" PRIu32,
                   fx_ref_text(a, &t->order.ref), t->order.progress_timeout_ms);
            stop_softly(a, t, CAUSE_SILENT, a->config.stop_grace_ms);
        }
        if (t->phase != ATTEMPT_RUNNING || t->deadline > a->now.mono) {
            continue;
        }
        if (t->cause == CAUSE_NONE) {
            a->totals.timeouts_total++;
            fx_log(a, LOG_WARN, "attempt_timeout", "%s timeout_ms=%" PRIu32,
                   fx_ref_text(a, &t->order.ref), t->order.timeout_ms);
            stop_softly(a, t, CAUSE_TIMEOUT, a->config.stop_grace_ms);
            continue;
        }
        struct agent_effect *e = fx_add(a, AGENT_FX_STOP);
        e->number = t->number;
        e->kill = true;
        t->deadline = NEVER_MS;
    }
}

/* A drain begins: what waits was never begun and can run elsewhere at once. */
void attempts_hand_back(struct agent *a)
{
    for (size_t i = a->attempt_count; i-- > 0;) {
        struct attempt *t = a->attempts[i];
        if (t->phase == ATTEMPT_WAITING) {
            a->waiting--;
            a->alone -= t->order.alone;
            attempt_drop(a, t);
        }
    }
}

/* The time of a drain is over: what still runs is stopped, and is handed back when it has ended. */
void attempts_drain(struct agent *a)
{
    for (size_t i = 0; i < a->attempt_count; i++) {
        struct attempt *t = a->attempts[i];
        if (t->phase == ATTEMPT_RUNNING && t->cause == CAUSE_NONE) {
            stop_softly(a, t, CAUSE_DRAIN, AGENT_DRAIN_GRACE_MS);
        }
    }
}
