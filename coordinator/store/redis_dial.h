/* Internals of a connection, for its two files: redis_dial.c goes from a URL to an open connection,
 * and from a failure to the next attempt; redis_link.c handles commands and answers while it is
 * open. */
#ifndef MARATHON_STORE_REDIS_DIAL_H
#define MARATHON_STORE_REDIS_DIAL_H

#include "base/rng.h"
#include "store/redis_incoming.h"
#include "store/redis_link.h"
#include "store/redis_outgoing.h"
#include "store/redis_socket.h"
#include "store/redis_waiting.h"

enum link_state {
    LINK_WAITING, /* until the next attempt */
    LINK_LOOKING, /* host name lookup in progress */
    LINK_CONNECTING,
    LINK_SHAKING, /* TLS handshake in progress */
    LINK_OPEN,
    LINK_FAILED, /* to be closed and reported when the timer fires */
};

struct redis_link {
    struct loop *loop;
    struct redis_url url;
    const struct redis_tls *tls;
    mono_ms deadline_ms;
    struct redis_link_handler handler;
    enum link_state state;
    struct redis_lookup *lookup;
    redisContext *context; /* used for connecting only; NULL: no connection */
    struct redis_socket socket;
    struct redis_incoming incoming;
    struct redis_outgoing outgoing;
    struct loop_watch *watch;
    /* next attempt, deadline, or report of a failure, depending on the state */
    struct loop_timer *timer;
    struct redis_waiting waiting; /* who gets the answers to come */
    mono_ms heard_at; /* time of the last answer, or of the first command sent while none was
                         outstanding */
    mono_ms opened_at;
    mono_ms backoff_ms;
    struct rng rng;
    bool deadline_armed;
    bool in_hand;               /* the current reply is not kept (yet) */
    bool blocked;               /* the socket accepted only part of the output */
    bool inside;                /* an answer's callback is running */
    bool answered;              /* there was an answer since it opened */
    bool ever_open, ever_other; /* ever_other: an attempt failed otherwise than by being refused */
    bool attempted;
    char why[512];
};

/* ---- redis_dial.c ---- */

/* starts the next attempt; does nothing without an address */
void dial_begin(struct redis_link *l);
/* the socket is ready: the connection is established, or has failed */
void dial_connected(struct redis_link *l);
void dial_shake(struct redis_link *l); /* continues the TLS handshake */
/* Callback of the lookup. address NULL: the host has none. */
void dial_on_address(void *link, const char *address);
void dial_failed(struct redis_link *l, const char *text); /* this attempt has failed */
void dial_again(struct redis_link *l); /* schedules the next attempt after a jittered back-off */

/* ---- redis_link.c ---- */

void link_on_ready(void *link, int ready); /* callback of the watch */
void link_update_interest(struct redis_link *l);

#endif
