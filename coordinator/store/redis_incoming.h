/* The receiving side of a connection: reads into blocks, and hands out hiredis replies whose
 * strings lie where they were received. Only hiredis' parser is used; its own reading would copy
 * each byte into its buffer and each string into its reply. An array, whose length is not known
 * before its end, may span several blocks: complete items stay where they are.
 *
 * A block is reused once everything in it was handed out and nobody holds it: none of its replies
 * is kept or lent. Until then the next reads go behind what is in it, while there is room. After
 * that it lives as long as somebody holds it, on whichever thread. Zero-initialise it,
 * incoming_clear when done. Loop's thread. */
#ifndef MARATHON_STORE_REDIS_INCOMING_H
#define MARATHON_STORE_REDIS_INCOMING_H

#include <hiredis/hiredis.h>

#include "store/redis_extent.h"
#include "store/redis_nodes.h"

struct redis_socket;

struct redis_incoming {
    redisReader *reader; /* parses the bytes of the block from pos to len; NULL: none yet */
    struct incoming_block *block;
    struct reply_extent next; /* extent of the reply that begins, or continues, at pos */
    struct reply_part *parts; /* its complete items in earlier blocks */
    size_t part_count, part_cap;
    struct incoming_reply *reply; /* the current reply, or memory for the next one; NULL: neither */
    const char *why;              /* why it failed; else NULL */
};

/* Reads what has arrived, at most what fits into the block. Returns the number of bytes; 0 also if
 * the connection is lost: `why` says so. *ret_more: there may be more to read. */
size_t incoming_read(struct redis_incoming *in, struct redis_socket *socket, bool *ret_more);
/* The next complete reply. NULL: there is none, or the bytes are not a reply (`why` is set). It is
 * valid until the next call or read, unless it is kept. Strings are followed by a NUL. */
const redisReply *incoming_next(struct redis_incoming *in);
/* Has a reply arrived in part? */
bool incoming_in_part(const struct redis_incoming *in);
/* Hands the current reply over to the caller, who must drop it. */
struct incoming_reply *incoming_keep(struct redis_incoming *in);
/* Discards everything, for the next connection. Kept replies may be dropped before or after. */
void incoming_clear(struct redis_incoming *in);

#endif
