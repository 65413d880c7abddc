/* Inside of common/tls only. */
#ifndef MARATHON_TLS_IDENTITY_IMPL_H
#define MARATHON_TLS_IDENTITY_IMPL_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "tls/identity.h"

#define TLS_NAME_BYTES 256

struct tls_identity {
    atomic_uint owners;
    SSL_CTX *ctx;
    unix_ms expires;
    char name[TLS_NAME_BYTES];
};

/* The newest error of OpenSSL's on this thread, and forgets the others. Never NULL. */
const char *tls_error_text(void);
/* Before the handshake with one that we have dialled: the name or address that its certificate must
 * have, which it is also told where it is a name. */
void tls_expect(SSL *ssl, const char *peer);

#endif
