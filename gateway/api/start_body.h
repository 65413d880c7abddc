/* Turns the bodies of POST /start, POST /start/batch, POST /recover and similar calls into requests
 * of the wire protocol. Pure: time and randomness are arguments.
 *
 * All faults of a body are reported at once (problem.h). An optional field that is null counts as
 * absent. Payload bytes are checked as JSON once, here, and passed on as they are. */
#ifndef MARATHON_API_START_BODY_H
#define MARATHON_API_START_BODY_H

#include "api/problem.h"
#include "crypto/hash.h"
#include "json/scan.h"

#define START_RANDOM_BYTES   26   /* 10 for an id, 16 for an idempotency key of our own */
#define SESSION_ID_BYTES_MAX 1024 /* stored and shown, never interpreted */
#define IDEMPOTENCY_TEXT_MAX 255  /* longest Idempotency-Key, the bound that others have too */

struct start_input {
    struct bytes body;
    struct bytes credential;      /* who calls; "anonymous" without authentication */
    struct bytes idempotency_key; /* the header's value, empty = none */
    unix_ms now;
    uint8_t random[START_RANDOM_BYTES];
    uint32_t
        /* in a batch, from 1: derives its own key from the batch's Idempotency-Key; 0 = not in a
         * batch */
        place;
    const struct json_index *index; /* of the batch, which was checked as a whole, */
    uint32_t node;                  /* and the place of this body in it */
};

/* The result of parsing. The request borrows from this struct and from the body. Zero-initialise;
 * free with start_call_free. */
struct start_call {
    struct start_request request;
    char task_id[ID_BYTES_MAX + 1];
    struct sha256 key;
    struct sha256 body_hash;
    struct arena arena;
};

bool start_body_parse(const struct start_input *in, struct start_call *ret_call,
                      struct problem *ret_problem);
void start_call_free(struct start_call *call);

/* A fork's body, except for the id and the key of the new task (those are in call->request). */
struct fork_body {
    struct recover_request from; /* from_step, checkpoint_id */
    struct bytes input;          /* empty = the source's; borrowed from the body */
};

/* in->body: empty, or {"from_step"?, "checkpoint_id"?, "task_id"?, "input_data"?, "actor"?,
 * "reason"?}. */
bool fork_body_parse(const struct start_input *in, struct bytes source, struct start_call *ret_call,
                     struct fork_body *ret_fork, struct problem *ret_problem);

/* tasks in one POST /start/batch; its body has the same size limit as any other */
#define START_BATCH_MAX 1000u

/* The body of a batch, {"tasks": [...]}: checks it, and returns its tasks' nodes. nodes has room
 * for START_BATCH_MAX. The index borrows from body; the caller must free it, also after a
 * failure. */
bool start_batch_parse(struct bytes body, struct json_index *ret_index, uint32_t *nodes,
                       size_t *ret_count, struct problem *ret_problem);

/* The body of a cancel or a pause: empty, or {"actor"?, "reason"?}. Texts are copied into
 * the arena. */
bool deed_body_parse(struct bytes body, struct arena *arena, struct deed *ret_deed,
                     struct problem *ret_problem);
/* The body of a resume: the same, and "budget"?. */
bool resume_body_parse(struct bytes body, struct arena *arena, struct deed *ret_deed,
                       struct budget *ret_budget, struct problem *ret_problem);
/* The body of a signal: {"name", "data"?, "actor"?, "reason"?}. data is borrowed from body. */
bool signal_body_parse(struct bytes body, struct arena *arena, struct signal_request *ret_request,
                       struct problem *ret_problem);
/* The body of a recover: empty, or {"from_step"?, "checkpoint_id"?, "only_failed"?, "input_data"?,
 * "actor"?, "reason"?}. input_data is borrowed from body. */
bool recover_body_parse(struct bytes body, struct bytes task_id, struct arena *arena,
                        struct recover_request *ret_request, struct problem *ret_problem);

#endif
