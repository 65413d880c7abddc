/* What a Redis Cluster's nodes say about who has which slot. Pure. */
#ifndef MARATHON_STORE_REDIS_SLOTS_H
#define MARATHON_STORE_REDIS_SLOTS_H

#include "base/bytes.h"
#include "store/redis_url.h"

#define CLUSTER_SLOTS 16384u

struct redisReply;

/* Of a key's name: the part in braces is what counts, where there is one. */
uint16_t slot_of(struct bytes key);

enum redirect_kind {
    REDIRECT_MOVED, /* another node has the slot, for good */
    REDIRECT_ASK,   /* the slot is on its way, and all keys of the command are at another node (or
                       nowhere): that one takes it after ASKING */
    REDIRECT_LATER, /* the slot is on its way and its keys are in two places, or no node has it */
};

struct redirect {
    enum redirect_kind kind;
    uint16_t slot;          /* MOVED, ASK */
    struct redis_node node; /* likewise; an empty host is that of whoever said it */
};

/* True where a command was refused since its slot is not (wholly) there; it has done nothing. */
bool redirect_read(const struct redisReply *reply, struct redirect *ret_redirect);

/* One master and slots that it has, of an answer to CLUSTER SLOTS. An empty host: as above. */
struct slot_range {
    uint16_t first, last;
    struct redis_node master;
};

/* Entry i; false where the reply has no such entry, or one that makes no sense. */
bool slot_range_read(const struct redisReply *reply, size_t i, struct slot_range *ret_range);

#endif
