/* Compares what coordinators send with what the store holds at that moment: durable first, visible
 * second. */
#include <stdlib.h>

#include "books.h"
#include "json/scan.h"

#define TASK(t) (int)(t)->id.len, (const char *)(t)->id.ptr

/* Whoever reports a task or gives out its steps must be its owner at that moment: another
 * coordinator's memory may be outdated. One that has handed the task over may still report what was
 * true until then, also that others have an attempt: workers that know of the next owner by then
 * ignore that. */
static void must_own(struct audit *a, const struct coordinator *c, struct bytes task_id, bool tells)
{
    partition_id p = id_partition(task_id);
    bool owns = a->owned[p] && memcmp(a->fences[p].nonce, c->instance, NONCE_BYTES) == 0;
    bool owned = memcmp(a->released[p].nonce, c->instance, NONCE_BYTES) == 0;
    REQUIRE(a, "lease", owns || (tells && owned), "%s speaks for %.*s, which is another's by now",
            c->process.name, (int)task_id.len, (const char *)task_id.ptr);
}

static bool needs_met(const struct book_task *t, uint32_t step)
{
    const struct pipeline_step *def = &t->pipeline->steps[step];
    for (uint32_t n = 0; n < def->needs_count; n++) {
        enum step_state state = t->steps[def->needs[n]].state;
        bool over = state != STEP_PENDING && state != STEP_RUNNING;
        if (state != STEP_COMPLETED && state != STEP_SKIPPED && !(def->finally && over)) {
            return false;
        }
    }
    return true;
}

/* The step of this name in the same pipeline. */
static int32_t find_sibling(const struct pipeline *p, uint32_t of, struct bytes name)
{
    for (uint32_t i = 0; i < p->step_count; i++) {
        if (p->steps[i].parent == p->steps[of].parent && bytes_is(name, p->steps[i].own_name)) {
            return (int32_t)i;
        }
    }
    return -1;
}

/* A step without expressions in its input is given the results of all earlier steps in its pipeline
 * that have one. */
static void sent_results(struct audit *a, const struct book_task *t, const struct step_order *o)
{
    struct arena arena = {0};
    bool *ancestors = arena_alloc(&arena, t->step_count);
    if (t->pipeline->steps[o->ref.step].input_template == NULL) {
        pipeline_ancestors(t->pipeline, o->ref.step, ancestors);
    }
    struct bytes results = parts_join(&o->results, &arena);
    REQUIRE(a, "I3", json_check(results, NULL, NULL) == ERR_OK, "%.*s/%u: results are no JSON",
            TASK(t), o->ref.step);
    uint32_t members = 0;
    struct bytes key, value;
    for (struct json_walk walk = json_walk(results); json_next(&walk, &key, &value);) {
        int32_t i = find_sibling(t->pipeline, o->ref.step, key);
        REQUIRE(a, "I3",
                i >= 0 && ancestors[i] && t->steps[i].state == STEP_COMPLETED &&
                    bytes_eq(value, t->steps[i].result),
                "%.*s/%u is given a result of %.*s that is not the stored one", TASK(t),
                o->ref.step, (int)key.len, (const char *)key.ptr);
        members++;
    }
    for (uint32_t i = 0; i < t->step_count; i++) {
        members -= ancestors[i] && t->steps[i].state == STEP_COMPLETED &&
                   t->pipeline->steps[i].parent == t->pipeline->steps[o->ref.step].parent;
    }
    REQUIRE(a, "I3", members == 0, "%.*s/%u is not given the results of all before it", TASK(t),
            o->ref.step);
    arena_free(&arena);
}

