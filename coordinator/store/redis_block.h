/* A piece of memory that a connection receives into, and that whoever holds some of its bytes
 * keeps.
 *
 * Its bytes are a string of hiredis's (sds) that is empty as far as that knows, and what came lies
 * in its spare room: so hiredis has nothing to move, which else moves what it has not parsed over
 * what it has. */
#ifndef MARATHON_STORE_REDIS_BLOCK_H
#define MARATHON_STORE_REDIS_BLOCK_H

#include "base/shared.h"

struct incoming_block {
    struct shared shared; /* by the connection, each reply that is kept, and whom it was lent to.
                             Bytes NULL: hiredis has freed it with a reply that it refused */
    bool lent;            /* the connection uses it no more */
};

/* With room for so many bytes, and little more: all of it stays for as long as one of its replies
 * does. Held once. */
struct incoming_block *block_make(size_t room);
char *block_bytes(const struct incoming_block *b);
/* Gives one hold back; the last one frees it, on whichever thread. NULL is fine. */
void block_drop(struct incoming_block *b);

#endif
