#include "core/record.h"

#include <math.h>
#include <stdlib.h>

#include "base/pack.h"
#include "core/account.h"
#include "core/budget.h"
#include "core/fan.h"
#include "core/plant.h"
#include "model/limits.h"

/* ---- writing ---- */

void record_put_spec(const struct task *t, struct buf *out)
{
    pack_uint(out, RECORD_FORMAT);
    pack_bytes(out, bytes_str(t->task_type));
    pack_bytes(out, bytes_str(t->session_id));
    pack_int(out, t->created_at);
    pack_int(out, t->priority);
    pack_uint(out, t->max_retries);
    pack_uint(out, t->checkpoint_interval_s);
    pack_uint(out, t->max_duration_s);
    pack_uint(out, t->checkpoints);
    pack_uint(out, t->keyed);
    pack_uint(out, t->pipeline->version);
    pack_bytes(out, t->pipeline->source);
}

/* The current step's name and the number of steps are in the head so that lists need no other blob.
 */
void record_put_head(const struct task *t, mono_ms now, struct buf *out)
{
    pack_uint(out, RECORD_FORMAT);
    pack_uint(out, t->state);
    pack_uint(out, t->seq);
    pack_uint(out, t->completed);
    pack_uint(out, t->next_order);
    pack_uint(out, t->doc_revision);
    pack_uint(out, t->results_bytes);
    pack_uint(out, t->doc_bytes);
    pack_uint(out, t->recoveries);
    pack_int(out, task_ran_ms(t, now));
    pack_double(out, t->progress);
    pack_int(out, t->started_at);
    pack_int(out, t->completed_at);
    pack_uint(out, t->error_code);
    pack_bytes(out, bytes_str(t->error));
    pack_int(out, t->error_step);
    pack_uint(out, t->pipeline->step_count);
    pack_bytes(out, bytes_str(t->pipeline->steps[task_current_step(t)].name));
    if (t->recovers != NULL || !budget_none(&spending_of(t)->budget)) { /* most pay nothing */
        budget_record_put(spending_of(t), out);
        recovers_record_put(t, out);
    }
}

void record_put_step(const struct step *s, struct buf *out)
{
    const struct step_rare *x = rare_of(s);
    pack_uint(out, RECORD_FORMAT);
    pack_uint(out, s->state == STEP_RUNNING ? STEP_PENDING : s->state);
    pack_uint(out, s->generation);
    pack_uint(out, s->failures);
    pack_uint(out, s->deaths);
    pack_uint(out, s->deliveries);
    pack_uint(out, s->order);
    pack_uint(out, s->duration_ms);
    pack_uint(out, s->result_offset);
    pack_uint(out, s->result_len);
    pack_int(out, s->started_at);
    pack_int(out, s->completed_at);
    pack_int(out, x->retry_at);
    pack_uint(out, x->error_code);
    pack_bytes(out, bytes_str(x->error));
    pack_bytes(out, x->checkpoint);
    pack_int(out, x->wait_until);
    pack_bytes(out, x->signal);
    pack_uint(out, x->mark.key);
    pack_bytes(out, bytes_str(x->function_code));
    pack_int(out, x->spent_ms);
    pack_uint(out, x->exhausted);
    pack_int(out, x->wait_ms);
    pack_int(out, x->saved_at);
    pack_uint(out, (x->fan != NULL ? STEP_FANS : 0u) | (x->mark.hash != 0 ? STEP_SIGNALLED : 0u));
    if (x->fan != NULL) {
        fan_put(x->fan, out);
    }
    if (x->mark.hash != 0) {
        pack_uint(out, x->mark.hash);
    }
    if (x->account != NULL) { /* the last: most steps use nothing, and pay nothing */
        account_put(x->account, out);
    }
}

void record_put_item(const struct step *item, struct buf *out)
{
    static const char marks[STEP_STATE_COUNT] = {
        [STEP_PENDING] = ITEM_BEGUN,     [STEP_RUNNING] = ITEM_BEGUN,
        [STEP_COMPLETED] = ITEM_DONE,    [STEP_FAILED] = ITEM_FAILED,
        [STEP_SKIPPED] = ITEM_CANCELLED, [STEP_CANCELLED] = ITEM_CANCELLED,
    };
    buf_add_char(out, marks[item->state]);
    record_put_step(item, out);
}

