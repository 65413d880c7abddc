/* The HTTP and WebSocket server: one port, on the loop's thread. The only folder that includes
 * libwebsockets; nothing of it shows here.
 *
 * A request (or a WebSocket) is named by an exchange_id that is never used again in the process;
 * calls for one that is gone do nothing. Life of a request: handler.request once its body is there
 * -> server_answer (whole), or server_begin, then server_write from within handler.writable until
 * server_finish. If the client leaves earlier, handler.gone; after the end or `gone` no callback
 * comes for it. Life of a WebSocket: handler.socket_opened -> server_write_text from within
 * handler.writable -> server_close_socket or handler.gone.
 *
 * Nothing is queued here but one piece per connection: who has something to send calls server_wake,
 * and gives one piece when `writable` comes. So a slow client costs its own piece, no more. What no
 * client may do (time-outs, limits) is enforced here. */
#ifndef MARATHON_HTTP_SERVER_H
#define MARATHON_HTTP_SERVER_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/shared.h"
#include "http/origin.h"
#include "loop/loop.h"
#include "model/code.h"

typedef uint64_t exchange_id; /* 0 is none */

#define HTTP_PIECE_BYTES_MAX (64u << 10) /* one server_write */
/* One text of a client: they say `ping` and little else */
#define HTTP_SOCKET_BYTES_MAX (16u << 10)

struct http_request {
    struct bytes method;      /* "GET" */
    struct bytes path;        /* decoded, without the query */
    const struct bytes *args; /* TARGET_ARGS_MAX at most */
    size_t arg_count;         /* "name=value", decoded */
    struct bytes content_type, if_none_match, idempotency_key, last_event_id, request_id;
    struct bytes authorization; /* never logged */
    struct bytes protocols;     /* Sec-WebSocket-Protocol; never logged */
    struct bytes forwarded_for; /* X-Forwarded-For, as the client or a proxy says it */
    struct bytes body;          /* for the call of `request` only, or while its lender is held */
    struct shared *lender;      /* what the body was gathered in; NULL: it came in one read */
    bool is_delimited; /* it says where its body ends, or that there is none: by Content-Length, or
                          in chunks */
    enum code fault; /* not CODE_NONE: it broke a limit of the server; answer with this and nothing
                        else */
    const char *why; /* of the fault, for people; static */
};

#define HTTP_PEER_BYTES 64
/* The address that a request's connection comes from, of whoever is next to us; "" = unknown. Only
 * for a request that the server has given, within the call. */
void http_request_peer(const struct http_request *r, char ret_text[HTTP_PEER_BYTES]);

struct http_header {
    const char *name; /* "etag", lower case, without the colon */
    const char *value;
};

#define HTTP_HEADERS_MAX 6

struct http_head {
    int status;
    const char *content_type;                     /* NULL: no body at all (304, 204) */
    struct http_header headers[HTTP_HEADERS_MAX]; /* up to the first without a name */
};

struct http_handler {
    void (*request)(void *user, exchange_id id, const struct http_request *request);
    /* The body is still to come. False: the request will be refused whatever its body is; `request`
     * is called at once, and the body is thrown away. */
    bool (*wants_body)(void *user, const struct http_request *request);
    /* A client wants a WebSocket at this path: CODE_NONE accepts it, any other code refuses it with
     * that code's status and the problem appended to out. Must decide at once. fault is set where
     * the server itself refuses it (the Origin is not allowed). */
    enum code (*upgrade)(void *user, const struct http_request *request, struct buf *out);
    /* The upgrade is done; request has path and args only. */
    void (*socket_opened)(void *user, exchange_id id, const struct http_request *request);
    /* There is room for the next piece; comes after server_wake. */
    void (*writable)(void *user, exchange_id id);
    void (*gone)(void *user, exchange_id id);
    /* Is the memory for data that waits for clients used up? Then a client that does not take its
     * piece at once is closed. */
    bool (*full)(void *user);
    void *user;
};

