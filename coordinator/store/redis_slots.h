/* What the nodes of a Redis Cluster say about which node has which slot. Pure. */
#ifndef MARATHON_STORE_REDIS_SLOTS_H
#define MARATHON_STORE_REDIS_SLOTS_H

#include "base/bytes.h"
#include "store/redis_url.h"

#define CLUSTER_SLOTS 16384u

struct redisReply;

/* Hash slot of a key: only the part in braces is hashed, if there is one. */
uint16_t slot_of(struct bytes key);

enum redirect_kind {
    REDIRECT_MOVED, /* another node has the slot, for good */
    REDIRECT_ASK,   /* the slot is being moved, and all keys of the command are at another node (or
                       nowhere): that node takes the command after ASKING */
    REDIRECT_LATER, /* try again later: the slot is being moved and its keys are on both nodes, or
                       no node has it */
};

struct redirect {
    enum redirect_kind kind;
    uint16_t slot;          /* MOVED, ASK */
    struct redis_node node; /* MOVED, ASK; an empty host means the host of the node that answered */
};

/* True if the command was refused because its slot is not (completely) at this node; the command
 * had no effect then. */
bool redirect_read(const struct redisReply *reply, struct redirect *ret_redirect);

/* One master and a range of slots that it has, from the answer to CLUSTER SLOTS. An empty host
 * means the host of the node that answered. */
struct slot_range {
    uint16_t first, last;
    struct redis_node master;
};

/* Reads entry i; false if there is no such entry or it is malformed. */
bool slot_range_read(const struct redisReply *reply, size_t i, struct slot_range *ret_range);

#endif
