#include "core/record.h"

#include <math.h>

#include "core/account.h"
#include "core/budget.h"
#include "core/marks.h"
#include "core/plant.h"

struct unpack record_open(struct bytes blob)
{
    struct unpack u = unpack_start(blob);
    if (unpack_uint(&u) != RECORD_FORMAT) {
        u.bad = true;
    }
    return u;
}

/* ---- a task ---- */

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

/* The current step's name and the number of steps are in the head too, so that lists need no other
 * blob. */
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
    /* most tasks have neither, and store nothing */
    if (t->recovers != NULL || !budget_none(&spending_of(t)->budget)) {
        budget_record_put(spending_of(t), out);
        recovers_record_put(t, out);
    }
}

static enum err get_spec(struct definitions *d, const struct task_record *r, struct task **ret_task)
{
    struct unpack u = record_open(r->spec);
    struct bytes type = unpack_bytes(&u);
    struct bytes session = unpack_bytes(&u);
    unix_ms created_at = unpack_int(&u);
    int64_t priority = unpack_int(&u);
    uint32_t max_retries = unpack_u32(&u);
    uint32_t interval = unpack_u32(&u);
    uint32_t duration = unpack_u32(&u);
    bool checkpoints = unpack_uint(&u) != 0;
    bool keyed = unpack_uint(&u) != 0;
    uint32_t version = unpack_u32(&u);
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

static enum err get_head(struct bytes blob, struct task *t)
{
    struct unpack u = record_open(blob);
    t->state = unpack_enum(&u, TASK_STATE_COUNT);
    t->seq = unpack_uint(&u);
    t->completed = unpack_u32(&u);
    t->next_order = unpack_u32(&u);
    t->doc_revision = unpack_u32(&u);
    t->results_bytes = unpack_u32(&u);
    t->doc_bytes = unpack_u32(&u);
    t->recoveries = unpack_u32(&u);
    t->ran_ms = unpack_int(&u);
    t->progress = unpack_double(&u);
    t->started_at = unpack_int(&u);
    t->completed_at = unpack_int(&u);
    t->error_code = unpack_enum(&u, CODE_COUNT);
    t->error = unpack_str(&u);
    int64_t step = unpack_int(&u);
    t->error_step = step >= 0 && step < (int64_t)t->pipeline->step_count ? (int32_t)step : -1;
    (void)unpack_uint(&u);  /* steps */
    (void)unpack_bytes(&u); /* the current one */
    if (u.at < u.end) {
        budget_record_get(&u, t);
        recovers_record_get(&u, t);
    }
    return u.bad || !isfinite(t->progress) ? ERR_INVALID : ERR_OK;
}

/* Do the steps agree with what the head says of them? */
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

/* False where the record names steps that the pipeline does not have, or what it says of one makes
 * no sense. */
static bool get_steps(const struct task_record *r, struct task *t)
{
    for (uint32_t i = 0; i < r->step_count; i++) {
        uint32_t index = r->steps[i].index;
        if (index >= t->pipeline->step_count ||
            record_get_step(r->steps[i].blob, &t->steps[index]) != ERR_OK) {
            return false;
        }
    }
    for (uint32_t i = 0; i < r->items_count; i++) {
        uint32_t index = r->items[i].step;
        if (index >= t->pipeline->step_count ||
            record_get_items(&r->items[i], &t->steps[index]) != ERR_OK) {
            return false;
        }
    }
    return true;
}

enum err record_get_task(struct definitions *d, const struct task_record *r, struct task **ret_task)
{
    struct task *t = NULL;
    enum err e = get_spec(d, r, &t);
    if (e != ERR_OK) {
        return e;
    }
    t->run = r->run;
    t->version = r->version;
    if (get_head(r->head, t) != ERR_OK || !get_steps(r, t) || !consistent(t)) {
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

/* ---- what lists show ---- */

enum err record_get_summary(const struct task_record *r, struct arena *arena,
                            struct task_summary *ret_summary)
{
    struct unpack spec = record_open(r->spec);
    struct unpack head = record_open(r->head);
    struct task_summary s = {0};
    s.task_id = arena_bytes(arena, r->task_id);
    s.task_type = arena_bytes(arena, unpack_bytes(&spec));
    s.session_id = arena_bytes(arena, unpack_bytes(&spec));
    s.created_at = unpack_int(&spec);
    s.state = unpack_enum(&head, TASK_STATE_COUNT);
    unpack_uint(&head); /* seq */
    s.steps_completed = unpack_u32(&head);
    for (int i = 0; i < 5; i++) {
        unpack_uint(&head); /* next_order, doc_revision, results_bytes, doc_bytes, recoveries */
    }
    unpack_int(&head); /* ran_ms */
    s.progress = unpack_double(&head);
    s.started_at = unpack_int(&head);
    s.completed_at = unpack_int(&head);
    unpack_enum(&head, CODE_COUNT);
    s.error = arena_bytes(arena, unpack_bytes(&head));
    unpack_int(&head); /* error_step */
    s.step_count = unpack_u32(&head);
    s.current_step = arena_bytes(arena, unpack_bytes(&head));
    if (spec.bad || head.bad) {
        return ERR_INVALID;
    }
    *ret_summary = s;
    return ERR_OK;
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
    pack_bytes(out, bytes_str(rare_of(s)->function_code));
}

enum err record_get_dead(const struct task_record *r, struct arena *arena,
                         struct dead_letter *ret_letter)
{
    struct unpack u = record_open(r->dead);
    struct dead_letter d = {.task_id = arena_bytes(arena, r->task_id)};
    d.task_type = arena_bytes(arena, unpack_bytes(&u));
    d.step = unpack_u32(&u);
    d.name = arena_bytes(arena, unpack_bytes(&u));
    d.function = arena_bytes(arena, unpack_bytes(&u));
    d.deaths = unpack_u32(&u);
    d.at = unpack_int(&u);
    d.error = arena_bytes(arena, unpack_bytes(&u));
    d.error_code = unpack_enum(&u, CODE_COUNT);
    if (u.at < u.end) { /* older ones have none */
        d.function_code = arena_bytes(arena, unpack_bytes(&u));
    }
    if (u.bad) {
        return ERR_INVALID;
    }
    *ret_letter = d;
    return ERR_OK;
}
