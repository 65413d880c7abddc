/* A coordinator's process: what coordinator/main does, without an operating system. */
#include <stdlib.h>

#include "audit.h"
#include "wire/frame.h"
#include "world.h"

static void on_wake(struct world *w, struct job *j)
{
    (void)w;
    struct coordinator *c = coordinator_of(j->process);
    if (c->process.wake_at == (mono_ms)j->x) {
        c->process.wake_at = NEVER_MS;
    }
    coordinator_step(c, &(struct event){.kind = EV_TIME});
}

/* The message as the previous release would send it, without what that does not know. */
static struct message as_before(const struct message *m)
{
    struct message before = *m;
    if (m->type == MSG_OWNED) {
        before.owned.epoch_count = 0;
    } else if (m->type == MSG_STOP) {
        before.stop.elsewhere = false;
    }
    return before;
}

static void perform(struct coordinator *c, const struct effect *e)
{
    struct world *w = c->process.world;
    struct conn *k = NULL;
    struct message before;
    switch (e->kind) {
    case FX_SEND:
        k = conn_find(w, e->peer);
        audit_sent(w->audit, c, k, e->message);
        before = as_before(e->message);
        conn_send(k, 1, c->older ? &before : e->message);
        break;
    case FX_CLOSE:
        tell(w, c->process.name, "closes %llu: %s", (unsigned long long)e->peer, e->text);
        conn_close(conn_find(w, e->peer), false);
        break;
    case FX_WRITE:
        link_write(c, e->row);
        break;
    case FX_READ:
        link_read(c, e->read);
        break;
    case FX_PUBLISH:
        link_publish(c, e->publish);
        break;
    case FX_LOG:
        tell(w, c->process.name, "%s %s", e->log_event, e->text);
        if (w->meddled == 0 && strcmp(e->log_event, "audit_finding") == 0) {
            violated(w, "audit", "the auditor found: %s", e->text);
        }
        if (!w->rolled_back && strcmp(e->log_event, "store_rolled_back") == 0) {
            violated(w, "rollback", "the store has not gone back: %s", e->text);
        }
        break;
    case FX_DRAINED:
        coordinator_kill(c);
        break;
    }
}

void coordinator_step(struct coordinator *c, const struct event *e)
{
    uint64_t life = c->process.life;
    if (!c->process.alive) {
        return; /* an earlier event in this turn has drained it */
    }
    core_step(c->core, process_moment(&c->process), e, &c->fx);
    core_check(c->core);
    for (size_t i = 0; i < c->fx.count; i++) {
        perform(c, &c->fx.items[i]);
        if (!c->process.alive || c->process.life != life) {
            return;
        }
    }
    link_depart(c);
    process_wake_at(&c->process, core_next_deadline(c->core), on_wake);
}

bool coordinator_stands_by(const struct coordinator *c)
{
    const struct world *w = c->process.world;
    return w->stands_by && c->index > 0 && c->index + 1 == w->coordinator_count;
}

void coordinator_start(struct world *w, struct coordinator *c)
{
    process_start(w, &c->process);
    c->older = w->upgrades && one_in(w, 2);
    struct core_config config = core_config_default();
    config.name = c->process.name;
    config.backend = c->index % 2 == 0 ? "memory" : "redis"; /* tails of different lengths */
    config.seed = rng_next(&w->rng);
    config.recovery_enabled = !w->forsakes;
    config.standby = coordinator_stands_by(c);
    config.ttl_s = w->fleeting ? 1 : config.ttl_s;
    for (int i = 0; i < NONCE_BYTES; i++) {
        config.instance[i] = (uint8_t)chance(w, 256);
    }
    memcpy(c->instance, config.instance, NONCE_BYTES);
    c->core = core_create(&config);
    c->link.era++;
    c->link.up = false;
    link_connect(c, w->now + between(w, 1, 50));
    job_add(w, &c->process, w->now + 250, link_deadline, c);
    coordinator_step(c, &(struct event){.kind = EV_TIME});
}

void coordinator_kill(struct coordinator *c)
{
    if (!c->process.alive) {
        return;
    }
    net_process_died(&c->process);
    link_break(c, true);
    process_end(&c->process);
    core_destroy(c->core);
    effects_free(&c->fx);
    arena_free(&c->frames);
    c->core = NULL;
}

void coordinator_frame(struct coordinator *c, struct conn *k, struct bytes frame)
{
    struct message m;
    arena_reset(&c->frames);
    if (frame_decode(frame, &c->frames, &m) != ERR_OK) {
        violated(c->process.world, "wire", "a frame cannot be read back");
    }
    struct event e = {.kind = k->hello ? EV_MESSAGE : EV_PEER_UP, .peer = k->id, .message = &m};
    k->hello_at = k->hello ? k->hello_at : c->process.world->now;
    k->hello = true;
    coordinator_step(c, &e);
}

void coordinator_closed(struct coordinator *c, struct conn *k)
{
    if (k->hello) {
        coordinator_step(c, &(struct event){.kind = EV_PEER_DOWN, .peer = k->id});
    }
}
