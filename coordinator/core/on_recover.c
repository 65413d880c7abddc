/* RECOVER: an ended task lives again, from its checkpoint or from a chosen step. The task is read
 * from the store; where results go away, its document is written anew from the results that stay.
 * Also what a takeover does to tasks without checkpoints or without recovery. */
#include <stdlib.h>

#include "core/change.h"
#include "core/fan.h"
#include "core/record.h"
#include "model/limits.h"
#include "core/plant.h"

static void take_wishes(struct ask *ask, const struct recover_request *r)
{
    ask->recover.from_step = arena_bytes(&ask->arena, r->from_step);
    ask->recover.only_failed = r->only_failed;
    ask->recover.checkpoint_id = arena_bytes(&ask->arena, r->checkpoint_id);
    ask->recover.input = arena_bytes(&ask->arena, r->input);
}

void recover_read_task(struct core *c, struct peer *p, const struct message *m)
{
    struct ask *ask = ask_for(c, p, m, ASK_TASK);
    if (ask == NULL) {
        return;
    }
    ask->task_id = arena_bytes(&ask->arena, m->recover.task_id);
    ask->deed = deed_copy(&ask->arena, &m->recover.deed);
    take_wishes(ask, &m->recover);
    ask->mark = recover_mark_of(&m->recover);
    struct store_read read = {.kind = READ_TASK, .partition = id_partition(ask->task_id)};
    read.task_id = ask->task_id;
    read.items = true;
    ask_send(c, ask, &read);
}

void on_recover(struct core *c, struct peer *p, const struct message *m)
{
    if (!partition_serves(partition_of(c, m->recover.task_id))) {
        refuse_unavailable(c, p->id, m->request);
        return;
    }
    struct task *t = task_find(c, m->recover.task_id);
    struct marked_ask from = {p->id, m->request, recover_mark_of(&m->recover)};
    if (t != NULL && recover_repeated(c, t, &from)) {
        return;
    }
    bool completed = t != NULL && t->state == TASK_COMPLETED && !m->recover.only_failed;
    if (t != NULL && (!task_state_ended(t->state) || completed)) {
        refuse_for(c, t, p, m, CODE_NOTHING_TO_RECOVER);
        return;
    }
    recover_read_task(
        c, p, m); /* also where its end is still being written: the read comes behind that write */
}

static void refuse_recover(struct core *c, const struct ask *ask, enum code code,
                           const char *pointer, const char *detail)
{
    struct message m = {.type = MSG_REFUSED, .request = ask->request};
    m.refused.code = code;
    m.refused.pointer = bytes_str(pointer);
    m.refused.detail = bytes_str(arena_str(fx_arena(c), detail));
    m.refused.state = ask->task != NULL ? ask->task->state : TASK_PENDING;
    fx_send(c, ask->peer, &m);
}

/* "<task_id>_cp_<k>" -> k, or -1. */
static int64_t checkpoint_index(const struct task *t, struct bytes id)
{
    struct bytes head = bytes_part(id, 0, t->id.len);
    struct bytes mark = bytes_part(id, t->id.len, 4);
    struct bytes digits = bytes_part(id, t->id.len + 4, id.len);
    if (!bytes_eq(head, t->id) || !bytes_is(mark, "_cp_") || digits.len == 0 || digits.len > 9) {
        return -1;
    }
    int64_t k = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9') {
            return -1;
        }
        k = k * 10 + (digits.ptr[i] - '0');
    }
    return k < t->completed ? k : -1;
}

/* keep[i]: the step's result stays. False after a refusal. */
bool recover_choose_kept(struct core *c, const struct ask *ask, const struct task *t, bool *keep)
{
    uint32_t n = t->pipeline->step_count;
    for (uint32_t i = 0; i < n; i++) {
        keep[i] = t->steps[i].state == STEP_COMPLETED && !t->pipeline->steps[i].finally;
    }
    if (ask->recover.from_step.len > 0) {
        int32_t from = pipeline_find(t->pipeline, ask->recover.from_step);
        if (from < 0) {
            refuse_recover(c, ask, CODE_INVALID_FIELD, "/from_step", no_such_step(c, t->pipeline));
            return false;
        }
        bool *after = arena_alloc(fx_arena(c), n);
        pipeline_descendants(t->pipeline, (uint32_t)from, after);
        for (uint32_t i = t->pipeline->steps[from].first; i <= (uint32_t)from; i++) {
            after[i] = true; /* of one that is a pipeline: with all of its steps */
        }
        for (uint32_t i = 0; i < n; i++) {
            keep[i] = keep[i] && !after[i];
        }
    }
    if (ask->recover.checkpoint_id.len > 0) {
        int64_t k = checkpoint_index(t, ask->recover.checkpoint_id);
        if (k < 0) {
            refuse_recover(c, ask, CODE_INVALID_FIELD, "/checkpoint_id",
                           "the task has no such checkpoint; GET /checkpoints/{id} lists them");
            return false;
        }
        for (uint32_t i = 0; i < n; i++) {
            /* What was skipped is asked again: its data is what it was, or runs again itself. */
            keep[i] =
                keep[i] && t->steps[i].state == STEP_COMPLETED && t->steps[i].order <= (uint64_t)k;
        }
    }
    return true;
}

