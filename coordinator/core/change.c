#include "core/change.h"

#include <assert.h>

#include "core/account.h"
#include "core/budget.h"
#include "core/document.h"
#include "core/fan.h"
#include "core/fx.h"
#include "core/library.h"
#include "core/on_watch.h"
#include "core/plant.h"
#include "core/record.h"
#include "core/recover.h"
#include "core/state.h"
#include "core/step_limits.h"
#include "core/wait.h"
#include "core/writes.h"
#include "json/scan.h"
#include "model/limits.h"

/* Longer than clients repeat a request (24 h), and at least as long as the task is kept: a
 * repetition must not find an ended task and start it afresh. */
#define IDEMPOTENCY_TTL_S_MIN 86400
/* For a key that the gateway made: only that gateway knows it, and it repeats a start for 10 s
 * after it was asked. The end of the task does not matter to it. */
#define IDEMPOTENCY_OWN_TTL_S 60

void change_begin(struct core *c, struct task *t, struct change *ret_change)
{
    struct change ch = {.core = c, .task = t, .held = fx_arena(c)->held_count};
    ch.write = write_create(c, ROW_UPDATE, t->partition);
    ch.write->task_id = arena_bytes(&ch.write->arena, t->id);
    ch.row.kind = ROW_UPDATE;
    ch.row.stored_seq = t->seq;
    ch.row.stored_doc_bytes = t->doc_bytes;
    *ret_change = ch;
}

void change_items(struct change *ch, const struct items_change *items)
{
    struct store_row *row = &ch->row;
    row->items = arena_grow(fx_arena(ch->core), row->items, row->items_count, &ch->items_cap,
                            sizeof *row->items);
    row->items[row->items_count++] = *items;
}

static struct changed_item *change_item(struct change *ch, struct step *item)
{
    for (uint32_t i = 0; i < ch->changed_count; i++) {
        if (ch->changed[i].item == item) {
            return &ch->changed[i];
        }
    }
    ch->changed = arena_grow(fx_arena(ch->core), ch->changed, ch->changed_count, &ch->changed_cap,
                             sizeof *ch->changed);
    struct changed_item *x = &ch->changed[ch->changed_count++];
    *x = (struct changed_item){.item = item};
    return x;
}

void change_item_result(struct change *ch, struct step *item, struct bytes result)
{
    change_item(ch, item)->result = result;
}

void change_step(struct change *ch, struct step *s)
{
    if (s->item != ITEM_NONE) {
        change_item(ch, s);
        return;
    }
    if (s->in_row) {
        return;
    }
    s->in_row = true;
    ch->row.steps = arena_grow(fx_arena(ch->core), ch->row.steps, ch->row.step_count, &ch->step_cap,
                               sizeof *ch->row.steps);
    ch->row.steps[ch->row.step_count++].index = s->index;
}

/* Usage that the event reports: the step's where the event is about its end, else the task's where
 * the task has ended. */
static struct usage_sum used_so_far(const struct task *t, enum event_type type, uint32_t step)
{
    bool of_step =
        type == EVENT_STEP_COMPLETED || type == EVENT_STEP_FAILED || type == EVENT_STEP_RETRY;
    bool of_task = task_state_ended(t->state) || type == EVENT_BUDGET_WARNING ||
                   type == EVENT_BUDGET_EXCEEDED || type == EVENT_BUDGET_CHANGED;
    const struct account *a = rare_of(&t->steps[step])->account;
    if (of_step && a != NULL) {
        return usage_total(&a->total);
    }
    return of_task ? spending_of(t)->used : (struct usage_sum){0};
}

struct task_event *change_event(struct change *ch, enum event_type type, uint32_t step)
{
    struct pending_write *w = ch->write;
    struct task *t = ch->task;
    w->events = arena_grow(&w->arena, w->events, w->event_count, &ch->event_cap, sizeof *w->events);
    struct task_event *e = &w->events[w->event_count++];
    task_review(ch->core, t);
    t->seq += planted(PLANT_SEQ_HOLE) && type == EVENT_STEP_RETRY;
    double measured = task_measure(t);
    if (measured > t->progress) {
        t->progress = measured;
    }
    *e = (struct task_event){.seq = ++t->seq,
                             .type = type,
                             .at = ch->core->now.wall,
                             .state = t->state,
                             .progress = t->progress,
                             .step = step,
                             .total_steps = t->pipeline->step_count,
                             .can_recover = task_can_recover(t)};
    const struct fan *f = rare_of(&t->steps[step])->fan;
    if (f != NULL) {
        e->items = f->count;
        e->items_done = f->done;
        e->items_failed = f->failed;
    }
    e->step_name = arena_bytes(&w->arena, bytes_str(t->pipeline->steps[step].name));
    if (!usage_sum_none(&spending_of(t)->used)) {
        e->usage = used_so_far(t, type, step);
    }
    t->event_at = ch->core->now.mono;
    return e;
}

