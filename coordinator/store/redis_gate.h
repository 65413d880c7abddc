/* The start gate: does this Redis keep what it acknowledges? Verdicts from its answers. Pure. */
#ifndef MARATHON_STORE_REDIS_GATE_H
#define MARATHON_STORE_REDIS_GATE_H

#include "base/bytes.h"

struct redisReply;

struct redis_gate {
    char policy[160]; /* what is wrong with maxmemory-policy, and the line to set; "" = nothing */
    char aof[160];    /* the same for the append-only file: a warning where durability is relaxed */
    bool unseen;      /* CONFIG may not be read: nothing is known */
};

/* reply: of CONFIG GET maxmemory-policy appendonly appendfsync. */
struct redis_gate gate_judge(const struct redisReply *reply);
/* reply: of ROLE. */
bool gate_is_master(const struct redisReply *reply);
/* The finding that closes the gate, or NULL. */
const char *gate_finding(const struct redis_gate *gate, bool relaxed);

#endif
