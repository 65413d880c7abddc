#include "tls/channel.h"

#include <assert.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "tls/identity_impl.h"

#define WRITE_BYTES_MAX (1u << 30) /* OpenSSL's own lengths are ints in places */

struct tls_channel {
    struct tls_identity *identity;
    SSL *ssl;
    struct bytes came; /* input that OpenSSL has not read yet */
    struct buf *out;   /* output of the call in progress */
    bool failed;
    char fault[160];
    char unit[64];
};

/* ---- OpenSSL's way to the bytes ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static BIO_METHOD *method;

static int bio_read(BIO *bio, char *into, int size)
{
    struct tls_channel *c = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (c->came.len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    struct bytes part = bytes_part(c->came, 0, size > 0 ? (size_t)size : 0);
    memcpy(into, part.ptr, part.len);
    c->came = bytes_part(c->came, part.len, c->came.len);
    return (int)part.len;
}

static int bio_write(BIO *bio, const char *from, int size)
{
    struct tls_channel *c = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    assert(c->out != NULL && size >= 0);
    buf_add(c->out, from, (size_t)size);
    return size;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static void method_make(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "bytes in, bytes out");
    if (method == NULL || BIO_meth_set_read(method, bio_read) != 1 ||
        BIO_meth_set_write(method, bio_write) != 1 || BIO_meth_set_ctrl(method, bio_ctrl) != 1) {
        die("OpenSSL has no memory for a method");
    }
}

/* ---- life ---- */

struct tls_channel *tls_channel_create(struct tls_identity *identity, const char *peer)
{
    struct tls_channel *c = mem_zalloc(sizeof *c);
    (void)pthread_once(&once, method_make);
    c->identity = tls_identity_hold(identity);
    c->ssl = SSL_new(identity->ctx);
    BIO *bio = BIO_new(method);
    if (c->ssl == NULL || bio == NULL) {
        die("OpenSSL has no memory for a connection");
    }
    BIO_set_data(bio, c);
    BIO_set_init(bio, 1);
    SSL_set_bio(c->ssl, bio, bio);
    if (peer != NULL) {
        tls_expect(c->ssl, peer);
        SSL_set_connect_state(c->ssl);
    } else {
        SSL_set_accept_state(c->ssl);
    }
    return c;
}

void tls_channel_destroy(struct tls_channel *c)
{
    if (c != NULL) {
        SSL_free(c->ssl);
        tls_identity_free(c->identity);
        free(c);
    }
}

/* ---- the work ---- */

void tls_channel_feed(struct tls_channel *c, struct bytes came)
{
    assert(c->came.len == 0 && "what came before is used up first");
    c->came = came;
}

static enum tls_state failed(struct tls_channel *c)
{
    long verdict = SSL_get_verify_result(c->ssl);
    if (!c->failed && verdict != X509_V_OK) {
        (void)snprintf(c->fault, sizeof c->fault, "its certificate: %s",
                       X509_verify_cert_error_string(verdict));
    } else if (!c->failed) {
        (void)snprintf(c->fault, sizeof c->fault, "%s", tls_error_text());
    }
    ERR_clear_error();
    c->failed = true;
    return TLS_FAILED;
}

static void read_unit(struct tls_channel *c)
{
    X509 *peer = SSL_get0_peer_certificate(c->ssl);
    assert(peer != NULL && SSL_get_verify_result(c->ssl) == X509_V_OK);
    if (X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_organizationalUnitName, c->unit,
                                  sizeof c->unit) < 0) {
        c->unit[0] = '\0';
    }
}

enum tls_state tls_channel_shake(struct tls_channel *c, struct buf *out)
{
    if (c->failed) {
        return TLS_FAILED;
    }
    c->out = out;
    ERR_clear_error();
    int rc = SSL_do_handshake(c->ssl);
    enum tls_state state = TLS_OPEN;
    if (rc == 1) {
        read_unit(c);
    } else {
        state = SSL_get_error(c->ssl, rc) == SSL_ERROR_WANT_READ ? TLS_SHAKES : failed(c);
    }
    c->out = NULL;
    return state;
}

enum tls_state tls_channel_read(struct tls_channel *c, struct tls_room into, size_t *ret_len,
                                struct buf *out)
{
    enum tls_state state = c->failed ? TLS_FAILED : TLS_OPEN;
    size_t len = 0, part;
    c->out = out;
    ERR_clear_error();
    while (state == TLS_OPEN && len < into.cap) {
        int rc = SSL_read_ex(c->ssl, into.ptr + len, into.cap - len, &part);
        if (rc == 1) {
            len += part;
            continue;
        }
        int why = SSL_get_error(c->ssl, rc);
        if (why == SSL_ERROR_WANT_READ) {
            break;
        }
        state = why == SSL_ERROR_ZERO_RETURN ? TLS_ENDED : failed(c);
    }
    c->out = NULL;
    *ret_len = len;
    return state;
}

enum err tls_channel_write(struct tls_channel *c, struct bytes plain, struct buf *out)
{
    size_t written = 0;
    if (plain.len == 0) {
        return ERR_OK;
    }
    assert(plain.len <= WRITE_BYTES_MAX);
    if (c->failed) {
        return ERR_PROTOCOL;
    }
    c->out = out;
    ERR_clear_error();
    int rc = SSL_write_ex(c->ssl, plain.ptr, plain.len, &written);
    c->out = NULL;
    if (rc != 1) {
        (void)failed(c);
        return ERR_PROTOCOL;
    }
    assert(written == plain.len);
    return ERR_OK;
}

const char *tls_channel_fault(const struct tls_channel *c)
{
    return c->fault;
}

const char *tls_channel_unit(const struct tls_channel *c)
{
    return c->unit;
}
