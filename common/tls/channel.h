/* One TLS connection without its socket: received bytes go in, bytes to send come out.
 *
 * Not locked: one call at a time. What has to be sent (handshake, alerts, records) is appended to
 * the `out` of the call that produces it, and must be sent in that order. */
#ifndef MARATHON_TLS_CHANNEL_H
#define MARATHON_TLS_CHANNEL_H

#include "base/bytes.h"
#include "tls/identity.h"

enum tls_state {
    TLS_SHAKES, /* the handshake needs more bytes from the peer */
    TLS_OPEN,   /* the peer has shown a certificate that we trust */
    TLS_ENDED,  /* the peer has said that it will send no more */
    TLS_FAILED, /* for good: tls_channel_fault says why */
};

struct tls_channel;

struct tls_room {
    uint8_t *ptr;
    size_t cap;
};

/* peer: for a connection that we dialled, the name or address that must be among the
 * subjectAltNames of the peer's certificate; NULL for an accepted connection. Takes a reference to
 * the identity. */
struct tls_channel *tls_channel_create(struct tls_identity *identity, const char *peer);
void tls_channel_destroy(struct tls_channel *c);
/* Passes received bytes in. They are borrowed until consumed: until shake answers TLS_SHAKES, or
 * until read yields less than it was asked for. */
void tls_channel_feed(struct tls_channel *c, struct bytes came);
enum tls_state tls_channel_shake(struct tls_channel *c, struct buf *out);
/* TLS_OPEN: *ret_len bytes of plaintext are in `into`; fewer than cap means that there are no more
 * for now. With TLS_ENDED and TLS_FAILED there may be some too. */
enum tls_state tls_channel_read(struct tls_channel *c, struct tls_room into, size_t *ret_len,
                                struct buf *out);
/* ERR_PROTOCOL: it has failed before. */
enum err MUST_CHECK tls_channel_write(struct tls_channel *c, struct bytes plain, struct buf *out);
const char *tls_channel_fault(const struct tls_channel *c);
/* The organizational unit (OU) of the peer's subject, "" if it has none. Call once open. */
const char *tls_channel_unit(const struct tls_channel *c);

#endif
