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
    bool speaks;              /* a worker's first RUNNING has come */
    uint64_t asked, answered; /* numbers of OWNED messages: the last one to it with a gained
                                 partition; the last one that it had read when it sent RUNNING */
};

struct peer *peer_find(const struct core *c, peer_id id); /* or NULL */
void peers_tick(struct core *c);                          /* those that are silent are closed */
void on_peer_up(struct core *c, peer_id id, const struct message *hello);
void on_peer_down(struct core *c, peer_id id);

#endif
