/* Compares what the store holds after each row with what it held before. */
#include <stdio.h>
#include <stdlib.h>

#include "books.h"
#include "json/scan.h"
#include "model/retry.h"

#define TASK(t) (int)(t)->id.len, (const char *)(t)->id.ptr

struct task *audit_read_back(struct audit *a, const struct stored_task *s)
{
    struct arena arena = {0};
    struct task_record r = {.task_id = s->id, .version = s->version, .run = s->run};
    r.spec = buf_bytes(&s->spec);
    r.head = buf_bytes(&s->head);
    r.steps = arena_alloc(&arena, (s->step_count + 1) * sizeof *r.steps);
    for (uint32_t i = 0; i < s->step_count; i++) {
        if (s->steps[i].len > 0) {
            r.steps[r.step_count++] = (struct step_blob){i, buf_bytes(&s->steps[i])};
        }
    }
    fans_record(s, &r, &arena);
    struct task *t = NULL;
    enum err e = record_get_task(NULL, &r, &t);
    arena_free(&arena);
    REQUIRE(a, "record", e == ERR_OK, "the record of %.*s cannot be read back", TASK(s));
    return t;
}

/* ---- fences ---- */

static bool same_fence(const struct fence *x, const struct fence *y)
{
    return x->epoch == y->epoch && memcmp(x->nonce, y->nonce, NONCE_BYTES) == 0;
}

static void check_fence(struct audit *a, const struct store_row *row)
{
    partition_id p = row->partition;
    if (row->kind == ROW_CLAIM) {
        REQUIRE(a, "I9", row->claim.epoch > a->fences[p].epoch, "partition %u: epoch %llu again", p,
                (unsigned long long)row->claim.epoch);
        audit_takeover_claims(a, row);
        a->fences[p] = row->claim;
        a->owned[p] = true;
        return;
    }
    REQUIRE(a, "I9", a->owned[p] && same_fence(&a->fences[p], &row->fence),
            "partition %u: a row under epoch %llu was accepted, in force is %llu", p,
            (unsigned long long)row->fence.epoch, (unsigned long long)a->fences[p].epoch);
    if (row->kind == ROW_RELEASE) {
        a->owned[p] = false;
        a->released[p] = row->fence;
    }
}

/* ---- events ---- */

static void take_events(struct audit *a, struct book_task *b, const struct store_row *row)
{
    for (uint32_t i = 0; i < row->event_count; i++) {
        REQUIRE(a, "I7", row->events[i].seq == b->seq + 1, "%.*s: seq %llu after %llu", TASK(b),
                (unsigned long long)row->events[i].seq, (unsigned long long)b->seq);
        b->seq++;
        MEM_GROW(b->events, b->event_count, b->event_cap);
        b->events[b->event_count++] = arena_bytes(&a->arena, row->events[i].blob.whole);
    }
}

/* ---- steps ---- */

/* A wait step's result is what ended the wait: a signal, its default, or nothing. */
static void check_waited(struct audit *a, const struct book_task *t, const struct book_step *b,
                         const struct step *s)
{
    const struct pipeline_wait *w = &t->pipeline->steps[s->index].wait;
    struct bytes key = json_member(b->result, "key");
    char sent[24];
    snprintf(sent, sizeof sent, "%llu", (unsigned long long)rare_of(s)->mark.key);
    bool signal = w->kind == WAIT_SIGNAL && rare_of(s)->mark.key != 0 && bytes_is(key, sent);
    bool fallback =
        w->kind == WAIT_SIGNAL && w->fallback.len > 0 && bytes_eq(b->result, w->fallback);
    bool moment = w->kind != WAIT_SIGNAL && bytes_is(b->result, "null");
    REQUIRE(a, "I15", signal || fallback || moment, "%.*s/%u: waited, and has %.*s", TASK(t),
            s->index, (int)b->result.len, (const char *)b->result.ptr);
    REQUIRE(a, "I15", signal || a->world->clock_stepped || a->row_sent_at >= b->waits_until,
            "%.*s/%u: its wait was over %lld ms early", TASK(t), s->index,
            (long long)(b->waits_until - a->row_sent_at));
}

