/* A client: starts its task until it is accepted, asks, cancels, recovers, starts anew, and watches
 * without a gap. One request at a time, with the watch in parallel. */
#include <stdio.h>

#include "audit.h"
#include "world.h"

#define PATIENCE_MS 3000

static void next_wish(struct client *c, mono_ms in);

/* ---- requests ---- */

static void on_impatient(struct world *w, struct job *j)
{
    (void)w;
    struct client *c = j->who;
    if (c->request == j->x) {
        c->request = 0;
        next_wish(c, 100);
    }
    if (c->watch_request == j->x) {
        c->watch_request = 0;
        c->watch_conn = 0;
    }
}

/* 0 if nobody is known to own it. */
static uint64_t ask(struct client *c, struct message *m, const char *task_id, uint64_t *ret_conn)
{
    struct gateway *g = c->gateway;
    struct world *w = g->process.world;
    struct conn *k = g->process.alive ? gateway_owner(g, bytes_str(task_id)) : NULL;
    if (k == NULL) {
        return 0;
    }
    m->request = ++g->next_request;
    *ret_conn = k->id;
    conn_send(k, 0, m);
    job_add(w, NULL, w->now + PATIENCE_MS, on_impatient, c)->x = m->request;
    return m->request;
}

void client_ask_about(struct client *c, struct message *m, const char *task_id)
{
    struct world *w = c->gateway->process.world;
    c->asked = m->type;
    c->tends = task_id != c->task_id;
    audit_asked(w->audit, task_id, m);
    c->request = ask(c, m, task_id, &c->asked_conn);
    if (c->request == 0) {
        next_wish(c, between(w, 50, 300));
    } else {
        tell(w, c->gateway->process.name, "asks %s %s", message_type_name(m->type), task_id);
    }
}

void client_wish_for(struct client *c, struct message *m)
{
    client_ask_about(c, m, c->task_id);
}

static void wish_start(struct client *c)
{
    struct message m = {.type = MSG_START};
    char input[1024];
    if (c->fork != NULL) {
        m.start = *c->fork;
        m.start.task_id = bytes_str(c->task_id);
        m.start.idempotency_key = bytes_of(c->key, sizeof c->key);
        m.start.body_hash = bytes_of(c->body, sizeof c->body);
        if (one_in(c->gateway->process.world, 4)) { /* only asks whether it was started */
            m.start.steps = BYTES_NONE;
            m.start.kept_count = 0;
        }
        client_wish_for(c, &m);
        return;
    }
    m.start.task_id = bytes_str(c->task_id);
    m.start.task_type = BYTES_LIT("trial");
    m.start.steps = bytes_str(c->steps);
    m.start.input =
        bytes_of(input, plan_task_input(c->gateway->process.world, input, sizeof input));
    m.start.idempotency_key = bytes_of(c->key, sizeof c->key);
    m.start.body_hash = bytes_of(c->body, sizeof c->body);
    m.start.own_key = c->key[0] % 2 == 0; /* as if the client had given no key */
    m.start.enable_checkpoints = c->checkpoints;
    m.start.checkpoint_interval_s = 1;
    m.start.max_retries = c->max_retries;
    m.start.max_duration_s = c->max_duration_s;
    m.start.priority = c->priority;
    m.start.budget = c->budget;
    client_wish_for(c, &m);
}

void client_new_key(struct client *c)
{
    struct world *w = c->gateway->process.world;
    c->starts++;
    c->recover.key = 0;
    for (size_t i = 0; i < sizeof c->key; i++) {
        c->key[i] = (uint8_t)chance(w, 256);
        c->body[i] = (uint8_t)chance(w, 256);
    }
}

static uint64_t client_recover_key(struct client *c)
{
    return ((uint64_t)c->index << 32) + ++c->recovers;
}

/* Sometimes repeats the same request, as if its answer had been lost: every third request of its
 * gateway, so that no random number is drawn. */
static void wish_recover(struct client *c)
{
    struct world *w = c->gateway->process.world;
    struct message m = {.type = MSG_RECOVER};
    if (c->recover.key != 0 && c->gateway->next_request % 3 == 0) {
        m.recover = c->recover;
        client_wish_for(c, &m);
        return;
    }
    m.recover.key = client_recover_key(c);
    m.recover.task_id = bytes_str(c->task_id);
    if (one_in(w, 3)) {
        m.recover.from_step = one_in(w, 2) ? BYTES_LIT("step_0") : BYTES_LIT("s1");
        m.recover.only_failed = one_in(w, 2);
    } else if (one_in(w, 3)) {
        snprintf(c->checkpoint, sizeof c->checkpoint, "%s_cp_%d", c->task_id, (int)chance(w, 2));
        m.recover.checkpoint_id = bytes_str(c->checkpoint);
    }
    if (one_in(w, 4)) {
        m.recover.input = BYTES_LIT(PLAN_OTHER_INPUT);
    }
    c->recover = m.recover;
    client_wish_for(c, &m);
}

