#include "fake_tasks.h"

#include <stdio.h>
#include <stdlib.h>

static struct fake_task tasks[FAKE_TASKS_MAX];
static size_t task_count;
static struct arena arena; /* of the answer being made */

struct fake_task *fake_task_find(struct bytes id)
{
    for (size_t i = 0; i < task_count; i++) {
        if (bytes_is(id, tasks[i].id)) {
            return &tasks[i];
        }
    }
    return NULL;
}

struct fake_task *fake_task_set(const char *id)
{
    struct fake_task *t = fake_task_find(bytes_str(id));
    if (t == NULL && task_count < FAKE_TASKS_MAX) {
        t = &tasks[task_count++];
        (void)snprintf(t->id, sizeof t->id, "%s", id);
        t->run = 1;
        t->oldest = 1;
        t->state = TASK_RUNNING;
        fake_task_results(t, BYTES_LIT("{}"));
    }
    return t;
}

void fake_task_results(struct fake_task *t, struct bytes results)
{
    buf_clear(&t->doc);
    buf_add_str(&t->doc, "{\"results\":");
    buf_add_bytes(&t->doc, results);
}

static struct task_event event_of(const struct fake_event *e)
{
    struct task_event out = {.seq = e->seq,
                             .type = e->type,
                             .at = 1770057000000 + (unix_ms)e->seq,
                             .state = e->state,
                             .progress = 0.5,
                             .step_name = BYTES_LIT("s0"),
                             .total_steps = 1};
    if (e->pad > 0) {
        uint8_t *text = arena_alloc(&arena, e->pad);
        memset(text, 'x', e->pad);
        out.message = bytes_of(text, e->pad);
    }
    return out;
}

void fake_push(const struct fake_task *t, const struct fake_event *e, fake_send *send)
{
    arena_reset(&arena);
    struct task_event out = event_of(e);
    struct message m = {.type = MSG_EVENTS};
    m.events.task_id = bytes_str(t->id);
    m.events.events = &out;
    m.events.count = 1;
    for (size_t i = 0; i < t->watcher_count; i++) {
        send(t->watchers[i], &m);
    }
}

void fake_task_event(struct fake_task *t, const struct fake_event *e, bool hidden, fake_send *send)
{
    if (t->events == NULL) {
        t->events = mem_alloc(FAKE_EVENTS_MAX * sizeof *t->events);
    }
    if (t->event_count < FAKE_EVENTS_MAX) {
        t->events[t->event_count++] = *e;
    }
    t->seq = e->seq;
    t->state = e->state;
    if (!hidden) {
        fake_push(t, e, send);
    }
}

void fake_watchers_drop(conn_id conn)
{
    for (size_t i = 0; i < task_count; i++) {
        struct fake_task *t = &tasks[i];
        size_t kept = 0;
        for (size_t k = 0; k < t->watcher_count; k++) {
            if (t->watchers[k] != conn) {
                t->watchers[kept++] = t->watchers[k];
            }
        }
        t->watcher_count = kept;
    }
}

static void answer_status(const struct fake_task *t, struct message *r)
{
    struct step_view *step = arena_alloc(&arena, sizeof *step);
    step->name = BYTES_LIT("s0");
    step->function = BYTES_LIT("echo");
    r->type = MSG_STATUS;
    r->status = (struct task_view){.task_id = bytes_str(t->id),
                                   .task_type = BYTES_LIT("fake"),
                                   .run = t->run,
                                   .state = t->state,
                                   .seq = t->seq,
                                   .created_at = 1770057000000,
                                   .checkpoints = true,
                                   .backend = BYTES_LIT("fake"),
                                   .doc_revision = t->revision,
                                   .results_bytes = t->doc.len - RESULTS_OFFSET,
                                   .steps = step,
                                   .step_count = 1};
}

static void answer_doc(struct fake_task *t, const struct doc_request *d, struct message *r)
{
    if (t->revise > 0) {
        t->revise--;
        t->revision++;
    }
    if (d->run != t->run || d->revision != t->revision) {
        r->refused.code = CODE_TASK_NOT_FOUND;
        return;
    }
    r->type = MSG_DOC;
    r->doc.data = bytes_part(buf_bytes(&t->doc), (size_t)d->offset, d->len);
}

static void answer_history(const struct fake_task *t, uint64_t after, struct message *r)
{
    struct task_event *out = arena_alloc(&arena, 512 * sizeof *out);
    uint32_t n = 0;
    for (size_t i = 0; i < t->event_count && n < 512; i++) {
        if (t->events[i].seq > after && t->events[i].seq >= t->oldest) {
            out[n++] = event_of(&t->events[i]);
        }
    }
    r->type = MSG_EVENTS;
    r->events.task_id = bytes_str(t->id);
    r->events.events = out;
    r->events.count = n;
    r->events.oldest = t->oldest;
}

static void answer_watch(conn_id conn, struct fake_task *t, struct message *r)
{
    fake_watchers_drop(0);
    bool known = false;
    for (size_t i = 0; i < t->watcher_count; i++) {
        known = known || t->watchers[i] == conn;
    }
    if (!known && t->watcher_count < FAKE_WATCHERS_MAX) {
        t->watchers[t->watcher_count++] = conn;
    }
    r->type = MSG_WATCHED;
    r->watched.task_id = bytes_str(t->id);
    r->watched.seq = t->seq;
    r->watched.exists = true;
}

static void answer_cancel(struct fake_task *t, struct message *r)
{
    if (task_state_ended(t->state)) {
        r->refused.code = CODE_TASK_ENDED;
        r->refused.state = t->state;
        return;
    }
    t->state = TASK_CANCELLED;
    r->type = MSG_DONE;
    r->done.task_id = bytes_str(t->id);
    r->done.state = TASK_CANCELLED;
}

static struct bytes id_of(const struct message *m)
{
    switch ((int)m->type) {
    case MSG_GET_DOC:
        return m->get_doc.task_id;
    case MSG_GET_HISTORY:
        return m->get_history.task_id;
    default:
        return m->task.task_id;
    }
}

void fake_answer(conn_id conn, const struct message *m, struct message *ret_answer)
{
    struct fake_task *t = fake_task_find(id_of(m));
    arena_reset(&arena);
    *ret_answer = (struct message){.type = MSG_REFUSED, .request = m->request};
    if (t == NULL && m->type == MSG_WATCH) {
        ret_answer->type = MSG_WATCHED;
        ret_answer->watched.task_id = arena_bytes(&arena, m->task.task_id);
        ret_answer->watched.exists = false;
        return;
    }
    if (t == NULL) {
        ret_answer->refused.code = CODE_TASK_NOT_FOUND;
        return;
    }
    switch ((int)m->type) {
    case MSG_GET_STATUS:
        answer_status(t, ret_answer);
        return;
    case MSG_GET_DOC:
        answer_doc(t, &m->get_doc, ret_answer);
        return;
    case MSG_GET_HISTORY:
        answer_history(t, m->get_history.after, ret_answer);
        return;
    case MSG_WATCH:
        answer_watch(conn, t, ret_answer);
        return;
    case MSG_CANCEL:
        answer_cancel(t, ret_answer);
        return;
    default:
        ret_answer->refused.code = CODE_INTERNAL;
        return;
    }
}