struct http_options {
    const char *listen; /* "127.0.0.1:8000", "[::1]:8000", "0.0.0.0:8000" */
    size_t body_bytes_max;
    unsigned connections_max;
    mono_ms header_ms, body_ms; /* how long a client may take to send headers, a body */
    mono_ms idle_ms;            /* a kept-alive connection without a request */
    mono_ms stall_ms; /* a client that reads nothing of what waits for it is closed after this; one
                         that reads too little (taking.h) within three times that */
    mono_ms ping_ms;  /* time between pings on a WebSocket; it is closed after two without a pong */
    struct origins origins;
    bool asks_keys; /* API keys are needed: so a web page can do nothing here with the rights of its
                       reader */
};

struct http_counts {
    uint64_t connections_open, sockets_open, stalled_total, refused_upgrades_total;
    uint64_t bytes_sent_total;
    size_t waiting_bytes;          /* bytes that were given, and that clients have not taken yet */
    size_t body_bytes, head_bytes; /* of requests that are being received, or large (intake.h) */
};

struct http_server;

/* ERR_INVALID: listen is no address; ERR_IO: cannot listen there (in use, no permission). Borrows
 * options' texts for its life. */
enum err MUST_CHECK server_create(struct loop *loop, const struct http_options *options,
                                  struct http_handler handler, struct http_server **ret_server);
struct http_counts server_counts(const struct http_server *s);

void server_answer(struct http_server *s, exchange_id id, const struct http_head *head,
                   struct bytes body);
/* The same without the body, whose `length` bytes the caller appends to the buffer before it
 * returns. NULL where the exchange is gone. */
struct buf *server_answer_put(struct http_server *s, exchange_id id, const struct http_head *head,
                              size_t length);
/* length -1: until the connection closes (streams). For HEAD requests nothing is asked for: the
 * answer ends behind its head. */
void server_begin(struct http_server *s, exchange_id id, const struct http_head *head,
                  int64_t length);
/* Asks for handler.writable as soon as there is room. */
void server_wake(struct http_server *s, exchange_id id);
/* One piece, at most HTTP_PIECE_BYTES_MAX, only from within handler.writable. The last one of a
 * known length ends the answer. */
void server_write(struct http_server *s, exchange_id id, struct bytes piece);
/* As much of these pieces of an answer as the client takes now, from where they lie, in place of
 * one that is written. Returns how many bytes those are; the rest is for the next `writable`. */
size_t server_lend(struct http_server *s, exchange_id id, const struct bytes *pieces, size_t count);
/* Ends an answer of unknown length, or cuts one that cannot be completed (the client sees a broken
 * transfer). No `gone` comes. */
void server_finish(struct http_server *s, exchange_id id);
/* A whole text message, likewise. */
void server_write_text(struct http_server *s, exchange_id id, struct bytes text);
/* Which frames of a message stand for it: a message in one frame is both. */
struct text_part {
    bool first, last;
};
/* One frame of a text message, made of these pieces where they lie; what the client does not take
 * now is copied, and goes out before anything else. */
void server_lend_text(struct http_server *s, exchange_id id, const struct bytes *pieces,
                      size_t count, struct text_part part);
/* A text message as its WebSocket frame, appended to out: the same bytes for every client, so that
 * they are made once and copied for none. */
void server_frame_put(struct buf *out, struct bytes text);
/* Such frames, only from within handler.writable, between messages and instead of a piece. */
void server_write_frames(struct http_server *s, exchange_id id, struct bytes frames);
/* Closes with a code and a reason once what was given is out. No `gone` comes. */
void server_close_socket(struct http_server *s, exchange_id id, unsigned code, const char *reason);

/* From now on answers say Connection: close, and no new connections are begun. */
void server_drain(struct http_server *s);
/* After server_drain: no client waits for an answer, and no request can still be on its way. */
bool server_quiet(const struct http_server *s);
/* Tells the clients that are still connected that nothing more will come. */
void server_end(struct http_server *s);
size_t server_open(const struct http_server *s); /* exchanges in progress */

#endif
