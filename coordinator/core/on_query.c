/* Questions of gateways. Those about live tasks are answered from memory, behind the tasks' pending
 * writes; ended tasks are read from the store. */
#include <stdlib.h>

#include "core/asks.h"
#include "core/docs.h"
#include "core/functions.h"
#include "core/fx.h"
#include "core/marks.h"
#include "core/on_pause.h"
#include "core/on_watch.h"
#include "core/partition.h"
#include "core/peers.h"
#include "core/record.h"
#include "core/replies.h"
#include "core/requests.h"
#include "core/state.h"
#include "core/tasks.h"
#include "core/view.h"
#include "core/workers.h"
#include "model/limits.h"

/* Pages (of the store's largest size) that are read for one request whose filter lets little
 * through: 3,200 tasks, a fraction of a second. Then it is answered with what was found, and a
 * cursor */
#define LIST_PAGES_MAX 16

/* ---- questions about one task ---- */

static void answer_task(struct core *c, const struct task *t, peer_id peer, uint64_t request,
                        enum message_type type)
{
    struct reply r;
    reply_begin(c, t, peer, request, &r);
    switch ((int)type) {
    case MSG_GET_STATUS:
        r.message->status = *view_of(c, t, r.arena);
        reply_send(&r, MSG_STATUS);
        break;
    case MSG_WATCH:
        r.message->watched.task_id = arena_bytes(r.arena, t->id);
        r.message->watched.seq = t->seq;
        r.message->watched.exists = true;
        reply_send(&r, MSG_WATCHED);
        break;
    case MSG_CANCEL:
    case MSG_PAUSE:
    case MSG_RESUME:
    case MSG_SIGNAL:
        r.message->refused.code = CODE_TASK_ENDED;
        r.message->refused.state = t->state;
        r.message->refused.detail =
            bytes_str(arena_printf(r.arena, "the task is %s already", task_state_name(t->state)));
        reply_send(&r, MSG_REFUSED);
        break;
    default:
        abort();
    }
}

/* A WATCH begins its watch before it is answered: a refusal ends that watch. */
static void not_watched(struct core *c, enum message_type type, peer_id peer, struct bytes task_id)
{
    if (type == MSG_WATCH) {
        on_unwatch(c, peer, task_id);
    }
}

static void answer_no_task(struct core *c, const struct ask *ask)
{
    not_watched(c, ask->type, ask->peer, ask->task_id);
    if (ask->type == MSG_WATCH) {
        struct message m = {.type = MSG_WATCHED, .request = ask->request};
        m.watched.task_id = arena_bytes(fx_arena(c), ask->task_id);
        fx_send(c, ask->peer, &m);
        return;
    }
    ask_refuse_no_task(c, ask);
}

static void change_or_answer(struct core *c, struct task *t, struct peer *p,
                             const struct message *m)
{
    switch ((int)m->type) {
    case MSG_CANCEL:
        on_cancel(c, p, m);
        break;
    case MSG_PAUSE:
        on_pause(c, p, m);
        break;
    case MSG_RESUME:
        on_resume(c, p, m);
        break;
    default:
        answer_task(c, t, p->id, m->request, m->type);
        break;
    }
}

void query_on_task(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    if (a->err == ERR_UNAVAILABLE || !partition_serves(partition_of(c, ask->task_id))) {
        not_watched(c, ask->type, ask->peer, ask->task_id);
        refuse_unavailable(c, ask->peer, ask->request);
        return;
    }
    struct task *live = task_find(c, ask->task_id);
    struct marked_ask from = {ask->peer, ask->request, ask->mark};
    if (live != NULL) {
        /* The task was started or recovered in the meantime. */
        struct message m = {.type = ask->type, .request = ask->request};
        m.task.task_id = live->id;
        m.task.deed = ask->deed;
        m.task.budget = ask->budget;
        struct peer *p = peer_find(c, ask->peer);
        if (p != NULL &&
            ask->type == MSG_SIGNAL) { /* a SIGNAL's data was not kept, since the task had ended */
            if (!signal_repeated(c, live, &from)) {
                refuse_unavailable(c, p->id, ask->request);
            }
        } else if (p != NULL) {
            change_or_answer(c, live, p, &m);
        }
        return;
    }
    struct task *t = NULL;
    if (a->err != ERR_OK || a->task_count == 0 ||
        record_get_task(&c->definitions, &a->tasks[0], &t) != ERR_OK) {
        answer_no_task(c, ask);
        return;
    }
    if (ask->type != MSG_SIGNAL || !signal_repeated(c, t, &from)) {
        answer_task(c, t, ask->peer, ask->request, ask->type);
    }
    fx_bury(c, task_bury, t);
}

static void ask_task(struct core *c, struct peer *p, const struct message *m)
{
    struct ask *ask = ask_for(c, p, m, ASK_TASK);
    if (ask == NULL) {
        not_watched(c, m->type, p->id, m->task.task_id);
        return;
    }
    ask->task_id =
        arena_bytes(&ask->arena, m->type == MSG_SIGNAL ? m->signal.task_id : m->task.task_id);
    if (m->type == MSG_SIGNAL) {
        ask->mark = signal_mark_of(&m->signal);
    } else {
        ask->deed = deed_copy(&ask->arena, &m->task.deed);
        ask->budget = m->task.budget;
    }
    struct store_read read = {.kind = READ_TASK, .partition = id_partition(ask->task_id)};
    read.task_id = ask->task_id;
    ask_send(c, ask, &read);
}

