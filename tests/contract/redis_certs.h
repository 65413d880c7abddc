/* Certificates for a Redis with TLS, made by deploy/certs once a process, and removed at its end.
 */
#ifndef MARATHON_TESTS_REDIS_CERTS_H
#define MARATHON_TESTS_REDIS_CERTS_H

#include "store/store.h"

/* The folder: ca.pem; with keys of the same names the server's, of localhost and 127.0.0.1:
 * server.pem, expired.pem; and a client's: client.pem. In other/ the same of another authority,
 * whose server.pem is of there.example, and no expired.pem. */
const char *redis_certs(void);
/* Makes server.pem and its key anew, by the same authority. */
void redis_certs_renew(void);
/* Who believes the authority `ca`, a file of the folder, and shows `own` (client, other/client); ""
 * = none. The caller's, who frees it. */
struct tls_identity *redis_certs_client(const char *ca, const char *own);
/* Of a process's own: believes ca.pem, shows nothing. */
const struct redis_tls *redis_certs_tls(void);
/* The same options, with that where their URL asks for TLS and they say nothing of it. */
struct store_redis_options redis_certs_options(const struct store_redis_options *options);

#endif
