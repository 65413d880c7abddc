/* READ_AUDIT: how tasks are stored, and a page of the live index, in one call. */
#include "crypto/hash.h"
#include "store/redis_read.h"

#define LISTED_PAGE 64u

/* The layout of the answer is that of read_audit in the library. */
static void on_audit(void *user, const struct redisReply *reply)
{
    struct redis_read *r = user;
    if (!read_take(r, reply)) {
        return;
    }
    struct store_answer *a = &r->answer;
    if (hex_decode(reply_bytes(reply_at(reply, 1)), a->fence.nonce, NONCE_BYTES) == ERR_OK) {
        a->fence.epoch = reply_uint(reply_at(reply, 0));
    }
    const struct redisReply *page = reply_at(reply, 3);
    a->cursor = reply_uint(reply_at(reply, 2));
    a->listed = arena_alloc(&r->arena, (reply_count(page) + 1) * sizeof *a->listed);
    for (size_t i = 0; i < reply_count(page); i++) {
        a->listed[a->listed_count++] = reply_bytes(reply_at(page, i));
    }
    a->audits = arena_alloc(&r->arena, (r->ask.id_count + 1) * sizeof *a->audits);
    for (size_t i = 4; i < reply_count(reply) && a->audit_count < r->ask.id_count; i++) {
        const struct redisReply *task = reply_at(reply, i);
        struct bytes version = reply_bytes(reply_at(task, 0));
        a->audits[a->audit_count++] =
            (struct audit_entry){.found = version.len > 0,
                                 .version = version_of(version),
                                 .ended = reply_uint(reply_at(task, 1)) == 1,
                                 .expires = reply_uint(reply_at(task, 2)) == 1,
                                 .listed = reply_uint(reply_at(task, 3)) == 1};
    }
    read_done(r);
}

void audit_read(struct redis_read *r)
{
    static const enum redis_key of_task[] = {KEY_TASK, KEY_DOC, KEY_ERROR};
    struct redis_store *s = r->store;
    uint32_t kinds = sizeof of_task / sizeof *of_task;
    redis_call_begin(s, "FCALL_RO", "audit");
    command_add_uint(&s->command, 2 + (uint64_t)kinds * r->ask.id_count);
    redis_add_key(s, KEY_OWNER, r->ask.partition, BYTES_NONE);
    redis_add_key(s, KEY_LIVE, r->ask.partition, BYTES_NONE);
    for (uint32_t i = 0; i < r->ask.id_count; i++) {
        for (uint32_t k = 0; k < kinds; k++) {
            redis_add_key(s, of_task[k], r->ask.partition, r->ask.ids[i]);
        }
    }
    command_add_uint(&s->command, r->ask.cursor);
    command_add_uint(&s->command, LISTED_PAGE);
    for (uint32_t i = 0; i < r->ask.id_count; i++) {
        command_add(&s->command, r->ask.ids[i]);
    }
    read_send(r, on_audit);
}