struct task_event *change_deed(struct change *ch, enum event_type type, uint32_t step,
                               const struct deed *deed)
{
    struct task_event *e = change_event(ch, type, step);
    e->deed.actor = arena_bytes(&ch->write->arena, bytes_part(deed->actor, 0, ACTOR_BYTES_MAX));
    e->deed.reason = arena_bytes(&ch->write->arena, bytes_part(deed->reason, 0, REASON_BYTES_MAX));
    return e;
}

static void change_doc(struct change *ch, uint64_t offset, struct bytes lead, struct bytes body)
{
    struct task *t = ch->task;
    struct buf *tail = &ch->core->scratch;
    buf_clear(tail);
    document_put_tail(ch->core, t, tail);
    uint64_t end =
        offset + lead.len + body.len + tail->len; /* also of a body that the store makes */
    /* An overwrite never makes the document shorter: what would be left of the old tail becomes
     * white space. */
    while (!ch->row.doc_whole && end < t->doc_bytes) {
        buf_add_char(tail, ' ');
        end++;
    }
    t->doc_bytes = (uint32_t)end;
    ch->row.doc_offset = offset;
    ch->row.doc[0] = lead;
    ch->row.doc[1] = body.ptr != NULL ? body : BYTES_NONE;
    ch->row.doc[2] = arena_bytes(fx_arena(ch->core), buf_bytes(tail));
}

/* Room for what leads to the result in the document; and for the result, where that lies in parts:
 * it is put together where the row is written from. */
static struct buf doc_text(struct change *ch, size_t lead_max, const struct parts *result)
{
    struct arena *arena = fx_arena(ch->core);
    if (result->count == 0) {
        return arena_buf(arena, lead_max);
    }
    struct shared *text = shared_make(lead_max + parts_len(result));
    (void)arena_hold(arena, text);
    shared_drop(text); /* the arena's alone */
    ch->row.doc_text = text;
    return (struct buf){.ptr = text->bytes.ptr, .cap = text->bytes.cap};
}

void change_result(struct change *ch, struct step *s, const struct parts *result)
{
    struct task *t = ch->task;
    struct buf text = doc_text(ch, strlen(step_def(s)->name) + 4, result);
    struct bytes body = result->whole;
    buf_add_str(&text, t->results_bytes > 2 ? ",\"" : "\"");
    buf_add_str(&text, step_def(s)->name);
    buf_add_str(&text, "\":");
    uint32_t lead_len = (uint32_t)text.len; /* lengths within a document are 32 bits */
    uint32_t offset = RESULTS_OFFSET + t->results_bytes - 1; /* of the closing brace */
    s->result_offset = offset + lead_len;
    s->result_len = (uint32_t)parts_len(result);
    t->results_bytes += lead_len + s->result_len;
    if (result->count > 0) {
        parts_put(result, &text);
        ch->row.doc_text->bytes.len = text.len;
        body = bytes_part(buf_bytes(&text), lead_len, text.len);
    } else if (body.ptr == NULL) {
        ch->row.doc_items = s->index + 1;
        ch->row.doc_items_bytes = body.len;
    }
    change_doc(ch, offset, bytes_part(buf_bytes(&text), 0, lead_len), body);
}

void change_document(struct change *ch, struct shared *results)
{
    struct bytes lead = results != NULL ? shared_bytes(results) : BYTES_LIT(DOCUMENT_LEAD);
    ch->task->results_bytes = (uint32_t)lead.len - RESULTS_OFFSET + 1; /* with its closing brace */
    ch->task->doc_revision++;
    ch->row.doc_whole = true;
    ch->row.doc_text = results;
    change_doc(ch, 0, lead, BYTES_NONE);
}

