#include "store/redis_gate.h"

#include <stdio.h>

#include "store/redis_reply.h"

/* CONFIG GET answers name, value, name, value, ... */
static struct bytes setting(const struct redisReply *reply, const char *name)
{
    for (size_t i = 0; i + 1 < reply_count(reply); i += 2) {
        if (bytes_is(reply_bytes(reply_at(reply, i)), name)) {
            return reply_bytes(reply_at(reply, i + 1));
        }
    }
    return BYTES_NONE;
}

static void expect(struct bytes value, const char *name, const char *wanted, char text[160])
{
    if (text[0] == '\0' && value.len > 0 && !bytes_is(value, wanted)) {
        snprintf(text, 160, "redis has %s %.*s: set \"%s %s\" in redis.conf", name, (int)value.len,
                 (const char *)value.ptr, name, wanted);
    }
}

struct redis_gate gate_judge(const struct redisReply *reply)
{
    struct redis_gate gate = {0};
    if (reply_count(reply) == 0) {
        gate.unseen = true;
        return gate;
    }
    expect(setting(reply, "maxmemory-policy"), "maxmemory-policy", "noeviction", gate.policy);
    expect(setting(reply, "appendonly"), "appendonly", "yes", gate.aof);
    expect(setting(reply, "appendfsync"), "appendfsync", "always", gate.aof);
    return gate;
}

bool gate_is_master(const struct redisReply *reply)
{
    return bytes_is(reply_bytes(reply_at(reply, 0)), "master");
}

const char *gate_finding(const struct redis_gate *gate, bool relaxed)
{
    if (gate->policy[0] != '\0') {
        return gate->policy;
    }
    return gate->aof[0] != '\0' && !relaxed ? gate->aof : NULL;
}