static void check_completion(struct audit *a, struct book_task *t, struct book_step *b,
                             const struct task *now, const struct step *s,
                             const struct store_row *row)
{
    struct task_event e;
    const struct pipeline_step *def = &now->pipeline->steps[s->index];
    for (uint32_t n = 0; n < def->needs_count; n++) {
        REQUIRE(a, "I5", step_meets_need(&now->steps[def->needs[n]], def->finally),
                "%.*s/%u completed before step %u", TASK(t), s->index, def->needs[n]);
    }
    REQUIRE(a, "I3", row_event(row, EVENT_STEP_COMPLETED, s->index, &e),
            "%.*s/%u completed without an event", TASK(t), s->index);
    b->completions++;
    REQUIRE(a, "I3", b->completions == 1, "%.*s/%u completed twice", TASK(t), s->index);
    /* It has failed, and goes on with the result defined for that case. */
    if (rare_of(s)->error_code != CODE_NONE) {
        REQUIRE(a, "failure",
                def->on_failure == ON_FAILURE_CONTINUE &&
                    bytes_eq(b->result, def->failure_result) &&
                    row_event(row, EVENT_STEP_FAILED, s->index, &e),
                "%.*s/%u completed with an error and %.*s", TASK(t), s->index, (int)b->result.len,
                (const char *)b->result.ptr);
        return;
    }
    if (def->wait.kind != WAIT_NONE) {
        check_waited(a, t, b, s);
        return;
    }
    if (def->for_each != NULL) {
        return; /* audit_fan.c has checked it */
    }
    if (def->joins) {
        REQUIRE(a, "I20", book_joined(t, s->index), "%.*s/%u joins to %.*s", TASK(t), s->index,
                (int)b->result.len, (const char *)b->result.ptr);
        return;
    }
    REQUIRE(a, "I6", book_has_result(a, t->id, t->run, s->index, s->generation, b->result),
            "%.*s/%u: a result that no execution of generation %u gave: %.*s", TASK(t), s->index,
            s->generation, (int)b->result.len, (const char *)b->result.ptr);
}

/* Was it skipped because a step before it has failed? */
static bool after_failure(const struct task *now, const struct step *s)
{
    bool *before = mem_zalloc(now->pipeline->step_count);
    bool failed = false;
    pipeline_ancestors(now->pipeline, s->index, before);
    for (uint32_t i = 0; i < now->pipeline->step_count; i++) {
        failed = failed || (before[i] && now->steps[i].state == STEP_FAILED);
    }
    free(before);
    return failed && !step_def(s)->finally;
}

/* A step is skipped only after everything it needs is over, because its condition does not hold; or
 * because of a failure. */
static void check_skip(struct audit *a, const struct book_task *t, const struct task *now,
                       const struct step *s, const struct store_row *row)
{
    struct task_event e;
    const struct pipeline_step *def = &now->pipeline->steps[s->index];
    if (!after_failure(now, s)) {
        for (uint32_t n = 0; n < def->needs_count; n++) {
            REQUIRE(a, "I5", step_meets_need(&now->steps[def->needs[n]], def->finally),
                    "%.*s/%u skipped before step %u", TASK(t), s->index, def->needs[n]);
        }
        REQUIRE(a, "I14", !book_when_holds(t, s->index), "%.*s/%u skipped, and its condition holds",
                TASK(t), s->index);
    }
    /* taken over from a fork's source */
    bool kept = t->steps[s->index].kept && row->kind == ROW_ADMIT;
    REQUIRE(a, "I3", kept || row_event(row, EVENT_STEP_SKIPPED, s->index, &e),
            "%.*s/%u skipped without an event", TASK(t), s->index);
}

