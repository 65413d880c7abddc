/* Who we are to peers, and whom we believe: a certificate with its key, and the authority that must
 * have signed those of others. Read from PEM files once; to renew it, read it again.
 *
 * TLS 1.2 or newer; between the roles both sides show a certificate, or nothing is said. No
 * sessions are resumed: each connection is checked anew. Any thread may use it; counted, since each
 * channel keeps its own. */
#ifndef MARATHON_TLS_IDENTITY_H
#define MARATHON_TLS_IDENTITY_H

#include "base/clock.h"

struct tls_files {
    const char *ca;       /* one or more authorities */
    const char *cert;     /* our own first, then those between it and the authority */
    const char *key;      /* of our own */
    const char *password; /* of the key; "" where it has none */
};

#define TLS_MESSAGE_BYTES 512

struct tls_identity;

/* ERR_INVALID: message says what is wrong, with the file's name: one that cannot be read, a key of
 * another certificate, a certificate that this authority did not sign or that has expired. */
enum err MUST_CHECK tls_identity_load(const struct tls_files *files,
                                      struct tls_identity **ret_identity,
                                      char message[TLS_MESSAGE_BYTES]);
/* The same to a server that is none of the roles (Redis). ca "": whom this system trusts (OpenSSL's
 * places, which SSL_CERT_FILE and SSL_CERT_DIR change); cert and key "": we show none, which the
 * server may refuse. That a certificate of ours is of an authority that it knows is its affair. */
enum err MUST_CHECK tls_client_load(const struct tls_files *files,
                                    struct tls_identity **ret_identity,
                                    char message[TLS_MESSAGE_BYTES]);
struct tls_identity *tls_identity_hold(struct tls_identity *i); /* one more owner */
void tls_identity_free(struct tls_identity *i);                 /* one less; NULL: nothing */
/* When the first of the certificates that we show expires; 0: we show none. */
unix_ms tls_identity_expires(const struct tls_identity *i);
/* The first DNS name of our certificate, "" where it has none. */
const char *tls_identity_name(const struct tls_identity *i);

#endif
