/* The gateway's process: what its parts share. Loop's thread owns all of it.
 *
 * calls.c takes a request of http/, api/ makes a message of it, requests.c brings the answer, api/
 * makes JSON of that. Watchers (WebSocket, SSE, long polls) share a feed per task. */
#ifndef MARATHON_GATEWAY_GATEWAY_H
#define MARATHON_GATEWAY_GATEWAY_H

#include "api/keys.h"
#include "api/problem.h"
#include "api/route.h"
#include "crypto/random.h"
#include "http/server.h"
#include "main/peers.h"
#include "main/requests.h"

#define WATCHERS_MAX 20000 /* long polls and streams at once */

/* Whoever answers one exchange of http/. Embedded in calls and watchers. */
struct exchange {
    exchange_id id;
    void (*writable)(struct exchange *x);
    void (*gone)(struct exchange *x); /* frees its owner */
};

struct gateway {
    struct loop *loop;
    struct transport *transport;
    struct http_server *http;
    struct peers peers;
    struct requests requests;
    struct map exchanges;    /* struct exchange by id */
    struct map feeds;        /* struct feed by task id */
    struct loop_timer *tick; /* each second: comments of streams */
    struct watcher *watcher_list;
    struct poll *poll_list;
    size_t watchers;
    size_t snapshot_bytes; /* held by all snapshots */
    uint64_t requests_by_call[CALL_COUNT];
    uint64_t answers_by_class[6]; /* [2] = 2xx */
    struct api_keys keys;         /* none: nobody needs one */
    uint64_t keys_refused_total;
    uint64_t keys_refused_untold; /* of them since the last line in the log */
    mono_ms keys_refused_told;    /* when that was */
    uint64_t events_total, messages_total, gaps_total;
    struct random_block *random;
    mono_ms started;
    bool draining;
};

void exchange_add(struct gateway *g, struct exchange *x);
void exchange_remove(struct gateway *g, struct exchange *x);

/* answer.c: whole answers. */
void answer_json(struct gateway *g, exchange_id id, int status, struct bytes body,
                 const struct http_header *headers);
/* request_id: the request's own; empty: one is made of the exchange's. */
void answer_problem(struct gateway *g, exchange_id id, const struct problem *p,
                    struct bytes request_id);
/* The body that the former would answer with, appended to out. */
void answer_problem_render(struct gateway *g, exchange_id id, const struct problem *p,
                           struct bytes request_id, struct buf *out);
void answer_empty(struct gateway *g, exchange_id id, int status, const char *etag);
/* Why a request brought nothing. */
void problem_from_reply(struct problem *p, const struct reply *reply, struct bytes task_id);
void problem_full(struct problem *p);

#endif
