/* A second store beside the world's model, given all that the model is given, in the same order:
 * its answers must be the same. Decides nothing, and takes nothing from the world's randomness, so
 * that a seed's story is the same with it and without. */
#ifndef MARATHON_SIM_MIRROR_H
#define MARATHON_SIM_MIRROR_H

#include "sim/store_model.h"

struct world;

struct mirror {
    /* A world begins, with an empty store. */
    void (*begin)(struct mirror *m, struct world *w);
    /* What the model has been given, and its answer, which lives until the next settle. who: the
     * coordinator whose connection it came by. */
    void (*row)(struct mirror *m, uint32_t who, const struct store_row *row,
                const struct store_written *answer);
    void (*read)(struct mirror *m, uint32_t who, const struct store_read *read,
                 const struct store_answer *answer);
    void (*publish)(struct mirror *m, uint32_t who, const struct store_publish *publish,
                    const struct store_published *answer);
    /* A batch is over: hears the answers, and compares. */
    void (*settle)(struct mirror *m);
    /* Somebody has put this one into the live index, or (alive) a TTL on it. */
    void (*meddle)(struct mirror *m, const struct stored_task *t);
    /* The world is over: compares everything that is stored. */
    void (*end)(struct mirror *m);
};

#endif