void change_ready(struct change *ch, struct step *s)
{
    struct pending_write *w = ch->write;
    assert(s->phase == PHASE_NONE && s->state == STEP_PENDING);
    if (task_state_rests(ch->task->state)) {
        step_clock_hold(ch->core, s);
        return;
    }
    if (step_waits(s)) {
        wait_make_ready(ch->core, s); /* it has begun, durably: it only goes on */
        return;
    }
    s->phase = PHASE_HELD;
    work_make(s)->awaits = w->write_id;
    w->ready = arena_grow(&w->arena, w->ready, w->ready_count, &ch->ready_cap, sizeof *w->ready);
    w->ready[w->ready_count++] = (struct unit){s->index, s->item};
}

void change_ready_all(struct change *ch)
{
    for (uint32_t i = 0; i < ch->task->pipeline->step_count; i++) {
        struct step *s = &ch->task->steps[i];
        if (s->phase == PHASE_ITEMS) {
            fan_resume(ch, s);
        }
        if (s->state == STEP_PENDING && s->phase == PHASE_NONE && s->needs_left == 0 &&
            !step_may_run(s)) { /* else the end of the grace makes it ready */
            change_ready(ch, s);
        }
    }
}

void change_end(struct change *ch)
{
    struct task *t = ch->task;
    assert(task_state_ended(t->state));
    ch->row.life = LIFE_END;
    ch->row.ttl_s = ch->core->config.ttl_s;
    if (task_is_dead(t) && !planted(PLANT_DEAD_LETTER_LOST)) {
        struct buf dead = {0};
        record_put_dead(t, &dead);
        ch->row.dead = arena_bytes(fx_arena(ch->core), buf_bytes(&dead));
        ch->row.dead_at = t->completed_at;
        ch->core->stats.dead_letters_total++;
        fx_log(ch->core, LOG_ERROR, "dead_letter", "task_id=%.*s step=step_%d function=%s",
               (int)t->id.len, (const char *)t->id.ptr, (int)t->error_step,
               step_def(&t->steps[t->error_step])->function);
        buf_free(&dead);
    }
    if (t->state == TASK_FAILED) {
        struct buf b = {0};
        char at[TIME_TEXT_BYTES];
        buf_add_str(&b, "{\"task_id\":");
        json_put_string(&b, t->id);
        buf_add_str(&b, ",\"step\":");
        json_put_string(&b, t->error_step < 0 ? BYTES_NONE
                                              : bytes_str(t->pipeline->steps[t->error_step].name));
        buf_add_str(&b, ",\"error\":");
        json_put_string(&b, bytes_str(t->error));
        buf_addf(&b, ",\"code\":\"%s\",\"timestamp\":\"%s\"}", code_info(t->error_code)->name,
                 time_format(ch->core->now.wall, at));
        ch->row.error_doc = arena_bytes(fx_arena(ch->core), buf_bytes(&b));
        buf_free(&b);
    }
}

void change_revive(struct change *ch)
{
    ch->row.life = LIFE_REVIVE;
    ch->row.error_clear = true;
}

/* What was written of a blob, in parts: what was lent to it stays for as long as the effects do. */
static struct parts take(struct change *ch, struct slices *b)
{
    struct arena *arena = fx_arena(ch->core);
    struct bytes own = arena_bytes(arena, buf_bytes(&b->own));
    if (b->lent_count == 0) { /* as most */
        buf_clear(&b->own);
        return parts_whole(own);
    }
    struct bytes *items = arena_alloc(arena, (2 * b->lent_count + 1) * sizeof *items);
    uint32_t count = 0;
    size_t from = 0;
    for (size_t i = 0; i < b->lent_count; i++) {
        const struct lent_slice *l = &b->lent[i];
        items[count++] = bytes_part(own, from, l->at - from);
        items[count++] = l->what;
        arena_hold(arena, l->lender);
        from = l->at;
    }
    items[count++] = bytes_part(own, from, own.len);
    slices_clear(b);
    return (struct parts){.items = items, .count = count};
}