/* A step that is to run (again): its failures and deaths count from 0. Where results went away,
 * what its old attempts still bring was computed from what is no more: a new generation, and no
 * progress checkpoint. Else its input is the same and an old success is welcome, but a new delivery
 * tells old failures (the end of what was stopped) apart. */
static void step_reset(struct change *ch, struct step *s, bool anew, bool items)
{
    if (rare_of(s)->fan != NULL && items) {
        fan_again(ch, s);
    } else if (rare_of(s)->fan != NULL) {
        fan_drop(ch, s);
    }
    if (s->state == STEP_COMPLETED) {
        ch->task->completed--;
    }
    s->resolved = false;
    if (anew && !planted(PLANT_GENERATION_KEPT)) {
        s->generation++;
        s->deliveries = 0;
        step_drop_checkpoint(s);
    } else {
        s->deliveries += !planted(PLANT_DELIVERY_KEPT);
    }
    step_become(s, STEP_PENDING);
    s->failures = 0;
    s->deaths = planted(PLANT_DEATHS_KEPT) ? s->deaths : 0;
    s->result_len = 0;
    s->result_offset = 0;
    s->duration_ms = 0;
    s->started_at = 0;
    s->completed_at = 0;
    step_forget_retry(s);
    wait_reset(s, anew);
    step_clock_reset(s);
    if (s->rare != NULL) {
        s->rare->exhausted = false;
    }
    step_clear_error(s);
    change_step(ch, s);
}

/* Places in the order of completion without holes: checkpoint k is the k-th that is left. */
static void renumber(struct core *c, struct task *t)
{
    uint32_t *rank = arena_alloc(fx_arena(c), (t->next_order + 1) * sizeof *rank);
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        if (t->steps[i].state == STEP_COMPLETED && t->steps[i].order < t->next_order) {
            rank[t->steps[i].order] = 1;
        }
    }
    uint32_t next = 0;
    for (uint32_t k = 0; k < t->next_order; k++) {
        uint32_t present = rank[k];
        rank[k] = next;
        next += present;
    }
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        if (t->steps[i].state == STEP_COMPLETED && t->steps[i].order < t->next_order) {
            t->steps[i].order = rank[t->steps[i].order];
        }
    }
    t->next_order = next;
}

/* May the items that are done stay so? Where what their list was made of runs again, their list is
 * another one; else those of a step that was not completed stay, unless it is to run as a whole,
 * and of a completed one where only its failed items are wanted. What was skipped before it is
 * skipped again. */
static bool items_stay(const struct task *t, uint32_t step, const bool *keep,
                       const struct recover_request *how)
{
    if (keep == NULL || how->input.len > 0) {
        return false;
    }
    int32_t from = how->from_step.len > 0 ? pipeline_find(t->pipeline, how->from_step) : -1;
    bool stay = (int32_t)step == from ? how->only_failed : t->steps[step].state != STEP_COMPLETED;
    bool *before = mem_zalloc(t->pipeline->step_count);
    pipeline_ancestors(t->pipeline, step, before);
    for (uint32_t i = 0; i < t->pipeline->step_count && stay; i++) {
        stay = !before[i] || keep[i] || t->steps[i].state == STEP_SKIPPED;
    }
    free(before);
    return stay;
}

/* keep NULL: nothing stays. A new input: what runs again is given something else than before, even
 * where no result went away. */