void record_put_event(const struct task_event *e, struct buf *out)
{
    pack_uint(out, RECORD_FORMAT);
    pack_uint(out, e->seq);
    pack_uint(out, e->type);
    pack_int(out, e->at);
    pack_uint(out, e->state);
    pack_double(out, e->progress);
    pack_uint(out, e->step);
    pack_bytes(out, e->step_name);
    pack_uint(out, e->total_steps);
    pack_uint(out, e->attempt);
    pack_int(out, e->retry_at);
    pack_uint(out, e->code);
    pack_bytes(out, e->message);
    pack_uint(out, e->can_recover);
    pack_bytes(out, e->deed.actor);
    pack_bytes(out, e->deed.reason);
    pack_uint(out, e->items);
    pack_uint(out, e->items_done);
    pack_uint(out, e->items_failed);
    pack_uint(out, e->checkpoint_bytes);
    pack_bytes(out, e->checkpoint);
    if (!usage_sum_none(&e->usage)) { /* the last, as with steps */
        pack_uint(out, e->usage.input_tokens);
        pack_uint(out, e->usage.output_tokens);
        pack_uint(out, e->usage.cost_nano);
    }
}

void record_put_dead(const struct task *t, struct buf *out)
{
    const struct step *s = &t->steps[t->error_step];
    pack_uint(out, RECORD_FORMAT);
    pack_bytes(out, bytes_str(t->task_type));
    pack_uint(out, s->index);
    pack_bytes(out, bytes_str(step_def(s)->name));
    pack_bytes(out, bytes_str(step_def(s)->function));
    pack_uint(out, s->deaths);
    pack_int(out, t->completed_at);
    pack_bytes(out, bytes_str(t->error));
    pack_uint(out, t->error_code);
}

/* ---- reading ---- */

static struct unpack open_blob(struct bytes blob)
{
    struct unpack u = unpack_start(blob);
    if (unpack_uint(&u) != RECORD_FORMAT) {
        u.bad = true;
    }
    return u;
}

static uint32_t get_u32(struct unpack *u)
{
    uint64_t v = unpack_uint(u);
    if (v > UINT32_MAX) {
        u->bad = true;
        return 0;
    }
    return (uint32_t)v;
}

static uint32_t get_enum(struct unpack *u, uint32_t count)
{
    uint32_t v = get_u32(u);
    if (v >= count) {
        u->bad = true;
        return 0;
    }
    return v;
}

static char *get_text(struct unpack *u)
{
    struct bytes b = unpack_bytes(u);
    return b.len > 0 ? mem_str_bytes(b) : NULL;
}

static enum err get_spec(struct definitions *d, const struct task_record *r, struct task **ret_task)
{
    struct unpack u = open_blob(r->spec);
    struct bytes type = unpack_bytes(&u);
    struct bytes session = unpack_bytes(&u);
    unix_ms created_at = unpack_int(&u);
    int64_t priority = unpack_int(&u);
    uint32_t max_retries = get_u32(&u);
    uint32_t interval = get_u32(&u);
    uint32_t duration = get_u32(&u);
    bool checkpoints = unpack_uint(&u) != 0;
    bool keyed = unpack_uint(&u) != 0;
    uint32_t version = get_u32(&u);
    struct bytes source = unpack_bytes(&u);
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    if (u.bad || definitions_get(d, source, version, &p, &fault) != ERR_OK) {
        return ERR_INVALID;
    }
    struct task_names names = {r->task_id, type, session};
    struct task *t = task_create(&names, p);
    pipeline_unref(p);
    t->created_at = created_at;
    t->priority = (int32_t)priority;
    t->max_retries = max_retries;
    t->checkpoint_interval_s = interval;
    t->max_duration_s = duration;
    t->checkpoints = checkpoints;
    t->keyed = keyed;
    *ret_task = t;
    return ERR_OK;
}

static void get_head(struct bytes blob, struct task *t, bool *bad)
{
    struct unpack u = open_blob(blob);
    t->state = get_enum(&u, TASK_STATE_COUNT);
    t->seq = unpack_uint(&u);
    t->completed = get_u32(&u);
    t->next_order = get_u32(&u);
    t->doc_revision = get_u32(&u);
    t->results_bytes = get_u32(&u);
    t->doc_bytes = get_u32(&u);
    t->recoveries = get_u32(&u);
    t->ran_ms = unpack_int(&u);
    t->progress = unpack_double(&u);
    t->started_at = unpack_int(&u);
    t->completed_at = unpack_int(&u);
    t->error_code = get_enum(&u, CODE_COUNT);
    t->error = get_text(&u);
    int64_t step = unpack_int(&u);
    t->error_step = step >= 0 && step < (int64_t)t->pipeline->step_count ? (int32_t)step : -1;
    (void)unpack_uint(&u);  /* steps */
    (void)unpack_bytes(&u); /* the current one */
    if (u.at < u.end) {
        budget_record_get(&u, t);
        recovers_record_get(&u, t);
    }
    *bad = *bad || u.bad || !isfinite(t->progress);
}

