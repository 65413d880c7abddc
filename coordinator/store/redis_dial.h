/* The inside of a connection, for its two files: redis_dial.c, from a URL to an open connection and
 * back to the next attempt; redis_link.c, commands and answers while it is open. */
#ifndef MARATHON_STORE_REDIS_DIAL_H
#define MARATHON_STORE_REDIS_DIAL_H

#include "base/rng.h"
#include "store/redis_incoming.h"
#include "store/redis_link.h"
#include "store/redis_outgoing.h"
#include "store/redis_socket.h"
#include "store/redis_waiting.h"

enum link_state {
    LINK_WAITING, /* for the next attempt */
    LINK_LOOKING, /* for the host's address */
    LINK_CONNECTING,
    LINK_SHAKING, /* TLS: connected, the certificates are being shown */
    LINK_OPEN,
    LINK_FAILED, /* to be closed and told at the next timer */
};

struct redis_link {
    struct loop *loop;
    struct redis_url url;
    const struct redis_tls *tls;
    mono_ms deadline_ms;
    struct redis_link_handler handler;
    enum link_state state;
    struct redis_lookup *lookup;
    redisContext *context; /* connects; NULL: there is none */
    struct redis_socket socket;
    struct redis_incoming incoming;
    struct redis_outgoing outgoing;
    struct loop_watch *watch;
    struct loop_timer
        *timer; /* the next attempt, the deadline, or the news of a failure: by state */
    struct redis_waiting waiting; /* who gets the coming answers */
    mono_ms heard_at;             /* the last answer, or the first command after a silence */
    mono_ms opened_at;
    mono_ms backoff_ms;
    struct rng rng;
    bool deadline_armed;
    bool in_hand;               /* a reply, which was not kept */
    bool blocked;               /* the socket has taken part of the output */
    bool inside;                /* of an answer's handling */
    bool answered;              /* something, since it is open */
    bool ever_open, ever_other; /* an attempt that was not refused */
    bool attempted;
    char why[512];
};

/* ---- redis_dial.c ---- */

void dial_begin(struct redis_link *l);     /* the next attempt; nothing without an address */
void dial_connected(struct redis_link *l); /* or not: the socket has something to say */
void dial_shake(struct redis_link *l);     /* TLS goes on */
/* Of the host, or NULL: there is none. The lookup's callback. */
void dial_on_address(void *link, const char *address);
void dial_failed(struct redis_link *l, const char *text); /* this attempt */
void dial_again(struct redis_link *l);                    /* after a jittered pause */

/* ---- redis_link.c ---- */

void link_on_ready(void *link, int ready); /* the watch's callback */
void link_update_interest(struct redis_link *l);

#endif