static void check_step(struct audit *a, struct book_task *t, const struct task *now, uint32_t i,
                       const struct store_row *row)
{
    struct world *w = a->world;
    const struct step *s = &now->steps[i];
    struct book_step *b = &t->steps[i];
    const struct stored_task *stored = store_model_find(&w->store, t->id, w->now);
    struct task_event e;
    bool revived = false;
    for (uint32_t k = 0; k < row->event_count; k++) {
        revived = revived || (record_get_event(row->events[k].blob.whole, &e) == ERR_OK &&
                              e.type == EVENT_TASK_RECOVERING);
    }
    REQUIRE(a, "I2", s->generation >= b->generation, "%.*s/%u: generation goes back", TASK(t), i);
    bool same = s->generation == b->generation;
    bool was = b->state == STEP_COMPLETED;
    bool is = s->state == STEP_COMPLETED;
    REQUIRE(a, "I2", !same || !was || is, "%.*s/%u: a completed step was undone", TASK(t), i);
    REQUIRE(a, "I2", s->state != STEP_RUNNING, "%.*s/%u is stored as running", TASK(t), i);
    if (!same) {
        b->completions = 0;
    }
    struct bytes result = BYTES_NONE;
    if (is) {
        result = bytes_part(buf_bytes(&stored->doc), (size_t)s->result_offset, s->result_len);
        REQUIRE(a, "I2", result.len == s->result_len && result.len > 0,
                "%.*s/%u: its result is not in the document", TASK(t), i);
        REQUIRE(a, "I2", !(same && was) || bytes_eq(result, b->result),
                "%.*s/%u: its result has changed", TASK(t), i);
    }
    if (step_def(s)->for_each != NULL) {
        audit_fan_counts(a, t, s);
    } else if (!b->kept || row->kind != ROW_ADMIT) {
        audit_counts(a, t, b, s, row, revived);
        audit_wait(a, t, b, s, row);
    }
    if (row_event(row, EVENT_STEP_WAITING, i, &e)) {
        const struct pipeline_wait *wait = &step_def(s)->wait;
        b->waits_until =
            wait->kind == WAIT_UNTIL ? 0 : a->row_sent_at + audit_wait_ms(wait, stored);
    }
    b->signal_key = rare_of(s)->mark.key;
    if (!bytes_eq(b->signal, rare_of(s)->signal)) {
        b->signal = arena_bytes(&a->arena, rare_of(s)->signal);
    }
    if (is && !(same && was)) {
        b->result = arena_bytes(&a->arena, result);
        if (!b->kept || row->kind != ROW_ADMIT) {
            check_completion(a, t, b, now, s, row);
        }
    }
    bool skipped = s->state == STEP_SKIPPED;
    REQUIRE(a, "I14", !same || b->state != STEP_SKIPPED || skipped || revived,
            "%.*s/%u: skipped, and then %s", TASK(t), i, step_state_name(s->state));
    if (skipped && b->state != STEP_SKIPPED) {
        check_skip(a, t, now, s, row);
    }
    REQUIRE(a, "I9", !same || s->deliveries >= b->deliveries, "%.*s/%u: deliveries go back",
            TASK(t), i);
    b->state = s->state;
    b->generation = s->generation;
    b->failures = s->failures;
    b->deaths = s->deaths;
    b->deliveries = s->deliveries;
    b->exhausted = rare_of(s)->exhausted;
    b->order = s->order;
    audit_checkpoint(a, t, b, s, row);
    if (revived) {
        b->not_before = 0;
    }
}

/* ---- the document ---- */

