#include "tls/identity_impl.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/bytes.h"

static bool is_address(const char *text)
{
    struct in6_addr any;
    return inet_pton(AF_INET, text, &any) == 1 || inet_pton(AF_INET6, text, &any) == 1;
}

/* Only subjectAltNames count as names; the subject itself is for people. */
void tls_expect(SSL *ssl, const char *peer)
{
    X509_VERIFY_PARAM *rules = SSL_get0_param(ssl);
    int rc;
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (is_address(peer)) {
        rc = X509_VERIFY_PARAM_set1_ip_asc(rules, peer);
    } else {
        char *name = mem_str(peer); /* OpenSSL's macro takes no const */
        rc = SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
        free(name);
    }
    if (rc != 1) {
        die("OpenSSL has no memory for a name");
    }
}
