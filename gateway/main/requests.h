/* Requests to coordinators that wait for their answers. One is sent to the owner of its partition;
 * where there is none, or the connection to it dies, it is held for a new owner and sent again
 * (every request is safe to repeat: see calls). Bounded in number and time. Loop's thread. Answers
 * never come from within requests_send. */
#ifndef MARATHON_GATEWAY_REQUESTS_H
#define MARATHON_GATEWAY_REQUESTS_H

#include "base/map.h"
#include "main/peers.h"

#define REQUESTS_MAX 16384 /* waiting at once; more get 503 */
/* Of their frames, and all of what has lent to them; passed by one at most. A share of what deploy/
 * gives a gateway (tests/lint/room.py): 128 starts with the largest input, which a coordinator
 * answers in milliseconds. */
#define REQUESTS_BYTES_MAX (32u << 20)
/* Of documents, asked of one coordinator and not answered yet: further reads of documents wait here
 * for their turn. It answers them into one connection, of which it gives up one that has 64 MiB
 * waiting, and reads them beside its own renewals of leases: many gateways together stay far below
 * both. Enough for 80 parts under way, which no single store answers faster than it is asked. */
#define DOCS_AWAITED_BYTES_MAX (16u << 20)
#define HOLD_MS                5000  /* for a new owner: longer than a takeover (4 s) */
#define ANSWER_MS              10000 /* from the first moment, sent or held */

typedef uint64_t wire_id; /* 0 is none */

struct reply {
    /* OK: message is there. UNAVAILABLE: no owner in time, never sent. UNKNOWN: sent, but no answer
     * in time. FULL: a read of a document for which there was no room here in time, never sent. */
    enum err err;
    const struct message *message; /* borrowed for the call */
    struct bytes frame;            /* its bytes */
    bool resent;                   /* the request went out more than once, or (err set) at all */
    int peer;                      /* whose answer it is */
};

typedef void reply_fn(void *user, const struct reply *reply);

enum target_kind { TARGET_PARTITION, TARGET_ANY, TARGET_PEER };

struct target {
    enum target_kind kind;
    partition_id partition;
    int peer;
};

/* Documents that one coordinator is asked for. */
struct docs_flow {
    size_t awaited;               /* bytes that it has yet to answer, to whomever */
    mono_ms heard;                /* it answered one, or nothing was awaited of it */
    struct request *first, *last; /* that wait for their turn */
};

struct requests {
    struct peers *peers;
    struct loop *loop;
    struct map by_id;
    struct request *first, *last; /* in the order in which they began */
    size_t frame_bytes;           /* memory of all that wait, and of those held beside them */
    struct docs_flow docs[PEERS_MAX];
    size_t docs_awaited;                   /* of all those */
    size_t docs_held_max;                  /* with what `held` says documents wait for their turn */
    size_t (*docs_held)(const void *user); /* NULL: nothing else counts */
    const void *docs_user;
    wire_id last_id;
    struct loop_timer *timer;
    uint64_t sent_total, resent_total, failed_total;
};

void requests_init(struct requests *r, struct peers *peers, struct loop *loop);
/* m's request id is set by this; its slices are copied once, into what goes out, and may go when it
 * returns: until the answer the frame is held there. Returns 0 where the table is full or the
 * message too large for a frame (no callback then). */
wire_id requests_send(struct requests *r, struct target target, struct message *m, reply_fn *fn,
                      void *user);

struct lent_message {
    struct message *message;
    struct shared *lender;
};
/* The same of a message whose slices in the lender (NULL: none) are not copied, but for short ones:
 * they go out from there, and it is held. */
wire_id requests_send_lent(struct requests *r, struct target target, struct lent_message m,
                           reply_fn *fn, void *user);
/* No callback. What is under way still counts until its answer comes. */
void requests_drop(struct requests *r, wire_id id); /* 0 and unknown ids are allowed */
/* All that wait hear now what they would at the end of their time. What they begin then waits. */
void requests_give_up(struct requests *r);

/* From peers. */
void requests_answer(struct requests *r, int peer, const struct message *m, struct bytes frame);
void requests_peer_lost(struct requests *r, int peer);
void requests_retry(struct requests *r); /* owners have changed: held ones go out */

static inline struct target target_of(struct bytes task_id)
{
    return (struct target){TARGET_PARTITION, id_partition(task_id), PEER_ANY};
}

#endif