static void check_document(struct audit *a, const struct book_task *t, const struct task *now,
                           const struct stored_task *stored)
{
    struct bytes doc = BYTES_NONE;
    REQUIRE(a, "document", json_check(buf_bytes(&stored->doc), &doc, NULL) == ERR_OK,
            "%.*s: not JSON: %.*s", TASK(t), (int)stored->doc.len, (const char *)stored->doc.ptr);
    struct bytes results = json_member(doc, "results");
    struct bytes key, value;
    uint32_t members = 0;
    for (struct json_walk walk = json_walk(results); json_next(&walk, &key, &value); members++) {
        int32_t i = pipeline_find(now->pipeline, key);
        REQUIRE(a, "document",
                i >= 0 && bytes_eq(value, t->steps[i].result) &&
                    t->steps[i].state == STEP_COMPLETED,
                "%.*s: its results hold %.*s", TASK(t), (int)key.len, (const char *)key.ptr);
    }
    char step[16];
    snprintf(step, sizeof step, "%u", members);
    REQUIRE(a, "document", members == now->completed && bytes_is(json_member(doc, "step"), step),
            "%.*s: %u results, %u steps completed, step %.*s", TASK(t), members, now->completed,
            (int)json_member(doc, "step").len, (const char *)json_member(doc, "step").ptr);
    REQUIRE(a, "document",
            results.len == now->results_bytes && results.ptr == stored->doc.ptr + RESULTS_OFFSET,
            "%.*s: its results are not where the record says", TASK(t));
    if (stored->error.len > 0) {
        REQUIRE(a, "document", json_check(buf_bytes(&stored->error), NULL, NULL) == ERR_OK,
                "error:%.*s is not JSON", TASK(t));
    }
}

/* on_failure: a failed step that is to be skipped over takes its dependents with it, and nothing
 * else fails a task. Finally steps run to their end, except after a cancel, in a task that may not
 * recover, and in one whose time is over. */
static void check_failures(struct audit *a, const struct book_task *t, const struct task *now)
{
    bool *skipped = mem_zalloc(t->step_count);
    bool failed = false;
    bool cut = now->state == TASK_CANCELLED || now->error_code == CODE_RECOVERY_DISABLED ||
               now->max_duration_s < 60;
    for (uint32_t i = 0; i < t->step_count; i++) {
        const struct step *s = &now->steps[i];
        bool skips = step_def(s)->on_failure == ON_FAILURE_SKIP;
        failed = failed || (s->state == STEP_FAILED && !skips);
        if (s->state == STEP_FAILED && skips) {
            pipeline_descendants(now->pipeline, i, skipped);
        }
        REQUIRE(a, "finally",
                !step_def(s)->finally || !task_state_ended(now->state) || cut ||
                    s->state == STEP_COMPLETED || s->state == STEP_FAILED ||
                    (s->state == STEP_SKIPPED && step_def(s)->resolves),
                "%.*s is %s and its finally step %u is %s", TASK(t), task_state_name(now->state), i,
                step_state_name(s->state));
    }
    for (uint32_t i = 0; i < t->step_count; i++) {
        bool is = now->steps[i].state == STEP_SKIPPED;
        bool aside = now->steps[i].state == STEP_CANCELLED || now->steps[i].state == STEP_FAILED;
        REQUIRE(a, "failure",
                step_def(&now->steps[i])->finally || is == skipped[i] || aside ||
                    (is && step_def(&now->steps[i])->resolves),
                "%.*s/%u is %s, and what it needs has%s failed", TASK(t), i,
                step_state_name(now->steps[i].state), skipped[i] ? "" : " not");
    }
    free(skipped);
    REQUIRE(a, "failure", !failed || now->error_code != CODE_NONE || task_state_ended(now->state),
            "%.*s goes on, though a step failed for good", TASK(t));
    REQUIRE(a, "failure",
            now->state != TASK_FAILED || failed || now->error_code == CODE_TASK_TIMEOUT ||
                now->error_code == CODE_RECOVERY_DISABLED,
            "%.*s failed, and no step of it that may fail it", TASK(t));
}

