#include "store/redis_batch.h"

#include <assert.h>
#include <stdlib.h>

static void batch_free(struct batch *b)
{
    for (uint32_t i = 0; i < b->call_count; i++) {
        rows_free(&b->calls[i].rows);
        free(b->calls[i].write_ids);
        free(b->calls[i].held);
        arena_free(&b->calls[i].arena);
    }
    free(b->calls);
    free(b);
}

static struct batch *gathering(struct batch_queue *q)
{
    struct batch *b = q->last;
    if (q->unsent != NULL && b->row_count < BATCH_ROWS_MAX && b->bytes < BATCH_BYTES_MAX) {
        return b;
    }
    b = mem_zalloc(sizeof *b);
    if (q->last != NULL) {
        q->last->next = b;
    } else {
        q->first = b;
    }
    q->last = b;
    if (q->unsent == NULL) {
        q->unsent = b;
    }
    return b;
}

static struct batch_call *call_for(struct batch *b, bool admits)
{
    if (b->call_count > 0 && b->calls[b->call_count - 1].admits == admits) {
        return &b->calls[b->call_count - 1];
    }
    MEM_GROW(b->calls, b->call_count, b->call_cap);
    struct batch_call *call = &b->calls[b->call_count++];
    *call = (struct batch_call){.admits = admits};
    return call;
}

void batch_queue_add(struct batch_queue *q, const struct redis_names *names,
                     const struct store_row *row)
{
    struct batch *b = gathering(q);
    struct batch_call *call = call_for(b, row->kind == ROW_ADMIT);
    size_t before = rows_bytes(&call->rows);
    rows_add(&call->rows, names, row);
    b->bytes += rows_bytes(&call->rows) - before;
    MEM_GROW(call->write_ids, call->row_count, call->row_cap);
    call->write_ids[call->row_count++] = row->write_id;
    b->row_count++;
    q->rows_given++;
}

void batch_queue_flush(struct batch_queue *q)
{
    for (struct batch *b = q->unsent; b != NULL; b = b->next) {
        b->flushed = true;
    }
}

struct batch *batch_queue_send(struct batch_queue *q)
{
    struct batch *b = q->unsent;
    if (b == NULL || !b->flushed || q->in_flight == BATCHES_IN_FLIGHT) {
        return NULL;
    }
    q->unsent = b->next;
    q->in_flight++;
    q->rows_sent += b->row_count;
    return b;
}

struct batch_call *batch_queue_awaited(struct batch_queue *q)
{
    return q->in_flight > 0 ? &q->first->calls[q->first->calls_answered] : NULL;
}

void batch_queue_answered(struct batch_queue *q)
{
    struct batch *b = q->first;
    assert(q->in_flight > 0);
    if (++b->calls_answered == b->call_count && !b->confirmed) {
        batch_queue_confirmed(q);
    }
}

void batch_queue_confirmed(struct batch_queue *q)
{
    struct batch *b = q->first;
    assert(q->in_flight > 0 && b->calls_answered == b->call_count);
    q->first = b->next;
    if (q->first == NULL) {
        q->last = NULL;
    }
    q->in_flight--;
    batch_free(b);
}

void batch_queue_free(struct batch_queue *q)
{
    while (q->first != NULL) {
        struct batch *b = q->first;
        q->first = b->next;
        batch_free(b);
    }
    q->last = q->unsent = NULL;
    q->in_flight = 0;
}
