/* One TLS connection, without its socket: bytes that came go in, bytes to be sent come out.
 *
 * Not locked: one call at a time. What is to be sent (handshake, alerts, records) is appended to
 * the `out` of the call that makes it, in the order in which it must go out. */
#ifndef MARATHON_TLS_CHANNEL_H
#define MARATHON_TLS_CHANNEL_H

#include "base/bytes.h"
#include "tls/identity.h"

enum tls_state {
    TLS_SHAKES, /* the handshake needs more from the peer */
    TLS_OPEN,   /* the peer has shown a certificate that we believe */
    TLS_ENDED,  /* the peer has said that nothing follows */
    TLS_FAILED, /* for good: tls_channel_fault says why */
};

struct tls_channel;

struct tls_room {
    uint8_t *ptr;
    size_t cap;
};

/* peer: the name or address that the certificate of the one dialled must have, among its
 * subjectAltNames; NULL for one that has dialled us. Holds the identity. */
struct tls_channel *tls_channel_create(struct tls_identity *identity, const char *peer);
void tls_channel_destroy(struct tls_channel *c);
/* Bytes that came; borrowed until they are used up: by shake while it answers TLS_SHAKES, by read
 * where it gives less than it was asked for. */
void tls_channel_feed(struct tls_channel *c, struct bytes came);
enum tls_state tls_channel_shake(struct tls_channel *c, struct buf *out);
/* TLS_OPEN: *ret_len bytes of what the peer said are in `into`; fewer than cap: there are no more
 * as yet. With TLS_ENDED and TLS_FAILED there may be some too. */
enum tls_state tls_channel_read(struct tls_channel *c, struct tls_room into, size_t *ret_len,
                                struct buf *out);
/* ERR_PROTOCOL: it has failed before. */
enum err MUST_CHECK tls_channel_write(struct tls_channel *c, struct bytes plain, struct buf *out);
const char *tls_channel_fault(const struct tls_channel *c);
/* The organizational unit (OU) of the peer's subject, "" where it has none. Once open. */
const char *tls_channel_unit(const struct tls_channel *c);

#endif
