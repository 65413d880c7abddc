/* The start gate: does this Redis keep what it acknowledges? Judges Redis' answers. Pure. */
#ifndef MARATHON_STORE_REDIS_GATE_H
#define MARATHON_STORE_REDIS_GATE_H

#include "base/bytes.h"

struct redisReply;

struct redis_gate {
    char policy[160]; /* what is wrong with maxmemory-policy, and the line to set; "" = nothing */
    char aof[160]; /* the same for the append-only file; only a warning if durability is relaxed */
    bool unseen;   /* CONFIG is not permitted: the settings are unknown */
};

/* reply: to CONFIG GET maxmemory-policy appendonly appendfsync. */
struct redis_gate gate_judge(const struct redisReply *reply);
/* reply: to ROLE. */
bool gate_is_master(const struct redisReply *reply);
/* The finding that closes the gate, or NULL. */
const char *gate_finding(const struct redis_gate *gate, bool relaxed);

#endif