/* The input by plan.c's template: the number of the task's input, and a result. */
static void sent_input(struct audit *a, const struct book_task *t, const struct step_order *o,
                       struct bytes input)
{
    const struct template *template = t->pipeline->steps[o->ref.step].input_template;
    if (template == NULL) {
        const struct stored_task *stored = store_model_find(&a->world->store, t->id, a->world->now);
        const struct pipeline_step *def = &t->pipeline->steps[o->ref.step];
        struct bytes own = def->input;
        if (own.len == 0) { /* the task's, or what plan.c passes on to a nested pipeline */
            own = def->parent == STEP_NONE ? buf_bytes(&stored->input)
                                           : BYTES_LIT("{\"n\":12345678901234567890}");
        }
        REQUIRE(a, "I3", bytes_eq(input, own),
                "%.*s/%u: is given an input that is not the stored one: %.*s", TASK(t), o->ref.step,
                (int)input.len, (const char *)input.ptr);
        return;
    }
    const struct book_step *of = &t->steps[template->pieces[1].expr->refs[0].step_index];
    struct bytes result = of->state == STEP_COMPLETED ? of->result : BYTES_LIT("null");
    struct buf want = {0};
    buf_add_str(&want, "{\"n\":12345678901234567890,\"own\":");
    buf_add_bytes(&want, result);
    buf_add_char(&want, '}');
    REQUIRE(a, "I3", bytes_eq(input, buf_bytes(&want)), "%.*s/%u: its input is %.*s, not %s",
            TASK(t), o->ref.step, (int)input.len, (const char *)input.ptr, buf_cstr(&want));
    buf_free(&want);
}

static void sent_order(struct audit *a, const struct coordinator *c, const struct conn *k,
                       const struct step_order *o)
{
    const struct world *w = a->world;
    const struct book_task *t = book_find(a, o->ref.task_id);
    REQUIRE(a, "I4", t != NULL, "%s orders a step of an unknown task", c->process.name);
    REQUIRE(a, "durable", t->run == o->ref.run && !task_state_ended(t->state),
            "%.*s: %s orders a step of run %u, stored are run %u and state %s", TASK(t),
            c->process.name, o->ref.run, t->run, task_state_name(t->state));
    REQUIRE(a, "I13", t->state != TASK_PAUSED, "%.*s: %s orders a step of a paused task", TASK(t),
            c->process.name);
    audit_budget_order(a, t, o);
    audit_takeover_ordered(a, t);
    REQUIRE(a, "I15", t->pipeline->steps[o->ref.step].wait.kind == WAIT_NONE,
            "%.*s/%u: a step that waits is ordered", TASK(t), o->ref.step);
    REQUIRE(a, "I5", needs_met(t, o->ref.step), "%.*s/%u is ordered before what it needs", TASK(t),
            o->ref.step);
    REQUIRE(a, "I14", book_when_holds(t, o->ref.step), "%.*s/%u: ordered, and its condition fails",
            TASK(t), o->ref.step);
    REQUIRE(a, "I16",
            (o->ref.item != ITEM_NONE) == (t->pipeline->steps[o->ref.step].for_each != NULL),
            "%.*s/%u: ordered as a step with%s items", TASK(t), o->ref.step,
            o->ref.item != ITEM_NONE ? "" : "out");
    audit_order_placed(a, t, k, o);
    audit_once_ordered(a, k, o);
    if (o->ref.item != ITEM_NONE) {
        audit_fan_order(a, t, o);
        return;
    }
    const struct book_step *s = &t->steps[o->ref.step];
    REQUIRE(a, "durable",
            s->state == STEP_PENDING && s->generation == o->ref.generation &&
                s->deliveries == o->ref.delivery && s->failures + 1 == o->ref.attempt,
            "%.*s/%u: ordered as generation %u delivery %u attempt %u, stored are %u, %u, %u (%s)",
            TASK(t), o->ref.step, o->ref.generation, o->ref.delivery, o->ref.attempt, s->generation,
            s->deliveries, s->failures + 1, step_state_name(s->state));
    REQUIRE(a, "retry", w->now >= s->not_before || w->clock_stepped,
            "%.*s/%u: ordered %lld ms too early", TASK(t), o->ref.step,
            (long long)(s->not_before - w->now));
    REQUIRE(a, "retry", o->alone == (s->deaths >= 2), "%.*s/%u: alone is %d after %u deaths",
            TASK(t), o->ref.step, o->alone, s->deaths);
    struct arena arena = {0};
    sent_results(a, t, o);
    sent_input(a, t, o, parts_join(&o->input, &arena));
    arena_free(&arena);
}

static struct book_outcome *find_outcome(struct audit *a, uint64_t life, uint64_t number)
{
    for (size_t i = a->outcome_count; i-- > 0;) {
        if (a->outcomes[i].life == life && a->outcomes[i].number == number) {
            return &a->outcomes[i];
        }
    }
    return NULL;
}

