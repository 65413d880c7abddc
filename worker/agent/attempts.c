/* Attempts: from the order to the runner, time limits, stops. Their end is in outcomes.c. */
#include "agent/state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct attempt *attempt_add(struct agent *a, peer_id from, const struct step_order *order)
{
    struct attempt *t = pool_attempt(&a->pool);
    t->number = a->next_number++;
    t->phase = ATTEMPT_WAITING;
    t->from = from;
    t->deadline = order->alone ? NEVER_MS : a->now.mono + AGENT_WAIT_MS;
    t->news_due = NEVER_MS;
    t->silent_at = NEVER_MS;
    t->fraction = -1;
    t->order = *order;
    t->order.ref.task_id = arena_bytes(&t->memory, order->ref.task_id);
    a->arrived = t;
    attempt_keep(a, t);
    return t;
}

static void order_decline(struct agent *a, const struct peer *p, const struct attempt_ref *ref)
{
    struct message *m = fx_send(a, p->id, MSG_DECLINE);
    m->decline.ref = *ref;
    m->decline.ref.task_id = arena_bytes(&a->fx->arena, ref->task_id);
    a->totals.declined_total++;
}

void attempt_ordered(struct agent *a, struct peer *p, const struct step_order *order)
{
    bool paid = p->granted > 0;
    p->granted -= paid;
    struct attempt *t = attempt_find_ref(a, &order->ref);
    if (t != NULL) {
        /* the coordinator did not know that the attempt is here: resend its outcome, or let it run
         * on */
        a->totals.duplicates_total++;
        t->sent_to = 0;
        attempt_from(a, t, p->id);
        return;
    }
    if (!paid) {
        fx_log(a, LOG_WARN, "order_without_credit", "peer=%" PRIu64 " %s", p->id,
               fx_ref_text(a, &order->ref));
        peer_close(a, p, AGENT_LEND_MS);
        return;
    }
    if (a->draining) { /* the order crossed our DRAINING on the way */
        peers_claim(a);
        return;
    }
    const struct peer *owner = peer_owner(a, id_partition(order->ref.task_id));
    if (owner != NULL && owner != p) {
        /* the partition has moved since this order was sent. Our RUNNING tells the new owner that
         * the attempt is not here, and it will order the step */
        order_decline(a, p, &order->ref);
        p->credit_at = a->now.mono + AGENT_OVERTAKEN_MS;
        return;
    }
    a->totals.orders_total++;
    t = attempt_add(a, p->id, order);
    if (map_get(&a->functions, order->function) == NULL) {
        outcome_refused(a, t, CODE_FUNCTION_UNAVAILABLE, "this worker does not offer the function");
    }
}

/* Forgets what is only passed to the function: an attempt that has begun, or never will, does not
 * need it. */
static void order_forget(struct step_order *o)
{
    o->name = o->function = o->idempotency_key = BYTES_NONE;
    o->input.whole = o->results.whole = o->progress_checkpoint = BYTES_NONE;
}

/* At the end of a step: the order that arrived in it has either begun, straight from its message,
 * or has to wait for a slot, and is copied. */
void attempts_settle(struct agent *a)
{
    struct attempt *t = a->arrived;
    a->arrived = NULL;
    if (t == NULL) {
        return;
    }
    struct step_order *o = &t->order;
    if (t->phase != ATTEMPT_WAITING) {
        order_forget(o);
        return;
    }
    t->payload = pool_arena(&a->pool);
    o->name = arena_bytes(&t->payload, o->name);
    o->function = arena_bytes(&t->payload, o->function);
    o->idempotency_key = arena_bytes(&t->payload, o->idempotency_key);
    a->config.keeper.keep(a->config.keeper.user, o, &t->kept);
}

