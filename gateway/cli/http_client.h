/* HTTP requests to the gateway: the only file of the command line that includes libcurl. One
 * thread.
 *
 * Both kinds of exchange wait in short slices, and give up as soon as `stopped` returns true
 * (Ctrl-C). */
#ifndef MARATHON_CLI_HTTP_CLIENT_H
#define MARATHON_CLI_HTTP_CLIENT_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"

/* a status with 64 MiB of results twice, and spare room */
#define HTTP_REPLY_BYTES_MAX (160u << 20)

struct http_client;

struct http_request {
    const char *method;          /* "GET", "POST" */
    const char *path;            /* from the server's root, already escaped: "/api/v1/..." */
    struct bytes body;           /* JSON; empty = none */
    const char *idempotency_key; /* NULL = none */
    struct bytes last_event_id;  /* of a stream to resume; empty = none */
    /* of the whole exchange (of a stream: until its head has arrived) */
    int timeout_ms;
};

struct http_reply {
    int status;
    int retry_after_s; /* 0 = not given */
    struct buf body;
};

/* base: "http://127.0.0.1:8000", a path prefix is allowed. ERR_INVALID if it is not an http or
 * https URL. Free with http_client_destroy. */
enum err MUST_CHECK http_client_create(const char *base, bool (*stopped)(void),
                                       struct http_client **ret_client);
/* Sent with every request from now on (Authorization: Bearer); empty: none. */
void http_client_key(struct http_client *c, struct bytes key);
void http_client_destroy(struct http_client *c);
/* Why the last failed exchange failed: "Connection refused". Never NULL. */
const char *http_client_fault(const struct http_client *c);

/* ERR_UNAVAILABLE: it was not sent. ERR_UNKNOWN: sent, but the answer was lost. ERR_TIMEOUT.
 * ERR_TOO_LARGE. ERR_CONFLICT: stopped. On ERR_OK the status may be any; free with
 * http_reply_free. */
enum err MUST_CHECK http_call(struct http_client *c, const struct http_request *request,
                              struct http_reply *ret_reply);
void http_reply_free(struct http_reply *r);

/* A long answer, delivered piece by piece. */
struct http_stream;
typedef enum err http_piece_fn(void *user, struct bytes piece); /* not ERR_OK ends the stream */

struct http_stream *http_stream_open(struct http_client *c, const struct http_request *request,
                                     http_piece_fn *fn, void *user);
/* Waits at most wait_ms for input. ERR_OK: the stream continues. ERR_NOT_FOUND: the server ended it
 * properly (http_stream_reply says how). Otherwise as http_call; silence for 45 s (three of the
 * server's comments missed) is ERR_UNKNOWN. */
enum err MUST_CHECK http_stream_wait(struct http_stream *s, int wait_ms);
/* Its status is 0 until the head of the answer has arrived. fn is called for answers with 200 only;
 * other bodies are collected. */
const struct http_reply *http_stream_reply(const struct http_stream *s);
void http_stream_close(struct http_stream *s);

#endif
