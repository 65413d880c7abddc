/* GET_ITEMS: a page of a fan-out step's items. Those under way are in memory; all others are read
 * from the store. */
#include <stdlib.h>
#include <string.h>

#include "core/asks.h"
#include "core/fx.h"
#include "core/partition.h"
#include "core/peers.h"
#include "core/record.h"
#include "core/replies.h"
#include "core/requests.h"
#include "core/state.h"
#include "core/tasks.h"
#include "model/limits.h"

static void view_item(const struct step *s, struct arena *arena, struct item_view *v)
{
    const struct step_rare *x = rare_of(s);
    *v = (struct item_view){.item = s->item,
                            .state = s->state,
                            .started_at = s->started_at,
                            .completed_at = s->completed_at,
                            .retry_at = s->state == STEP_PENDING ? x->retry_at : 0,
                            .duration_ms = s->duration_ms,
                            .retry_count = s->failures,
                            .deaths = s->deaths,
                            .progress = s->state == STEP_COMPLETED ? 1
                                        : s->state == STEP_RUNNING ? work_of(s)->fraction
                                                                   : 0,
                            .error_code = x->error_code,
                            .error = arena_bytes(arena, bytes_str(x->error)),
                            .checkpoint_bytes = x->saved_bytes,
                            .checkpoint_at = x->saved_at,
                            .checkpoint = arena_hold(arena, x->saved),
                            .log = arena_bytes(arena, bytes_str(x->log)),
                            .function_code = arena_bytes(arena, bytes_str(x->function_code))};
    if (s->state != STEP_RUNNING && s->state != STEP_COMPLETED) {
        v->log = BYTES_NONE; /* it stands in the error */
    }
}

/* A view of an item as it is stored. One without a blob waits, or had not begun when its step
 * ended. */
static void view_stored(struct core *c, const struct ask *ask, const struct stored_item *from,
                        struct item_view *v)
{
    struct step *s = step_create(NULL, ask->step);
    s->item = from->item;
    if (from->blob.len > 0 && record_get_item(from->blob, s) != ERR_OK) {
        fx_log(c, LOG_ERROR, "item_unreadable", "task_id=%.*s item=%u", (int)ask->task_id.len,
               (const char *)ask->task_id.ptr, from->item);
    }
    if (s->state == STEP_PENDING && ask->items_over) {
        s->state = STEP_CANCELLED;
    }
    view_item(s, fx_arena(c), v);
    v->result = from->result; /* it stays for as long as the answer does */
    step_free(s);
}

/* The step that is asked about, or NULL after a refusal. */
static const struct step *choose(struct core *c, struct ask *ask, const struct task *t)
{
    int32_t index = pipeline_find(t->pipeline, ask->items_wanted.step);
    const struct step *s = index >= 0 ? &t->steps[index] : NULL;
    if (s == NULL || step_def(s)->for_each == NULL) {
        refuse(c, ask->peer, ask->request, CODE_NOT_FOUND,
               s == NULL ? no_such_step(c, t->pipeline)
                         : "this step has no items: it has no for_each");
        return NULL;
    }
    if (rare_of(s)->fan == NULL && s->state == STEP_COMPLETED &&
        rare_of(s)->error_code == CODE_NONE) {
        refuse(c, ask->peer, ask->request, CODE_NOT_FOUND,
               "this task is a fork: it took over the result of this step, but not its items. Ask "
               "for those of the task that it was forked from");
        return NULL;
    }
    ask->step = (uint32_t)index;
    ask->items_total = rare_of(s)->fan != NULL ? rare_of(s)->fan->count : 0;
    ask->items_over = s->state != STEP_PENDING && s->state != STEP_RUNNING;
    return s;
}

static int by_item(const void *a, const void *b)
{
    const struct item_view *x = a, *y = b;
    return x->item < y->item ? -1 : x->item > y->item;
}

static struct message begin_answer(const struct ask *ask)
{
    struct message m = {.type = MSG_ITEMS, .request = ask->request};
    m.items.total = ask->items_total;
    return m;
}

/* Answers a page of running items: all of these are in memory. */
static void answer_running(struct core *c, const struct ask *ask, const struct step *s)
{
    struct message m = begin_answer(ask);
    const struct fan *f = rare_of(s)->fan;
    uint32_t live = f != NULL ? f->live_count : 0;
    struct item_view *items = arena_alloc(fx_arena(c), (live + 1) * sizeof *items);
    for (uint32_t i = 0; i < live; i++) {
        if (f->live[i]->state == STEP_RUNNING && f->live[i]->item >= ask->items_wanted.from) {
            view_item(f->live[i], fx_arena(c), &items[m.items.count++]);
        }
    }
    qsort(items, m.items.count, sizeof *items, by_item);
    if (m.items.count > ask->items_wanted.limit) {
        m.items.next = items[ask->items_wanted.limit].item;
        m.items.count = ask->items_wanted.limit;
    }
    m.items.items = items;
    fx_send(c, ask->peer, &m);
}

