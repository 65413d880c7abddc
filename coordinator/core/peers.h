/* Peers: the connections of workers and gateways (peers.c). */
#ifndef MARATHON_CORE_PEERS_H
#define MARATHON_CORE_PEERS_H

#include "core/core.h"

struct worker;

struct peer {
    peer_id id;
    enum role role;
    mono_ms heard;
    struct worker *worker;    /* ROLE_WORKER */
    bool speaks;              /* its RUNNING has come (workers) */
    uint64_t asked, answered; /* numbers of OWNED: of its last gain; that its RUNNING had heard */
};

struct peer *peer_find(const struct core *c, peer_id id); /* or NULL */
void peers_tick(struct core *c);                          /* those that are silent are closed */
void on_peer_up(struct core *c, peer_id id, const struct message *hello);
void on_peer_down(struct core *c, peer_id id);

#endif