static void check_life(struct audit *a, const struct book_task *t, const struct task *now,
                       const struct stored_task *stored, const struct store_row *row)
{
    bool ended = task_state_ended(now->state);
    REQUIRE(a, "TTL", stored->ended == ended, "%.*s is %s and %sin the live index", TASK(t),
            task_state_name(now->state), stored->ended ? "not " : "");
    REQUIRE(a, "TTL", ended == (stored->expires_at != NEVER_MS) || stored->meddled,
            "%.*s is %s and has %s TTL", TASK(t), task_state_name(now->state),
            stored->expires_at == NEVER_MS ? "no" : "a");
    REQUIRE(a, "TTL",
            row->life != LIFE_END ||
                stored->expires_at == a->world->now + (mono_ms)row->ttl_s * 1000,
            "%.*s: its TTL does not start at its end", TASK(t));
    REQUIRE(a, "I8",
            (now->state == TASK_COMPLETED) ==
                (now->steps_left == 0 && now->error_code == CODE_NONE),
            "%.*s is %s with %u steps left", TASK(t), task_state_name(now->state), now->steps_left);
    REQUIRE(a, "I7", now->seq == t->seq, "%.*s: the record's seq is %llu, the events' %llu",
            TASK(t), (unsigned long long)now->seq, (unsigned long long)t->seq);
}

/* A paused task does not age while it rests, and rests until somebody resumes it. */
static void check_rest(struct audit *a, struct book_task *t, const struct task *now,
                       const struct store_row *row)
{
    struct task_event e;
    bool resumed = false;
    bool anew = false;
    for (uint32_t i = 0; i < row->event_count; i++) {
        if (record_get_event(row->events[i].blob.whole, &e) == ERR_OK) {
            t->pauses_seen += e.type == EVENT_TASK_PAUSED;
            t->resumes_seen += e.type == EVENT_TASK_RESUMED;
            resumed = resumed || e.type == EVENT_TASK_RESUMED;
            anew = anew || e.type == EVENT_TASK_FAILING; /* its finally steps have a new clock */
        }
    }
    if (t->state == TASK_PAUSED) {
        REQUIRE(a, "I13", anew || now->ran_ms == t->ran_ms,
                "%.*s: a pause has made it %lld ms older", TASK(t),
                (long long)(now->ran_ms - t->ran_ms));
        REQUIRE(a, "I13", now->state == TASK_PAUSED || task_state_ended(now->state) || resumed,
                "%.*s: %s out of a pause that nobody ended", TASK(t), task_state_name(now->state));
    }
    t->ran_ms = now->ran_ms;
}

/* A dead letter is in the index exactly as long as its task is failed by it. */
static void check_dead(struct audit *a, struct book_task *t, const struct task *now,
                       const struct stored_task *stored)
{
    const struct step *by = now->error_step >= 0 ? &now->steps[now->error_step] : NULL;
    bool failed_by =
        now->state == TASK_FAILED && by != NULL && by->state == STEP_FAILED &&
        (now->error_code == CODE_WORKER_DEATHS || step_def(by)->on_exhausted == EXHAUSTED_DEAD);
    REQUIRE(a, "dead letters", failed_by == (stored->dead.len > 0),
            "%.*s is %s by %s and %s a dead letter", TASK(t), task_state_name(now->state),
            code_info(now->error_code)->name, stored->dead.len > 0 ? "has" : "lacks");
    if (!failed_by) {
        return;
    }
    t->was_dead = true;
    struct arena arena = {0};
    struct dead_letter d = {0};
    struct task_record r = {.task_id = stored->id, .dead = buf_bytes(&stored->dead)};
    bool good = record_get_dead(&r, &arena, &d) == ERR_OK && (int32_t)d.step == now->error_step &&
                d.deaths == t->steps[d.step].deaths && d.error_code == now->error_code &&
                d.at == stored->dead_at && t->steps[d.step].state == STEP_FAILED;
    REQUIRE(a, "dead letters", good, "%.*s: its dead letter is not of the step that failed it",
            TASK(t));
    arena_free(&arena);
}