/* The worker forgets an outcome once it is acknowledged: by then it must be in the store, or never
 * be wanted again. */
static void sent_ack_of(struct audit *a, const struct conn *k, const struct book_outcome *o,
                        enum verdict verdict)
{
    const struct book_task *t = book_find(a, o->task_id);
    REQUIRE(a, "durable", t != NULL, "an outcome of an unknown task is acknowledged");
    const struct book_step *s = &t->steps[o->step];
    bool current = t->run == o->run && !task_state_ended(t->state) &&
                   s->generation == o->generation && s->state == STEP_PENDING;
    bool moved_on = s->deliveries > o->delivery;
    if (o->item != ITEM_NONE) {
        current = current && audit_fan_wants(t, o);
        moved_on = current && audit_fan_moved_on(t, o);
    }
    if (verdict == VERDICT_LATE) {
        REQUIRE(a, "I3", !(o->ok && current && needs_met(t, o->step)),
                "%.*s/%u: a success is called late, and is not", TASK(t), o->step);
        if (!o->ok) {
            audit_once_set_aside(a, k, o);
        }
        return;
    }
    bool stored = !current || (!o->ok && moved_on);
    REQUIRE(a, "durable", stored, "%.*s/%u: an outcome is acknowledged before it is stored",
            TASK(t), o->step);
}

static void sent_ack(struct audit *a, const struct coordinator *c, const struct conn *k,
                     const struct message *m)
{
    enum verdict verdict = m->ack.verdict;
    if (m->ack.number == UINT64_MAX) {
        REQUIRE(a, "I6", verdict == VERDICT_REJECTED || verdict == VERDICT_LATE,
                "a forged outcome was taken from %s", k->ends[1]->name);
        return;
    }
    REQUIRE(a, "I6", verdict != VERDICT_REJECTED, "an honest outcome of %s was rejected",
            k->ends[1]->name);
    struct book_outcome *o = find_outcome(a, k->lives[1], m->ack.number);
    REQUIRE(a, "wire", o != NULL, "an acknowledgement of what %s never said", k->ends[1]->name);
    must_own(a, c, o->task_id, true);
    sent_ack_of(a, k, o, verdict);
    if (verdict == VERDICT_APPLIED) {
        audit_usage_ack(a, book_find(a, o->task_id), o);
    }
}

/* Events are compared byte for byte with those in the store. */
static void sent_events(struct audit *a, const struct message *m)
{
    const struct book_task *t = book_find(a, m->events.task_id);
    for (uint32_t i = 0; i < m->events.count; i++) {
        const struct task_event *e = &m->events.events[i];
        struct slices blob = {0};
        struct lenders none = {0};
        bool found = false;
        record_put_event(e, &none, &blob);
        for (const struct book_task *run = t; run != NULL; run = run->older) {
            found = found || (e->seq <= run->event_count &&
                              bytes_eq(run->events[e->seq - 1], buf_bytes(&blob.own)));
        }
        slices_free(&blob);
        REQUIRE(a, "durable", found, "event %llu of %.*s is told before it is stored",
                (unsigned long long)e->seq, (int)m->events.task_id.len,
                (const char *)m->events.task_id.ptr);
    }
}

static void sent_status(struct audit *a, const struct task_view *v)
{
    const struct book_task *t = book_find(a, v->task_id);
    REQUIRE(a, "durable", t != NULL, "a status of a task that is not stored");
    if (t->run != v->run) {
        REQUIRE(a, "durable", v->run < t->run, "%.*s: a status of run %u", TASK(t), v->run);
        return;
    }
    REQUIRE(a, "durable", v->seq <= t->seq, "%.*s: a status with seq %llu, stored is %llu", TASK(t),
            (unsigned long long)v->seq, (unsigned long long)t->seq);
    for (uint32_t i = 0; i < v->step_count && v->seq == t->seq; i++) {
        bool told = v->steps[i].state == STEP_COMPLETED;
        bool skipped = v->steps[i].state == STEP_SKIPPED;
        REQUIRE(a, "durable",
                told == (t->steps[i].state == STEP_COMPLETED) &&
                    skipped == (t->steps[i].state == STEP_SKIPPED) &&
                    v->steps[i].retry_count == t->steps[i].failures &&
                    v->steps[i].deaths == t->steps[i].deaths,
                "%.*s/%u: a status that the store does not bear out", TASK(t), i);
        audit_fan_status(a, t, &v->steps[i], i);
        audit_checkpoint_told(a, t, &v->steps[i], i);
    }
    REQUIRE(a, "I7", v->progress >= 0 && v->progress <= 1, "%.*s: progress %f", TASK(t),
            v->progress);
}

