/* One client connection, from accept to close: inside of http/ only. It is libwebsockets' opaque
 * data of its wsi, so it is found from every callback and no wsi is kept beyond
 * LWS_CALLBACK_WSI_DESTROY. */
#ifndef MARATHON_HTTP_CONN_H
#define MARATHON_HTTP_CONN_H

#include <libwebsockets.h>

#include "base/map.h"
#include "http/intake.h"
#include "http/server.h"
#include "http/taking.h"

/* A refused body is read on so long, or the answer could be lost to a reset */
#define LINGER_MS       2000
#define PONGS_DUE_MAX   16 /* `ping` texts not yet answered; more are dropped */
#define PING_MISSES_MAX 2
#define CLOSE_MS        5000 /* for a client to answer our Close */
#define PACE_MS         5
/* A head with a short answer. The buffers of so many are kept for the next ones: a turn answers a
 * few dozen. */
#define OUT_BYTES_USUAL 1024
#define OUT_SPARES_MAX  64

struct conn_list {
    struct conn *first, *last;
};

enum conn_state {
    CONN_IDLE,    /* no request yet, or none since the last answer */
    CONN_READING, /* its body */
    CONN_ASKED,   /* the handler has it */
    CONN_HEAD,    /* an answer's head waits to be written */
    CONN_BODY,    /* the head is out */
    CONN_LINGER,  /* answered, what still comes is being thrown away */
    CONN_UPGRADING,
    CONN_SOCKET,
    CONN_CLOSING, /* a WebSocket: our Close is out, its own is to come */
};

struct conn {
    struct http_server *server;
    struct lws *wsi;
    struct conn *prev, *next;
    struct conn *list_prev, *list_next;
    struct conn_list *list; /* server.paced, or NULL */
    enum conn_state state;
    exchange_id id; /* of the exchange under way, 0 = none; the key in server.exchanges */
    mono_ms since;  /* of the state */
    mono_ms begun;  /* when a part of a head was seen, 0 = none is there */
    mono_ms wanted; /* since when it waits to write, 0 = it does not */
    struct taking taking;
    struct intake intake;
    bool served; /* has had a request before */
    bool killed;
    bool is_socket;
    bool woken;     /* the handler has something */
    size_t due_at;  /* place in server.due, from 1; 0 = not there */
    bool says_more; /* since it was last looked at: behind the request in hand */
    bool resting;   /* libwebsockets neither reads nor is told that there is something to read */
    bool probed;    /* its client has ended its half, and was told that the answer is to come */
    bool broken;    /* a write has failed: closed at the next WRITEABLE */
    bool in_writable;
    bool lent; /* the handler has given something by server_lend */
    /* request */
    struct arena arena;
    struct http_request request;
    bool has_body;
    bool head_only;
    bool close_after;
    bool in_vain;       /* its body is for nothing, and may come for as long as one that is */
    bool other_version; /* of WebSockets, than ours */
    bool interim;       /* HTTP/1.1: a 1xx may be said before the answer */
    /* answer */
    struct buf out; /* LWS_PRE bytes, then the piece; an answer's first one begins with its head */
    size_t head_bytes;  /* where that ends */
    size_t out_sent;    /* of that piece, what the socket has taken */
    size_t out_counted; /* bytes, in counts.waiting_bytes */
    int64_t left;       /* bytes of the body still to be given, -1 = unknown */
    bool finished;      /* unknown length: the end was said; or cut */
    /* WebSocket */
    bool mid_message; /* a frame of a message is out, and its last one is not */
    unsigned pongs_due, pings_missed;
    bool ping_due;
    mono_ms pinged;
    uint8_t heard[4]; /* the start of the text being received */
    size_t heard_len;
    unsigned close_code;
    char close_reason[64];
};

struct http_server {
    struct loop *loop;
    struct http_options options;
    struct http_handler handler;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct listener *listener;
    bool is_local; /* this machine alone reaches it */
    struct lobby *lobby;
    struct lws_protocols protocols[2];
    char host[64];
    struct conn *conns;
    struct conn *fresh;     /* accepted last in this turn */
    int fresh_fd;           /* of the one that is being accepted */
    struct conn_list paced; /* who rests while it is written to: by the clock */
    struct loop_timer *pace;
    struct map exchanges;
    struct conn *writing; /* whose handler is asked right now */
    struct conn **due; /* watchers' connections that write at the end of this turn; NULL = gone */
    size_t due_count, due_cap;
    struct buf spare[OUT_SPARES_MAX]; /* of OUT_BYTES_USUAL each */
    size_t spare_count;
    exchange_id last_id;
    struct loop_timer *sweep;
    size_t kills; /* ever */
    struct http_counts counts;
    bool draining;
    mono_ms drain_begun;
};

