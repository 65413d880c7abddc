/* Rows on their way to Redis. Rows gather in a batch; a batch consists of one or more calls of the
 * function library, because admissions and other rows go to different functions and must keep their
 * order. Batches form a queue: the oldest are in flight, the newest still gathers. */
#ifndef MARATHON_STORE_REDIS_BATCH_H
#define MARATHON_STORE_REDIS_BATCH_H

#include "store/redis_rows.h"

/* Takes Redis 2-3 ms; larger batches no longer fit its CPU caches and cost more per row */
#define BATCH_ROWS_MAX 128u
/* For rows with large results: what the connection transfers in tens of milliseconds */
#define BATCH_BYTES_MAX   (4u << 20)
#define BATCHES_IN_FLIGHT 2u /* Redis executes one while the next is being sent */

#define SPARE_ROWS_MAX 2u /* one for admissions and one for other rows of the gathering batch */
/* What a batch of usual rows needs; larger memory is freed */
#define SPARE_BYTES_MAX (1u << 20)

/* One call of the function library. */
struct batch_call {
    bool admits;
    partition_id partition; /* of its rows, if the queue separates partitions */
    bool asking;            /* to be sent after ASKING: no further rows are added */
    mono_ms refused_at;     /* when a node first refused it; 0 = never */
    struct redis_rows rows;
    uint64_t *write_ids;
    uint32_t row_count;
    uint32_t row_cap;
    struct store_written *held; /* its answers, kept until replicas confirm the batch, or NULL */
    struct arena arena;         /* for texts in `held` */
};

struct batch {
    struct batch *next;
    struct batch_call *calls;
    uint32_t call_count;
    uint32_t call_cap;
    uint32_t calls_answered;
    uint32_t row_count;
    size_t bytes;
    bool flushed;    /* it may be sent */
    bool confirmed;  /* its answers wait for a confirmation by replicas: batch_queue_confirmed ends
                        it */
    int64_t sent_us; /* when it was sent */
};

struct batch_queue {
    bool by_partition;    /* each call has rows of one partition only (Redis Cluster) */
    struct batch *first;  /* the oldest that is not answered yet */
    struct batch *unsent; /* the first that is not sent yet, NULL = none */
    struct batch *last;
    uint32_t in_flight;
    uint64_t rows_given; /* since the start */
    uint64_t rows_sent;  /* since the start */
    /* Memory of answered calls for reuse: a call of a batch grows to hundreds of KiB */
    struct redis_rows spare[SPARE_ROWS_MAX];
    uint32_t spare_count;
};

void batch_queue_add(struct batch_queue *q, const struct redis_names *names,
                     const struct store_row *row, const struct row_texts *texts);
/* Adds a row to the call. */
void batch_call_add(struct batch_call *call, const struct redis_names *names,
                    const struct store_row *row, const struct row_texts *texts);
void batch_call_free(struct batch_call *call); /* frees what the call holds, not the call itself */
/* Takes ownership of the contents of a call that came from another queue. */
void batch_queue_adopt(struct batch_queue *q, struct batch_call *call);
/* Allows everything gathered so far to be sent. */
void batch_queue_flush(struct batch_queue *q);
/* The next batch that may be sent now, or NULL. It counts as sent from here on. */
struct batch *batch_queue_send(struct batch_queue *q);
/* The call that the next answer belongs to; NULL if none is in flight. */
struct batch_call *batch_queue_awaited(struct batch_queue *q);
/* The awaited call has been answered. Frees its batch with the last call, unless that batch still
 * needs a confirmation. */
void batch_queue_answered(struct batch_queue *q);
/* Frees the oldest batch, whose calls must all have been answered. */
void batch_queue_confirmed(struct batch_queue *q);
void batch_queue_free(struct batch_queue *q); /* empties the queue; the counters stay */

#endif