static void reset_all(struct change *ch, const bool *keep, const struct recover_request *how)
{
    struct task *t = ch->task;
    uint32_t n = t->pipeline->step_count;
    bool all_anew = how != NULL && how->input.len > 0;
    bool *anew = arena_alloc(fx_arena(ch->core), n);
    bool *items = arena_alloc(fx_arena(ch->core), n);
    for (uint32_t i = 0; i < n; i++) {
        bool again = keep == NULL || !keep[i];
        items[i] = again && rare_of(&t->steps[i])->fan != NULL && items_stay(t, i, keep, how);
        bool loses = t->steps[i].state == STEP_COMPLETED ||
                     (rare_of(&t->steps[i])->fan != NULL && !items[i]);
        if (again && loses && !anew[i]) {
            anew[i] = true;
            pipeline_descendants(t->pipeline, i, anew);
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        if (keep == NULL || !keep[i]) {
            step_reset(ch, &t->steps[i], anew[i] || all_anew, items[i]);
        } else {
            change_step(ch, &t->steps[i]); /* its place and offset may have moved */
        }
    }
    renumber(ch->core, t);
    task_count_needs(t);
}

/* results: of the new document where results went away, else NULL. */
static void revive(struct core *c, const struct ask *ask, struct task *t, const bool *keep,
                   struct shared *results)
{
    struct change ch;
    task_insert(c, t);
    change_begin(c, t, &ch);
    ch.write->peer = ask->peer;
    ch.write->request = ask->request;
    t->state = TASK_RECOVERING;
    t->completed_at = 0;
    t->ran_ms = 0;
    t->recoveries++;
    recover_remember(t, ask->mark);
    task_clear_error(t);
    reset_all(&ch, keep, &ask->recover);
    ch.row.input = ask->recover.input;
    if (results != NULL) {
        t->progress = 0;
        change_document(&ch, results);
    }
    change_revive(&ch);
    struct task_event *e =
        change_deed(&ch, EVENT_TASK_RECOVERING, task_current_step(t), &ask->deed);
    e->message = recover_wishes(&ask->recover, ask->type == MSG_REQUEUE, &ch.write->arena);
    change_ready_all(&ch);
    change_commit(&ch);
    struct reply r;
    reply_begin(c, t, ask->peer, ask->request, &r);
    r.message->done.task_id = arena_bytes(r.arena, t->id);
    r.message->done.state = TASK_RECOVERING;
    reply_send(&r, MSG_DONE);
}

/* Reads the results that stay. */
static void read_kept(struct core *c, const struct ask *from, struct task *t, bool *keep)
{
    struct ask *ask = ask_again(c, from, ASK_REVIVE);
    if (ask == NULL) {
        task_free(t);
        free(keep);
        return;
    }
    ask->deed = deed_copy(&ask->arena, &from->deed);
    take_wishes(ask, &from->recover);
    ask->mark = from->mark;
    ask->task = t;
    ask->keep = keep;
    uint32_t n = t->pipeline->step_count;
    struct store_read read = {.kind = READ_PARTS, .partition = t->partition, .task_id = t->id};
    read.ranges = arena_alloc(fx_arena(c), n * sizeof *read.ranges);
    for (uint32_t i = 0; i < n; i++) {
        if (keep[i]) {
            read.ranges[read.range_count++] =
                (struct byte_range){t->steps[i].result_offset, t->steps[i].result_len};
        }
    }
    ask_send(c, ask, &read);
}

/* A task that ended badly, and of a completed one the items that were not done. */
static bool recoverable(const struct ask *ask, const struct task *t)
{
    int32_t from = pipeline_find(t->pipeline, ask->recover.from_step);
    const struct fan *f = from >= 0 ? rare_of(&t->steps[from])->fan : NULL;
    bool items = ask->recover.only_failed && f != NULL && f->done < f->count;
    return task_can_recover(t) || (t->state == TASK_COMPLETED && items);
}

static void refuse_ended(struct core *c, const struct ask *ask, const struct task *live,
                         const struct task *t)
{
    struct message m = {.type = MSG_REFUSED, .request = ask->request};
    const char *state = task_state_name(t->state);
    m.refused.code = CODE_NOTHING_TO_RECOVER;
    m.refused.state = live != NULL ? live->state : t->state;
    const char *detail =
        !c->config.recovery_enabled ? "recovery is switched off (MARATHON_ENABLE_RECOVERY=false)"
        : live != NULL              ? "the task is alive"
        : ask->recover.only_failed
            ? arena_printf(fx_arena(c), "the task is %s, and all items of that step are done",
                           state)
            : arena_printf(fx_arena(c), "the task is %s" ONLY_ENDED_BADLY, state);
    m.refused.detail = bytes_str(detail);
    fx_send(c, ask->peer, &m);
}

/* keep[i]: the step's result stays; false after a refusal. */
static bool choose(struct core *c, const struct ask *ask, const struct task *t, bool *keep)
{
    int32_t from = pipeline_find(t->pipeline, ask->recover.from_step);
    if (ask->recover.only_failed && from >= 0 && t->pipeline->steps[from].for_each == NULL) {
        refuse_recover(c, ask, CODE_INVALID_FIELD, "/only_failed",
                       "only_failed is about the items of from_step, and that step has none: it "
                       "has no for_each");
        return false;
    }
    return recover_choose_kept(c, ask, t, keep);
}

void recover_on_task(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    struct task *live = task_find(c, ask->task_id);
    struct task *t = NULL;
    if (a->err == ERR_UNAVAILABLE || !partition_serves(partition_of(c, ask->task_id))) {
        refuse_unavailable(c, ask->peer, ask->request);
        return;
    }
    if (a->err != ERR_OK || a->task_count == 0 ||
        record_get_task(&c->definitions, &a->tasks[0], &t) != ERR_OK) {
        refuse(c, ask->peer, ask->request, CODE_TASK_NOT_FOUND,
               "there is no such task, or it has expired");
        return;
    }
    struct marked_ask from = {ask->peer, ask->request, ask->mark};
    if (recover_repeated(c, live != NULL ? live : t, &from)) {
        fx_bury(c, task_bury, t);
        return;
    }
    if ((live != NULL && task_state_ended(live->state)) || writes_admit(c, ask->task_id)) {
        task_free(t);
        refuse_unavailable(
            c, ask->peer,
            ask->request); /* its end, or a fresh start, is being written: ask a moment later */
        return;
    }
    if (ask->type == MSG_REQUEUE && !requeue_allowed(c, ask, live != NULL ? live : t)) {
        fx_bury(c, task_bury, t);
        return;
    }
    if (live != NULL || !recoverable(ask, t) || !c->config.recovery_enabled) {
        refuse_ended(c, ask, live, t);
        fx_bury(c, task_bury, t);
        return;
    }
    uint32_t n = t->pipeline->step_count;
    bool *keep = mem_zalloc(n);
    bool loses = false;
    if (!choose(c, ask, t, keep)) {
        task_free(t);
        free(keep);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        loses = loses || (t->steps[i].state == STEP_COMPLETED && !keep[i]);
    }
    if (loses) {
        read_kept(c, ask, t, keep);
        return;
    }
    revive(c, ask, t, keep, NULL);
    free(keep);
}

/* The results of the new document, from the parts that stay; sets their new offsets. */
static struct shared *take_kept(struct core *c, struct task *t, const bool *keep,
                                const struct store_answer *a)
{
    size_t len = 0;
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        const struct step *s = &t->steps[i];
        len += keep[i] ? document_result_bytes(step_def(s), s->result_len) : 0;
    }
    struct shared *results = document_begin(c, len);
    uint32_t part = 0;
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        if (keep[i]) {
            document_add_result(results, &t->steps[i], a->parts[part++]);
        }
    }
    return results;
}