/* ---- histories, lists ---- */

static void ask_history(struct core *c, struct peer *p, const struct message *m)
{
    struct ask *ask = ask_for(c, p, m, ASK_HISTORY);
    if (ask == NULL) {
        return;
    }
    ask->task_id = arena_bytes(&ask->arena, m->get_history.task_id);
    struct store_read read = {.kind = READ_EVENTS, .partition = id_partition(ask->task_id)};
    read.task_id = ask->task_id;
    read.after = m->get_history.after;
    read.limit = EVENTS_PAGE_MAX;
    ask_send(c, ask, &read);
}

static bool filters(const struct list_request *l)
{
    return l->state >= 0 || l->task_type.len > 0;
}

static void read_list(struct core *c, struct ask *ask)
{
    struct store_read read = {.kind = READ_LIST, .partitions = ask->partitions};
    read.before = ask->list.before;
    read.before_id = ask->list.before_id;
    read.limit = filters(&ask->list) ? LIST_PAGE_MAX : ask->list.limit;
    ask->pages++;
    ask_send(c, ask, &read);
}

static void ask_list(struct core *c, struct peer *p, const struct message *m)
{
    struct ask *ask = ask_for(c, p, m, ASK_LIST);
    if (ask == NULL) {
        return;
    }
    ask->list = m->get_list;
    ask->list.task_type = arena_bytes(&ask->arena, m->get_list.task_type);
    ask->list.before_id = arena_bytes(&ask->arena, m->get_list.before_id);
    if (ask->list.limit == 0 || ask->list.limit > LIST_PAGE_MAX) {
        ask->list.limit = LIST_PAGE_MAX;
    }
    ask->items = arena_alloc(&ask->arena, ask->list.limit * sizeof *ask->items);
    ask->partitions = c->owned_told;
    read_list(c, ask);
}

static bool wanted(const struct list_request *l, const struct task_summary *s)
{
    return (l->state < 0 || (int32_t)s->state == l->state) &&
           (l->task_type.len == 0 || bytes_eq(l->task_type, s->task_type));
}

/* Takes a page of the list. True when the answer is complete; then the ask's cursor is at the last
 * task looked at, and ret_rest says whether there are more behind it. Tasks that the filter drops
 * are kept for this turn only. */
static bool list_take(struct core *c, struct ask *ask, const struct store_answer *a, bool *ret_rest)
{
    bool full = false;
    struct bytes last = BYTES_NONE;
    uint32_t i = 0;
    for (; i < a->task_count && !full; i++) {
        struct task_summary s;
        if (record_get_summary(&a->tasks[i], fx_arena(c), &s) != ERR_OK) {
            continue;
        }
        ask->list.before = s.created_at;
        last = s.task_id;
        if (wanted(&ask->list, &s) &&
            record_get_summary(&a->tasks[i], &ask->arena, &ask->items[ask->item_count]) == ERR_OK) {
            full = ++ask->item_count == ask->list.limit;
        }
    }
    if (last.len > 0) {
        ask->list.before_id = arena_bytes(&ask->arena, last);
    }
    *ret_rest = a->more || i < a->task_count;
    return full || !a->more || a->task_count == 0 || ask->pages >= LIST_PAGES_MAX;
}

static void on_list(struct core *c, struct ask *ask, const struct store_answer *a)
{
    if (a->err != ERR_OK) {
        refuse_unavailable(c, ask->peer, ask->request);
        fx_bury(c, ask_free, ask);
        return;
    }
    bool rest;
    if (!list_take(c, ask, a, &rest)) {
        ask->read_id = c->next_read++;
        read_list(c, ask);
        return;
    }
    struct message m = {.type = MSG_LIST, .request = ask->request};
    m.list.count = ask->item_count;
    m.list.items = ask->items;
    m.list.next_before = ask->list.before;
    m.list.next_before_id = rest ? ask->list.before_id : BYTES_NONE;
    m.list.partitions = ask->partitions;
    fx_send(c, ask->peer, &m);
    fx_bury(c, ask_free, ask);
}

static void on_events(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    struct message m = {.type = MSG_EVENTS, .request = ask->request};
    m.events.task_id = arena_bytes(fx_arena(c), ask->task_id);
    m.events.oldest = a->oldest_seq;
    m.events.events = arena_alloc(fx_arena(c), (a->event_count + 1) * sizeof *m.events.events);
    for (uint32_t i = 0; i < a->event_count; i++) {
        if (record_get_event(a->events[i].blob, &m.events.events[m.events.count]) == ERR_OK) {
            m.events.count++;
        }
    }
    fx_send(c, ask->peer, &m);
}

