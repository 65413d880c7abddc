/* How fast a client takes what it is sent, measured by what its system has acknowledged. Neither
 * the socket's free room, which grows in steps of a third of a buffer, nor successful writes tell
 * that. Checked while output waits for the client. */
#ifndef MARATHON_HTTP_TAKING_H
#define MARATHON_HTTP_TAKING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* The least rate at which a client must take waiting output, measured over TAKING_LOOK_STALLS times
 * the limit for taking nothing at all (30 s by default): so an answer of n KiB takes at most n
 * seconds and that time. GPRS at its poorest (one time slot, CS-1) carries 1.1 KB/s, and EDGE ten
 * times that; thousands of slower clients would occupy a gateway's memory for answers for hours. */
#define TAKING_BYTES_PER_S 1024
#define TAKING_LOOK_STALLS 3

/* Zero-initialise it. */
struct taking {
    /* since: when this measurement began; moved: when it last took something; 0 = nothing is
     * owed */
    mono_ms since, moved;
    uint64_t taken_since, taken_at; /* total bytes it had taken at those moments */
};

struct taking_moment {
    mono_ms now, wanted; /* wanted: since when output waits; 0 = it has taken all */
    uint64_t taken;      /* total bytes taken */
};

/* False: it takes too little, or has taken nothing for (almost) stall_ms. */
bool taking_goes_on(struct taking *t, struct taking_moment m, mono_ms stall_ms);
/* False: nothing is on its way to the client or queued for it in the kernel. */
bool taking_is_owed(int fd, uint64_t *ret_taken);

#endif
