/* One client connection, from accept to close: internal to http/. It is the opaque data of
 * libwebsockets' wsi, so every callback can find it; no wsi is kept beyond
 * LWS_CALLBACK_WSI_DESTROY. */
#ifndef MARATHON_HTTP_CONN_H
#define MARATHON_HTTP_CONN_H

#include <libwebsockets.h>

#include "base/map.h"
#include "http/intake.h"
#include "http/server.h"
#include "http/taking.h"

/* How long a refused body is still read: closing at once could reset the connection and lose the
 * answer. */
#define LINGER_MS       2000
#define PONGS_DUE_MAX   16 /* `ping` texts not yet answered; more are dropped */
#define PING_MISSES_MAX 2
#define CLOSE_MS        5000 /* for a client to answer our Close */
#define PACE_MS         5
/* Fits a head with a short answer. Up to OUT_SPARES_MAX such buffers are kept for reuse: a turn
 * answers a few dozen. */
#define OUT_BYTES_USUAL 1024
#define OUT_SPARES_MAX  64

struct conn_list {
    struct conn *first, *last;
};

enum conn_state {
    CONN_IDLE,    /* no request yet, or none since the last answer */
    CONN_READING, /* receives its body */
    CONN_ASKED,   /* the handler has the request */
    CONN_HEAD,    /* an answer's head waits to be written */
    CONN_BODY,    /* the head is written */
    CONN_LINGER,  /* answered; further input is discarded */
    CONN_UPGRADING,
    CONN_SOCKET,
    CONN_CLOSING, /* a WebSocket: our Close is sent, the client's is awaited */
};

struct conn {
    struct http_server *server;
    struct lws *wsi;
    struct conn *prev, *next;
    struct conn *list_prev, *list_next;
    struct conn_list *list; /* server.paced, or NULL */
    enum conn_state state;
    exchange_id id; /* of the current exchange, 0 = none; the key in server.exchanges */
    mono_ms since;  /* when it entered its state */
    mono_ms begun;  /* when the first part of a head arrived, 0 = none is there */
    mono_ms wanted; /* since when it waits to write, 0 = it does not */
    struct taking taking;
    struct intake intake;
    bool served; /* it has had a request before */
    bool killed;
    bool is_socket;
    bool woken;     /* the handler has something to send */
    size_t due_at;  /* index + 1 in server.due; 0 = not there */
    bool says_more; /* input has arrived after the current request, and was not looked at yet */
    bool resting;   /* libwebsockets neither reads nor is told of input */
    /* its client has ended its half, and was sent a 100 Continue to find out whether it is still
     * there */
    bool probed;
    bool broken; /* a write has failed: closed at the next WRITEABLE */
    bool in_writable;
    bool lent; /* the handler has sent something by server_lend */
    /* request */
    struct arena arena;
    struct http_request request;
    bool has_body;
    bool head_only;
    bool close_after;
    /* the request is refused: its body is discarded, and gets as much time as an accepted one */
    bool in_vain;
    bool other_version; /* it asks for another WebSocket version than ours */
    bool interim;       /* HTTP/1.1: a 1xx may be sent before the answer */
    /* answer */
    /* LWS_PRE bytes, then the piece; the first piece of an answer starts with the head */
    struct buf out;
    size_t head_bytes;  /* where the head ends */
    size_t out_sent;    /* bytes of that piece that the socket has taken */
    size_t out_counted; /* its bytes in counts.waiting_bytes */
    int64_t left;       /* bytes of the body that are still to be given, -1 = unknown */
    bool finished;      /* unknown length: the handler has finished or cut it */
    /* WebSocket */
    bool mid_message; /* inside a message: a frame was sent, the last one was not */
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
    bool is_local; /* listens on a loopback address only */
    struct lobby *lobby;
    struct lws_protocols protocols[2];
    char host[64];
    struct conn *conns;
    struct conn *fresh;     /* accepted last in this turn */
    int fresh_fd;           /* descriptor of the one being accepted */
    struct conn_list paced; /* resting connections with output, written to on a timer */
    struct loop_timer *pace;
    struct map exchanges;
    struct conn *writing; /* whose handler is being asked now */
    struct conn **due;    /* connections that write at the end of this turn; NULL = gone */
    size_t due_count, due_cap;
    struct buf spare[OUT_SPARES_MAX]; /* of OUT_BYTES_USUAL each */
    size_t spare_count;
    exchange_id last_id;
    struct loop_timer *sweep;
    size_t kills; /* since the start */
    struct http_counts counts;
    bool draining;
    mono_ms drain_begun;
};

