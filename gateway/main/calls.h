/* The calls of the API: each takes an HTTP request and gives one answer. Loop's thread. */
#ifndef MARATHON_GATEWAY_CALLS_H
#define MARATHON_GATEWAY_CALLS_H

#include "main/gateway.h"
#include "model/pipeline.h"

/* A call in progress. It ends with call_end, or by itself when the client leaves. */
struct call_state {
    struct exchange exchange;
    struct gateway *gateway;
    enum call call;
    char task_id[ID_BYTES_MAX + 1]; /* or a pipeline's name */
    char request_id[64];
    char *if_none_match;               /* owned; status */
    char credential[ID_BYTES_MAX + 1]; /* id of the API key; for a start */
    bool known;                        /* the request had a valid API key */
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
    struct buf body; /* the answer, held back until the other coordinators know of what it says */
    bool created;
    bool nameless; /* the definition to be checked has no name */
};

void calls_request(struct gateway *g, exchange_id id, const struct http_request *request);
/* Will this request be refused, whatever its body is? Then its body need not be read. */
bool calls_refuse(const struct gateway *g, const struct http_request *request);
enum code calls_upgrade(struct gateway *g, const struct http_request *request, struct buf *out);
void calls_socket(struct gateway *g, exchange_id id, const struct http_request *request);

/* ---- for the files that carry calls out (call_*.c) ---- */
struct call_state *call_begin(struct gateway *g, exchange_id id, const struct route *route,
                              const struct http_request *request);
void call_end(struct call_state *c);
/* Each of these answers and ends the call. */
void call_answer(struct call_state *c, int status, struct bytes body, const char *location);
/* Body {"task_id","status"} of the call's task; a 202 also has the Location of its status. */
void call_answer_id(struct call_state *c, int code, const char *status);
/* The same for the task that a STARTED names; `more` are further members. */
void call_started(struct call_state *c, const struct reply *reply, struct bytes more);
void call_answer_plan(struct call_state *c, struct body_plan *body); /* 200; frees the plan */
void call_problem(struct call_state *c, const struct problem *p);

/* call_change.c: start, cancel, pause, resume, signal, recover. call_batch.c: many starts.
 * call_read.c: status, checkpoints, result. call_list.c: questions that all coordinators answer. */
void call_start(struct call_state *c, const struct http_request *request);
void call_start_batch(struct call_state *c, const struct http_request *request);
/* drops the starts that still wait; NULL is allowed */
void start_batch_free(struct start_batch *b);
/* Checks that there is a body (where needed) and that its type is JSON. False: the call has ended
 * with a problem. */
bool call_body_taken(struct call_state *c, const struct http_request *r, bool needed);
void call_cancel(struct call_state *c, const struct http_request *request);
void call_pause(struct call_state *c, const struct http_request *request);
void call_resume(struct call_state *c, const struct http_request *request);
void call_fork(struct call_state *c, const struct http_request *request); /* call_fork.c */
void call_fork_free(struct call_fork *f);                                 /* NULL is allowed */
/* The key by which a repetition of this signal, recover or requeue is recognized: from the client's
 * Idempotency-Key, else a fresh one, which only our own repetitions have. Never 0. */
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
/* ---- call_owners.c ----
 *
 * Asks every coordinator that owns partitions; ends the call where a partition has no owner. */
void call_ask_owners(struct call_state *c, struct message *m,
                     void (*done)(void *user, struct fanout *f));
/* Sets ret_replies to those answers of this type which together cover each partition once. False:
 * the call has ended with a problem. */
bool call_owners_told(struct call_state *c, const struct fanout *f, enum message_type type,
                      const struct message *ret_replies[PEERS_MAX], size_t *ret_count);
/* ---- call_list.c ----
 *
 * Asks every connected coordinator; ends the call where none is. */
void call_ask_all(struct call_state *c, struct message *m,
                  void (*done)(void *user, struct fanout *f));
/* True: the answers found no room, and the call has ended with that problem. */
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
