/* What a connection receives: it is read into blocks, and handed out as replies of hiredis whose
 * strings lie where they were received. hiredis parses; its own reading would copy each byte into
 * its buffer, and each string into its reply. An array, whose length is not known before its end,
 * lies in as many blocks as it takes: items that are whole stay where they are.
 *
 * A block is written over once nobody needs it: the connection has handed out all that is in it,
 * and of its replies none is kept. One that was lent is left with what was handed out: it stays
 * for whoever holds it, on whichever thread. Zero-initialise it, incoming_clear when done.
 * Loop's thread. */
#ifndef MARATHON_STORE_REDIS_INCOMING_H
#define MARATHON_STORE_REDIS_INCOMING_H

#include <hiredis/hiredis.h>

#include "store/redis_extent.h"
#include "store/redis_nodes.h"

struct redis_socket;

struct redis_incoming {
    redisReader *reader; /* parses what lies in the block from pos to len; NULL: none yet */
    struct incoming_block *block;
    struct reply_extent next; /* of the reply that begins at pos, or goes on there */
    struct reply_part *parts; /* of it, in blocks before this one */
    size_t part_count, part_cap;
    struct incoming_reply *reply; /* in hand, or its memory for the next one; NULL: none */
    const char *why;              /* it has failed; else NULL */
};

/* Reads what has come, as far as the block goes. Returns how much that was, 0 also where the
 * connection is lost: why. *ret_more: there may be more. */
size_t incoming_read(struct redis_incoming *in, struct redis_socket *socket, bool *ret_more);
/* The next reply that is whole; NULL: none, or what came is no reply: why. It is valid until the
 * next call, unless it is kept. Strings have a NUL behind them. */
const redisReply *incoming_next(struct redis_incoming *in);
/* True where a reply has arrived in part: more is on its way. */
bool incoming_in_part(const struct redis_incoming *in);
/* The reply in hand is the caller's, who drops it; its strings may be read until the connection
 * fails. */
struct incoming_reply *incoming_keep(struct redis_incoming *in);
/* Forgets all, for the next connection. Kept replies are dropped before or after it. */
void incoming_clear(struct redis_incoming *in);

#endif
