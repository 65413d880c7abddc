/* What a world's steps and workers are about order: labels. */
#include <stdio.h>

#include "world.h"

#define ZONES 3

size_t plan_order(struct world *w, char *out, size_t room)
{
    if (!one_in(w, 8)) {
        return 0;
    }
    return (size_t)snprintf(out, room, ",\"requires\":{\"zone\":\"z%u\"}",
                            (unsigned)chance(w, ZONES));
}

/* The first has them all, one name each for the value: every step can run somewhere. */
void plan_labels(struct world *w, struct worker_host *h)
{
    static const char *const zones[ZONES] = {"zone=z0", "zone=z1", "zone=z2"};
    for (uint32_t z = 0; z < ZONES; z++) {
        if (h->index == 0 || one_in(w, 3)) {
            h->labels[h->label_count++] = bytes_str(zones[z]);
        }
    }
}