void recover_on_parts(struct core *c, struct ask *ask, const struct store_answer *a)
{
    struct task *t = ask->task;
    if (a->err != ERR_OK || !partition_serves(partition_of(c, t->id)) || writes_admit(c, t->id)) {
        refuse_unavailable(c, ask->peer, ask->request);
        return;
    }
    const struct task *live = task_find(c, t->id);
    struct marked_ask from = {ask->peer, ask->request, ask->mark};
    if (live != NULL && recover_repeated(c, live, &from)) {
        return; /* sent twice, and both have read the task before either let it live */
    }
    if (live != NULL) {
        refuse_recover(c, ask, CODE_NOTHING_TO_RECOVER, "", "the task is alive");
        return;
    }
    struct shared *results = take_kept(c, t, ask->keep, a);
    ask->task = NULL;
    revive(c, ask, t, ask->keep, results);
}

/* ---- takeover ---- */

void task_taken_over(struct core *c, struct task *t)
{
    bool begun = t->started_at != 0;
    if (!begun ||
        (c->config.recovery_enabled && (t->checkpoints || t->completed == 0 || task_failing(t)))) {
        return;
    }
    struct change ch;
    change_begin(c, t, &ch);
    if (!c->config.recovery_enabled) {
        task_set_error(t, CODE_RECOVERY_DISABLED,
                       BYTES_LIT("its coordinator died, and recovery is switched off "
                                 "(MARATHON_ENABLE_RECOVERY=false)"),
                       (int32_t)task_current_step(t));
        task_end(&ch, TASK_FAILED, NULL);
    } else {
        t->state = task_state_rests(t->state) ? t->state : TASK_RECOVERING;
        reset_all(&ch, NULL, NULL);
        t->progress = 0;
        change_document(&ch, NULL);
        change_event(&ch, EVENT_TASK_RECOVERING, 0);
    }
    change_commit(&ch);
}
