/* The sending side of a connection: bytes of its own, interleaved with lent slices, which are
 * written from where they lie. Zero-initialise it, outgoing_free when done. */
#ifndef MARATHON_STORE_REDIS_OUTGOING_H
#define MARATHON_STORE_REDIS_OUTGOING_H

#include "base/bytes.h"

struct redis_socket;

struct outgoing_slice {
    size_t at; /* how many of the own bytes come before it */
    struct bytes what;
};

struct redis_outgoing {
    struct buf own;
    struct outgoing_slice *lent;
    size_t lent_count, lent_cap;
    size_t own_sent;                  /* own bytes already written */
    size_t lent_sent;                 /* slices completely written */
    size_t part_sent;                 /* bytes written of the slice after them */
    uint64_t given_total, sent_total; /* bytes since the start */
};

void outgoing_put(struct redis_outgoing *o, struct bytes b); /* copies */
/* b must stay valid until it is written, or outgoing_clear */
void outgoing_lend(struct redis_outgoing *o, struct bytes b);
bool outgoing_waits(const struct redis_outgoing *o);
/* Writes what the socket accepts. False if the connection has failed: socket_why. */
bool outgoing_write(struct redis_outgoing *o, struct redis_socket *socket);
/* discards everything; keeps memory up to the usual size */
void outgoing_clear(struct redis_outgoing *o);
void outgoing_free(struct redis_outgoing *o);

#endif
