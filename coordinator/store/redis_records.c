/* Reading task records. */
#include "store/redis_read.h"

#include <stdlib.h>

static int step_order(const void *a, const void *b)
{
    const struct step_blob *x = a, *y = b;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* "s17" -> 17. False for other fields. */
static bool step_field(struct bytes name, uint32_t *ret_index)
{
    uint32_t index = 0;
    if (name.len < 2 || name.len > 10 || name.ptr[0] != 's') {
        return false;
    }
    for (size_t i = 1; i < name.len; i++) {
        if (name.ptr[i] < '0' || name.ptr[i] > '9') {
            return false;
        }
        index = index * 10 + (uint32_t)(name.ptr[i] - '0');
    }
    *ret_index = index;
    return true;
}

/* fields: name, value, name, value, ... Returns whether the task has ended. */
static bool fill_record(struct redis_read *r, const struct redisReply *fields,
                        struct task_record *t)
{
    bool ended = false;
    struct arena *a = &r->arena;
    t->steps = arena_alloc(a, reply_count(fields) / 2 * sizeof *t->steps);
    for (size_t i = 0; i + 1 < reply_count(fields); i += 2) {
        struct bytes name = reply_bytes(reply_at(fields, i));
        const struct redisReply *value = reply_at(fields, i + 1);
        uint32_t index = 0;
        if (step_field(name, &index)) {
            t->steps[t->step_count++] =
                (struct step_blob){index, arena_bytes(a, reply_bytes(value))};
        } else if (bytes_is(name, "v")) {
            t->version = reply_uint(value);
        } else if (bytes_is(name, "run")) {
            t->run = (uint32_t)reply_uint(value);
        } else if (bytes_is(name, "spec")) {
            t->spec = arena_bytes(a, reply_bytes(value));
        } else if (bytes_is(name, "head")) {
            t->head = arena_bytes(a, reply_bytes(value));
        } else if (bytes_is(name, "end")) {
            ended = true;
        }
    }
    qsort(t->steps, t->step_count, sizeof *t->steps, step_order);
    return ended;
}

static void finish(struct redis_read *r)
{
    if (r->awaited > 0) {
        return;
    }
    if (r->ask.kind == READ_TASK && r->answer.task_count == 0) {
        r->answer.err = ERR_NOT_FOUND;
    }
    read_done(r);
}

static void on_record(void *user, const struct redisReply *reply)
{
    struct redis_read *r = user;
    if (!read_take(r, reply)) {
        return;
    }
    if (reply_count(reply) > 0) {
        struct task_record t = {.task_id = r->entries[r->taken - 1].id};
        bool ended = fill_record(r, reply, &t);
        if (!ended || r->ask.kind != READ_LIVE) {
            r->answer.tasks[r->answer.task_count++] = t;
        }
    }
    finish(r);
}

/* Of HMGET v run spec head: for lists. */
static void on_summary(void *user, const struct redisReply *reply)
{
    struct redis_read *r = user;
    if (!read_take(r, reply)) {
        return;
    }
    if (!reply_is_nil(reply_at(reply, 0))) {
        r->answer.tasks[r->answer.task_count++] =
            (struct task_record){.task_id = r->entries[r->taken - 1].id,
                                 .version = reply_uint(reply_at(reply, 0)),
                                 .run = (uint32_t)reply_uint(reply_at(reply, 1)),
                                 .spec = arena_bytes(&r->arena, reply_bytes(reply_at(reply, 2))),
                                 .head = arena_bytes(&r->arena, reply_bytes(reply_at(reply, 3)))};
    }
    finish(r);
}

/* Of HGET dead. One that was revived between the index and here is none any more. */
static void on_dead(void *user, const struct redisReply *reply)
{
    struct redis_read *r = user;
    if (!read_take(r, reply)) {
        return;
    }
    if (!reply_is_nil(reply)) {
        r->answer.tasks[r->answer.task_count++] =
            (struct task_record){.task_id = r->entries[r->taken - 1].id,
                                 .dead = arena_bytes(&r->arena, reply_bytes(reply))};
    }
    finish(r);
}

static void ask_dead(struct redis_read *r, const struct list_entry *e)
{
    struct redis_command *c = &r->store->command;
    command_begin(c, "HGET");
    redis_add_key(r->store, KEY_TASK, e->partition, e->id);
    command_add_str(c, "dead");
    read_send(r, on_dead);
}

static void ask_summary(struct redis_read *r, const struct list_entry *e)
{
    struct redis_command *c = &r->store->command;
    command_begin(c, "HMGET");
    redis_add_key(r->store, KEY_TASK, e->partition, e->id);
    command_add_str(c, "v");
    command_add_str(c, "run");
    command_add_str(c, "spec");
    command_add_str(c, "head");
    read_send(r, on_summary);
}

static void ask_record(struct redis_read *r, const struct list_entry *e)
{
    redis_call_begin(r->store, "FCALL_RO", "record");
    command_add_uint(&r->store->command, 1);
    redis_add_key(r->store, KEY_TASK, e->partition, e->id);
    read_send(r, on_record);
}

void records_read(struct redis_read *r)
{
    read_round(r);
    if (r->entry_count == 0) {
        finish(r);
        return;
    }
    r->answer.tasks = arena_alloc(&r->arena, r->entry_count * sizeof *r->answer.tasks);
    for (uint32_t i = 0; i < r->entry_count; i++) {
        if (r->ask.kind == READ_LIST) {
            ask_summary(r, &r->entries[i]);
        } else if (r->ask.kind == READ_DEAD) {
            ask_dead(r, &r->entries[i]);
        } else {
            ask_record(r, &r->entries[i]);
        }
    }
}