static void wish_doc(struct client *c)
{
    struct message m = {.type = MSG_GET_DOC};
    m.get_doc.task_id = bytes_str(c->task_id);
    m.get_doc.run = c->run;
    m.get_doc.revision = c->revision;
    m.get_doc.offset = RESULTS_OFFSET;
    m.get_doc.len = c->results_bytes;
    client_wish_for(c, &m);
}

static void wish_list(struct client *c)
{
    struct message m = {.type = MSG_GET_LIST};
    m.get_list.state = -1;
    m.get_list.before = NEVER_MS;
    m.get_list.limit = 3;
    client_wish_for(c, &m);
}

static void wish_dead(struct client *c)
{
    struct message m = {.type = MSG_GET_DEAD};
    m.get_list.before = NEVER_MS;
    m.get_list.limit = 2;
    client_wish_for(c, &m);
}

static void wish_requeue(struct client *c)
{
    char step[16];
    struct message m = {.type = MSG_REQUEUE};
    snprintf(step, sizeof step, "step_%u", c->dead_step);
    m.requeue.task_id = bytes_str(c->task_id);
    m.requeue.step = bytes_str(step);
    m.requeue.key = client_recover_key(c);
    client_wish_for(c, &m);
}

static void wish_items(struct client *c)
{
    struct world *w = c->gateway->process.world;
    char step[16];
    struct message m = {.type = MSG_GET_ITEMS};
    snprintf(step, sizeof step, "step_%u", c->fan_step);
    m.get_items.task_id = bytes_str(c->task_id);
    m.get_items.step = bytes_str(step);
    m.get_items.state = one_in(w, 2) ? -1 : (int32_t)chance(w, STEP_STATE_COUNT);
    m.get_items.from = 1 + (uint32_t)chance(w, 5);
    m.get_items.limit = 1 + (uint32_t)chance(w, 9);
    c->items_of = c->fan_step;
    client_wish_for(c, &m);
}

static void wish_about_task(struct client *c, enum message_type type)
{
    struct message m = {.type = type};
    m.task.task_id = bytes_str(c->task_id);
    client_wish_for(c, &m);
}

static void on_wish(struct world *w, struct job *j)
{
    struct client *c = j->who;
    if (c->request != 0) {
        return;
    }
    bool meddles = !w->healed; /* at the end it only looks */
    bool ended = task_state_ended(c->known);
    if (!c->accepted) {
        wish_start(c);
    } else if (meddles && one_in(w, 14)) {
        wish_about_task(c, MSG_CANCEL);
    } else if (meddles && c->dead && one_in(w, 2)) {
        wish_requeue(c);
    } else if (meddles && ended && one_in(w, 3)) {
        wish_recover(c);
    } else if (meddles && ended && one_in(w, 6)) {
        c->accepted = false;
        client_new_key(c);
        wish_start(c);
    } else if (c->forks > 0 && one_in(w, 4)) {
        client_tend(c);
    } else if (meddles && c->forks < FORKS_MAX && one_in(w, 20)) {
        client_wish_fork(c);
    } else if ((!ended && one_in(w, c->known == TASK_WAITING ? 2 : 12)) || client_signals_late(c)) {
        client_wish_signal(c);
    } else if (c->known == TASK_BUDGET_EXCEEDED && (w->healed || one_in(w, 2))) {
        client_raise_budget(c); /* otherwise the task would rest for ever */
    } else if (w->leaves && w->healed && c->known == TASK_PAUSED && one_in(w, 3)) {
        wish_about_task(c, MSG_CANCEL); /* however often it is tried again, it may fail */
    } else if (c->known == TASK_PAUSED && (w->healed || one_in(w, 2))) {
        wish_about_task(c, MSG_RESUME); /* a forgotten pause would last for ever */
    } else if (w->rebudgets && meddles && !ended && one_in(w, 6)) {
        client_change_budget(c);
    } else if (meddles && !ended && one_in(w, 10)) {
        wish_about_task(c, MSG_PAUSE);
    } else if (c->results_bytes > 0 && one_in(w, 3)) {
        wish_doc(c);
    } else if (c->has_fan && one_in(w, 4)) {
        wish_items(c);
    } else if (one_in(w, 8)) {
        if (one_in(w, 2)) {
            wish_list(c);
        } else {
            wish_dead(c);
        }
    } else {
        wish_about_task(c, MSG_GET_STATUS);
    }
}

