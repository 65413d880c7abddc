/* A reference-counted buffer that a connection receives into. Whoever holds a slice of it keeps the
 * whole buffer alive.
 *
 * The memory is an sds string of hiredis whose length stays 0; the received bytes lie in its spare
 * room. This way hiredis has nothing to move: otherwise it would shift the unparsed bytes to the
 * front, over bytes that are still in use. */
#ifndef MARATHON_STORE_REDIS_BLOCK_H
#define MARATHON_STORE_REDIS_BLOCK_H

#include "base/shared.h"

struct incoming_block {
    /* held by the connection, by each kept reply, and by whoever it was lent to */
    struct shared shared;
};

/* Makes a block with at least `room` bytes, and little more, since all of it stays alive as long as
 * one of its replies does. Starts with one reference. */
struct incoming_block *block_make(size_t room);
char *block_bytes(const struct incoming_block *b);
/* Is there only one reference? Then its holder may overwrite the bytes. */
bool block_is_free(const struct incoming_block *b);
/* Releases one reference; the last one frees the block, on whichever thread that happens. NULL is
 * allowed. */
void block_drop(struct incoming_block *b);

#endif
