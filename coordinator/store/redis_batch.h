/* Rows on their way to Redis. They gather in batches; a batch is one or more calls of the function
 * library, since admissions and other rows go to different functions and keep their order.
 * A queue of batches: the first ones are in flight, the last one still gathers. */
#ifndef MARATHON_STORE_REDIS_BATCH_H
#define MARATHON_STORE_REDIS_BATCH_H

#include "store/redis_rows.h"

/* 2-3 ms of Redis; larger ones fall out of its caches and cost more per row */
#define BATCH_ROWS_MAX 128u
/* Rows with large results: what the connection takes in tens of milliseconds */
#define BATCH_BYTES_MAX   (4u << 20)
#define BATCHES_IN_FLIGHT 2u /* one is carried out while the next is on its way */

#define SPARE_ROWS_MAX 2u /* admissions and other rows of the batch that gathers */
/* What a batch of usual rows takes; a larger one's memory is given back */
#define SPARE_BYTES_MAX (1u << 20)

/* One call. */
struct batch_call {
    bool admits;
    partition_id partition; /* of its rows, where the queue keeps partitions apart */
    bool asking;            /* said after ASKING: nothing joins it */
    mono_ms refused_at;     /* when a node first did not take it; 0 = none has refused it */
    struct redis_rows rows;
    uint64_t *write_ids;
    uint32_t row_count;
    uint32_t row_cap;
    struct store_written *held; /* its answers, where replicas are still to confirm them, or NULL */
    struct arena arena;         /* texts in them */
};

struct batch {
    struct batch *next;
    struct batch_call *calls;
    uint32_t call_count;
    uint32_t call_cap;
    uint32_t calls_answered;
    uint32_t row_count;
    size_t bytes;
    bool flushed;    /* may leave */
    bool confirmed;  /* by replicas before it is told: batch_queue_confirmed ends it */
    int64_t sent_us; /* when it left */
};

struct batch_queue {
    bool by_partition;    /* each call has rows of one partition only: Redis Cluster */
    struct batch *first;  /* the oldest not yet answered */
    struct batch *unsent; /* the first that has not left, NULL = all have */
    struct batch *last;
    uint32_t in_flight;
    uint64_t rows_given; /* ever */
    uint64_t rows_sent;  /* ever */
    /* Memory of calls that were answered, for the next: a call of a batch grows to hundreds of KiB
     */
    struct redis_rows spare[SPARE_ROWS_MAX];
    uint32_t spare_count;
};

void batch_queue_add(struct batch_queue *q, const struct redis_names *names,
                     const struct store_row *row, const struct row_texts *texts);
/* One more row for a call. */
void batch_call_add(struct batch_call *call, const struct redis_names *names,
                    const struct store_row *row, const struct row_texts *texts);
void batch_call_free(struct batch_call *call); /* what is in it */
/* Takes over what is in a call that another queue had. */
void batch_queue_adopt(struct batch_queue *q, struct batch_call *call);
/* Everything gathered so far may leave. */
void batch_queue_flush(struct batch_queue *q);
/* The next batch that may leave now, which counts as sent from here on; or NULL. */
struct batch *batch_queue_send(struct batch_queue *q);
/* The call that the next answer belongs to; NULL where none is in flight. */
struct batch_call *batch_queue_awaited(struct batch_queue *q);
/* That call is answered: frees its batch with its last one, unless that is to be confirmed. */
void batch_queue_answered(struct batch_queue *q);
/* The oldest one, all of whose calls are answered: frees it. */
void batch_queue_confirmed(struct batch_queue *q);
void batch_queue_free(struct batch_queue *q); /* empties it, counts stay */

#endif