static void next_wish(struct client *c, mono_ms in)
{
    struct world *w = c->gateway->process.world;
    job_add(w, NULL, w->now + in, on_wish, c);
}

/* ---- answers ---- */

static void on_refused(struct client *c, const struct message *m)
{
    struct world *w = c->gateway->process.world;
    tell(w, c->gateway->process.name, "%s %s refused: %s", message_type_name(c->asked), c->task_id,
         code_info(m->refused.code)->name);
    if (c->asked == MSG_SIGNAL && m->refused.code == CODE_TASK_ENDED) {
        audit_unsignalled(w->audit, c->task_id, &c->signal);
    }
    if (w->fleeting && m->refused.code == CODE_TASK_NOT_FOUND && c->asked != MSG_START) {
        c->known = TASK_COMPLETED; /* it has ended somehow, and has expired since */
        c->results_bytes = 0;
        c->has_fan = c->dead = false;
    } else if (c->asked == MSG_RESUME) {
        c->known = TASK_RUNNING; /* it is not paused; the status will tell what it is */
    }
    if (c->asked != MSG_START) {
        return;
    }
    if (m->refused.code == CODE_TASK_EXISTS) {
        c->accepted = true; /* accepted earlier: another client's with this id, or our own */
    } else if (c->fork != NULL && m->refused.code == CODE_TASK_NOT_FOUND) {
        /* it was only asked about, and is not there (yet) */
    } else if (m->refused.code != CODE_UNAVAILABLE && m->refused.code != CODE_STORE_FULL) {
        violated(w, "I10", "start of %s refused with %s", c->task_id,
                 code_info(m->refused.code)->name);
    }
}

/* At the beginning of a watch it is told the task's position. */
static void client_watched(struct client *c, uint64_t seq)
{
    c->told = seq;
    c->live = seq;
    if (seq < c->have) {
        c->have = 0; /* a fresh run */
    }
}

void client_answer(struct client *c, const struct message *m)
{
    struct world *w = c->gateway->process.world;
    if (m->request == c->watch_request) {
        c->watch_request = 0;
        if (m->type == MSG_WATCHED) {
            client_watched(c, m->watched.seq);
        } else if (m->type == MSG_EVENTS) {
            client_events(c, m);
        } else {
            c->watch_conn = 0; /* watch again */
        }
        return;
    }
    c->request = 0;
    if (c->tends) {
        next_wish(c, between(w, 10, 500));
        return;
    }
    if (m->type == MSG_REFUSED) {
        on_refused(c, m);
    } else if (m->type == MSG_STARTED) {
        if (!bytes_is(m->started.task_id, c->task_id)) {
            violated(w, "I10", "the key of %s started another task", c->task_id);
        }
        c->accepted = true;
        c->known = TASK_PENDING;
        c->results_bytes = 0;
        if (c->starts > 1) { /* a fresh run's events begin at 1 again */
            c->have = 0;
            c->watch_conn = 0;
        }
    } else if (m->type == MSG_SIGNALLED) {
        audit_signalled(w->audit, c->task_id, m->signalled.step, &c->signal);
    } else if (m->type == MSG_STATUS) {
        c->known = m->status.state;
        client_see_budget(c, &m->status);
        c->run = m->status.run;
        c->revision = m->status.doc_revision;
        c->results_bytes = (uint32_t)m->status.results_bytes;
        c->dead = m->status.error_code == CODE_WORKER_DEATHS ||
                  m->status.error_code == CODE_FUNCTION_FAILED; /* it may have one */
        for (uint32_t i = 0; c->dead && i < m->status.step_count; i++) {
            c->dead_step = m->status.steps[i].state == STEP_FAILED ? i : c->dead_step;
        }
        for (uint32_t i = 0; i < m->status.step_count; i++) {
            if (m->status.steps[i].fans_out) {
                c->has_fan = true;
                c->fan_step = i;
            }
        }
    } else if (m->type == MSG_ITEMS) {
        audit_items(w->audit, c->task_id, c->items_of, m);
    } else if (m->type == MSG_DEAD) {
        audit_dead(w->audit, &m->dead.items[0], m->dead.count);
    } else if (m->type == MSG_DOC) {
        audit_doc(w->audit, c->task_id, c->run, c->revision, m->doc.data, c->results_bytes);
    } else if (m->type == MSG_FORK) {
        client_take_fork(c, m);
    } else if (m->type == MSG_DONE) {
        c->known = m->done.state;
        if (c->known == TASK_CANCELLED &&
            one_in(w, 2)) { /* in a hurry: what was stopped is still ending */
            next_wish(c, 0);
            return;
        }
    }
    next_wish(c, w->healed ? between(w, 200, 1500) : between(w, 10, 1500));
}

