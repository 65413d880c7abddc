/* A reply as hiredis has parsed it: all its nodes in one piece of memory, their strings where they
 * were received. */
#ifndef MARATHON_STORE_REDIS_NODES_H
#define MARATHON_STORE_REDIS_NODES_H

#include <stddef.h>
#include <hiredis/hiredis.h>

struct incoming_block;
struct redis_lending;

/* Whole items of a reply, in a block that has nothing behind them. */
struct reply_part {
    struct incoming_block *block; /* held */
    size_t from, len;
};

struct incoming_reply {
    struct reply_part *parts; /* where the strings of its first items are */
    size_t part_count;
    struct incoming_block *block; /* and all others; held once the reply is kept */
    size_t nodes_max, node_count;
    size_t link_count;
    redisReply **links; /* to the elements of its arrays, behind its nodes */
    redisReply nodes[]; /* itself first */
};

/* Reads into the reply that its privdata is, which reply_prepare has made; where that has not room
 * for all that comes, it gives up as if memory had run out. It has no buffer: that is the caller's,
 * who takes it away again before redisReaderFree. */
redisReader *reply_reader_create(void);

/* An empty one with room for so many nodes, of the memory of reply (NULL: none yet). Takes
 * ownership of the parts. */
struct incoming_reply *reply_prepare(struct incoming_reply *reply, size_t nodes,
                                     struct reply_part *parts, size_t part_count);
void reply_forget_parts(struct incoming_reply *reply);
void parts_drop(struct reply_part *parts, size_t count);
void incoming_reply_drop(struct incoming_reply *reply); /* NULL is fine */
/* Lends the long strings of kept replies, in the order in which these came, while the connection
 * lasts; not those that are a small part of their block, which can be used again. Whoever then
 * holds the lender has them for as long as it likes. */
void incoming_lend(struct incoming_reply *const *kept, size_t count, struct redis_lending *lending);

#endif
