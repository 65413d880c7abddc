/* How fast a client takes what it is sent, by what its system has acknowledged: neither a socket's
 * room, which comes in pieces of a third of a buffer, nor a write that was taken says so. Looked at
 * while something waits to go out to it. */
#ifndef MARATHON_HTTP_TAKING_H
#define MARATHON_HTTP_TAKING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* The least that a client takes of what is there, over TAKING_LOOK_STALLS of its limit for taking
 * nothing at all (30 s by default): an answer of n KiB is out within n seconds and that. GPRS at
 * its poorest (one time slot, CS-1) carries 1.1 KB/s, and EDGE ten times that, while thousands who
 * take less would hold what a gateway has for answers for hours. */
#define TAKING_BYTES_PER_S 1024
#define TAKING_LOOK_STALLS 3

/* Zero-initialised. */
struct taking {
    mono_ms since, moved; /* of this look; when it took something last; 0 = it owes none */
    uint64_t taken_since, taken_at; /* bytes that it had taken ever, at those moments */
};

struct taking_moment {
    mono_ms now, wanted; /* since when something waits to go out; 0 = it has taken all */
    uint64_t taken;      /* bytes, ever */
};

/* False: it takes too little, or has taken nothing for stall_ms, or slightly less. */
bool taking_goes_on(struct taking *t, struct taking_moment m, mono_ms stall_ms);
/* False: there is nothing on its way to the client, nor waits for its turn in the kernel. */
bool taking_is_owed(int fd, uint64_t *ret_taken);

#endif
