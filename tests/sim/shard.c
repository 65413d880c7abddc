/* A part of the store is away, like one node of several: rows of its partitions have no outcome,
 * reads no answer, and their owners see nothing. The rest continues. */
#include "world.h"

#define SHARDS 3u

void shard_hit(struct world *w)
{
    w->shard = (uint32_t)chance(w, SHARDS);
    w->shard_until = w->now + between(w, 50, 6000);
    tell(w, "db", "a third of it (%u) is away until %lld", w->shard, (long long)w->shard_until);
}

bool shard_away(const struct world *w, partition_id partition)
{
    return w->now < w->shard_until && partition % SHARDS == w->shard;
}

static bool of_all(const struct store_read *read)
{
    return read->kind == READ_LIST || read->kind == READ_DEAD || read->kind == READ_USAGE;
}

static bool of_none(const struct store_read *read)
{
    return read->kind == READ_PIPELINE || read->kind == READ_VERSIONS || read->kind == READ_PING ||
           read->kind == READ_LIMITS;
}

void shard_read(const struct world *w, const struct store_read *read, struct store_answer *a)
{
    if (w->now >= w->shard_until || of_none(read)) {
        return;
    }
    if (read->kind == READ_OWNERS) {
        for (partition_id i = 0; i < PARTITION_COUNT; i++) {
            if (shard_away(w, i)) {
                a->owners[i] = (struct owner_record){.unseen = true};
            }
        }
    } else if (of_all(read) || shard_away(w, read->partition)) {
        *a = (struct store_answer){
            .kind = read->kind, .read_id = read->read_id, .err = ERR_UNAVAILABLE};
    }
}
