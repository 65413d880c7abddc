#include "tls/identity.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tls/identity_impl.h"

const char *tls_error_text(void)
{
    unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    const char *text = code != 0 ? ERR_reason_error_string(code) : NULL;
    return text != NULL ? text : "unknown error";
}

struct loading {
    const struct tls_files *files;
    SSL_CTX *ctx;
    char *message;
};

static enum err fault(const struct loading *l, const char *path, const char *why)
{
    (void)snprintf(l->message, TLS_MESSAGE_BYTES, "%s: %s", path, why);
    ERR_clear_error();
    return ERR_INVALID;
}

static enum err readable(const struct loading *l, const char *path)
{
    return access(path, R_OK) == 0 ? ERR_OK : fault(l, path, strerror(errno));
}

/* Without a callback OpenSSL would ask on the terminal. */
static int on_password(char *text, int size, int writing, void *user)
{
    const char *password = user;
    (void)writing;
    size_t len = strlen(password);
    if (len > (size_t)size) {
        return -1;
    }
    memcpy(text, password, len);
    return (int)len;
}

static void set_up(SSL_CTX *ctx)
{
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

static enum err read_authority(const struct loading *l)
{
    const char *ca = l->files->ca;
    enum err e = readable(l, ca);
    if (e == ERR_OK && SSL_CTX_load_verify_file(l->ctx, ca) != 1) {
        return fault(l, ca, "contains no CA certificate in PEM format");
    }
    return e;
}

static enum err read_own(const struct loading *l)
{
    const struct tls_files *f = l->files;
    enum err e = readable(l, f->cert);
    if (e == ERR_OK) {
        e = readable(l, f->key);
    }
    if (e != ERR_OK) {
        return e;
    }
    if (SSL_CTX_use_certificate_chain_file(l->ctx, f->cert) != 1) {
        return fault(l, f->cert, "contains no usable certificate in PEM format");
    }
    union {
        const char *text;
        void *user;
    } password = {.text = f->password};
    SSL_CTX_set_default_passwd_cb(l->ctx, on_password);
    SSL_CTX_set_default_passwd_cb_userdata(l->ctx, password.user);
    int rc = SSL_CTX_use_PrivateKey_file(l->ctx, f->key, SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(l->ctx, NULL);
    if (rc != 1) {
        bool foreign = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH;
        return fault(l, f->key,
                     foreign ? "is not the certificate's private key"
                             : "contains no private key in PEM format, or the password is wrong");
    }
    return SSL_CTX_check_private_key(l->ctx) == 1
               ? ERR_OK
               : fault(l, f->key, "is not the certificate's private key");
}

/* Finds at load time what each peer would otherwise find wrong with our certificate. */
static enum err verify_own(const struct loading *l)
{
    STACK_OF(X509) *chain = NULL;
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    SSL_CTX_get0_chain_certs(l->ctx, &chain);
    int rc = check == NULL ? 0
                           : X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(l->ctx),
                                                 SSL_CTX_get0_certificate(l->ctx), chain);
    if (rc != 1) {
        die("OpenSSL has no memory for a check");
    }
    enum err e = ERR_OK;
    if (X509_verify_cert(check) != 1) {
        char why[256];
        (void)snprintf(why, sizeof why, "peers would not trust it: %s (CA: %.100s)",
                       X509_verify_cert_error_string(X509_STORE_CTX_get_error(check)),
                       l->files->ca);
        e = fault(l, l->files->cert, why);
    }
    X509_STORE_CTX_free(check);
    return e;
}

static unix_ms end_of(const X509 *cert)
{
    struct tm tm = {0};
    int rc = ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm);
    assert(rc == 1 && "a certificate that was verified has an end");
    return (unix_ms)timegm(&tm) * 1000;
}

static unix_ms first_end(SSL_CTX *ctx)
{
    STACK_OF(X509) *chain = NULL;
    unix_ms end = end_of(SSL_CTX_get0_certificate(ctx));
    SSL_CTX_get0_chain_certs(ctx, &chain);
    for (int i = 0; i < sk_X509_num(chain); i++) {
        unix_ms other = end_of(sk_X509_value(chain, i));
        end = other < end ? other : end;
    }
    return end;
}

static void read_name(const X509 *cert, char name[TLS_NAME_BYTES])
{
    GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(all) && name[0] == '\0'; i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);
        if (one->type != GEN_DNS) {
            continue;
        }
        size_t len = (size_t)ASN1_STRING_length(one->d.dNSName);
        const unsigned char *text = ASN1_STRING_get0_data(one->d.dNSName);
        if (len < TLS_NAME_BYTES && memchr(text, 0, len) == NULL &&
            memchr(text, '*', len) == NULL) {
            memcpy(name, text, len);
            name[len] = '\0';
        }
    }
    GENERAL_NAMES_free(all);
}

static struct loading begin(const struct tls_files *files, char *message)
{
    struct loading l = {files, SSL_CTX_new(TLS_method()), message};
    if (l.ctx == NULL) {
        die("OpenSSL cannot be used: %s", tls_error_text());
    }
    set_up(l.ctx);
    return l;
}

static enum err finish(const struct loading *l, enum err e, struct tls_identity **ret_identity)
{
    if (e != ERR_OK) {
        SSL_CTX_free(l->ctx);
        return e;
    }
    struct tls_identity *i = mem_zalloc(sizeof *i);
    atomic_init(&i->owners, 1);
    i->ctx = l->ctx;
    const X509 *own = SSL_CTX_get0_certificate(l->ctx);
    if (own != NULL) {
        i->expires = first_end(l->ctx);
        read_name(own, i->name);
    }
    *ret_identity = i;
    return ERR_OK;
}

enum err tls_identity_load(const struct tls_files *files, struct tls_identity **ret_identity,
                           char message[TLS_MESSAGE_BYTES])
{
    struct loading l = begin(files, message);
    enum err e = read_authority(&l);
    if (e == ERR_OK) {
        e = read_own(&l);
    }
    if (e == ERR_OK) {
        e = verify_own(&l);
    }
    return finish(&l, e, ret_identity);
}

enum err tls_client_load(const struct tls_files *files, struct tls_identity **ret_identity,
                         char message[TLS_MESSAGE_BYTES])
{
    struct loading l = begin(files, message);
    enum err e = ERR_OK;
    if (files->ca[0] != '\0') {
        e = read_authority(&l);
    } else if (SSL_CTX_set_default_verify_paths(l.ctx) != 1) {
        die("OpenSSL has no memory for the system's authorities");
    }
    if (e == ERR_OK && files->cert[0] != '\0') {
        e = read_own(&l);
    }
    return finish(&l, e, ret_identity);
}

struct tls_identity *tls_identity_hold(struct tls_identity *i)
{
    atomic_fetch_add(&i->owners, 1);
    return i;
}

void tls_identity_free(struct tls_identity *i)
{
    if (i != NULL && atomic_fetch_sub(&i->owners, 1) == 1) {
        SSL_CTX_free(i->ctx);
        free(i);
    }
}

unix_ms tls_identity_expires(const struct tls_identity *i)
{
    return i->expires;
}

const char *tls_identity_name(const struct tls_identity *i)
{
    return i->name;
}
