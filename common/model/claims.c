#include "model/claims.h"

void claims_take(struct claims *c, const struct message *owned, uint64_t told)
{
    uint32_t next = 0;
    c->partitions = owned->owned.partitions;
    c->told = told;
    bool all = owned->owned.epoch_count == (uint32_t)__builtin_popcountll(c->partitions);
    for (partition_id i = 0; i < PARTITION_COUNT; i++) {
        c->epochs[i] = claims_have(c, i) && all ? owned->owned.epochs[next++].epoch : 0;
    }
}

bool claims_later(const struct claims *c, const struct claims *than, partition_id partition)
{
    uint64_t own = c->epochs[partition], other = than->epochs[partition];
    return own != other ? own > other : c->told > than->told;
}