static void stop_softly(struct agent *a, struct attempt *t, enum stop_cause cause, mono_ms grace_ms)
{
    t->cause = cause;
    t->deadline = a->now.mono + grace_ms;
    attempt_reckon(a, t);
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

void attempt_stopped(struct agent *a, const struct peer *p, const struct step_stop *stop)
{
    struct attempt *t = attempt_find_ref(a, &stop->ref);
    if (t == NULL) {
        return;
    }
    const struct peer *owner = peer_owner(a, t->partition);
    if (stop->elsewhere && owner != NULL && owner != p) {
        return; /* the owner has our RUNNING: it keeps this attempt, or stops it itself */
    }
    t->stopped = true;
    if (t->phase == ATTEMPT_HELD) {
        return; /* the outcome that follows tells the rest */
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
    t->started = a->now.mono;
    attempt_enter(a, t, ATTEMPT_RUNNING);
    t->started_wall = a->now.wall;
    mono_ms limit = t->order.timeout_ms > 0 ? (mono_ms)t->order.timeout_ms
                                            : (mono_ms)STEP_TIMEOUT_DEFAULT_S * 1000;
    t->deadline = a->now.mono + limit;
    if (t->order.progress_timeout_ms > 0) {
        t->silent_at = a->now.mono + t->order.progress_timeout_ms;
    }
    attempt_reckon(a, t);
    struct step_order *order = arena_alloc(&a->fx->arena, sizeof *order);
    *order = t->order;
    struct agent_effect *e = fx_add(a, AGENT_FX_START);
    e->call =
        (struct attempt_call){.number = t->number, .order = order, .deadline = a->now.wall + limit};
    /* The payload was passed on; a long run need not keep megabytes. */
    if (t != a->arrived) {
        e->call.kept = &t->kept;
        MEM_GROW(a->begun, a->begun_count, a->begun_cap);
        a->begun[a->begun_count++] = t;
    }
    order_forget(&t->order);
}

/* Starts orders in order of arrival. A step that must run alone waits until nothing runs, and
 * nothing overtakes it. */
void attempts_start(struct agent *a)
{
    const uint32_t *running = &a->in[ATTEMPT_RUNNING].count;
    struct attempt *t;
    while ((t = a->in[ATTEMPT_WAITING].first) != NULL) {
        if (a->alone_running > 0 || *running >= a->config.slots ||
            (t->order.alone && *running > 0)) {
            return;
        }
        attempt_start(a, t);
    }
}

/* Gives back an order that found no free slot: another worker may have one. */
static void attempt_decline(struct agent *a, struct attempt *t)
{
    const struct peer *p = peer_for(a, t); /* the owner may have changed since it was ordered */
    if (p == NULL) {
        t->deadline = a->now.mono + AGENT_WAIT_MS; /* nobody to give it back to */
        attempt_reckon(a, t);
        return;
    }
    order_decline(a, p, &t->order.ref);
    attempt_drop(a, t);
}

/* The attempt keeps its slot, and is given back after AGENT_WAIT_MS, like an order that finds no
 * slot: if that happened at once, the order would go back and forth as fast as messages travel. */
void attempt_not_begun(struct agent *a, struct attempt *t, struct bytes why)
{
    fx_log(a, LOG_WARN, "attempt_not_begun", "%s why=\"%.*s\" then=\"it is handed back\"",
           fx_ref_text(a, &t->order.ref), (int)bytes_part(why, 0, 200).len, (const char *)why.ptr);
    t->cause = CAUSE_NOT_BEGUN;
    t->deadline = a->now.mono + AGENT_WAIT_MS;
    t->silent_at = NEVER_MS;
    attempt_reckon(a, t);
}

static void attempt_expire(struct agent *a, struct attempt *t)
{
    if (t->cause == CAUSE_NONE && t->silent_at <= a->now.mono && t->deadline > a->now.mono) {
        a->totals.timeouts_total++;
        fx_log(a, LOG_WARN, "attempt_silent", "%s progress_timeout_ms=%" PRIu32,
               fx_ref_text(a, &t->order.ref), t->order.progress_timeout_ms);
        stop_softly(a, t, CAUSE_SILENT, a->config.stop_grace_ms);
    }
    if (t->deadline > a->now.mono) {
        return;
    }
    if (t->cause == CAUSE_NONE) {
        a->totals.timeouts_total++;
        fx_log(a, LOG_WARN, "attempt_timeout", "%s timeout_ms=%" PRIu32,
               fx_ref_text(a, &t->order.ref), t->order.timeout_ms);
        stop_softly(a, t, CAUSE_TIMEOUT, a->config.stop_grace_ms);
        return;
    }
    struct agent_effect *e = fx_add(a, AGENT_FX_STOP);
    e->number = t->number;
    e->kill = true;
    t->deadline = NEVER_MS;
}

static void attempt_turn(struct agent *a, struct attempt *t)
{
    switch (t->phase) {
    case ATTEMPT_WAITING:
        attempt_decline(a, t);
        return;
    case ATTEMPT_RUNNING:
        if (t->cause == CAUSE_NOT_BEGUN) {
            attempt_decline(a, t); /* gives it back, or waits longer */
            return;
        }
        attempt_expire(a, t);
        if (t->news && t->news_due <= a->now.mono) {
            news_flush(a, t);
        }
        break;
    case ATTEMPT_HELD:
        outcome_tell(a, t);
        break;
    }
    attempt_reckon(a, t);
}

void attempts_turn(struct agent *a)
{
    size_t count = attempts_take_due(a);
    for (size_t i = 0; i < count; i++) {
        attempt_turn(a, a->turn[i]);
    }
}

/* A drain begins: attempts that are waiting have not begun, and can run elsewhere at once. */
void attempts_hand_back(struct agent *a)
{
    while (a->in[ATTEMPT_WAITING].last != NULL) {
        attempt_drop(a, a->in[ATTEMPT_WAITING].last);
    }
}

/* The drain's time is up: stops what still runs, to be handed back once it has ended. */
void attempts_drain(struct agent *a)
{
    for (struct attempt *t = a->in[ATTEMPT_RUNNING].first; t != NULL;
         t = t->links[LINK_PHASE].next) {
        if (t->cause == CAUSE_NONE) {
            stop_softly(a, t, CAUSE_DRAIN, AGENT_DRAIN_GRACE_MS);
        }
    }
}

void attempts_forgive(struct agent *a, mono_ms stood_ms)
{
    for (struct attempt *t = a->in[ATTEMPT_RUNNING].first; t != NULL;
         t = t->links[LINK_PHASE].next) {
        if (t->silent_at != NEVER_MS) {
            t->silent_at += stood_ms;
            attempt_reckon(a, t);
        }
    }
}
