/* Reads task records. */
#include "store/redis_read.h"

#include <stdlib.h>

static int step_order(const void *a, const void *b)
{
    const struct step_blob *x = a, *y = b;
    return x->index < y->index ? -1 : x->index > y->index;
}

static bool number_of(struct bytes digits, uint32_t *ret_number)
{
    uint32_t number = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9') {
            return false;
        }
        number = number * 10 + (uint32_t)(digits.ptr[i] - '0');
    }
    *ret_number = number;
    return digits.len > 0 && digits.len < 10;
}

/* "s17" -> 17, for the letter s. False for other fields. */
static bool step_field(struct bytes name, char letter, uint32_t *ret_index)
{
    return name.len > 0 && name.ptr[0] == (uint8_t)letter &&
           number_of(bytes_part(name, 1, name.len), ret_index);
}

uint64_t version_of(struct bytes v)
{
    uint64_t version = 0;
    for (size_t i = 0; i < v.len && v.ptr[i] >= '0' && v.ptr[i] <= '9'; i++) {
        version = version * 10 + (uint64_t)(v.ptr[i] - '0');
    }
    return version;
}

/* "b3:17" -> step 3, item 17. */
static bool item_field(struct bytes name, uint32_t *ret_step, uint32_t *ret_item)
{
    size_t colon = 0;
    while (colon < name.len && name.ptr[colon] != ':') {
        colon++;
    }
    return step_field(bytes_part(name, 0, colon), 'b', ret_step) &&
           number_of(bytes_part(name, colon + 1, name.len), ret_item);
}

static struct stored_items *items_of(struct redis_read *r, struct task_record *t, uint32_t step,
                                     size_t begun_max)
{
    if (t->items_count == 0 || t->items[t->items_count - 1].step != step) {
        struct stored_items *items =
            arena_alloc(&r->arena, (t->items_count + 1) * sizeof *t->items);
        if (t->items_count > 0) {
            memcpy(items, t->items, t->items_count * sizeof *items);
        }
        t->items = items;
        items[t->items_count++] = (struct stored_items){
            .step = step, .begun = arena_alloc(&r->arena, begun_max * sizeof *items->begun)};
    }
    return &t->items[t->items_count - 1];
}

/* The begun items of a step come in a row, followed by the marks of all. */
static void take_items(struct redis_read *r, struct task_record *t, const struct redisReply *fields,
                       size_t i)
{
    struct bytes name = reply_bytes(reply_at(fields, i));
    struct bytes value = reply_bytes(reply_at(fields, i + 1));
    size_t rest = (reply_count(fields) - i) / 2;
    uint32_t step = 0;
    uint32_t item = 0;
    if (step_field(name, 'm', &step)) {
        items_of(r, t, step, rest)->marks = value;
    } else if (item_field(name, &step, &item)) {
        struct stored_items *items = items_of(r, t, step, rest);
        items->begun[items->begun_count++] = (struct stored_item){.item = item, .blob = value};
    }
}

/* Field v: "version:seq:document's length:", then the task's blob. */
static void take_state(struct bytes value, struct task_record *t)
{
    size_t at = 0;
    t->version = version_of(value);
    for (int colons = 0; colons < 3 && at < value.len; at++) {
        colons += value.ptr[at] == ':';
    }
    t->head = bytes_part(value, at, value.len);
}

/* fields: name, value, name, value, ...; t borrows from them. Returns whether the task has
 * ended. */
static bool fill_record(struct redis_read *r, const struct redisReply *fields,
                        struct task_record *t)
{
    bool ended = false;
    t->steps = arena_alloc(&r->arena, reply_count(fields) / 2 * sizeof *t->steps);
    for (size_t i = 0; i + 1 < reply_count(fields); i += 2) {
        struct bytes name = reply_bytes(reply_at(fields, i));
        const struct redisReply *value = reply_at(fields, i + 1);
        uint32_t index = 0;
        if (step_field(name, 's', &index)) {
            t->steps[t->step_count++] = (struct step_blob){index, reply_bytes(value)};
        } else if (bytes_is(name, "v")) {
            take_state(reply_bytes(value), t);
        } else if (bytes_is(name, "run")) {
            t->run = (uint32_t)reply_uint(value);
        } else if (bytes_is(name, "spec")) {
            t->spec = reply_bytes(value);
        } else if (bytes_is(name, "end")) {
            ended = true;
        } else {
            take_items(r, t, fields, i);
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
            read_keep(r);
        }
    }
    finish(r);
}

/* Answer to HMGET v run spec, for lists. */
static void on_summary(void *user, const struct redisReply *reply)
{
    struct redis_read *r = user;
    if (!read_take(r, reply)) {
        return;
    }
    if (!reply_is_nil(reply_at(reply, 0))) {
        struct task_record *t = &r->answer.tasks[r->answer.task_count++];
        *t = (struct task_record){.task_id = r->entries[r->taken - 1].id,
                                  .run = (uint32_t)reply_uint(reply_at(reply, 1)),
                                  .spec = arena_bytes(&r->arena, reply_bytes(reply_at(reply, 2)))};
        take_state(arena_bytes(&r->arena, reply_bytes(reply_at(reply, 0))), t);
    }
    finish(r);
}

/* Answer to HGET dead; nil if the task was revived after its index entry was read. */
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
    read_send(r, on_summary);
}

static void ask_record(struct redis_read *r, const struct list_entry *e)
{
    redis_call_begin(r->store, "FCALL_RO", "record");
    bool items = r->ask.kind == READ_LIVE || r->ask.items;
    command_add_uint(&r->store->command, items ? 2 : 1);
    redis_add_key(r->store, KEY_TASK, e->partition, e->id);
    if (items) {
        redis_add_key(r->store, KEY_ITEMS, e->partition, e->id);
    }
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
