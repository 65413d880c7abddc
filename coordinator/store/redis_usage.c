/* Reads the usage sums of each partition and day. */
#include "store/redis_read.h"

#include <stdlib.h>

/* "<model>\n<task type>\n<i, o or c>"; false for anything else. */
static bool field_read(struct bytes field, struct usage_group *ret_group, char *ret_kind)
{
    const uint8_t *first = field.len >= 3 ? memchr(field.ptr, '\n', field.len) : NULL;
    if (first == NULL || field.ptr[field.len - 2] != '\n' || first >= field.ptr + field.len - 2) {
        return false;
    }
    size_t at = (size_t)(first - field.ptr);
    ret_group->model = bytes_part(field, 0, at);
    ret_group->task_type = bytes_part(field, at + 1, field.len - at - 3);
    *ret_kind = (char)field.ptr[field.len - 1];
    return true;
}

/* Makes one group per field: the receiver adds them up anyway. */
static void take_day(struct redis_read *r, int32_t day, const struct redisReply *fields)
{
    struct store_answer *a = &r->answer;
    for (size_t i = 0; i + 1 < reply_count(fields); i += 2) {
        struct usage_group group = {.day = day};
        uint64_t value = reply_uint(reply_at(fields, i + 1));
        char kind;
        if (!field_read(arena_bytes(&r->arena, reply_bytes(reply_at(fields, i))), &group, &kind)) {
            continue;
        }
        group.sum.input_tokens = kind == 'i' ? value : 0;
        group.sum.output_tokens = kind == 'o' ? value : 0;
        group.sum.cost_nano = kind == 'c' ? value : 0;
        MEM_GROW(r->groups, a->usage_count, r->group_cap);
        r->groups[a->usage_count++] = group;
    }
}

static void on_usage(void *user, const struct redisReply *reply)
{
    struct redis_read *r = user;
    if (!read_take(r, reply)) {
        return;
    }
    for (size_t i = 0; i + 1 < reply_count(reply); i += 2) {
        int32_t day = r->ask.first_day + (int32_t)reply_uint(reply_at(reply, i));
        take_day(r, day, reply_at(reply, i + 1));
    }
    if (r->awaited == 0) {
        r->answer.usage = r->groups;
        read_done(r);
    }
}

static void ask_partition(struct redis_read *r, partition_id p)
{
    struct redis_command *c = &r->store->command;
    redis_call_begin(r->store, "FCALL_RO", "usage");
    int32_t behind_first = r->ask.last_day - r->ask.first_day;
    command_add_uint(c, (uint64_t)behind_first + 1);
    for (int32_t i = 0; i <= behind_first; i++) { /* counts, since last_day + 1 may overflow */
        char text[DAY_TEXT_BYTES];
        redis_add_key(r->store, KEY_USAGE, p, bytes_str(day_format(r->ask.first_day + i, text)));
    }
    read_send(r, on_usage);
}

void usage_read_days(struct redis_read *r)
{
    read_partitions(r, ask_partition);
}
