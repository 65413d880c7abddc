/* What a connection is still to write: bytes of its own, and between them slices that were lent to
 * it, which it writes from where they lie. Zero-initialise it, outgoing_free when done. */
#ifndef MARATHON_STORE_REDIS_OUTGOING_H
#define MARATHON_STORE_REDIS_OUTGOING_H

#include "base/bytes.h"

struct redis_socket;

struct outgoing_slice {
    size_t at; /* of its own bytes, how many come before it */
    struct bytes what;
};

struct redis_outgoing {
    struct buf own;
    struct outgoing_slice *lent;
    size_t lent_count, lent_cap;
    size_t own_sent;                  /* of its own bytes */
    size_t lent_sent;                 /* slices that are out as a whole */
    size_t part_sent;                 /* of the one after them */
    uint64_t given_total, sent_total; /* bytes, ever */
};

void outgoing_put(struct redis_outgoing *o, struct bytes b); /* copied */
void outgoing_lend(struct redis_outgoing *o,
                   struct bytes b); /* to stay until it is out, or cleared */
bool outgoing_waits(const struct redis_outgoing *o);
/* Writes what the socket takes. False where the connection has failed: socket_why. */
bool outgoing_write(struct redis_outgoing *o, struct redis_socket *socket);
void outgoing_clear(struct redis_outgoing *o); /* forgets all, keeps usual memory */
void outgoing_free(struct redis_outgoing *o);

#endif
