/* A second store beside the world's model. It is given everything that the model is given, in the
 * same order, and must give the same answers. It decides nothing and draws nothing from the world's
 * random source, so a seed's story is the same with and without it. */
#ifndef MARATHON_SIM_MIRROR_H
#define MARATHON_SIM_MIRROR_H

#include "sim/store_model.h"

struct world;

struct mirror {
    /* A world begins, with an empty store. */
    void (*begin)(struct mirror *m, struct world *w);
    /* What the model was given, and its answer, which lives until the next settle. who: the
     * coordinator whose connection it came from. */
    void (*row)(struct mirror *m, uint32_t who, const struct store_row *row,
                const struct store_written *answer);
    void (*read)(struct mirror *m, uint32_t who, const struct store_read *read,
                 const struct store_answer *answer);
    void (*publish)(struct mirror *m, uint32_t who, const struct store_publish *publish,
                    const struct store_published *answer);
    /* A batch is complete: reads the answers and compares them. */
    void (*settle)(struct mirror *m);
    /* Somebody has put this task into the live index, or (alive) set a TTL on it. */
    void (*meddle)(struct mirror *m, const struct stored_task *t);
    /* The world is over: compares everything that is stored. */
    void (*end)(struct mirror *m);
};

#endif
