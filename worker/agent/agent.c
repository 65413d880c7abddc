#include "agent/agent.h"

#include "agent/state.h"

#include <assert.h>
#include <stdlib.h>

/* A worker that itself stood still judges no coordinator before it has heard from it again. */
#define STALL_MS 1000
/* Time events come this often while there are coordinators or running functions, so that our own
 * stall is noticed, and idle hours are not mistaken for one. */
#define TICK_MS 500
/* Added to a drain's time and its grace, for the last outcomes to be acknowledged. */
#define DRAIN_LAST_MS 1000

struct agent_config agent_config_default(void)
{
    return (struct agent_config){.slots = 4,
                                 .prefetch = 2,
                                 .coordinators = 1,
                                 .stop_grace_ms = 5000,
                                 .resend_ms = 1000,
                                 .silence_ms = 2000,
                                 .keeper = {.keep = order_keep_plain},
                                 .log_level = LOG_DEBUG};
}

struct agent *agent_create(const struct agent_config *config)
{
    assert(config->slots > 0 && config->slots <= SLOTS_MAX);
    assert(config->function_count <= FUNCTIONS_MAX);
    struct agent *a = mem_zalloc(sizeof *a);
    a->config = *config;
    a->next_number = 1;
    a->due.before = attempt_sooner;
    a->mean_ms = 10 * AGENT_QUICK_MS; /* assume slow until measured */
    a->lend_at = NEVER_MS;            /* set by the first step */
    a->drain_at = NEVER_MS;
    for (uint32_t i = 0; i < config->function_count; i++) {
        (void)map_put(&a->functions, config->functions[i], &config->functions[i]);
    }
    return a;
}

static void garbage_free(struct agent *a)
{
    for (size_t i = 0; i < a->dead_count; i++) {
        pool_take_attempt(&a->pool, a->dead[i]);
    }
    for (size_t i = 0; i < a->begun_count; i++) {
        pool_take_arena(&a->pool, &a->begun[i]->payload);
        a->begun[i]->payload = (struct arena){0};
        buf_free(&a->begun[i]->kept);
    }
    a->dead_count = a->begun_count = 0;
}

void agent_destroy(struct agent *a)
{
    garbage_free(a);
    for (struct attempt *t = a->all.first, *next; t != NULL; t = next) {
        next = t->links[LINK_ALL].next;
        pool_take_attempt(&a->pool, t);
    }
    pool_free(&a->pool);
    map_free(&a->by_number);
    map_free(&a->by_ref);
    heap_free(&a->due);
    buf_free(&a->key);
    free(a->turn);
    free(a->dead);
    free(a->begun);
    map_free(&a->functions);
    free(a);
}

static void begin(struct agent *a, struct moment now, struct agent_effects *fx)
{
    garbage_free(a);
    if (fx->lent > 0) {
        fx_lenders_drop(fx);
    }
    fx->count = 0;
    arena_reset(&fx->arena);
    if (a->lend_at == NEVER_MS) {
        a->lend_at = now.mono + AGENT_LEND_MS;
    } else if (now.mono - a->now.mono > STALL_MS) {
        mono_ms stood_ms = now.mono - a->now.mono;
        a->now = now;
        peers_forgive(a);
        attempts_forgive(a, stood_ms);
    }
    a->now = now;
    a->fx = fx;
}

static void take_message(struct agent *a, struct peer *p, const struct message *m)
{
    if (m->type != MSG_BEAT || m->beat.loop_age_ms <= AGENT_PEER_STALL_MS) {
        p->heard_at = a->now.mono;
    }
    if (m->type == MSG_WELCOME) {
        peer_welcome(a, p, m);
    } else if (!p->welcomed) {
        return; /* nothing else has a meaning before WELCOME */
    } else if (m->type == MSG_OWNED) {
        peer_owned(a, p, m);
    } else if (m->type == MSG_ORDER) {
        attempt_ordered(a, p, &m->order);
    } else if (m->type == MSG_ACK) {
        outcome_acked(a, &m->ack);
    } else if (m->type == MSG_STOP) {
        attempt_stopped(a, p, &m->stop);
    } /* others: beats, and types that only newer coordinators know */
}

