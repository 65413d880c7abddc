/* A reply as parsed by hiredis: all its nodes in one allocation, their strings where they were
 * received. */
#ifndef MARATHON_STORE_REDIS_NODES_H
#define MARATHON_STORE_REDIS_NODES_H

#include <stddef.h>
#include <hiredis/hiredis.h>

struct incoming_block;
struct redis_lending;

/* Complete items of a reply at the end of a block. */
struct reply_part {
    struct incoming_block *block; /* held */
    size_t from, len;
};

struct incoming_reply {
    redisReader *reader;      /* fills it in; may be gone afterwards */
    struct reply_part *parts; /* where the strings of its first items lie */
    size_t part_count;
    struct incoming_block *block; /* where all other strings lie; held once the reply is kept */
    size_t nodes_max, node_count;
    size_t link_count;
    redisReply **links; /* elements of its arrays; in the same allocation, after the nodes */
    redisReply nodes[]; /* the reply itself comes first */
};

/* It fills in the reply made by reply_prepare; if that has too little room, it fails as if out of
 * memory. It has no buffer of its own: the caller sets one, and must take it away again before
 * redisReaderFree. If it refuses a reply, its buffer is NULL afterwards, and not freed. */
redisReader *reply_reader_create(void);

/* An empty reply with room for so many nodes, for the reader to fill in; reuses the memory of
 * `reply` (NULL: none). Takes ownership of the parts. */
struct incoming_reply *reply_prepare(struct incoming_reply *reply, redisReader *reader,
                                     size_t nodes, struct reply_part *parts, size_t part_count);
void reply_forget_parts(struct incoming_reply *reply);
void parts_drop(struct reply_part *parts, size_t count);
void incoming_reply_drop(struct incoming_reply *reply); /* NULL is allowed */
/* Adds the blocks of the long strings of kept replies (in the order they were kept) to `lending`.
 * Whoever holds a lender afterwards keeps its strings valid. */
void incoming_lend(struct incoming_reply *const *kept, size_t count, struct redis_lending *lending);

#endif
