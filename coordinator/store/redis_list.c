/* Lists of tasks and of dead letters: merges the newest entries of each partition, then reads their
 * records. */
#include "store/redis_read.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/limits.h"

static uint32_t page_size(const struct redis_read *r)
{
    uint32_t limit = r->ask.limit;
    return limit == 0 || limit > LIST_PAGE_MAX ? LIST_PAGE_MAX : limit;
}

/* Newest first; if equal, the greater id first. */
static int newest_first(const void *a, const void *b)
{
    const struct list_entry *x = a, *y = b;
    if (x->created != y->created) {
        return x->created > y->created ? -1 : 1;
    }
    return bytes_cmp(y->id, x->id);
}

static void on_list(void *user, const struct redisReply *reply)
{
    struct redis_read *r = user;
    if (!read_take(r, reply)) {
        return;
    }
    for (size_t i = 0; i + 1 < reply_count(reply); i += 2) {
        MEM_GROW(r->entries, r->entry_count, r->entry_cap);
        r->entries[r->entry_count++] =
            (struct list_entry){.id = arena_bytes(&r->arena, reply_bytes(reply_at(reply, i))),
                                .created = reply_uint(reply_at(reply, i + 1)),
                                .partition = read_partition(r, r->ask.partitions)};
    }
    if (r->awaited > 0) {
        return;
    }
    if (r->entry_count > 0) {
        qsort(r->entries, r->entry_count, sizeof *r->entries, newest_first);
    }
    if (r->entry_count > page_size(r)) {
        r->entry_count = page_size(r);
        r->answer.more = true;
    }
    records_read(r);
}

static void ask_partition(struct redis_read *r, partition_id p)
{
    struct redis_command *c = &r->store->command;
    redis_call_begin(r->store, "FCALL_RO", "list");
    command_add_uint(c, 1);
    redis_add_key(r->store, r->ask.kind == READ_DEAD ? KEY_DEAD : KEY_LIST, p, BYTES_NONE);
    if (r->ask.before == NEVER_MS) {
        command_add_str(c, "+inf");
    } else {
        command_add_uint(c, r->ask.before > 0 ? (uint64_t)r->ask.before : 0);
    }
    command_add(c, r->ask.before_id);
    command_add_uint(c, page_size(r) + 1); /* one more, to know whether there are older ones */
    redis_add_key(r->store, KEY_TASK, p, BYTES_NONE);
    read_send(r, on_list);
}

void list_read(struct redis_read *r)
{
    read_partitions(r, ask_partition);
}
