/* Injects faults, one after the other, until the world is healed. */
#include "world.h"

#include "wire/frame.h"

static void on_continue(struct world *w, struct job *j)
{
    (void)w;
    struct process *p = j->who;
    if (p->alive && p->paused && p->life == j->x) {
        process_continue(p);
    }
}

static void pause(struct world *w, struct process *p)
{
    if (!p->alive || p->paused) {
        return;
    }
    process_pause(p);
    job_add(w, NULL, w->now + (one_in(w, 2) ? between(w, 50, 1500) : between(w, 1500, 7000)),
            on_continue, p)
        ->x = p->life;
}

static void on_coordinator_start(struct world *w, struct job *j)
{
    struct coordinator *c = j->who;
    if (c->process.alive && c->process.life == j->x) {
        coordinator_kill(c); /* still draining: cut short, as main does */
    }
    if (!c->process.alive) {
        coordinator_start(w, c);
    }
}

/* As in a rolling restart: it hands over, and returns at once for its share. */
static void roll_coordinator(struct world *w)
{
    struct coordinator *c = &w->coordinators[chance(w, w->coordinator_count)];
    if (!c->process.alive || c->process.paused) {
        return;
    }
    tell(w, c->process.name, "is told to drain, and started again");
    coordinator_step(c, &(struct event){.kind = EV_DRAIN});
    job_add(w, NULL, w->now + between(w, 20, 800), on_coordinator_start, c)->x = c->process.life;
}

static void hit_coordinator(struct world *w)
{
    struct coordinator *c = &w->coordinators[chance(w, w->coordinator_count)];
    if (!c->process.alive) {
        return;
    }
    if (one_in(w, 3)) {
        pause(w, &c->process);
        return;
    }
    uint64_t life = c->process.life;
    if (one_in(w, 3) && !c->process.paused) {
        tell(w, c->process.name, "is told to drain");
        coordinator_step(c, &(struct event){.kind = EV_DRAIN});
    } else {
        coordinator_kill(c);
    }
    job_add(w, NULL, w->now + between(w, 100, 6000), on_coordinator_start, c)->x = life;
}

static void hit_worker(struct world *w)
{
    struct worker_host *h = &w->workers[chance(w, w->worker_count)];
    if (!h->process.alive) {
        return;
    }
    if (one_in(w, 3)) {
        pause(w, &h->process);
    } else if (one_in(w, 4) && !h->process.paused) {
        worker_host_drain(h);
    } else {
        worker_host_kill(h);
        job_add(w, NULL, w->now + between(w, 100, 3000), worker_host_restart, h);
    }
}

static void on_gateway_start(struct world *w, struct job *j)
{
    struct gateway *g = j->who;
    if (!g->process.alive && !w->rolled_back) {
        gateway_start(w, g);
    }
}

static void hit_gateway(struct world *w)
{
    struct gateway *g = &w->gateways[chance(w, w->gateway_count)];
    if (g->process.alive) {
        gateway_kill(g);
        job_add(w, NULL, w->now + between(w, 50, 1000), on_gateway_start, g);
    }
}

static void hit_network(struct world *w)
{
    if (w->conn_count == 0) {
        return;
    }
    struct conn *k = w->conns[chance(w, w->conn_count)];
    if (k->closed) {
        return;
    }
    if (one_in(w, 3)) {
        int to = (int)chance(w, 2);
        tell(w, "net", "%s to %s falls silent", k->ends[1 - to]->name, k->ends[to]->name);
        k->hole[to] = true;
    } else {
        tell(w, "net", "cuts %s from %s", k->ends[0]->name, k->ends[1]->name);
        conn_close(k, one_in(w, 2));
    }
}

static void on_store_room(struct world *w, struct job *j)
{
    (void)j;
    w->store.full = false;
}

/* A foreign hand changes Redis. The auditor must repair it; if the auditor finds something that
 * nobody did, that is a bug. */
static void meddle(struct world *w)
{
    if (w->store.task_count == 0 || w->seed % 4 != 0) {
        return;
    }
    struct stored_task *t = w->store.tasks[chance(w, w->store.task_count)];
    w->meddled++;
    if (t->ended && t->expires_at > w->now + 600000) {
        tell(w, "db", "somebody puts %.*s into the live index", (int)t->id.len,
             (const char *)t->id.ptr);
        t->stray = true;
    } else if (!t->ended && t->expires_at == NEVER_MS) {
        tell(w, "db", "somebody puts a TTL on %.*s", (int)t->id.len, (const char *)t->id.ptr);
        t->meddled = true;
        t->expires_at = w->now + 3600000;
    } else {
        return;
    }
    if (w->mirror != NULL) {
        w->mirror->meddle(w->mirror, t);
    }
}