/* What is worth knowing and no fault of this coordinator: for /readyz. */
static struct bytes warnings(struct core *c)
{
    struct bytes parts[] = {bytes_str(c->remarks[REMARK_FULL]),
                            bytes_str(c->remarks[REMARK_UNSAFE]), functions_warning(c)};
    struct buf text = {0};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        buf_add_str(&text, text.len > 0 && parts[i].len > 0 ? "; " : "");
        buf_add_bytes(&text, parts[i]);
    }
    struct bytes copy = arena_bytes(fx_arena(c), buf_bytes(&text));
    buf_free(&text);
    return copy;
}

static void on_ready(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    struct message m = {.type = MSG_READY, .request = ask->request};
    m.ready.backend = bytes_str(c->config.backend);
    m.ready.partitions = c->owned_told;
    m.ready.store_full = bytes_str(c->remarks[REMARK_FULL]);
    m.ready.store_unsafe = bytes_str(c->remarks[REMARK_UNSAFE]);
    if (c->admission_closed != NULL) {
        m.ready.detail = bytes_str(c->admission_closed);
    } else if (a->err != ERR_OK) {
        const char *why = c->remarks[REMARK_AWAY];
        m.ready.detail = bytes_str(arena_printf(fx_arena(c), "the store does not answer%s%s",
                                                why != NULL ? ": " : "", why != NULL ? why : ""));
    } else {
        m.ready.ready = true;
        m.ready.detail = warnings(c);
    }
    fx_send(c, ask->peer, &m);
}

void query_on_answer(struct core *c, struct ask *ask, const struct store_answer *a)
{
    if (ask->kind == ASK_LIST) {
        on_list(c, ask, a);
        return;
    }
    if (ask->kind == ASK_READY) {
        on_ready(c, ask, a);
    } else if (a->err == ERR_NOT_FOUND) {
        ask_refuse_no_task(c, ask);
    } else if (a->err != ERR_OK) {
        refuse_unavailable(c, ask->peer, ask->request);
    } else {
        on_events(c, ask, a);
    }
    fx_bury(c, ask_free, ask);
}

/* ---- what is known without a read ---- */

static void answer_workers(struct core *c, const struct peer *p, const struct message *m)
{
    struct message r = {.type = MSG_WORKERS, .request = m->request};
    r.workers.items = arena_alloc(fx_arena(c), (c->worker_count + 1) * sizeof *r.workers.items);
    r.workers.count = (uint32_t)c->worker_count;
    for (size_t i = 0; i < c->worker_count; i++) {
        const struct worker *w = c->by_serial[i];
        struct worker_view *v = &r.workers.items[i];
        v->worker_id = w->id;
        v->host = bytes_str(w->host);
        v->software = bytes_str(w->software);
        v->pid = w->pid;
        v->slots = w->slots;
        v->busy = worker_busy(c, w);
        v->last_heard_at = w->heard_wall;
        v->state = bytes_str(w->peer == 0 ? "silent" : w->draining ? "draining" : "ready");
        v->function_count = w->function_count;
        v->labels = w->labels;
        v->label_count = w->label_count;
        v->functions = arena_alloc(fx_arena(c), (w->function_count + 1) * sizeof *v->functions);
        for (uint32_t k = 0; k < w->function_count; k++) {
            v->functions[k] =
                arena_bytes(fx_arena(c), bytes_str(c->functions[w->functions[k]].name));
        }
    }
    r.workers.waiting = functions_waiting(c, &r.workers.waiting_count);
    fx_send(c, p->id, &r);
}

static void ask_ready(struct core *c, struct peer *p, const struct message *m)
{
    struct ask *ask = ask_for(c, p, m, ASK_READY);
    if (ask != NULL) {
        struct store_read read = {.kind = READ_PING};
        ask_send(c, ask, &read);
    }
}

static void query_task(struct core *c, struct peer *p, const struct message *m,
                       struct bytes task_id)
{
    if (!partition_serves(partition_of(c, task_id))) {
        refuse_unavailable(c, p->id, m->request);
    } else if (m->type == MSG_GET_DOC) {
        on_get_doc(c, p, m);
    } else if (m->type == MSG_GET_HISTORY) {
        ask_history(c, p, m);
    } else if (task_find(c, task_id) != NULL) {
        answer_task(c, task_find(c, task_id), p->id, m->request, m->type);
    } else {
        ask_task(c, p, m);
    }
}

void on_query(struct core *c, struct peer *p, const struct message *m)
{
    switch ((int)m->type) {
    case MSG_GET_STATUS:
    case MSG_CANCEL:
    case MSG_PAUSE:
    case MSG_RESUME:
    case MSG_WATCH:
        query_task(c, p, m, m->task.task_id);
        break;
    case MSG_SIGNAL:
        query_task(c, p, m, m->signal.task_id);
        break;
    case MSG_GET_DOC:
        query_task(c, p, m, m->get_doc.task_id);
        break;
    case MSG_GET_HISTORY:
        query_task(c, p, m, m->get_history.task_id);
        break;
    case MSG_GET_LIST:
        ask_list(c, p, m);
        break;
    case MSG_GET_WORKERS:
        answer_workers(c, p, m);
        break;
    case MSG_GET_READY:
        ask_ready(c, p, m);
        break;
    default:
        abort();
    }
}
