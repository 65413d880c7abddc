/* TLS on a connected socket, as its client: reads and writes as recv and send do.
 *
 * For a loop: the socket does not block, and each call does what it takes just then. Not locked:
 * one call at a time. */
#ifndef MARATHON_TLS_SESSION_H
#define MARATHON_TLS_SESSION_H

#include <sys/types.h>

#include "base/bytes.h"
#include "tls/channel.h"
#include "tls/identity.h"

/* Why it has failed, as far as somebody can do something about it. */
enum tls_fault {
    TLS_FAULT_OTHER,
    TLS_FAULT_NO_TLS,    /* what comes is no TLS */
    TLS_FAULT_AUTHORITY, /* its certificate is of nobody whom we believe */
    TLS_FAULT_NAME,      /* its certificate has another name */
    TLS_FAULT_OURS,      /* it wants a certificate of ours, or another one */
};

#define TLS_RECORD_BYTES 16384u /* a write takes so many at most */

struct tls_session;

/* fd: borrowed. peer: the name or address that the server's certificate must have, among its
 * subjectAltNames. Holds the identity. */
struct tls_session *tls_session_create(struct tls_identity *identity, const char *peer, int fd);
void tls_session_destroy(struct tls_session *s); /* says goodbye where it is open; NULL is fine */
/* TLS_SHAKES: again when the socket can be read, or written where *ret_write; TLS_OPEN, TLS_FAILED.
 */
enum tls_state tls_session_shake(struct tls_session *s, bool *ret_write);
/* Bytes of the server's. 0: no more will come; -1: EAGAIN in errno, or it has failed (EPROTO). */
ssize_t tls_session_read(struct tls_session *s, void *into, size_t size);
/* The last read has not read all: there may be more that no poll of the socket will tell of. */
bool tls_session_holds(const struct tls_session *s);
/* How many of them are on their way, a record at most; -1: EAGAIN, or EPROTO as above. After EAGAIN
 * the same bytes must be offered again, not less of them. plain is not empty. */
ssize_t tls_session_write(struct tls_session *s, struct bytes plain);
enum tls_fault tls_session_fault(const struct tls_session *s);
const char *tls_session_why(const struct tls_session *s);

#endif
