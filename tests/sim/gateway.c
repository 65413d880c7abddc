/* A gateway's process: finds the owner of a task, and passes its clients' requests on to it. */
#include <stdlib.h>

#include "wire/frame.h"
#include "world.h"

void gateway_start(struct world *w, struct gateway *g)
{
    process_start(w, &g->process);
    g->next_request = g->next_request + 1000; /* a new life must never reuse a number */
    for (uint32_t i = 0; i < w->coordinator_count; i++) {
        net_dial(&g->process, &w->coordinators[i]);
    }
    job_add(w, &g->process, w->now + 500, peers_heartbeat, g);
}

void gateway_kill(struct gateway *g)
{
    if (!g->process.alive) {
        return;
    }
    net_process_died(&g->process);
    struct world *w = g->process.world;
    for (size_t i = 0; i < w->conn_count; i++) {
        if (w->conns[i]->ends[1] == &g->process) {
            gateway_closed(NULL, w->conns[i]);
        }
    }
    process_end(&g->process);
    arena_free(&g->frames);
}

void gateway_opened(struct gateway *g, struct conn *k)
{
    struct message m = {.type = MSG_HELLO};
    m.hello.role = ROLE_GATEWAY;
    m.hello.version_min = m.hello.version_max = 1;
    m.hello.id = bytes_str(g->process.name);
    m.hello.host = BYTES_LIT("sim");
    k->ready = true;
    conn_send(k, 0, &m);
}

/* g NULL: it is being killed, and does not redial. */
void gateway_closed(struct gateway *g, struct conn *k)
{
    struct world *w = k->ends[0]->world;
    k->claims.partitions = 0;
    k->ready = false;
    for (uint32_t i = 0; i < w->client_count; i++) {
        client_conn_lost(&w->clients[i], k->id);
    }
    if (g != NULL) {
        net_dial(&g->process, coordinator_of(k->ends[0]));
    }
}

struct conn *gateway_owner(struct gateway *g, struct bytes task_id)
{
    struct world *w = g->process.world;
    struct conn *best = NULL;
    partition_id p = id_partition(task_id);
    for (size_t i = w->conn_count; i-- > 0;) {
        struct conn *k = w->conns[i];
        if (k->ends[1] == &g->process && k->lives[1] == g->process.life && !k->closed &&
            claims_have(&k->claims, p) &&
            (best == NULL || claims_later(&k->claims, &best->claims, p))) {
            best = k;
        }
    }
    return best;
}

static void on_owned(struct gateway *g, struct conn *k, const struct message *m)
{
    struct world *w = g->process.world;
    claims_take(&k->claims, m, ++g->told);
    for (uint32_t i = 0; i < w->client_count; i++) {
        if (w->clients[i].gateway == g) {
            client_owner_moved(&w->clients[i]);
        }
    }
}

void gateway_frame(struct gateway *g, struct conn *k, struct bytes frame)
{
    struct world *w = g->process.world;
    struct message m;
    arena_reset(&g->frames);
    if (frame_decode(frame, &g->frames, &m) != ERR_OK) {
        violated(w, "wire", "a frame cannot be read back");
    }
    if (m.type == MSG_OWNED) {
        on_owned(g, k, &m);
        return;
    }
    if (publisher_answer(w, &m)) {
        return;
    }
    for (uint32_t i = 0; i < w->client_count; i++) {
        struct client *c = &w->clients[i];
        if (c->gateway != g) {
            continue;
        }
        if (m.request != 0 && (m.request == c->request || m.request == c->watch_request)) {
            client_answer(c, &m);
            return;
        }
        if (m.request == 0 && m.type == MSG_EVENTS && k->id == c->watch_conn &&
            bytes_is(m.events.task_id, c->task_id)) {
            client_events(c, &m);
        }
    }
}
