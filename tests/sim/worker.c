/* A worker's process: the real agent, with functions that take time, fail, or kill. */
#include <stdio.h>
#include <stdlib.h>

#include "audit.h"
#include "wire/frame.h"
#include "world.h"

static void step(struct worker_host *h, const struct agent_event *e);

static void on_wake(struct world *w, struct job *j)
{
    (void)w;
    struct worker_host *h = (struct worker_host *)(void *)j->process;
    if (h->process.wake_at == (mono_ms)j->x) {
        h->process.wake_at = NEVER_MS;
    }
    step(h, &(struct agent_event){.kind = AGENT_EV_TIME});
}

static struct execution *execution_find(struct worker_host *h, uint64_t number)
{
    for (int i = 0; i < EXECUTIONS_MAX; i++) {
        if (h->executions[i].number == number) {
            return &h->executions[i];
        }
    }
    return NULL;
}

/* The execution reports that it has used so much more. */
static struct usage_part use(struct world *w, struct execution *x, uint64_t cost)
{
    x->cost_left -= cost;
    return (struct usage_part){one_in(w, 3) ? BYTES_LIT("large") : BYTES_LIT("small"),
                               {cost / 1000, cost / 5000, cost}};
}

static void on_ended(struct world *w, struct job *j)
{
    struct worker_host *h = (struct worker_host *)(void *)j->process;
    struct execution *x = execution_find(h, j->x);
    if (x == NULL) {
        return; /* stopped, and thereby ended */
    }
    if (function_kills(x->function, x->delivery) || item_kills(x->function, x->item, x->delivery)) {
        tell(w, h->process.name, "is killed by %s", x->function);
        mono_ms back = w->now + between(w, 100, 3000);
        worker_host_kill(h);
        job_add(w, NULL, back, worker_host_restart, h);
        return;
    }
    char text[200];
    struct attempt_result r = {.code = CODE_FUNCTION_FAILED, .message = BYTES_LIT("it failed")};
    r.ok = !x->stopped && !function_fails(x->function, x->attempt, &r.permanent) &&
           !item_fails(x->function, x->item, x->delivery, &r.permanent);
    if (x->stopped) {
        r.code = CODE_FUNCTION_CRASHED;
    } else if (!r.ok && strcmp(x->function, "fail2") == 0) {
        r.function_code = BYTES_LIT("BUSY");
        r.retry_after_ms = BUSY_MS;
    }
    if (r.ok) {
        int n = snprintf(text, sizeof text, "{\"by\":\"%s\",\"number\":%llu,\"pad\":\"%.*s\"}",
                         h->process.name, (unsigned long long)rng_next(&w->rng), (int)chance(w, 60),
                         "............................................................");
        r.result = bytes_of(text, (size_t)n);
    }
    if (x->cost_left > 0 && !x->stopped) {
        struct attempt_news last = {.fraction = -1, .usage = use(w, x, x->cost_left)};
        step(h, &(struct agent_event){.kind = AGENT_EV_NEWS, .number = j->x, .news = &last});
        if (!h->process.alive) {
            return; /* its time to drain was over */
        }
    }
    audit_silence_ended(w->audit, h, x->record);
    audit_ended(w->audit, x->record, r.ok, r.result);
    x->number = 0;
    step(h, &(struct agent_event){.kind = AGENT_EV_ENDED, .number = j->x, .result = &r});
}

static void on_news(struct world *w, struct job *j)
{
    struct worker_host *h = (struct worker_host *)(void *)j->process;
    struct execution *x = execution_find(h, j->x);
    if (x == NULL || x->stopped) {
        return;
    }
    char checkpoint[LENT_BYTES_MIN + 64];
    int pad = w->now % 3 == 0 ? (int)LENT_BYTES_MIN : 1; /* some are long enough to be lent */
    int n = snprintf(checkpoint, sizeof checkpoint, "{\"at\":%lld,\"pad\":%*d}", (long long)w->now,
                     pad, 0);
    struct attempt_news news = {.fraction = (double)chance(w, 101) / 100};
    news.message = one_in(w, 3) ? BYTES_LIT("half-way") : BYTES_NONE;
    news.log = one_in(w, 3) ? bytes_of(checkpoint, (size_t)n) : BYTES_NONE;
    if (one_in(w, 2)) {
        news.usage = use(w, x, x->cost_left / 2);
    }
    audit_silence_broken(w->audit, h, x->record, &news);
    news.checkpoint = one_in(w, 3) ? bytes_of(checkpoint, (size_t)n) : BYTES_NONE;
    job_add(w, &h->process, w->now + between(w, 10, 900), on_news, h)->x = j->x;
    step(h, &(struct agent_event){.kind = AGENT_EV_NEWS, .number = j->x, .news = &news});
}

