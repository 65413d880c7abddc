/* Sends one request to every connected coordinator and keeps all their answers. Loop's thread. */
#ifndef MARATHON_GATEWAY_FANOUT_H
#define MARATHON_GATEWAY_FANOUT_H

#include "main/gateway.h"

struct fanout_answer {
    int peer;
    uint64_t told; /* the peer's, when it was asked (peers.h) */
    enum err err;  /* OK: message is there */
    struct buf frame;
    struct arena arena;
    struct message message;
};

struct fanout {
    struct fanout_answer answers[PEERS_MAX];
    size_t count;
    bool no_room; /* one answer found no room beside all others that are held: it is done early */
    /* ... and inside */
    size_t counted; /* bytes, in gateway.fanout_bytes */
    struct gateway *gateway;
    struct fanout_ask *asks[PEERS_MAX];
    size_t waiting;
    void (*done)(void *user, struct fanout *f);
    void *user;
};

/* Asks the peers whose bits are set, once each (m is sent as it is, except for its request id).
 * done is called when all have answered or failed, or one answer finds no room; never from within
 * this call. Returns NULL, and never calls done, where none could be asked. */
struct fanout *fanout_start(struct gateway *g, uint64_t peers, struct message *m,
                            void (*done)(void *user, struct fanout *f), void *user);
void fanout_stop(struct fanout *f); /* frees it, whether it is done or not; NULL is allowed */
/* Collects pointers to the good answers of this type; returns their number. */
size_t fanout_messages(const struct fanout *f, enum message_type type,
                       const struct message *ret_messages[PEERS_MAX]);

#endif
