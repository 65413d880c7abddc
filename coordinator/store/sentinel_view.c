#include "store/sentinel_view.h"

#include <string.h>

#include "store/redis_reply.h"

bool sentinel_read_address(const struct redisReply *reply, struct redis_node *ret_node)
{
    struct bytes host = reply_bytes(reply_at(reply, 0));
    uint64_t port = reply_uint(reply_at(reply, 1));
    if (reply_count(reply) != 2 || host.len == 0 || host.len >= sizeof ret_node->host ||
        port == 0 || port > 65535) {
        return false;
    }
    for (size_t i = 0; i < host.len; i++) {
        if (host.ptr[i] <= ' ' || host.ptr[i] >= 0x7f) {
            return false;
        }
    }
    *ret_node = (struct redis_node){.port = (int)port};
    memcpy(ret_node->host, host.ptr, host.len);
    return true;
}

uint64_t sentinel_read_epoch(const struct redisReply *reply)
{
    for (size_t i = 0; i + 1 < reply_count(reply); i += 2) {
        if (bytes_is(reply_bytes(reply_at(reply, i)), "config-epoch")) {
            return reply_uint(reply_at(reply, i + 1));
        }
    }
    return 0;
}

bool sentinel_same_master(const struct redis_node *a, const struct redis_node *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

bool sentinel_is_fresh(const struct sentinel_view *v, mono_ms now)
{
    return v->known && now - v->heard_at < SENTINEL_FRESH_MS;
}

const struct sentinel_view *sentinel_choose(const struct sentinel_view *views, uint32_t count,
                                            const struct sentinel_view *followed, mono_ms now,
                                            bool hurry)
{
    const struct sentinel_view *best = NULL;
    uint32_t fresh = 0;
    /* If two have the same epoch: the sentinel that leads a failover still names the old master for
     * a while. */
    for (uint32_t i = 0; i < count; i++) {
        const struct sentinel_view *v = &views[i];
        if (!sentinel_is_fresh(v, now)) {
            continue;
        }
        fresh++;
        bool same = followed->known && sentinel_same_master(&v->master, &followed->master);
        bool better = same == (v->epoch <= followed->epoch);
        if (best == NULL || v->epoch > best->epoch || (v->epoch == best->epoch && better)) {
            best = v;
        }
    }
    bool most = fresh > count / 2;
    if (best == NULL || (!followed->known && !most && !hurry) ||
        (followed->known && best->epoch < followed->epoch && !most)) {
        return NULL;
    }
    return best;
}
