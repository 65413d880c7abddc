/* TLS on a connected socket, client side: reads and writes behave like recv and send.
 *
 * For use on a loop: the socket is non-blocking, and each call does as much as is possible at once.
 * Not locked: one call at a time. */
#ifndef MARATHON_TLS_SESSION_H
#define MARATHON_TLS_SESSION_H

#include <sys/types.h>

#include "base/bytes.h"
#include "tls/channel.h"
#include "tls/identity.h"

/* Why it failed, as far as an operator can do something about it. */
enum tls_fault {
    TLS_FAULT_OTHER,
    TLS_FAULT_NO_TLS,    /* the server does not speak TLS */
    TLS_FAULT_AUTHORITY, /* the server's certificate is signed by nobody whom we trust */
    TLS_FAULT_NAME,      /* the server's certificate has another name */
    TLS_FAULT_OURS,      /* the server wants a certificate from us, or a different one */
};

#define TLS_RECORD_BYTES 16384u /* most that one write takes */

struct tls_session;

/* fd: borrowed. peer: the name or address that must be among the subjectAltNames of the server's
 * certificate. Takes a reference to the identity. */
struct tls_session *tls_session_create(struct tls_identity *identity, const char *peer, int fd);
void tls_session_destroy(struct tls_session *s); /* sends a TLS goodbye if open; NULL is allowed */
/* Continues the handshake. TLS_SHAKES: call again when the socket is readable, or writable if
 * *ret_write; TLS_OPEN: done; TLS_FAILED. */
enum tls_state tls_session_shake(struct tls_session *s, bool *ret_write);
/* Returns the number of bytes read. 0: end of stream; -1: EAGAIN in errno, or EPROTO if it has
 * failed. */
ssize_t tls_session_read(struct tls_session *s, void *into, size_t size);
/* True if the last read left data inside the session: poll would not report it. */
bool tls_session_holds(const struct tls_session *s);
/* Returns how many bytes were accepted, a record at most; -1: EAGAIN, or EPROTO as above. After
 * EAGAIN offer the same bytes again, not fewer. plain must not be empty. */
ssize_t tls_session_write(struct tls_session *s, struct bytes plain);
enum tls_fault tls_session_fault(const struct tls_session *s);
const char *tls_session_why(const struct tls_session *s);

#endif
