/* Our identity towards peers, and whom we trust: a certificate with its key, and the authority that
 * must have signed the certificates of peers. Read once from PEM files; load again to renew.
 *
 * TLS 1.2 or newer. Between the roles both sides must show a certificate before anything is
 * exchanged. Sessions are never resumed: each connection is verified anew. Reference counted, since
 * each channel keeps a reference; any thread may use it. */
#ifndef MARATHON_TLS_IDENTITY_H
#define MARATHON_TLS_IDENTITY_H

#include "base/clock.h"

struct tls_files {
    const char *ca;       /* one or more authorities */
    const char *cert;     /* ours first, then intermediates */
    const char *key;      /* key of our certificate */
    const char *password; /* of the key; "" if it has none */
};

#define TLS_MESSAGE_BYTES 512

struct tls_identity;

/* ERR_INVALID: message names the file and says what is wrong: it cannot be read, the key belongs to
 * another certificate, the authority did not sign our certificate, or the certificate has
 * expired. */
enum err MUST_CHECK tls_identity_load(const struct tls_files *files,
                                      struct tls_identity **ret_identity,
                                      char message[TLS_MESSAGE_BYTES]);
/* The same for a client of a server that is none of our roles (Redis). ca "": trust whom this
 * system trusts (OpenSSL's default places, which SSL_CERT_FILE and SSL_CERT_DIR override). cert and
 * key "": we show none, which the server may refuse. Whether our certificate is signed by an
 * authority that the server knows is not checked here. */
enum err MUST_CHECK tls_client_load(const struct tls_files *files,
                                    struct tls_identity **ret_identity,
                                    char message[TLS_MESSAGE_BYTES]);
struct tls_identity *tls_identity_hold(struct tls_identity *i); /* adds a reference */
void tls_identity_free(struct tls_identity *i); /* drops a reference; NULL is allowed */
/* When the first certificate of our chain expires; 0: we show none. */
unix_ms tls_identity_expires(const struct tls_identity *i);
/* The first DNS name of our certificate, "" if it has none. */
const char *tls_identity_name(const struct tls_identity *i);

#endif