/* conn.c */
struct conn *conn_of(struct lws *wsi);
struct conn *conn_of_exchange(const struct http_server *s, exchange_id id);
int conn_opened(struct http_server *s, struct lws *wsi);
void conn_destroyed(struct conn *c);
/* Takes libwebsockets' own time limit away: the sweep has all of ours, while its list of them is
 * walked from the beginning at each setting, and so costs the square of the number of connections.
 */
void conn_unlimit(struct conn *c);
/* It sets one for a new connection after our callback: taken away at the next one's, or at the end
 * of the turn. */
void conn_unlimit_fresh(struct http_server *s);
void conn_enter(struct conn *c, enum conn_state state);
void conn_exchange_begin(struct conn *c);
void conn_exchange_end(struct conn *c); /* silently */
void conn_gone(struct conn *c);         /* tells the handler, if an exchange is under way */
/* While a client waits for an answer, what it says beyond its request (other requests, the end of
 * its half) stays in the kernel, whose window bounds it, but for what was read with the request
 * (intake.h). From when it is heard of it rests, or libwebsockets would be told of it again and
 * again. Nor does libwebsockets say anything of room to write to one that rests, so that it is
 * written to by the clock, every PACE_MS, as far as it takes. */
void conn_hear_more(void *conn);                /* intake_hooks.more */
void conn_rest_if_it_says_more(struct conn *c); /* at the end of a turn */
void conn_stir(struct conn *c);
void conn_unpace(struct conn *c);
void conn_want(struct conn *c); /* asks libwebsockets for WRITEABLE, or is paced */
/* libwebsockets is told that there is something to read, or room to write. False: that was the end
 * of the connection. */
bool conn_serve(struct conn *c, short events);
/* Of a client that waits for its answer: "100 Continue". False: it may hear no more of us. */
bool conn_say_continue(struct conn *c);
void conn_kill(struct conn *c);      /* from the sweep only; the last word on c */
void conn_drop_deaf(struct conn *c); /* likewise, of one that takes too little; counted */
/* Gives c->out to libwebsockets; false: the connection is to be closed. */
bool conn_send(struct conn *c, enum lws_write_protocol how);
/* As much as the socket takes now, from where it lies; a failure is `broken`. */
size_t conn_send_some(struct conn *c, struct bytes piece);
/* The same of several, behind what stands in front of them (may be empty). */
size_t conn_send_pieces(struct conn *c, struct bytes front, const struct bytes *pieces,
                        size_t count);
void conn_piece_set(struct conn *c, struct bytes piece);
void conn_out_reserve(struct conn *c, size_t bytes); /* for an answer */
void conn_out_reset(struct conn *c);                 /* what was in it is out */
void conn_out_count(struct conn *c, size_t bytes);   /* so many wait to go out */
void conn_ask_handler(struct conn *c);               /* for a piece */
/* Of a client that has not taken all of a piece: what is left of it may wait. False: it is to be
 * closed, and with it goes what the kernel has for it. */
bool conn_may_wait(struct conn *c);
/* For what is kept of the head in hand. */
bool conn_has_room(struct conn *c);
/* Its answer has begun, and may take long. */
void conn_forget_head(struct conn *c);

/* sweep.c: limits of time, and who has gone. Sets its timer again. */
void conns_sweep(void *server);

/* server.c: it is written to, or rests, at the end of this turn. */
void conn_due(struct conn *c);
/* The words behind a status. */
const char *reason_phrase(int status);

/* request_read.c: a head -> c->request; texts live in c->arena. */
void request_read(struct conn *c, const struct head *h);
/* The first fault is the one that is told. */
void request_refuse(struct http_request *r, enum code fault, const char *why);

/* intake_hooks */
void http_conn_request(void *conn);
void http_conn_whole(void *conn);
void socket_conn_break(void *conn, unsigned code);
/* http_conn.c and socket_conn.c: libwebsockets' callbacks; the return value is libwebsockets'. */
int http_conn_event(struct conn *c, enum lws_callback_reasons reason);
int socket_conn_event(struct conn *c, enum lws_callback_reasons reason, void *in, size_t len);
void socket_conn_sweep(struct conn *c, mono_ms now);
/* The handler has something: it goes out now, or later. */
void http_conn_write(struct conn *c);
size_t http_conn_lend(struct conn *c, const struct bytes *pieces, size_t count);
/* Writes to who is paced. */
void http_conns_pace(void *server);
void socket_conn_write(struct conn *c);
void socket_conn_lend(struct conn *c, struct bytes head, const struct bytes *pieces, size_t count);

#endif
