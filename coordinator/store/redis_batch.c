#include "store/redis_batch.h"

#include <assert.h>
#include <stdlib.h>

_Static_assert(BATCH_ROWS_MAX <= ROWS_PER_CALL_MAX, "a row may have an owner of its own");

void batch_call_free(struct batch_call *call)
{
    rows_free(&call->rows);
    free(call->write_ids);
    free(call->held);
    arena_free(&call->arena);
    *call = (struct batch_call){0};
}

static void rows_give_back(struct batch_queue *q, struct redis_rows *rows)
{
    if (q->spare_count == SPARE_ROWS_MAX || rows->args.own.cap > SPARE_BYTES_MAX) {
        rows_free(rows);
        return;
    }
    rows_clear(rows);
    q->spare[q->spare_count++] = *rows;
    *rows = (struct redis_rows){0};
}

static void batch_free(struct batch_queue *q, struct batch *b)
{
    for (uint32_t i = 0; i < b->call_count; i++) {
        rows_give_back(q, &b->calls[i].rows);
        batch_call_free(&b->calls[i]);
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

/* The call that the row joins: the newest one that it must not overtake, if it is of the same kind;
 * else a new call. */
static struct batch_call *call_for(struct batch_queue *q, struct batch *b,
                                   const struct store_row *row)
{
    bool admits = row->kind == ROW_ADMIT;
    uint32_t i = b->call_count;
    while (i > 0 && q->by_partition && b->calls[i - 1].partition != row->partition) {
        i--;
    }
    if (i > 0 && b->calls[i - 1].admits == admits && !b->calls[i - 1].asking) {
        return &b->calls[i - 1];
    }
    MEM_GROW(b->calls, b->call_count, b->call_cap);
    struct batch_call *call = &b->calls[b->call_count++];
    *call = (struct batch_call){.admits = admits, .partition = row->partition};
    if (q->spare_count > 0) {
        call->rows = q->spare[--q->spare_count];
    }
    return call;
}

void batch_call_add(struct batch_call *call, const struct redis_names *names,
                    const struct store_row *row, const struct row_texts *texts)
{
    rows_add(&call->rows, names, row, texts);
    MEM_GROW(call->write_ids, call->row_count, call->row_cap);
    call->write_ids[call->row_count++] = row->write_id;
}

void batch_queue_add(struct batch_queue *q, const struct redis_names *names,
                     const struct store_row *row, const struct row_texts *texts)
{
    struct batch *b = gathering(q);
    struct batch_call *call = call_for(q, b, row);
    size_t before = rows_bytes(&call->rows);
    batch_call_add(call, names, row, texts);
    b->bytes += rows_bytes(&call->rows) - before;
    b->row_count++;
    q->rows_given++;
}

void batch_queue_adopt(struct batch_queue *q, struct batch_call *call)
{
    struct batch *b = gathering(q);
    MEM_GROW(b->calls, b->call_count, b->call_cap);
    b->calls[b->call_count++] = *call;
    b->bytes += rows_bytes(&call->rows);
    b->row_count += call->row_count;
    q->rows_given += call->row_count;
    *call = (struct batch_call){0};
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
    batch_free(q, b);
}

void batch_queue_free(struct batch_queue *q)
{
    while (q->first != NULL) {
        struct batch *b = q->first;
        q->first = b->next;
        batch_free(q, b);
    }
    while (q->spare_count > 0) {
        rows_free(&q->spare[--q->spare_count]);
    }
    q->last = q->unsent = NULL;
    q->in_flight = 0;
}
