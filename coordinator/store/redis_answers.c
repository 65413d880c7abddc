/* Sends rows as calls of the function library, and handles the answers. */
#include "store/redis_reply.h"
#include "store/redis_store.h"

#define WIDE_BYTES      (512u << 10) /* two batches of usual rows */
#define WIDE_FROM_BYTES (16u << 10)  /* less is read at once anyway */
/* Redis checks about once a second whether a buffer is in use */
#define WIDE_EVERY_MS 1000

/* The numbers in marathon.lua's answers. */
_Static_assert(STORE_OK == 0 && STORE_FENCED == 1 && STORE_VERSION == 2 && STORE_EXISTS == 3 &&
                   STORE_REPLAY == 4 && STORE_MISMATCH == 5 && STORE_GONE == 7,
               "enum store_verdict and marathon.lua must agree");

static void tell(struct redis_store *s, const struct batch_call *call,
                 const struct store_written *written)
{
    s->rows_answered++;
    if (s->member != NULL) {
        s->rows_out[call->partition]--;
    }
    cache_answered(&s->cache, written->write_id, written->verdict);
    s->handler.written(s->handler.user, written);
}

static void tell_all(struct redis_store *s, const struct batch_call *call,
                     enum store_verdict verdict)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        tell(s, call, &(struct store_written){.write_id = call->write_ids[i], .verdict = verdict});
    }
}

/* A row's answer is a number, or an array of it and further data. */
static bool row_answer(const struct redisReply *reply, struct store_written *written)
{
    const struct redisReply *verdict = reply_count(reply) > 0 ? reply_at(reply, 0) : reply;
    if (verdict == NULL || verdict->type != REDIS_REPLY_INTEGER || verdict->integer < 0 ||
        verdict->integer >= STORE_UNKNOWN) {
        return false;
    }
    written->verdict = (enum store_verdict)verdict->integer;
    if (written->verdict == STORE_REPLAY) {
        written->task_id = reply_bytes(reply_at(reply, 1));
    } else {
        written->run = (uint32_t)reply_uint(reply_at(reply, 1));
    }
    return true;
}

static bool answers_fit(const struct redisReply *reply, const struct batch_call *call)
{
    struct store_written ignored;
    for (size_t i = 0; i < reply_count(reply); i++) {
        if (!row_answer(reply_at(reply, i), &ignored)) {
            return false;
        }
    }
    return reply_count(reply) == call->row_count;
}

/* Row i's answer: delivered, or kept until replicas have confirmed it. */
static void take(struct redis_store *s, struct batch_call *call, uint32_t i,
                 struct store_written *written)
{
    written->write_id = call->write_ids[i];
    if (s->replicas_wanted == 0) {
        tell(s, call, written);
        return;
    }
    written->task_id = arena_bytes(&call->arena, written->task_id);
    call->held[i] = *written;
}

static void count_time(struct redis_store *s, const struct batch *b)
{
    histogram_add_us(&s->stats.call, clock_mono_us() - b->sent_us);
}

static void call_over(struct redis_store *s)
{
    const struct batch *b = s->batches.first;
    if (b->calls_answered + 1 == b->call_count && !b->confirmed) {
        count_time(s, b);
    }
    batch_queue_answered(&s->batches);
}

/* The call was not executed: hands it to the cluster store, which knows the other nodes. */
static void hand_back(struct redis_store *s, struct batch_call *call, const struct redirect *why)
{
    struct batch_call taken = *call;
    *call = (struct batch_call){0};
    /* the other node may have newer data; and these rows will not be answered here */
    cache_forget(&s->cache);
    redis_reads_recall(s, taken.partition);
    s->rows_answered += taken.row_count;
    s->rows_out[taken.partition] -= taken.row_count;
    s->member->call_refused(s->member->user, &taken, why);
}

static void on_call(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    struct batch_call *call = batch_queue_awaited(&s->batches);
    struct redirect why;
    if (s->member != NULL && redirect_read(reply, &why)) {
        hand_back(s, call, &why);
        call_over(s);
        return;
    }
    bool full = call->admits && (reply_is_error(reply, "OOM") || reply_is_error(reply, "MISCONF"));
    if (!full && !answers_fit(reply, call)) {
        redis_refused(s, "writing", reply);
        return;
    }
    if (full) {
        redis_full(s, reply);
    } else if (call->admits) {
        redis_remark(s, REMARK_FULL, "");
    }
    if (s->replicas_wanted > 0) {
        call->held = mem_alloc(call->row_count * sizeof *call->held);
    }
    for (uint32_t i = 0; i < call->row_count; i++) {
        /* the call was refused as a whole, before it began */
        struct store_written written = {.verdict = STORE_FULL};
        if (!full) {
            (void)row_answer(reply_at(reply, i), &written);
        }
        take(s, call, i, &written);
    }
    call_over(s);
}

