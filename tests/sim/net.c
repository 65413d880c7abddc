/* The network: connections, delays, cuts. */
#include <stdlib.h>

#include "audit.h"
#include "wire/frame.h"
#include "world.h"

/* The bound that audit_once.c relies on. */
#define LATENCY_MS_MAX 200
/* In worlds that roll, one connection is slower than the other: a worker receives messages of two
 * coordinators in another order than they were sent. */
#define LAG_MS_MAX 190

struct conn *conn_find(struct world *w, uint64_t id)
{
    for (size_t i = w->conn_count; i-- > 0;) {
        if (w->conns[i]->id == id) {
            return w->conns[i];
        }
    }
    return NULL;
}

static bool is_worker(const struct process *p)
{
    return p->name[0] == 'w';
}

static void on_opened(struct world *w, struct job *j)
{
    struct conn *k = conn_find(w, j->x);
    if (k->closed) {
        return;
    }
    if (is_worker(k->ends[1])) {
        worker_host_opened(j->who, k);
    } else {
        gateway_opened(j->who, k);
    }
}

static void dial(struct world *w, struct job *j)
{
    struct coordinator *to = &w->coordinators[j->x];
    struct process *from = j->process;
    if (!to->process.alive) {
        net_dial(from, to);
        return;
    }
    struct conn *k = mem_zalloc(sizeof *k);
    k->id = ++w->next_conn;
    k->ends[0] = &to->process;
    k->ends[1] = from;
    k->lives[0] = to->process.life;
    k->lives[1] = from->life;
    if (w->rolls && !w->healed) {
        k->lag[0] = between(w, 0, LAG_MS_MAX);
        k->lag[1] = between(w, 0, LAG_MS_MAX);
    }
    MEM_GROW(w->conns, w->conn_count, w->conn_cap);
    w->conns[w->conn_count++] = k;
    job_add(w, from, w->now, on_opened, from)->x = k->id;
}

void net_dial(struct process *from, struct coordinator *to)
{
    struct world *w = from->world;
    job_add(w, from, w->now + between(w, 5, 250), dial, from)->x = to->index;
}

static void deliver(struct world *w, struct job *j)
{
    struct conn *k = conn_find(w, j->x);
    int to = (int)j->y;
    if (k == NULL || k->hole[to] || (k->closed && k->lose)) {
        return;
    }
    struct bytes frame = bytes_part(buf_bytes(&j->data), 4, j->data.len);
    if (to == 0) {
        coordinator_frame(coordinator_of(k->ends[0]), k, frame);
    } else if (is_worker(k->ends[1])) {
        worker_host_frame((struct worker_host *)(void *)k->ends[1], k, frame);
    } else {
        gateway_frame((struct gateway *)(void *)k->ends[1], k, frame);
    }
}

/* A job for one end of a connection. Jobs check by themselves whether that end still lives, so the
 * job has the connection's life. */
static struct job *towards(struct conn *k, int to, mono_ms at, job_fn *run)
{
    struct world *w = k->ends[to]->world;
    k->last[to] = at > k->last[to] ? at : k->last[to];
    struct job *j = job_add(w, k->ends[to], k->last[to], run, k);
    j->life = k->lives[to];
    j->x = k->id;
    j->y = (uint64_t)to;
    return j;
}

static mono_ms latency(struct world *w, mono_ms lag)
{
    if (!w->healed && w->faults > 0 && one_in(w, 60)) {
        return between(w, 20, LATENCY_MS_MAX);
    }
    return (w->healed ? 0 : lag) + between(w, 0, 2);
}

void conn_send(struct conn *k, int to, const struct message *m)
{
    struct world *w = k->ends[to]->world;
    if (k->closed) {
        return;
    }
    struct buf frame = {0};
    if (frame_encode(m, &frame) != ERR_OK) {
        violated(w, "I11", "%s does not fit a frame", message_type_name(m->type));
    }
    towards(k, to, w->now + latency(w, k->lag[to]), deliver)->data = frame;
}

static void on_closed(struct world *w, struct job *j)
{
    (void)w;
    struct conn *k = j->who;
    if (j->y == 0) {
        coordinator_closed(coordinator_of(k->ends[0]), k);
    } else if (is_worker(k->ends[1])) {
        worker_host_closed((struct worker_host *)(void *)k->ends[1], k);
    } else {
        gateway_closed((struct gateway *)(void *)k->ends[1], k);
    }
}

static void end_conn(struct conn *k, bool lose)
{
    if (k->closed) {
        return;
    }
    struct world *w = k->ends[0]->world;
    k->closed = true;
    k->lose = lose;
    for (int end = 0; end < 2; end++) {
        towards(k, end, w->now + between(w, 0, 3), on_closed);
    }
}

void conn_close(struct conn *k, bool lose)
{
    if (!k->closed && is_worker(k->ends[1])) {
        audit_order_lost(k->ends[0]->world->audit, k->ends[1]);
    }
    end_conn(k, lose);
}

void net_process_died(struct process *p)
{
    struct world *w = p->world;
    for (size_t i = 0; i < w->conn_count; i++) {
        struct conn *k = w->conns[i];
        for (int end = 0; end < 2; end++) {
            if (k->ends[end] == p && k->lives[end] == p->life) {
                (end == 0 ? end_conn : conn_close)(k, one_in(w, 2));
            }
        }
    }
}

/* Frees closed connections whose last job has passed. */
void net_sweep(struct world *w)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->conn_count; i++) {
        struct conn *k = w->conns[i];
        mono_ms last = k->last[0] > k->last[1] ? k->last[0] : k->last[1];
        bool paused = k->ends[0]->paused || k->ends[1]->paused;
        if (k->closed && last + 60000 < w->now && !paused) {
            free(k);
        } else {
            w->conns[kept++] = k;
        }
    }
    w->conn_count = kept;
}

/* Stands for a worker's heartbeat thread, and a gateway's timer. */
void peers_heartbeat(struct world *w, struct job *j)
{
    struct message beat = {.type = MSG_BEAT};
    for (size_t i = 0; i < w->conn_count; i++) {
        struct conn *k = w->conns[i];
        if (k->ends[1] == j->process && k->lives[1] == j->life && k->ready && !k->closed) {
            conn_send(k, 0, &beat);
        }
    }
    job_add(w, j->process, w->now + 500, peers_heartbeat, j->who);
}