/* conn.c */
struct conn *conn_of(struct lws *wsi);
struct conn *conn_of_exchange(const struct http_server *s, exchange_id id);
int conn_opened(struct http_server *s, struct lws *wsi);
void conn_destroyed(struct conn *c);
/* Removes libwebsockets' own time limit. The sweep enforces all limits; libwebsockets walks its
 * list of them from the start for each that is set, which costs the square of the number of
 * connections. */
void conn_unlimit(struct conn *c);
/* libwebsockets sets one for a new connection after our callback: removes it when the next one is
 * accepted, or at the end of the turn. */
void conn_unlimit_fresh(struct http_server *s);
void conn_enter(struct conn *c, enum conn_state state);
void conn_exchange_begin(struct conn *c);
void conn_exchange_end(struct conn *c); /* without telling the handler */
void conn_gone(struct conn *c);         /* tells the handler, if there is an exchange */
/* While a client waits for an answer, further input (other requests, the end of its half) stays in
 * the kernel, bounded by the receive window, except for what was read along with the request
 * (intake.h). As soon as such input is noticed the connection rests, since otherwise libwebsockets
 * would be told of it over and over. libwebsockets does not report room to write on a resting
 * connection either, so that is written to on a timer, every PACE_MS, as much as the socket
 * takes. */
void conn_hear_more(void *conn);                /* intake_hooks.more */
void conn_rest_if_it_says_more(struct conn *c); /* at the end of a turn */
void conn_stir(struct conn *c);
void conn_unpace(struct conn *c);
void conn_want(struct conn *c); /* asks libwebsockets for WRITEABLE, or has it paced */
/* Tells libwebsockets that there is input, or room to write. False: the connection has ended. */
bool conn_serve(struct conn *c, short events);
/* Sends "100 Continue" to a client that waits for its answer. False: nothing more can be sent to
 * it. */
bool conn_say_continue(struct conn *c);
void conn_kill(struct conn *c);      /* from the sweep only; c is freed */
void conn_drop_deaf(struct conn *c); /* likewise, for a client that takes too little; counted */
/* Passes c->out to libwebsockets; false: close the connection. */
bool conn_send(struct conn *c, enum lws_write_protocol how);
/* Sends as much as the socket takes now, without a copy; a failure sets `broken`. */
size_t conn_send_some(struct conn *c, struct bytes piece);
/* The same for several pieces, after front (may be empty). */
size_t conn_send_pieces(struct conn *c, struct bytes front, const struct bytes *pieces,
                        size_t count);
void conn_piece_set(struct conn *c, struct bytes piece);
void conn_out_reserve(struct conn *c, size_t bytes); /* for an answer */
void conn_out_reset(struct conn *c);                 /* its content is sent */
void conn_out_count(struct conn *c, size_t bytes);   /* records how many bytes wait to go out */
void conn_ask_handler(struct conn *c);               /* for a piece */
/* May the rest of a piece wait, which the client did not take? False: close the connection, and
 * drop what the kernel still holds for it. */
bool conn_may_wait(struct conn *c);
/* Is there room for what is kept of the current request's head? */
bool conn_has_room(struct conn *c);
/* The answer has begun, and may take long: the head is no longer needed. */
void conn_forget_head(struct conn *c);

/* sweep.c: enforces time limits, and notices clients that have gone. Sets its timer again. */
void conns_sweep(void *server);

/* server.c: at the end of this turn it is written to, or starts to rest. */
void conn_due(struct conn *c);
/* The reason phrase of a status. */
const char *reason_phrase(int status);

/* request_read.c: parses a head into c->request; texts live in c->arena. */
void request_read(struct conn *c, const struct head *h);
/* Marks the request as refused; the first fault is the one reported. */
void request_refuse(struct http_request *r, enum code fault, const char *why);

/* intake_hooks */
void http_conn_request(void *conn);
void http_conn_whole(void *conn);
void socket_conn_break(void *conn, unsigned code);
/* http_conn.c and socket_conn.c: libwebsockets' callbacks; the return value is passed to
 * libwebsockets. */
int http_conn_event(struct conn *c, enum lws_callback_reasons reason);
int socket_conn_event(struct conn *c, enum lws_callback_reasons reason, void *in, size_t len);
void socket_conn_sweep(struct conn *c, mono_ms now);
/* The handler has something: writes it now, or later. */
void http_conn_write(struct conn *c);
size_t http_conn_lend(struct conn *c, const struct bytes *pieces, size_t count);
/* Writes to the connections that are paced. */
void http_conns_pace(void *server);
void socket_conn_write(struct conn *c);
void socket_conn_lend(struct conn *c, struct bytes head, const struct bytes *pieces, size_t count);

#endif