static void take_drain(struct agent *a, mono_ms drain_ms)
{
    mono_ms until = a->now.mono + drain_ms;
    a->drain_at = until < a->drain_at ? until : a->drain_at;
    if (a->draining) { /* asked again, perhaps for an earlier end */
        return;
    }
    a->draining = true;
    for (uint32_t i = 0; i < a->peer_count; i++) {
        if (a->peers[i].welcomed && !a->peers[i].closing) {
            fx_send(a, a->peers[i].id, MSG_DRAINING);
        }
    }
    attempts_hand_back(a);
    peers_claim(a);
}

static void take_event(struct agent *a, const struct agent_event *event)
{
    struct peer *p = peer_find(a, event->peer);
    struct attempt *t = NULL;
    switch (event->kind) {
    case AGENT_EV_TIME:
        break;
    case AGENT_EV_PEER_UP:
        peer_up(a, event->peer);
        break;
    case AGENT_EV_PEER_DOWN:
        peer_down(a, event->peer);
        break;
    case AGENT_EV_MESSAGE:
        if (p != NULL && !p->closing) {
            take_message(a, p, event->message);
        }
        break;
    case AGENT_EV_NEWS:
        t = attempt_find(a, event->number);
        if (t != NULL && t->phase == ATTEMPT_RUNNING) {
            news_take(a, t, event->news);
        }
        break;
    case AGENT_EV_ENDED:
        t = attempt_find(a, event->number);
        assert(t != NULL && t->phase == ATTEMPT_RUNNING);
        outcome_ended(a, t, event->result);
        break;
    case AGENT_EV_DRAIN:
        take_drain(a, event->drain_ms);
        break;
    }
}

static mono_ms drain_last(const struct agent *a)
{
    return a->drain_at + AGENT_DRAIN_GRACE_MS + DRAIN_LAST_MS;
}

static void drain_check(struct agent *a)
{
    if (!a->draining || a->drained) {
        return;
    }
    if (a->now.mono >= a->drain_at) {
        attempts_drain(a);
    }
    if (a->all.count == 0 || a->now.mono >= drain_last(a)) {
        a->drained = true;
        fx_add(a, AGENT_FX_DRAINED);
    }
}

void agent_step(struct agent *a, struct moment now, const struct agent_event *event,
                struct agent_effects *fx)
{
    begin(a, now, fx);
    take_event(a, event);
    peers_judge(a);
    attempts_turn(a);
    drain_check(a);
    attempts_start(a);
    attempts_settle(a);
    if (!event->more) {
        credits_grant(a);
    }
    a->fx = NULL;
}

static mono_ms earlier(mono_ms a, mono_ms b)
{
    return a < b ? a : b;
}

mono_ms agent_next_deadline(const struct agent *a)
{
    mono_ms next = attempts_due(a);
    if (a->peer_count > 0 || a->in[ATTEMPT_RUNNING].count > 0) {
        next = earlier(next, a->now.mono + TICK_MS);
    }
    for (uint32_t i = 0; i < a->peer_count; i++) {
        mono_ms at = a->peers[i].credit_at;
        next = at > a->now.mono ? earlier(next, at) : next;
    }
    if (a->draining && !a->drained) {
        next = earlier(next, a->now.mono < a->drain_at ? a->drain_at : drain_last(a));
    }
    return next;
}

void agent_coordinators(struct agent *a, uint32_t count)
{
    a->config.coordinators = count;
}

struct agent_stats agent_stats(const struct agent *a)
{
    struct agent_stats s = a->totals;
    s.waiting = a->in[ATTEMPT_WAITING].count;
    s.running = a->in[ATTEMPT_RUNNING].count;
    s.held = a->in[ATTEMPT_HELD].count;
    s.held_bytes = a->held_bytes;
    for (uint32_t i = 0; i < a->peer_count; i++) {
        s.peers += a->peers[i].welcomed;
        s.credits += a->peers[i].granted;
    }
    return s;
}

void agent_check(const struct agent *a)
{
    ledger_check(a);
}