static void check_task(struct audit *a, struct book_task *t, const struct store_row *row)
{
    const struct stored_task *stored = store_model_find(&a->world->store, t->id, a->world->now);
    struct task *now = audit_read_back(a, stored);
    take_events(a, t, row);
    audit_fans(a, t, now, row);
    for (uint32_t i = 0; i < t->step_count; i++) {
        check_step(a, t, now, i, row);
    }
    check_document(a, t, now, stored);
    check_life(a, t, now, stored, row);
    check_rest(a, t, now, row);
    check_failures(a, t, now);
    check_dead(a, t, now, stored);
    audit_recoveries(a, t, now);
    audit_signals_kept(a, t, now);
    audit_usage_row(a, t, now, row);
    audit_budget_row(a, t, now, row);
    audit_takeover_row(a, t, now);
    t->state = now->state;
    t->version = now->version;
    t->cancels_seen += now->state == TASK_CANCELLED;
    t->recoveries_seen = now->recoveries;
    task_free(now);
}

static void admit(struct audit *a, const struct store_row *row, uint32_t run)
{
    for (size_t i = 0; i < a->key_count; i++) {
        REQUIRE(a, "I10",
                row->idempotency_key.len == 0 || !bytes_eq(a->keys[i].key, row->idempotency_key),
                "a key has admitted two tasks, the second %.*s", (int)row->task_id.len,
                (const char *)row->task_id.ptr);
    }
    MEM_GROW(a->keys, a->key_count, a->key_cap);
    a->keys[a->key_count++] = (struct book_key){arena_bytes(&a->arena, row->idempotency_key),
                                                arena_bytes(&a->arena, row->task_id)};
    struct book_task *t = arena_alloc(&a->arena, sizeof *t);
    t->id = arena_bytes(&a->arena, row->task_id);
    t->run = run;
    t->older = map_remove(&a->tasks, t->id);
    REQUIRE(a, "I1", t->older == NULL || task_state_ended(t->older->state),
            "%.*s: a fresh run replaced a live one", TASK(t));
    REQUIRE(a, "I2", t->older == NULL || run == t->older->run + 1, "%.*s: run %u after %u", TASK(t),
            run, t->older != NULL ? t->older->run : 0);
    map_put(&a->tasks, t->id, t);
    struct task *now = audit_read_back(a, store_model_find(&a->world->store, t->id, a->world->now));
    t->pipeline = pipeline_ref(now->pipeline);
    t->step_count = now->pipeline->step_count;
    t->steps = arena_alloc(&a->arena, t->step_count * sizeof *t->steps);
    audit_fork_admitted(a, t, now, row);
    task_free(now);
    check_task(a, t, row);
}

void audit_row(struct audit *a, const struct coordinator *c, const struct store_row *row,
               mono_ms sent_at, const struct store_written *written)
{
    static const char *const kinds[] = {"claims", "renews",  "releases", "wishes",
                                        "admits", "updates", "unlists"};
    a->row_sent_at = sent_at;
    if (row->kind >= ROW_ADMIT || written->verdict != STORE_OK) {
        tell(a->world, c->process.name, "%s %.*s in partition %u version %llu: verdict %d",
             kinds[row->kind], (int)row->task_id.len, (const char *)row->task_id.ptr,
             row->partition, (unsigned long long)row->version, (int)written->verdict);
    }
    if (written->verdict != STORE_OK || a->blind) {
        return;
    }
    check_fence(a, row);
    if (row->kind == ROW_WISH) {
        audit_wished(a, c);
    } else if (row->kind == ROW_CLAIM) {
        audit_once_claimed(a, c, row->partition);
    } else if (row->kind == ROW_ADMIT) {
        admit(a, row, written->run);
    } else if (row->kind == ROW_UPDATE) {
        struct book_task *t = book_find(a, row->task_id);
        REQUIRE(a, "I1", t != NULL, "an update of an unknown task");
        check_task(a, t, row);
    }
}