static void change_send(struct change *ch)
{
    struct core *c = ch->core;
    struct task *t = ch->task;
    struct store_row *row = &ch->row;
    struct slices *b = &c->blob;
    struct lenders shown = arena_lenders(&ch->write->arena, 0);
    task_review(c, t);
    row->write_id = ch->write->write_id;
    row->partition = t->partition;
    row->fence = c->partitions[t->partition].fence;
    row->task_id = t->id;
    row->version = t->version++;
    ch->write->version = t->version;
    record_put_head(t, c->now.mono, &b->own);
    row->head = take(ch, b).whole;
    for (uint32_t i = 0; i < row->step_count; i++) {
        struct step *s = &t->steps[row->steps[i].index];
        step_note_saved(s, c->now);
        record_put_step(s, b);
        row->steps[i].blob = take(ch, b);
        s->in_row = false;
        if (step_over(s)) {
            step_work_done(s);
        }
    }
    for (uint32_t i = 0; i < ch->changed_count; i++) {
        struct step *item = ch->changed[i].item;
        step_note_saved(item, c->now);
        record_put_item(item, b);
        struct items_change put = {.kind = ITEMS_PUT,
                                   .step = item->index,
                                   .item = item->item -
                                           (planted(PLANT_ITEM_MISPLACED) && item->item > 1),
                                   .blob = take(ch, b),
                                   .result = ch->changed[i].result};
        change_items(ch, &put);
    }
    row->event_count = ch->write->event_count;
    row->events = arena_alloc(fx_arena(c), (row->event_count + 1) * sizeof *row->events);
    for (uint32_t i = 0; i < row->event_count; i++) {
        record_put_event(&ch->write->events[i], &shown, b);
        row->events[i] = (struct row_event){ch->write->events[i].seq, take(ch, b)};
    }
    if (row->kind == ROW_ADMIT) {
        record_put_spec(t, &b->own);
        row->spec = take(ch, b).whole;
    }
    row->lenders = arena_lenders(fx_arena(c), ch->held);
    write_count_row(c, ch->write, row);
    t->last_write = row->write_id;
    t->writes_pending++;
    if (planted(PLANT_EVENT_BEFORE_DURABLE)) {
        watch_tell(c, t->id, ch->write->events, ch->write->event_count);
    }
    fx_write(c, row);
}

void change_tell_checkpoint(struct change *ch, struct step *s)
{
    struct task_event *e = change_event(ch, EVENT_STEP_CHECKPOINT, s->index);
    struct shared *checkpoint = rare_of(s)->checkpoint;
    e->attempt = s->failures + 1;
    e->checkpoint_bytes = (uint32_t)shared_bytes(checkpoint).len;
    if (e->checkpoint_bytes <= CHECKPOINT_SHOWN_BYTES_MAX) {
        e->checkpoint = arena_hold(&ch->write->arena, checkpoint);
    }
    s->rare->checkpoint_untold = false;
    s->rare->checkpoint_dirty = true; /* stored at the time that the event says, if not only now */
}

/* A row stores the newest progress checkpoint of each step in it, whatever the row was made for,
 * and statuses show it from then on: where the row has no event, this one makes their seq another.
 */
static void tell_checkpoints(struct change *ch)
{
    for (uint32_t i = 0; ch->write->event_count == 0 && i < ch->row.step_count; i++) {
        struct step *s = &ch->task->steps[ch->row.steps[i].index];
        if (rare_of(s)->checkpoint_dirty && !step_over(s)) {
            change_tell_checkpoint(ch, s);
        }
    }
}

struct pending_write *change_commit(struct change *ch)
{
    account_settle(ch);
    budget_settle(ch);
    tell_checkpoints(ch);
    change_send(ch);
    return ch->write;
}

static uint32_t key_ttl_s(const struct core *c, const struct start_request *request)
{
    uint32_t kept_s = c->config.ttl_s;
    return request->own_key                 ? IDEMPOTENCY_OWN_TTL_S
           : kept_s > IDEMPOTENCY_TTL_S_MIN ? kept_s
                                            : IDEMPOTENCY_TTL_S_MIN;
}

struct pending_write *change_admit(struct change *ch, const struct start_request *request,
                                   struct shared *results)
{
    struct task *t = ch->task;
    ch->row.kind = ROW_ADMIT;
    ch->write->kind = ROW_ADMIT;
    ch->write->admission = t;
    ch->core->admits_pending++;
    ch->row.input = request->input;
    ch->row.input_text = library_input(ch->core, request->input);
    ch->row.created_at = t->created_at;
    ch->row.idempotency_key = request->idempotency_key;
    ch->row.body_hash = request->body_hash;
    ch->row.idempotency_ttl_s = key_ttl_s(ch->core, request);
    ch->row.idempotency_brief = request->own_key;
    change_document(ch, results);
    t->doc_revision = 0;
    change_send(ch);
    return ch->write;
}
