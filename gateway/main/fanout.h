/* One question to every coordinator that is connected, and all their answers, kept. Loop's thread.
 */
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
    bool no_room; /* for one of them, beside all answers that wait: it is done before its time */
    /* ... and inside */
    size_t counted; /* bytes, in gateway.fanout_bytes */
    struct gateway *gateway;
    struct fanout_ask *asks[PEERS_MAX];
    size_t waiting;
    void (*done)(void *user, struct fanout *f);
    void *user;
};

/* Asks those whose bit is set in `peers`, once each (m is sent as it is, but for its request id).
 * done comes when all have answered or failed, or one answer finds no room, never from within; not
 * at all where none could be asked (NULL is returned then). */
struct fanout *fanout_start(struct gateway *g, uint64_t peers, struct message *m,
                            void (*done)(void *user, struct fanout *f), void *user);
void fanout_stop(struct fanout *f); /* frees it, also when it is done; NULL is allowed */
/* Pointers to the good messages of that type; their number. */
size_t fanout_messages(const struct fanout *f, enum message_type type,
                       const struct message *ret_messages[PEERS_MAX]);

#endif
