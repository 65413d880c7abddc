/* What the parts of the gateway's process share. The loop's thread owns all of it.
 *
 * calls.c takes a request of http/, api/ makes a message of it, requests.c sends it and brings the
 * answer, api/ makes JSON of that. Watchers (WebSocket, SSE, long polls) share a feed per task. */
#ifndef MARATHON_GATEWAY_GATEWAY_H
#define MARATHON_GATEWAY_GATEWAY_H

#include "api/body_plan.h"
#include "api/keys.h"
#include "api/problem.h"
#include "api/route.h"
#include "crypto/random.h"
#include "http/server.h"
#include "main/peers.h"
#include "main/requests.h"

#define WATCHERS_MAX 20000 /* long polls and streams at once */

/* Whoever answers an exchange of http/. A member of calls and watchers. */
struct exchange {
    exchange_id id;
    void (*writable)(struct exchange *x);
    void (*gone)(struct exchange *x); /* frees its owner */
};

/* Feeds that hold events, in the order of their last events. */
struct feed_rings {
    struct feed *oldest, *newest;
    size_t bytes; /* of all feeds, at most FEEDS_BYTES_MAX */
    uint64_t shed_total;
};

struct gateway {
    struct loop *loop;
    struct transport *transport;
    struct http_server *http;
    struct peers peers;
    struct requests requests;
    struct map exchanges; /* struct exchange by id */
    struct map feeds;     /* struct feed by task id */
    struct feed_rings rings;
    struct loop_timer *tick; /* each second: sends comments on silent streams */
    struct watcher *watcher_list;
    struct poll *poll_list;
    size_t watchers;
    size_t snapshot_bytes; /* held by all snapshots */
    size_t stream_bytes;   /* bodies and replays in progress: their text, and parts of documents */
    size_t fanout_bytes;   /* answers held until the other coordinators' are there */
    size_t batch_bytes;    /* batches of starts in progress: their answers so far */
    uint64_t answers_refused_total;
    uint64_t requests_by_call[CALL_COUNT];
    uint64_t answers_by_class[6]; /* [2] = 2xx */
    struct api_keys keys;         /* empty: no call needs a key */
    uint64_t keys_refused_total;
    uint64_t keys_refused_untold; /* refused keys since the last log line about them */
    mono_ms keys_refused_told;    /* when that line was logged */
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
/* 200, with a finished plan that has no slices of a document. */
void answer_plan(struct gateway *g, exchange_id id, const struct body_plan *body);
/* request_id: the request's own; empty: one is derived from the exchange's id. */
void answer_problem(struct gateway *g, exchange_id id, const struct problem *p,
                    struct bytes request_id);
/* Appends the body that answer_problem would send. */
void answer_problem_render(struct gateway *g, exchange_id id, const struct problem *p,
                           struct bytes request_id, struct buf *out);
void answer_empty(struct gateway *g, exchange_id id, int status, const char *etag);
/* The problem of a request that a coordinator refused, or that failed. */
void problem_from_reply(struct problem *p, const struct reply *reply, struct bytes task_id);
void problem_full(struct problem *p);

/* What waits for clients that have yet to take it: states and results, bodies, replays and batches
 * under way, lists of which a coordinator has yet to say its part, answers in their connections; a
 * share of what deploy/ gives a gateway (tests/lint/room.py). Above the first, calls whose answers
 * may be long get 503, watchers 1013; what is under way goes on, and above the second waits with
 * its next part of a document: a download that is slow holds two parts of 192 KiB, so that 85 are
 * let in. The rest up to the third is for what nobody asks for in advance, pieces of events and
 * problems; above it who does not take one as it comes is closed. Who takes nothing is so within
 * seconds (MARATHON_STALL_TIMEOUT), so this passes. */
#define ANSWERS_BYTES_MAX   (32u << 20)
#define DOCUMENTS_BYTES_MAX (40u << 20)
#define WAITING_BYTES_MAX   (48u << 20)
size_t answers_bytes(const void *gateway);
void problem_answers_full(struct problem *p);
/* Would `more` bytes exceed the first bound? True: that was counted, and *ret_problem says so. */
bool answers_full(struct gateway *g, size_t more, struct problem *ret_problem);

#endif
