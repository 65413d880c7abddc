/* Who owns a partition, judged by what coordinators claim: two may claim it, if one has lost it and
 * does not know yet, or if news of one have not arrived. */
#ifndef MARATHON_MODEL_CLAIMS_H
#define MARATHON_MODEL_CLAIMS_H

#include "base/id.h"
#include "model/message.h"

/* What one coordinator claims to own. */
struct claims {
    uint64_t partitions;
    uint64_t epochs[PARTITION_COUNT]; /* epoch of the claim; 0: not given (an older release) */
    uint64_t told; /* sequence number of its last OWNED among all that were received */
};

void claims_take(struct claims *c, const struct message *owned, uint64_t told);
static inline bool claims_have(const struct claims *c, partition_id partition)
{
    return (c->partitions >> partition & 1) != 0;
}
/* Of two coordinators that claim a partition, the one with the higher epoch is the owner, even if
 * the other was heard later: messages of two coordinators can overtake one another. One without an
 * epoch ranks below all with one; among those without, the one heard last is the owner. A strict
 * order. */
bool claims_later(const struct claims *c, const struct claims *than, partition_id partition);

#endif