static void sent_started(struct audit *a, const struct message *m)
{
    REQUIRE(a, "durable", book_find(a, m->started.task_id) != NULL,
            "STARTED is said of %.*s, which is not stored", (int)m->started.task_id.len,
            (const char *)m->started.task_id.ptr);
}

static void sent_done(struct audit *a, const struct message *m)
{
    const struct book_task *t = book_find(a, m->done.task_id);
    REQUIRE(a, "durable", t != NULL, "DONE is said of a task that is not stored");
    bool budget = t->rebudgeted || !budget_none(&t->budget); /* a repetition changes nothing */
    bool durable = true;
    switch ((int)m->done.state) {
    case TASK_CANCELLED:
        durable = t->cancels_seen > 0;
        break;
    case TASK_RECOVERING:
        durable = t->recoveries_seen > 0 || budget; /* a new budget while it recovers */
        break;
    case TASK_PAUSED:
        durable = t->pauses_seen > 0;
        break;
    default:
        durable = t->resumes_seen > 0 || budget;
        break;
    }
    REQUIRE(a, "durable", durable || t->older != NULL, "%.*s: DONE with %s before it is stored",
            TASK(t), task_state_name(m->done.state));
}

/* Some step has it: one that was reached since may have taken it from the step that kept it. */
static bool signal_stored(const struct book_task *t, uint64_t key)
{
    bool stored = false;
    for (uint32_t i = 0; i < t->step_count; i++) {
        stored = stored || t->steps[i].signal_key == key;
    }
    return stored;
}

static void sent_signalled(struct audit *a, const struct message *m)
{
    const struct book_task *t = book_find(a, m->signalled.task_id);
    REQUIRE(a, "durable", t != NULL, "SIGNALLED is said of a task that is not stored");
    REQUIRE(a, "durable",
            pipeline_find(t->pipeline, m->signalled.step) >= 0 &&
                (t->older != NULL || t->recoveries_seen > 0 || signal_stored(t, m->signalled.key)),
            "%.*s: SIGNALLED is said of a signal that is not stored", TASK(t));
}

void audit_sent(struct audit *a, const struct coordinator *c, const struct conn *k,
                const struct message *m)
{
    if (a->blind) {
        return;
    }
    REQUIRE(a, "wire", k != NULL && k->ends[0] == &c->process, "a message to nobody");
    switch ((int)m->type) {
    case MSG_ORDER:
        must_own(a, c, m->order.ref.task_id, false);
        sent_order(a, c, k, &m->order);
        break;
    case MSG_STOP:
        if (audit_once_stops_wanted(a, k, &m->stop.ref)) {
            must_own(a, c, m->stop.ref.task_id, m->stop.elsewhere);
            REQUIRE(a, "I21", m->stop.elsewhere,
                    "%.*s/%u: %s is told to stop what is wanted, by whoever says so",
                    (int)m->stop.ref.task_id.len, (const char *)m->stop.ref.task_id.ptr,
                    m->stop.ref.step, k->ends[1]->name);
        }
        break;
    case MSG_ACK:
        sent_ack(a, c, k, m);
        break;
    case MSG_EVENTS:
        sent_events(a, m);
        break;
    case MSG_WATCHED:
        must_own(a, c, m->watched.task_id, true);
        break;
    case MSG_STATUS:
        must_own(a, c, m->status.task_id, true);
        sent_status(a, &m->status);
        break;
    case MSG_STARTED:
        sent_started(a, m);
        break;
    case MSG_FORK:
        must_own(a, c, m->start.fork_of, true);
        audit_fork_told(a, &m->start);
        break;
    case MSG_DONE:
        sent_done(a, m);
        break;
    case MSG_SIGNALLED:
        sent_signalled(a, m);
        break;
    default:
        break;
    }
}