static void hit_store(struct world *w)
{
    if (w->seed % 4 == 2 && one_in(w, 2)) {
        shard_hit(w);
        return;
    }
    if (one_in(w, 4)) {
        tell(w, "db", "is full");
        w->store.full = true;
        job_add(w, NULL, w->now + between(w, 100, 3000), on_store_room, NULL);
    } else if (one_in(w, 3)) {
        w->store_stalled_until = w->now + between(w, 50, 6000);
        tell(w, "db", "stalls until %lld", (long long)w->store_stalled_until);
    } else {
        struct coordinator *c = &w->coordinators[chance(w, w->coordinator_count)];
        if (c->process.alive && !c->process.paused) {
            link_break(c, false);
        }
    }
}

static void hit_clock(struct world *w)
{
    static const int64_t steps[] = {3600000, -3600000, 315360000000, -30000, 500};
    struct process *p = one_in(w, 2) ? &w->coordinators[chance(w, w->coordinator_count)].process
                                     : &w->workers[chance(w, w->worker_count)].process;
    int64_t by = steps[chance(w, sizeof steps / sizeof steps[0])];
    w->clock_stepped = true;
    p->wall_off = p->wall_off > 10000000000 ? 0 : p->wall_off + by;
    tell(w, p->name, "its wall clock is %lld ms off", (long long)p->wall_off);
}

/* A worker's outcome with a forged token: it must never count. */
static void forge(struct world *w)
{
    for (size_t i = 0; i < w->conn_count; i++) {
        struct conn *k = w->conns[i];
        if (k->ready && !k->closed && k->ends[1]->name[0] == 'w' && one_in(w, 3)) {
            struct client *c = &w->clients[chance(w, w->client_count)];
            struct message m = {.type = MSG_OUTCOME};
            m.outcome.ref.task_id = bytes_str(c->task_id);
            m.outcome.ref.run = 1;
            m.outcome.ref.attempt = 1;
            m.outcome.number = UINT64_MAX;
            m.outcome.ok = true;
            m.outcome.result = BYTES_LIT("\"forged\"");
            conn_send(k, 0, &m);
            return;
        }
    }
}

static void on_fault(struct world *w, struct job *j)
{
    (void)j;
    if (w->healed) {
        return;
    }
    net_sweep(w);
    static const int pace[] = {0, 3000, 1200, 500};
    job_add(w, NULL, w->now + between(w, 1, pace[w->faults] * 2), on_fault, NULL);
    if (w->rolls && one_in(w, 2)) {
        roll_coordinator(w);
        return;
    }
    switch (chance(w, 8)) {
    case 0:
        hit_coordinator(w);
        break;
    case 1:
    case 2:
        hit_worker(w);
        break;
    case 3:
        hit_network(w);
        break;
    case 4:
        hit_store(w);
        break;
    case 5:
        hit_clock(w);
        break;
    case 6:
        forge(w);
        meddle(w);
        break;
    default:
        if (one_in(w, 2)) {
            hit_gateway(w);
        } else {
            hit_network(w);
        }
        break;
    }
}

void chaos_begin(struct world *w)
{
    if (w->faults > 0) {
        job_add(w, NULL, w->now + between(w, 100, 3000), on_fault, NULL);
    }
}

static void heal_process(struct process *p)
{
    /* somebody corrects the clocks, since moments would otherwise lie months ahead */
    p->wall_off = 0;
    if (p->alive && p->paused) {
        process_continue(p);
    }
}

void chaos_heal(struct world *w)
{
    tell(w, "all", "is healed");
    w->healed = true;
    w->store.full = false;
    w->store_stalled_until = w->shard_until = w->now;
    for (uint32_t i = 0; i < w->coordinator_count; i++) {
        heal_process(&w->coordinators[i].process);
    }
    for (uint32_t i = 0; i < w->worker_count; i++) {
        heal_process(&w->workers[i].process);
    }
    for (size_t i = 0; i < w->conn_count; i++) {
        if (w->conns[i]->hole[0] || w->conns[i]->hole[1]) {
            conn_close(w->conns[i], true);
        }
    }
}
