/* The calls of the API: a request of http/ comes in, an answer goes out. Loop's thread. */
#ifndef MARATHON_GATEWAY_CALLS_H
#define MARATHON_GATEWAY_CALLS_H

#include "main/gateway.h"
#include "model/pipeline.h"

/* One call that waits for coordinators. Ends with call_end, or by itself when the client leaves. */
struct call_state {
    struct exchange exchange;
    struct gateway *gateway;
    enum call call;
    char task_id[ID_BYTES_MAX + 1]; /* or a pipeline's name */
    char request_id[64];
    char *if_none_match;               /* owned; status */
    char credential[ID_BYTES_MAX + 1]; /* id of the key; start */
    bool known;                        /* it showed a key that counts */
    bool results, verbose;
    uint32_t limit;
    uint64_t after; /* history */
    struct usage_request usage;
    struct call_fork *fork; /* owned */
    wire_id request;
    struct snapshot_load *load;
    struct fanout *fanout;
    struct start_batch *batch;
    char step[STEP_NAME_BYTES_MAX + 1];
    struct requeue_all *requeue;
    struct buf body; /* what is answered once others know of it */
    bool created;
    bool nameless; /* the definition to be checked has no name */
};

void calls_request(struct gateway *g, exchange_id id, const struct http_request *request);
/* Will that be refused whatever its body is? Then the body need not come. */
bool calls_refuse(const struct gateway *g, const struct http_request *request);
enum code calls_upgrade(struct gateway *g, const struct http_request *request, struct buf *out);
void calls_socket(struct gateway *g, exchange_id id, const struct http_request *request);

/* For the files that carry calls out. */
struct call_state *call_begin(struct gateway *g, exchange_id id, const struct route *route,
                              const struct http_request *request);
void call_end(struct call_state *c);
/* Each ends the call. */
void call_answer(struct call_state *c, int status, struct bytes body, const char *location);
/* {"task_id","status"} of the call's task; 202: with the address where it is followed. */
void call_answer_id(struct call_state *c, int code, const char *status);
/* The same of the task that STARTED says, with more members. */
void call_started(struct call_state *c, const struct reply *reply, struct bytes more);
void call_answer_plan(struct call_state *c, struct body_plan *body); /* 200; frees the plan */
void call_problem(struct call_state *c, const struct problem *p);

/* call_change.c: start, cancel, pause, resume, signal, recover. call_batch.c: many starts.
 * call_read.c: status, checkpoints, result. call_list.c: what is asked of many. */
void call_start(struct call_state *c, const struct http_request *request);
void call_start_batch(struct call_state *c, const struct http_request *request);
void start_batch_free(struct start_batch *b); /* drops what still waits; NULL is allowed */
/* A body is there, has a length and is JSON by its type; else the call has ended with a problem. */
bool call_body_taken(struct call_state *c, const struct http_request *r, bool needed);
void call_cancel(struct call_state *c, const struct http_request *request);
void call_pause(struct call_state *c, const struct http_request *request);
void call_resume(struct call_state *c, const struct http_request *request);
void call_fork(struct call_state *c, const struct http_request *request); /* call_fork.c */
void call_fork_free(struct call_fork *f);                                 /* NULL is allowed */
/* Each signal, recover and requeue is one of its own, unless the client says by its Idempotency-Key
 * that it repeats one; what we send twice ourselves has one key. Never 0. */
uint64_t call_key(struct gateway *g, const struct http_request *request);
uint64_t call_fresh_key(struct gateway *g);
void call_signal(struct call_state *c, const struct http_request *request);
void call_recover(struct call_state *c, const struct http_request *request);
void call_status(struct call_state *c, const struct http_request *request);
void call_read(struct call_state *c, const struct http_request *request); /* checkpoints, result */
void call_history(struct call_state *c, const struct http_request *request);
void call_tasks(struct call_state *c, const struct http_request *request);
void call_items(struct call_state *c, const struct http_request *request);
/* call_pipeline.c */
void call_pipelines(struct call_state *c, const struct http_request *request);
void call_pipeline_put(struct call_state *c, const struct http_request *request);
void call_pipeline_versions(struct call_state *c, const struct http_request *request);
/* call_owners.c: asks every coordinator that owns a part; ends the call where a part has none. */
void call_ask_owners(struct call_state *c, struct message *m,
                     void (*done)(void *user, struct fanout *f));
/* Their answers of that type, in which each partition is told of once; else the call has ended with
 * a problem: false. */
bool call_owners_told(struct call_state *c, const struct fanout *f, enum message_type type,
                      const struct message *ret_replies[PEERS_MAX], size_t *ret_count);
/* call_list.c: asks every coordinator that is connected; ends the call where none is. */
void call_ask_all(struct call_state *c, struct message *m,
                  void (*done)(void *user, struct fanout *f));
/* True: for want of room, which the call has ended with. */
bool call_no_room(struct call_state *c, const struct fanout *f);
void call_workers(struct call_state *c, const struct http_request *request);
/* call_dead.c */
void call_dead_letters(struct call_state *c, const struct http_request *request);
void call_requeue(struct call_state *c, const struct http_request *request);
void call_requeue_all(struct call_state *c, const struct http_request *request);
void requeue_all_stop(struct requeue_all *all); /* frees it; NULL is allowed */
void call_usage(struct call_state *c, const struct http_request *request); /* call_usage.c */
void call_ready(struct call_state *c, const struct http_request *request);
void call_metrics(struct gateway *g, exchange_id id);

#endif