static bool rare_none(const struct step_rare *x)
{
    return x->error_code == CODE_NONE && x->error == NULL && x->function_code == NULL &&
           x->retry_at == 0 && x->wait_ms == 0 && x->spent_ms == 0 && !x->exhausted &&
           x->checkpoint.len == 0 && x->saved_at == 0 && x->wait_until == 0 && x->signal.len == 0 &&
           x->mark.key == 0 && x->fan == NULL && x->account == NULL;
}

static void get_rare(struct unpack *u, struct step *s)
{
    struct step_rare *x = rare_make(s);
    x->retry_at = unpack_int(u);
    x->error_code = get_enum(u, CODE_COUNT);
    x->error = get_text(u);
    struct bytes checkpoint = unpack_bytes(u);
    step_set_checkpoint(s, checkpoint);
    x->wait_until = unpack_int(u);
    struct bytes signal = unpack_bytes(u);
    step_set_signal(s, signal, (struct request_mark){.key = unpack_uint(u)});
    x->function_code = get_text(u);
    x->spent_ms = unpack_int(u);
    x->exhausted = unpack_uint(u) != 0;
    x->wait_ms = unpack_int(u);
    step_load_saved(s, unpack_int(u));
    uint64_t has = unpack_uint(u);
    if ((has & STEP_FANS) != 0 && s->item == ITEM_NONE) {
        x->fan = fan_get(u);
    }
    if ((has & STEP_SIGNALLED) != 0) {
        x->mark.hash = unpack_uint(u);
    }
    if (u->at < u->end && !u->bad) {
        x->account = account_get(u);
    }
}

static void get_step(struct bytes blob, struct step *s, bool *bad)
{
    struct unpack u = open_blob(blob);
    s->state = (enum step_state)get_enum(&u, STEP_STATE_COUNT);
    s->generation = get_u32(&u);
    s->failures = get_u32(&u);
    s->deaths = get_u32(&u);
    s->deliveries = get_u32(&u);
    s->order = get_u32(&u);
    s->duration_ms = get_u32(&u);
    s->result_offset = get_u32(&u);
    s->result_len = get_u32(&u);
    s->started_at = unpack_int(&u);
    s->completed_at = unpack_int(&u);
    if (s->rare != NULL) { /* the same step twice */
        *bad = true;
        return;
    }
    get_rare(&u, s);
    if (rare_none(s->rare)) {
        step_rare_drop(s);
    }
    *bad = *bad || u.bad;
}

enum err record_get_item(struct bytes blob, struct step *item)
{
    bool bad = blob.len < 1;
    get_step(bytes_part(blob, 1, blob.len), item, &bad);
    return bad ? ERR_INVALID : ERR_OK;
}

/* What the store knows of each item of a step. */
static void get_items(const struct stored_items *stored, struct step *s, bool *bad)
{
    struct fan *f = rare_of(s)->fan;
    if (f == NULL || f->marks != NULL || stored->marks.len != f->count) {
        *bad = true;
        return;
    }
    uint32_t counts[256] = {0};
    f->marks = mem_alloc(f->count + 1);
    for (uint32_t i = 0; i < f->count; i++) {
        uint8_t mark = stored->marks.ptr[i];
        counts[mark]++;
        f->marks[i] = mark == ITEM_BEGUN ? ITEM_WAITING : mark; /* fan_open makes it begun */
    }
    *bad = *bad || counts[ITEM_DONE] != f->done || counts[ITEM_FAILED] != f->failed;
    for (uint32_t i = 0; planted(PLANT_ITEM_RUNS_AGAIN) && i < f->count; i++) {
        f->done -= f->marks[i] == ITEM_DONE;
        f->marks[i] = f->marks[i] == ITEM_DONE ? ITEM_WAITING : f->marks[i];
    }
    for (uint32_t i = 0; i < stored->begun_count && !*bad; i++) {
        const struct stored_item *from = &stored->begun[i];
        struct step *item = fan_open(s, from->item);
        *bad = item == NULL || record_get_item(from->blob, item) != ERR_OK ||
               from->blob.ptr[0] != ITEM_BEGUN;
    }
}

/* Do the steps bear out what the head says of them? */
static bool consistent(const struct task *t)
{
    uint32_t completed = 0;
    uint64_t results_end = (uint64_t)RESULTS_OFFSET + t->results_bytes;
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        const struct step *s = &t->steps[i];
        if (s->state != STEP_COMPLETED) {
            continue;
        }
        completed++;
        if (s->order >= t->next_order || s->result_len == 0 || s->result_offset >= results_end ||
            s->result_len >= results_end - s->result_offset) {
            return false;
        }
    }
    return completed == t->completed && t->next_order <= t->pipeline->step_count;
}