static void on_not_begun(struct world *w, struct job *j)
{
    (void)w;
    struct attempt_result r = {.not_begun = true, .message = BYTES_LIT("no descriptors")};
    step((struct worker_host *)(void *)j->process,
         &(struct agent_event){.kind = AGENT_EV_ENDED, .number = j->x, .result = &r});
}

static void begin(struct worker_host *h, const struct attempt_call *call)
{
    struct world *w = h->process.world;
    if (w->wants && !w->healed && one_in(w, 3)) {
        job_add(w, &h->process, w->now + between(w, 0, 2), on_not_begun, h)->x = call->number;
        return;
    }
    struct execution *x = execution_find(h, 0);
    if (x == NULL) {
        violated(w, "I11", "%s runs more than it has room for", h->process.name);
    }
    *x = (struct execution){.number = call->number,
                            .attempt = call->order->ref.attempt,
                            .delivery = call->order->ref.delivery,
                            .item = call->order->ref.item,
                            .cost_left = COST_NANO};
    snprintf(x->function, sizeof x->function, "%.*s", (int)call->order->function.len,
             (const char *)call->order->function.ptr);
    x->record = audit_began(w->audit, h->process.name, call->order);
    audit_order_began(w->audit, h, call->order, x->record);
    audit_once_began(w->audit, h, call->order, x->record);
    audit_silence_began(w->audit, h, call, x->record);
    mono_ms takes = function_takes(w, x->function);
    job_add(w, &h->process, w->now + takes, on_ended, h)->x = call->number;
    x->mute = w->silences && one_in(w, 3);
    if (takes > 300 && !x->mute) {
        job_add(w, &h->process, w->now + between(w, 10, 300), on_news, h)->x = call->number;
    }
}

static void perform(struct worker_host *h, const struct agent_effect *e)
{
    struct world *w = h->process.world;
    struct conn *k = NULL;
    struct execution *x = NULL;
    switch (e->kind) {
    case AGENT_FX_SEND:
        if (e->message->type == MSG_OUTCOME) {
            const struct step_outcome *o = &e->message->outcome;
            audit_outcome(w->audit, h->process.life, o);
            audit_silence_told(w->audit, h, o);
            audit_used(w->audit, &o->ref, o->execution, o->usage, o->usage_count);
        } else if (e->message->type == MSG_PROGRESS && e->message->progress.usage_count > 0) {
            const struct step_progress *n = &e->message->progress;
            audit_used(w->audit, &n->ref, n->execution, n->usage, n->usage_count);
        }
        conn_send(conn_find(w, e->peer), 0, e->message);
        break;
    case AGENT_FX_READY:
        conn_find(w, e->peer)->ready = true;
        break;
    case AGENT_FX_CLOSE:
        k = conn_find(w, e->peer);
        conn_close(k, false);
        break;
    case AGENT_FX_START:
        begin(h, &e->call);
        break;
    case AGENT_FX_STOP:
        x = execution_find(h, e->number);
        if (x != NULL) {
            audit_silence_stopped(w->audit, h, x->record);
            audit_stopped(w->audit, x->record);
        }
        if (x != NULL && !e->kill && h->stop != NULL) {
            audit_once_obeyed(w->audit, h, h->stop_from, h->stop);
        }
        if (x != NULL && !x->stopped) {
            x->stopped = !one_in(w, 4); /* some functions finish before they notice */
            mono_ms dying = one_in(w, 3) ? between(w, 100, 4000) : between(w, 0, 100);
            job_add(w, &h->process, w->now + dying, on_ended, h)->x = e->number;
        }
        break;
    case AGENT_FX_LOG:
        tell(w, h->process.name, "%s %s", e->log_event, e->text);
        break;
    case AGENT_FX_DRAINED:
        worker_host_kill(h);
        job_add(w, NULL, w->now + between(w, 100, 3000), worker_host_restart, h);
        break;
    }
}