/* On the live stream seq only rises: if it falls, another client's fresh run has begun. */
static void notice_fresh_run(struct client *c, const struct message *m)
{
    if (m->request == 0 && m->events.count > 0) {
        if (m->events.events[0].seq <= c->live) {
            c->have = 0;
            c->told = 0;
        }
        c->live = m->events.events[m->events.count - 1].seq;
    }
}

void client_events(struct client *c, const struct message *m)
{
    notice_fresh_run(c, m);
    for (uint32_t i = 0; i < m->events.count; i++) {
        const struct task_event *e = &m->events.events[i];
        c->told = e->seq > c->told ? e->seq : c->told;
        if (e->seq == c->have + 1) {
            c->have = e->seq;
            audit_seen(c->gateway->process.world->audit, c->index, c->task_id, e);
        }
    }
}

/* ---- watching ---- */

static void on_watch(struct world *w, struct job *j)
{
    struct client *c = j->who;
    job_add(w, NULL, w->now + between(w, 50, 400), on_watch, c);
    if (c->watch_request != 0 || !c->accepted) {
        return;
    }
    struct message m = {.type = MSG_WATCH};
    uint64_t conn = 0;
    if (c->watch_conn == 0) {
        m.task.task_id = bytes_str(c->task_id);
        c->watch_request = ask(c, &m, c->task_id, &conn);
        c->watch_conn = c->watch_request != 0 ? conn : 0;
    } else if (c->told > c->have) {
        m.type = MSG_GET_HISTORY;
        m.get_history.task_id = bytes_str(c->task_id);
        m.get_history.after = c->have;
        c->watch_request = ask(c, &m, c->task_id, &conn);
    }
}

void client_unwatch(struct client *c)
{
    const struct world *w = c->gateway->process.world;
    struct message m = {.type = MSG_UNWATCH};
    uint64_t conn = 0;
    bool shared = false;
    for (uint32_t i = 0; i < w->client_count; i++) {
        const struct client *other = &w->clients[i];
        shared = shared || (other != c && other->gateway == c->gateway && other->watch_conn != 0 &&
                            strcmp(other->task_id, c->task_id) == 0);
    }
    m.task.task_id = bytes_str(c->task_id);
    if (!shared) {
        (void)ask(c, &m, c->task_id, &conn);
    }
    c->watch_conn = c->watch_request = 0;
}

void client_conn_lost(struct client *c, uint64_t conn)
{
    if (c->watch_conn == conn) {
        c->watch_conn = 0;
        c->watch_request = 0;
    }
    if (c->request != 0 && c->asked_conn == conn) {
        c->request = 0;
        next_wish(c, 50);
    }
}

void client_owner_moved(struct client *c)
{
    const struct conn *k = gateway_owner(c->gateway, bytes_str(c->task_id));
    if (c->watch_conn != 0 && (k == NULL || c->watch_conn != k->id)) {
        c->watch_conn = 0;
        c->watch_request = 0;
    }
}

void client_begin(struct client *c)
{
    struct world *w = c->gateway->process.world;
    client_new_key(c);
    next_wish(c, between(w, 0, w->heal_at / 2));
    if (c->watches) {
        job_add(w, NULL, w->now + 100, on_watch, c);
    }
}

bool client_content(struct client *c)
{
    struct world *w = c->gateway->process.world;
    struct stored_task *t = store_model_find(&w->store, bytes_str(c->task_id), w->now);
    if (!c->accepted || t == NULL) {
        return c->accepted;
    }
    uint64_t last = t->event_count > 0 ? t->events[t->event_count - 1].seq : 0;
    return task_state_ended(c->known) && (!c->watches || c->have == last);
}