static const char *marks_of(const struct ask *ask)
{
    switch (ask->items_wanted.state) {
    case STEP_PENDING:
        return ask->items_over ? "-" : "wb";
    case STEP_COMPLETED:
        return "d";
    case STEP_FAILED:
        return "f";
    case STEP_CANCELLED:
        return ask->items_over ? "xwb" : "x";
    case -1:
        return "";
    default:
        return "-"; /* items are never in this state */
    }
}

static void read_page(struct core *c, struct ask *ask)
{
    struct store_read read = {.kind = READ_ITEMS, .partition = id_partition(ask->task_id)};
    read.task_id = ask->task_id;
    read.step = ask->step;
    read.item = ask->items_wanted.from;
    read.limit = ask->items_wanted.limit;
    strcpy(read.marks, marks_of(ask));
    ask_send(c, ask, &read);
}

void on_items(struct core *c, struct peer *p, const struct message *m)
{
    const struct items_request *want = &m->get_items;
    if (!partition_serves(partition_of(c, want->task_id))) {
        refuse_unavailable(c, p->id, m->request);
        return;
    }
    struct ask *ask = ask_for(c, p, m, ASK_ITEMS);
    if (ask == NULL) {
        return;
    }
    ask->task_id = arena_bytes(&ask->arena, want->task_id);
    ask->items_wanted = *want;
    ask->items_wanted.step = arena_bytes(&ask->arena, want->step);
    ask->items_wanted.from = want->from > 0 ? want->from : 1;
    if (want->limit == 0 || want->limit > ITEMS_PAGE_MAX) {
        ask->items_wanted.limit = ITEMS_PAGE_MAX;
    }
    const struct task *t = task_find(c, want->task_id);
    if (t == NULL) {
        struct store_read read = {.kind = READ_TASK, .partition = id_partition(ask->task_id)};
        read.task_id = ask->task_id;
        ask_send(c, ask, &read);
        return;
    }
    const struct step *s = choose(c, ask, t);
    if (s != NULL && want->state != STEP_RUNNING) {
        read_page(c, ask);
        return;
    }
    if (s != NULL) {
        answer_running(c, ask, s);
    }
    fx_bury(c, ask_free, ask);
}

/* The record of an ended task has come: it says which step is meant. True: the page is being
 * read. */
static bool on_record(struct core *c, struct ask *ask, const struct store_answer *a)
{
    struct task *t = NULL;
    if (a->task_count == 0 || record_get_task(&c->definitions, &a->tasks[0], &t) != ERR_OK) {
        ask_refuse_no_task(c, ask);
        return false;
    }
    bool found = choose(c, ask, t) != NULL;
    ask->items_over = true;
    task_free(t);
    if (found) {
        ask->read_id = c->next_read++;
        read_page(c, ask);
    }
    return found;
}

static void answer_page(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    struct message m = begin_answer(ask);
    const struct task *t = task_find(c, ask->task_id);
    m.items.items = arena_alloc(fx_arena(c), (a->items_count + 1) * sizeof *m.items.items);
    m.items.next = a->next_item;
    for (uint32_t i = 0; i < a->items_count; i++) {
        const struct step *live = t != NULL ? unit_find(t, ask->step, a->items[i].item) : NULL;
        if (live != NULL && ask->items_wanted.state >= 0 &&
            (int32_t)live->state != ask->items_wanted.state) {
            continue; /* its state has changed since the page was read */
        }
        struct item_view *v = &m.items.items[m.items.count++];
        if (live != NULL) {
            view_item(live, fx_arena(c), v);
        } else {
            view_stored(c, ask, &a->items[i], v);
        }
    }
    fx_send(c, ask->peer, &m);
}

void items_on_answer(struct core *c, struct ask *ask, const struct store_answer *a)
{
    if (a->err == ERR_NOT_FOUND) {
        ask_refuse_no_task(c, ask);
    } else if (a->err != ERR_OK) {
        refuse_unavailable(c, ask->peer, ask->request);
    } else if (a->kind == READ_TASK) {
        if (on_record(c, ask, a)) {
            return;
        }
    } else {
        answer_page(c, ask, a);
    }
    fx_bury(c, ask_free, ask);
}
