#include "http/taking.h"

#include <linux/tcp.h> /* glibc's own struct lacks the byte counters */
#include <netinet/in.h>
#include <sys/socket.h>

/* This part of a stall's limit is left for delays: the sweep's interval, two turns in which ten
 * thousand clients are written to (most of a second each), closing a thousand (0.4 s). */
#define STALL_MARGIN(limit) ((limit) / 4)

bool taking_is_owed(int fd, uint64_t *ret_taken)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) {
        return false; /* it is gone, which is noticed elsewhere */
    }
    *ret_taken = info.tcpi_bytes_acked;
    return info.tcpi_unacked > 0 || info.tcpi_notsent_bytes > 0;
}

bool taking_goes_on(struct taking *t, struct taking_moment m, mono_ms stall_ms)
{
    if (m.wanted == 0) {
        *t = (struct taking){0};
        return true;
    }
    if (t->since == 0) {
        *t = (struct taking){m.wanted, m.wanted, m.taken, m.taken};
    }
    if (m.taken != t->taken_at) {
        t->taken_at = m.taken;
        t->moved = m.now;
    }
    if (m.now - t->moved > stall_ms - STALL_MARGIN(stall_ms)) {
        return false;
    }
    mono_ms look = m.now - t->since;
    if (look < TAKING_LOOK_STALLS * stall_ms) {
        return true;
    }
    bool enough = (m.taken - t->taken_since) * 1000 >= (uint64_t)look * TAKING_BYTES_PER_S;
    t->since = m.now;
    t->taken_since = m.taken;
    return enough;
}
