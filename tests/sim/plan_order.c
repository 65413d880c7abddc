/* Placement and limits of a world's steps and workers: labels, concurrency, rates. */
#include <stdio.h>

#include "world.h"

#define ZONES 3

/* The keys are the same in all worlds; audit_order.c knows them too. */
static size_t plan_shared(struct world *w, char *out, size_t room)
{
    static const char *const choices[] = {
        ",\"concurrency\":{\"key\":\"c1\",\"limit\":1}",
        ",\"concurrency\":{\"key\":\"c${input.n > 0.0 ? 1 : 2}\",\"limit\":1}",
        ",\"concurrency\":{\"key\":\"c2\",\"limit\":2}",
        ",\"rate_limit\":{\"key\":\"r1\",\"per_second\":5}",
        ",\"concurrency\":{\"key\":\"c2\",\"limit\":2},\"rate_limit\":{\"key\":\"r1\",\"per_"
        "second\":"
        "5}"};
    if (!w->shares || !one_in(w, 3)) {
        return 0;
    }
    return (size_t)snprintf(out, room, "%s", choices[chance(w, sizeof choices / sizeof *choices)]);
}

size_t plan_order(struct world *w, char *out, size_t room)
{
    size_t at = plan_shared(w, out, room);
    if (one_in(w, 8)) {
        at += (size_t)snprintf(out + at, room - at, ",\"requires\":{\"zone\":\"z%u\"}",
                               (unsigned)chance(w, ZONES));
    }
    return at;
}

/* The first worker has all labels, with a single value for each name: so every step can run
 * somewhere. */
void plan_labels(struct world *w, struct worker_host *h)
{
    static const char *const zones[ZONES] = {"zone=z0", "zone=z1", "zone=z2"};
    for (uint32_t z = 0; z < ZONES; z++) {
        if (h->index == 0 || one_in(w, 3)) {
            h->labels[h->label_count++] = bytes_str(zones[z]);
        }
    }
}