/* False if the process has ended by it. */
static bool take(struct worker_host *h, const struct agent_event *e)
{
    uint64_t life = h->process.life;
    agent_step(h->agent, process_moment(&h->process), e, &h->fx);
    agent_check(h->agent);
    for (size_t i = 0; i < h->fx.count; i++) {
        perform(h, &h->fx.items[i]);
        if (!h->process.alive || h->process.life != life) {
            return false;
        }
    }
    return true;
}

/* As a worker's loop does: the event, then the turn's end. */
static void step(struct worker_host *h, const struct agent_event *e)
{
    struct agent_event first = *e;
    first.more = e->kind == AGENT_EV_MESSAGE || e->kind == AGENT_EV_ENDED;
    bool alive = take(h, &first);
    h->stop = NULL; /* what the turn's end stops is not stopped by it */
    if (!alive || (first.more && !take(h, &(struct agent_event){.kind = AGENT_EV_TIME}))) {
        return;
    }
    process_wake_at(&h->process, agent_next_deadline(h->agent), on_wake);
}

void worker_host_start(struct world *w, struct worker_host *h)
{
    process_start(w, &h->process);
    struct agent_config config = agent_config_default();
    snprintf(h->id, sizeof h->id, "%s.%llu", h->process.name, (unsigned long long)h->process.life);
    config.id = bytes_str(h->id);
    config.host = BYTES_LIT("sim");
    config.version_min = config.version_max = 1;
    config.slots = h->slots;
    config.coordinators = w->coordinator_count;
    config.functions = h->functions;
    config.function_count = h->function_count;
    config.labels = h->labels;
    config.label_count = h->label_count;
    h->agent = agent_create(&config);
    memset(h->executions, 0, sizeof h->executions);
    for (uint32_t i = 0; i < w->coordinator_count; i++) {
        net_dial(&h->process, &w->coordinators[i]);
    }
    job_add(w, &h->process, w->now + 500, peers_heartbeat, h);
}

void worker_host_restart(struct world *w, struct job *j)
{
    struct worker_host *h = j->who;
    if (!h->process.alive) {
        worker_host_start(w, h);
    }
}

void worker_host_drain(struct worker_host *h)
{
    tell(h->process.world, h->process.name, "is told to drain");
    step(h, &(struct agent_event){.kind = AGENT_EV_DRAIN, .drain_ms = 1000});
}

void worker_host_kill(struct worker_host *h)
{
    if (!h->process.alive) {
        return;
    }
    net_process_died(&h->process);
    process_end(&h->process);
    agent_destroy(h->agent);
    agent_effects_free(&h->fx);
    arena_free(&h->frames);
    h->agent = NULL;
}

void worker_host_frame(struct worker_host *h, struct conn *k, struct bytes frame)
{
    struct message m;
    arena_reset(&h->frames);
    if (frame_decode(frame, &h->frames, &m) != ERR_OK) {
        violated(h->process.world, "wire", "a frame cannot be read back");
    }
    if (m.type == MSG_OWNED) {
        audit_once_told(h->process.world->audit, h, &m);
    }
    h->stop_from = k;
    h->stop = m.type == MSG_STOP ? &m.stop.ref : NULL;
    step(h, &(struct agent_event){.kind = AGENT_EV_MESSAGE, .peer = k->id, .message = &m});
}

void worker_host_opened(struct worker_host *h, struct conn *k)
{
    step(h, &(struct agent_event){.kind = AGENT_EV_PEER_UP, .peer = k->id});
}

void worker_host_closed(struct worker_host *h, struct conn *k)
{
    k->ready = false;
    step(h, &(struct agent_event){.kind = AGENT_EV_PEER_DOWN, .peer = k->id});
    net_dial(&h->process, coordinator_of(k->ends[0]));
}
