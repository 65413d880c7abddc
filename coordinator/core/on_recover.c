/* RECOVER: an ended task lives again, from its checkpoint or from a chosen step. The task is read
 * from the store; where results go away, its document is written anew from the results that
 * stay. */
#include <stdlib.h>

#include "core/asks.h"
#include "core/change.h"
#include "core/document.h"
#include "core/fx.h"
#include "core/marks.h"
#include "core/partition.h"
#include "core/peers.h"
#include "core/record.h"
#include "core/recover.h"
#include "core/replies.h"
#include "core/requests.h"
#include "core/state.h"
#include "core/tasks.h"
#include "core/writes.h"
#include "crypto/hash.h"
#include "json/scan.h"
#include "model/limits.h"

/* Takes the input, in which a new one of the task lies; NULL: it stays. */
static void take_wishes(struct ask *ask, const struct recover_request *r, struct shared *input)
{
    ask->recover.from_step = arena_bytes(&ask->arena, r->from_step);
    ask->recover.only_failed = r->only_failed;
    ask->recover.own_input = r->own_input;
    ask->recover.checkpoint_id = arena_bytes(&ask->arena, r->checkpoint_id);
    ask->input = input;
    ask->recover.input = shared_bytes(input);
}

void recover_read_task(struct core *c, struct peer *p, const struct message *m)
{
    struct ask *ask = ask_for(c, p, m, ASK_TASK);
    if (ask == NULL) {
        return;
    }
    ask->task_id = arena_bytes(&ask->arena, m->recover.task_id);
    ask->deed = deed_copy(&ask->arena, &m->recover.deed);
    take_wishes(ask, &m->recover, m->recover.input.len > 0 ? shared_copy(m->recover.input) : NULL);
    ask->mark = recover_mark_of(&m->recover);
    struct store_read read = {.kind = READ_TASK, .partition = id_partition(ask->task_id)};
    read.task_id = ask->task_id;
    read.items = true;
    ask_send(c, ask, &read);
}