enum err record_get_task(struct definitions *d, const struct task_record *r, struct task **ret_task)
{
    struct task *t = NULL;
    enum err e = get_spec(d, r, &t);
    if (e != ERR_OK) {
        return e;
    }
    bool bad = false;
    get_head(r->head, t, &bad);
    t->run = r->run;
    t->version = r->version;
    for (uint32_t i = 0; i < r->step_count; i++) {
        if (r->steps[i].index >= t->pipeline->step_count) {
            bad = true;
            break;
        }
        get_step(r->steps[i].blob, &t->steps[r->steps[i].index], &bad);
    }
    for (uint32_t i = 0; i < r->items_count && !bad; i++) {
        bad = r->items[i].step >= t->pipeline->step_count;
        if (!bad) {
            get_items(&r->items[i], &t->steps[r->items[i].step], &bad);
        }
    }
    if (bad || !consistent(t)) {
        task_free(t);
        return ERR_INVALID;
    }
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        if (planted(PLANT_SKIPPED_RUNS_AGAIN) && t->steps[i].state == STEP_SKIPPED) {
            t->steps[i].state = STEP_PENDING;
            t->steps[i].resolved = true;
        }
    }
    task_count_needs(t);
    account_sum(t);
    *ret_task = t;
    return ERR_OK;
}

enum err record_get_event(struct bytes blob, struct task_event *ret_event)
{
    struct unpack u = open_blob(blob);
    struct task_event e = {0};
    e.seq = unpack_uint(&u);
    e.type = get_enum(&u, EVENT_TYPE_COUNT);
    e.at = unpack_int(&u);
    e.state = get_enum(&u, TASK_STATE_COUNT);
    e.progress = unpack_double(&u);
    e.step = get_u32(&u);
    e.step_name = unpack_bytes(&u);
    e.total_steps = get_u32(&u);
    e.attempt = get_u32(&u);
    e.retry_at = unpack_int(&u);
    e.code = get_enum(&u, CODE_COUNT);
    e.message = unpack_bytes(&u);
    e.can_recover = unpack_uint(&u) != 0;
    e.deed.actor = unpack_bytes(&u);
    e.deed.reason = unpack_bytes(&u);
    e.items = get_u32(&u);
    e.items_done = get_u32(&u);
    e.items_failed = get_u32(&u);
    e.checkpoint_bytes = get_u32(&u);
    e.checkpoint = unpack_bytes(&u);
    if (u.at < u.end) {
        e.usage.input_tokens = unpack_uint(&u);
        e.usage.output_tokens = unpack_uint(&u);
        e.usage.cost_nano = unpack_uint(&u);
    }
    if (u.bad) {
        return ERR_INVALID;
    }
    *ret_event = e;
    return ERR_OK;
}

enum err record_get_summary(const struct task_record *r, struct arena *arena,
                            struct task_summary *ret_summary)
{
    struct unpack spec = open_blob(r->spec);
    struct unpack head = open_blob(r->head);
    struct task_summary s = {0};
    s.task_id = arena_bytes(arena, r->task_id);
    s.task_type = arena_bytes(arena, unpack_bytes(&spec));
    s.session_id = arena_bytes(arena, unpack_bytes(&spec));
    s.created_at = unpack_int(&spec);
    s.state = get_enum(&head, TASK_STATE_COUNT);
    unpack_uint(&head); /* seq */
    s.steps_completed = get_u32(&head);
    for (int i = 0; i < 5; i++) {
        unpack_uint(&head); /* next_order, doc_revision, results_bytes, doc_bytes, recoveries */
    }
    unpack_int(&head); /* ran_ms */
    s.progress = unpack_double(&head);
    s.started_at = unpack_int(&head);
    s.completed_at = unpack_int(&head);
    get_enum(&head, CODE_COUNT);
    s.error = arena_bytes(arena, unpack_bytes(&head));
    unpack_int(&head); /* error_step */
    s.step_count = get_u32(&head);
    s.current_step = arena_bytes(arena, unpack_bytes(&head));
    if (spec.bad || head.bad) {
        return ERR_INVALID;
    }
    *ret_summary = s;
    return ERR_OK;
}

enum err record_get_dead(const struct task_record *r, struct arena *arena,
                         struct dead_letter *ret_letter)
{
    struct unpack u = open_blob(r->dead);
    struct dead_letter d = {.task_id = arena_bytes(arena, r->task_id)};
    d.task_type = arena_bytes(arena, unpack_bytes(&u));
    d.step = get_u32(&u);
    d.name = arena_bytes(arena, unpack_bytes(&u));
    d.function = arena_bytes(arena, unpack_bytes(&u));
    d.deaths = get_u32(&u);
    d.at = unpack_int(&u);
    d.error = arena_bytes(arena, unpack_bytes(&u));
    d.error_code = get_enum(&u, CODE_COUNT);
    if (u.bad) {
        return ERR_INVALID;
    }
    *ret_letter = d;
    return ERR_OK;
}
