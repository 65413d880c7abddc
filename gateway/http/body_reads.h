/* What comes of a request's body behind its first read goes from the socket straight into the
 * memory in which it is gathered. libwebsockets reads by recv(), which is ours (field_reads.h): it
 * is told that so many bytes have come, and hands on an address in its own buffer, where they are
 * not. It looks at nothing of a body (lws_read_h1 counts it, 4.1 and 4.3), unless it has to keep it
 * for later, and then we read nothing in this way. Loop's thread. */
#ifndef MARATHON_HTTP_BODY_READS_H
#define MARATHON_HTTP_BODY_READS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* libwebsockets' buffer, one for all connections: so much of a body is read at once. */
#define BODY_READ_BYTES (32u << 10)
/* Of a head, and of what comes with it: what is behind a request, and not of its body,
 * libwebsockets keeps for as long as that waits for its answer, on each connection. */
#define READ_BYTES 4096u

struct conn;

/* What has been read in this way, and that libwebsockets has yet to tell of. */
struct body_read {
    const uint8_t *told_at; /* NULL: nothing */
    size_t len;
};

/* How much of the `left` bytes of c's body may be read at once, at most `max`, into where
 * *ret_to points; 0: none in this way. */
size_t body_read_room(struct conn *c, uint64_t left, size_t max, uint8_t **ret_to);
/* So much has been: libwebsockets will say that it lies at `told_at`. */
void body_read_done(struct conn *c, const uint8_t *told_at, size_t len);
/* It tells of this part: true where that has been read so, and is now a part of the body. False:
 * the part is where it says; or, with *ret_lost, nobody can say what it is. */
bool body_read_told(struct conn *c, struct bytes part, bool *ret_lost);

#endif