struct task *recover_task_read(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    struct task *t = NULL;
    if (a->err == ERR_UNAVAILABLE || !partition_serves(partition_of(c, ask->task_id))) {
        refuse_unavailable(c, ask->peer, ask->request);
    } else if (a->err != ERR_OK || a->task_count == 0 ||
               record_get_task(&c->definitions, &a->tasks[0], &t) != ERR_OK) {
        ask_refuse_no_task(c, ask);
    }
    return t;
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

static void put_wish(struct buf *out, const char *name, struct bytes text)
{
    if (text.len > 0) {
        buf_addf(out, "%s\"%s\":", out->len > 0 ? "," : "", name);
        json_put_string(out, text);
    }
}

static void put_true(struct buf *out, const char *name, bool is)
{
    if (is) {
        buf_addf(out, "%s\"%s\":true", out->len > 0 ? "," : "", name);
    }
}

/* What was asked for, where it was: members of an object. A new input is told itself where it is
 * small, else how to know it again. */
static struct bytes tell_wishes(const struct recover_request *r, bool requeue, struct arena *arena)
{
    struct buf out = {0};
    struct bytes input = r->input;
    put_wish(&out, "from_step", r->from_step);
    put_wish(&out, "checkpoint_id", r->checkpoint_id);
    put_true(&out, "only_failed", r->only_failed);
    put_true(&out, "requeue", requeue);
    if (input.len > 0) {
        buf_addf(&out, "%s\"input_data\":", out.len > 0 ? "," : "");
    }
    if (input.len <= ERROR_BYTES_MAX) {
        buf_add_bytes(&out, input);
    } else {
        char hex[2 * SHA256_BYTES + 1];
        struct sha256 hash = sha256_of(input);
        buf_addf(&out, "\"%zu bytes, SHA-256 %s\"", input.len,
                 hex_encode(hash.digest, SHA256_BYTES, hex));
    }
    struct bytes told = arena_bytes(arena, buf_bytes(&out));
    buf_free(&out);
    return told;
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
    task_rerun(&ch, keep, &ask->recover);
    ch.row.input = ask->recover.input;
    ch.row.input_text = ask->input;
    if (results != NULL) {
        t->progress = 0;
        change_document(&ch, results);
    }
    change_revive(&ch);
    struct task_event *e =
        change_deed(&ch, EVENT_TASK_RECOVERING, task_current_step(t), &ask->deed);
    e->message = tell_wishes(&ask->recover, ask->type == MSG_REQUEUE, &ch.write->arena);
    change_ready_all(&ch);
    change_commit(&ch);
    struct reply r;
    reply_begin(c, t, ask->peer, ask->request, &r);
    r.message->done.task_id = arena_bytes(r.arena, t->id);
    r.message->done.state = TASK_RECOVERING;
    reply_send(&r, MSG_DONE);
}

/* Reads the results that stay. Takes ownership of t and keep. */
static void read_kept(struct core *c, const struct ask *from, struct task *t, bool *keep)
{
    struct ask *ask = ask_again(c, from, ASK_REVIVE);
    if (ask == NULL) {
        task_free(t);
        free(keep);
        return;
    }
    ask->deed = deed_copy(&ask->arena, &from->deed);
    take_wishes(ask, &from->recover, from->input != NULL ? shared_hold(from->input) : NULL);
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

const char *recover_who_may(const struct task *t)
{
    bool items = false;
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        items = items || t->pipeline->steps[i].for_each != NULL;
    }
    return items ? "; only a failed or cancelled one can be recovered, or the items of a step that "
                   "are not done (from_step with only_failed)"
                 : "; only a failed or cancelled one can be recovered";
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
    struct refusal r = {.code = CODE_NOTHING_TO_RECOVER};
    r.state = live != NULL ? live->state : t->state;
    if (!c->config.recovery_enabled) {
        r.detail = "recovery is switched off (MARATHON_ENABLE_RECOVERY=false)";
    } else if (live != NULL) {
        r.detail = "the task is alive";
    } else if (ask->recover.only_failed) {
        r.detail = arena_printf(fx_arena(c), "the task is %s, and all items of that step are done",
                                task_state_name(t->state));
    } else {
        r.detail = arena_printf(fx_arena(c), "the task is %s%s", task_state_name(t->state),
                                recover_who_may(t));
    }
    ask_refuse(c, ask, r);
}

/* False after a refusal: only_failed is about a step that has no items. */
static bool items_known(struct core *c, const struct ask *ask, const struct task *t)
{
    int32_t from = pipeline_find(t->pipeline, ask->recover.from_step);
    if (!ask->recover.only_failed || (from >= 0 && t->pipeline->steps[from].for_each != NULL)) {
        return true;
    }
    ask_refuse(c, ask,
               from < 0 ? refusal_at("/from_step", CODE_INVALID_FIELD, no_such_step(c, t->pipeline))
                        : refusal_at("/only_failed", CODE_INVALID_FIELD,
                                     "only_failed applies to the items of from_step, but that step "
                                     "has none: it has no for_each"));
    return false;
}

/* t as it is stored; live: as it is in memory, or NULL. False after an answer: it has been done
 * already, or is not to be done. */
static bool may_live_again(struct core *c, const struct ask *ask, const struct task *live,
                           const struct task *t)
{
    const struct task *known = live != NULL ? live : t;
    struct marked_ask from = {ask->peer, ask->request, ask->mark};
    if (recover_repeated(c, known, &from)) {
        return false;
    }
    if ((live != NULL && task_state_ended(live->state)) || writes_admit(c, ask->task_id)) {
        /* Its end, or a fresh start, is being written: ask a moment later. */
        refuse_unavailable(c, ask->peer, ask->request);
        return false;
    }
    if (ask->type == MSG_REQUEUE && !requeue_allowed(c, ask, known)) {
        return false;
    }
    if (live == NULL && !items_known(c, ask, t)) {
        return false;
    }
    if (live != NULL || !recoverable(ask, t) || !c->config.recovery_enabled) {
        refuse_ended(c, ask, live, t);
        return false;
    }
    return true;
}

/* Takes ownership of t. */
static void live_again(struct core *c, const struct ask *ask, struct task *t)
{
    uint32_t n = t->pipeline->step_count;
    bool *keep = mem_zalloc(n);
    bool loses = false;
    if (!recover_choose_kept(c, ask, t, keep)) {
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

void recover_on_task(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    struct task *t = recover_task_read(c, ask, a);
    if (t == NULL) {
        return;
    }
    if (!may_live_again(c, ask, task_find(c, ask->task_id), t)) {
        fx_bury(c, task_bury, t); /* the answer may show it */
        return;
    }
    live_again(c, ask, t);
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
        refuse_ended(c, ask, live, t);
        return;
    }
    struct shared *results = take_kept(c, t, ask->keep, a);
    ask->task = NULL;
    revive(c, ask, t, ask->keep, results);
}
