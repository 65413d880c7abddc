/* Internal to common/tls. */
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

/* The newest OpenSSL error of this thread; clears the others. Never NULL. */
const char *tls_error_text(void);
/* Call before the handshake of a connection that we dialled: sets the name or address that the
 * peer's certificate must have; a name is also sent to the peer (SNI). */
void tls_expect(SSL *ssl, const char *peer);

#endif
