/* READ_LIMITS: takes, renews and releases places of keys, in one call. */
#include "store/redis_read.h"

static void on_limits(void *user, const struct redisReply *reply)
{
    struct redis_read *r = user;
    if (!read_take(r, reply)) {
        return;
    }
    struct store_answer *a = &r->answer;
    a->limits = arena_alloc(&r->arena, (r->ask.limit_count + 1) * sizeof *a->limits);
    a->limit_count = r->ask.limit_count;
    for (uint32_t i = 0; i < a->limit_count; i++) {
        uint64_t said = reply_uint(reply_at(reply, i));
        a->limits[i] = (struct limit_answer){.granted = said == 0,
                                             .by_rate = said > 1,
                                             .wait_ms = said > 1 ? (uint32_t)said - 1 : 0};
    }
    read_done(r);
}

static void add_op(struct redis_store *s, const struct limit_op *op)
{
    static const char *const kinds[] = {
        [LIMIT_TAKE] = "t", [LIMIT_RENEW] = "n", [LIMIT_RELEASE] = "r"};
    struct redis_command *c = &s->command;
    command_add_str(c, kinds[op->kind]);
    command_add_uint(c, op->key.len > 0 ? op->limit : 0);
    command_add(c, op->holder);
    command_add_uint(c, op->epoch);
    command_add(c, op->waiter);
    command_add_uint(c, op->rate.len > 0 ? op->interval_us : 0);
    command_add_uint(c, (uint64_t)op->lease_ms * 1000);
    command_add_uint(c, (uint64_t)op->patience_ms * 1000);
}

void limits_read(struct redis_read *r)
{
    struct redis_store *s = r->store;
    redis_call_begin(s, "FCALL", "limits");
    command_add_uint(&s->command, 3 * (uint64_t)r->ask.limit_count);
    for (uint32_t i = 0; i < r->ask.limit_count; i++) {
        const struct limit_op *op = &r->ask.limits[i];
        redis_add_key(s, KEY_LIMIT, 0, op->key);
        redis_add_key(s, KEY_LINE, 0, op->key);
        redis_add_key(s, KEY_RATE, 0, op->rate);
    }
    for (uint32_t i = 0; i < r->ask.limit_count; i++) {
        add_op(s, &r->ask.limits[i]);
    }
    read_send(r, on_limits);
}
