/* The coordinators, found by transport/finder.h: one kept connection to each, who owns which
 * partition, beats both ways. Loop's thread. */
#ifndef MARATHON_GATEWAY_PEERS_H
#define MARATHON_GATEWAY_PEERS_H

#include "base/id.h"
#include "model/claims.h"
#include "model/message.h"
#include "transport/finder.h"
#include "transport/transport.h"

#define PEERS_MAX  64
#define BEAT_MS    500  /* as workers do */
#define SILENCE_MS 2000 /* dead after 2 s of silence */
#define AWAITED_MS 3000 /* without any connection for so long after the start: logged */
#define PEER_ANY   (-1)

struct peer {
    char *url; /* NULL: the slot is free */
    uint32_t dialer;
    conn_id conn;   /* 0 = not connected */
    uint8_t id[32]; /* id of the coordinator that welcomed us there */
    size_t id_len;
    bool learned; /* learned from a coordinator, not configured */
    bool spare;   /* not dialled: another slot leads to the same coordinator */
    bool welcomed;
    struct claims claims; /* none unless welcomed */
    mono_ms heard;
};

struct peers_handler {
    /* A message of a welcomed peer that peers.c does not handle itself. Message and frame are
     * borrowed for the call. */
    void (*message)(void *user, int peer, const struct message *m, struct bytes frame);
    void (*lost)(void *user, int peer);
    /* a peer was welcomed, was lost, or owns other partitions than before */
    void (*changed)(void *user);
    void *user;
};

struct peers {
    struct loop *loop;
    struct transport *transport;
    struct peers_handler handler;
    struct peer items[PEERS_MAX];
    int count; /* slots used so far; some may be free again */
    struct finder *finder;
    uint64_t told;
    char id[ID_TEXT_BYTES];
    char host[256];
    struct arena arena; /* of the message being handled */
    struct loop_timer *beat, *awaited;
    uint64_t frames_bad, connects;
};

/* Dials each URL, or all addresses of its name. ERR_INVALID names a bad one in the log;
 * ERR_TOO_LARGE beyond PEERS_MAX. */
enum err MUST_CHECK peers_start(struct peers *p, const char *const *urls, size_t count);
int peers_dialled(const struct peers *p); /* how many there are */
/* Index of the owner of a partition, -1 where none is known. */
int peers_owner(const struct peers *p, partition_id partition);
int peers_any(const struct peers *p);          /* a welcomed one, or -1 */
uint64_t peers_owning(const struct peers *p);  /* those that own any: a bit each */
uint64_t peers_covered(const struct peers *p); /* partitions with a known owner */
/* framed: a whole frame. False where the peer is not connected. */
bool peers_send(struct peers *p, int peer, const struct slices *framed);
bool peers_send_message(struct peers *p, int peer, const struct message *m);
/* As the transport's send_held; ERR_NOT_FOUND where the peer is not connected. */
enum err MUST_CHECK peers_send_held(struct peers *p, int peer, const struct message *m,
                                    struct lenders *lenders, struct held_frame *ret_frame);

#endif