static void on_confirmed(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    if (!redis_confirmed(s, reply)) {
        return;
    }
    const struct batch *b = s->batches.first;
    for (uint32_t i = 0; i < b->call_count; i++) {
        for (uint32_t k = 0; k < b->calls[i].row_count; k++) {
            tell(s, &b->calls[i], &b->calls[i].held[k]);
        }
    }
    count_time(s, b);
    batch_queue_confirmed(&s->batches);
}

static void on_asking(void *user, const struct redisReply *reply)
{
    if (reply_is_error(reply, "")) {
        redis_refused(user, "asking", reply);
    }
}

void redis_asking_send(struct redis_store *s)
{
    command_begin(&s->command, "ASKING");
    redis_send(s, on_asking, s);
}

/* In a cluster a call also names the fence key that it reads and, if its functions create or delete
 * keys or use keys that it does not name, a key that never exists: while the slot is being moved,
 * Redis then refuses the call as a whole. Otherwise it might fail half-way, at a key that is on the
 * other node. */
static uint32_t guards_of(const struct redis_store *s, const struct batch_call *call)
{
    return s->member == NULL ? 0 : call->rows.more_than_steps ? 2 : 1;
}

static void put_guards(struct redis_store *s, const struct batch_call *call, struct buf *out)
{
    static const enum redis_key guards[] = {KEY_FENCE, KEY_NEVER};
    for (uint32_t i = 0; i < guards_of(s, call); i++) {
        struct buf name = {0};
        redis_name(&s->names, guards[i], call->partition, BYTES_NONE, &name);
        command_put(out, buf_bytes(&name));
        buf_free(&name);
    }
}

static void lend_args(struct redis_link *l, const struct redis_rows *rows)
{
    struct slices_place at = {0};
    struct bytes piece;
    while (slices_next(&rows->args, &at, &piece)) {
        link_lend(l, piece);
    }
}

/* Lends the call's buffers to the connection instead of copying them. */
static void send_call(struct redis_store *s, const struct batch_call *call)
{
    const struct redis_rows *rows = &call->rows;
    uint32_t keys = rows->key_count + guards_of(s, call);
    redis_call_begin(s, "FCALL", call->admits ? "admit" : "change");
    command_add_uint(&s->command, keys);
    s->command.args += keys + 1 + rows->fence_count + rows->arg_count;
    redis_send(s, on_call, s);
    link_lend(s->link, buf_bytes(&rows->keys));
    /* already copied by redis_send, so that it can be reused */
    struct buf *small = &s->command.buf;
    buf_clear(small);
    put_guards(s, call, small);
    rows_plan(rows, s->names.tags, small);
    link_more(s->link, buf_bytes(small));
    link_lend(s->link, buf_bytes(&rows->fences));
    lend_args(s->link, rows);
}

static void on_widened(void *user, const struct redisReply *reply)
{
    (void)user;
    /* the key never exists; and while its slot is being moved, the answer is a redirection */
    (void)reply;
}

/* Makes Redis' input buffer for this connection large. Redis syncs its file after each read from a
 * connection, and reads what fits into that buffer: 16 KiB, a tenth of a batch of many calls. An
 * argument of WIDE_BYTES makes the buffer that large, until it has not been used for about a
 * second. */
static void widen(struct redis_store *s, const struct batch *b)
{
    mono_ms now = loop_now(s->loop).mono;
    if (s->member == NULL || b->call_count < 2 || b->bytes < WIDE_FROM_BYTES ||
        now - s->widened_at < WIDE_EVERY_MS) {
        return;
    }
    s->widened_at = now;
    struct buf name = {0};
    redis_name(&s->names, KEY_NEVER, s->some_partition, BYTES_NONE, &name);
    memset(buf_extend(&name, WIDE_BYTES), 'x', WIDE_BYTES);
    command_begin(&s->command, "EXISTS");
    command_add(&s->command, buf_bytes(&name));
    redis_send(s, on_widened, s);
    buf_free(&name);
}

void redis_batch_send(struct redis_store *s, struct batch *b)
{
    widen(s, b);
    b->sent_us = clock_mono_us();
    s->stats.batches_total++;
    s->stats.rows_total += b->row_count;
    for (uint32_t i = 0; i < b->call_count; i++) {
        if (b->calls[i].asking) {
            redis_asking_send(s);
        }
        send_call(s, &b->calls[i]);
    }
    b->confirmed = s->replicas_wanted > 0;
    if (b->confirmed) {
        redis_confirm(s, on_confirmed, s);
    }
}

void redis_rows_unknown(struct redis_store *s)
{
    /* rows given during the callbacks go into the new queue */
    struct batch_queue lost = s->batches;
    s->batches = (struct batch_queue){.by_partition = lost.by_partition,
                                      .rows_given = lost.rows_given,
                                      .rows_sent = lost.rows_given};
    for (const struct batch *b = lost.first; b != NULL; b = b->next) {
        for (uint32_t i = b->confirmed ? 0 : b->calls_answered; i < b->call_count; i++) {
            s->stats.unknown_total += b->calls[i].row_count;
            tell_all(s, &b->calls[i], STORE_UNKNOWN);
        }
    }
    batch_queue_free(&lost);
}
