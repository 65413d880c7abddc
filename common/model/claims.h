/* Who owns a partition, by what coordinators say of it: two may say that they do, where one has
 * lost it and does not know yet, or has not been heard to say so. */
#ifndef MARATHON_MODEL_CLAIMS_H
#define MARATHON_MODEL_CLAIMS_H

#include "base/id.h"
#include "model/message.h"

/* What one of them says that it owns. */
struct claims {
    uint64_t partitions;
    uint64_t epochs[PARTITION_COUNT]; /* since which claim; 0: it does not say (a release before) */
    uint64_t told;                    /* place of its last OWNED among all that were heard */
};

void claims_take(struct claims *c, const struct message *owned, uint64_t told);
static inline bool claims_have(const struct claims *c, partition_id partition)
{
    return (c->partitions >> partition & 1) != 0;
}
/* Of two that say they own it, the owner is who claimed it last, even where the other was heard
 * last: messages of two coordinators overtake one another. Who does not say when it claimed stands
 * behind all who do, and among its like the one heard last is the owner. A strict order. */
bool claims_later(const struct claims *c, const struct claims *than, partition_id partition);

#endif
