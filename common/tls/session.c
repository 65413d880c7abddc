#include "tls/session.h"

#include <errno.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "tls/identity_impl.h"

struct tls_session {
    struct tls_identity *identity;
    SSL *ssl;
    int fd;
    int error; /* the socket's latest errno; 0: none */
    bool open, failed;
    bool ended;   /* the socket has reached end of file */
    bool drained; /* the last read of the socket found nothing left */
    enum tls_fault fault;
    char why[160];
};

/* ---- OpenSSL's way to the socket ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static BIO_METHOD *method;

static bool is_full(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static int bio_read(BIO *bio, char *into, int size)
{
    struct tls_session *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t n = recv(s->fd, into, size > 0 ? (size_t)size : 0, 0);
    if (n < 0 && is_full(errno)) {
        BIO_set_retry_read(bio);
    } else if (n < 0) {
        s->error = errno;
    } else if (n == 0) {
        s->ended = true;
    }
    return (int)n;
}

static int bio_write(BIO *bio, const char *from, int size)
{
    struct tls_session *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t n = send(s->fd, from, size > 0 ? (size_t)size : 0, MSG_NOSIGNAL);
    if (n < 0 && is_full(errno)) {
        BIO_set_retry_write(bio);
    } else if (n < 0) {
        s->error = errno;
    }
    return (int)n;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    const struct tls_session *s = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH || (command == BIO_CTRL_EOF && s->ended);
}

static void method_make(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "a socket, no signals");
    if (method == NULL || BIO_meth_set_read(method, bio_read) != 1 ||
        BIO_meth_set_write(method, bio_write) != 1 || BIO_meth_set_ctrl(method, bio_ctrl) != 1) {
        die("OpenSSL has no memory for a method");
    }
}

/* ---- life ---- */

struct tls_session *tls_session_create(struct tls_identity *identity, const char *peer, int fd)
{
    struct tls_session *s = mem_zalloc(sizeof *s);
    (void)pthread_once(&once, method_make);
    s->identity = tls_identity_hold(identity);
    s->fd = fd;
    s->ssl = SSL_new(identity->ctx);
    BIO *bio = BIO_new(method);
    if (s->ssl == NULL || bio == NULL) {
        die("OpenSSL has no memory for a connection");
    }
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(s->ssl, bio, bio);
    SSL_set_mode(s->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
    /* a single connection that is always at work keeps its buffers */
    SSL_clear_mode(s->ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_set_read_ahead(s->ssl, 1); /* not two calls to recv per record */
    tls_expect(s->ssl, peer);
    SSL_set_connect_state(s->ssl);
    return s;
}

void tls_session_destroy(struct tls_session *s)
{
    if (s != NULL) {
        if (s->open && !s->failed && !s->ended) {
            (void)SSL_shutdown(s->ssl);
        }
        ERR_clear_error();
        SSL_free(s->ssl);
        tls_identity_free(s->identity);
        free(s);
    }
}

/* ---- what went wrong ---- */

static enum tls_fault of_certificate(long verdict)
{
    switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return TLS_FAULT_NAME;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return TLS_FAULT_AUTHORITY;
    default:
        return TLS_FAULT_OTHER;
    }
}

static enum tls_fault of_reason(int reason)
{
    switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
        return TLS_FAULT_NO_TLS;
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        return TLS_FAULT_OURS;
    default:
        return TLS_FAULT_OTHER;
    }
}

/* why: from SSL_get_error. Leaves EPROTO in errno. */
static void fail(struct tls_session *s, int why)
{
    long verdict = SSL_get_verify_result(s->ssl);
    int reason = ERR_GET_REASON(ERR_peek_last_error());
    if (s->failed) {
        /* keep the first reason */
    } else if (verdict != X509_V_OK) {
        s->fault = of_certificate(verdict);
        (void)snprintf(s->why, sizeof s->why, "its certificate: %s",
                       X509_verify_cert_error_string(verdict));
    } else if (why == SSL_ERROR_SYSCALL && s->error != 0) {
        (void)snprintf(s->why, sizeof s->why, "%s", strerror(s->error));
    } else {
        s->fault =
            s->open && of_reason(reason) == TLS_FAULT_NO_TLS ? TLS_FAULT_OTHER : of_reason(reason);
        (void)snprintf(s->why, sizeof s->why, "%s", tls_error_text());
    }
    ERR_clear_error();
    s->failed = true;
    errno = EPROTO;
}

enum tls_fault tls_session_fault(const struct tls_session *s)
{
    return s->fault;
}

const char *tls_session_why(const struct tls_session *s)
{
    return s->why;
}

/* ---- the work ---- */

enum tls_state tls_session_shake(struct tls_session *s, bool *ret_write)
{
    ERR_clear_error();
    int rc = s->failed ? -1 : SSL_do_handshake(s->ssl);
    if (rc == 1) {
        s->open = true;
        return TLS_OPEN;
    }
    int why = s->failed ? SSL_ERROR_SSL : SSL_get_error(s->ssl, rc);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        *ret_write = why == SSL_ERROR_WANT_WRITE;
        return TLS_SHAKES;
    }
    if (s->ended && !s->failed) {
        s->failed = true;
        (void)snprintf(s->why, sizeof s->why, "the server closed the connection in the handshake");
    }
    fail(s, why);
    return TLS_FAILED;
}

/* The result of a read or write that got nothing done. rc: OpenSSL's. */
static ssize_t nothing(struct tls_session *s, int rc)
{
    int why = SSL_get_error(s->ssl, rc);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        errno = EAGAIN;
    } else if (s->ended || why == SSL_ERROR_ZERO_RETURN) {
        s->ended = true;
        ERR_clear_error();
        return 0;
    } else {
        fail(s, why);
    }
    return -1;
}

ssize_t tls_session_read(struct tls_session *s, void *into, size_t size)
{
    size_t len = 0;
    s->drained = false;
    if (s->failed) {
        errno = EPROTO;
        return -1;
    }
    ERR_clear_error();
    while (len < size) {
        size_t part = 0;
        int rc = SSL_read_ex(s->ssl, (uint8_t *)into + len, size - len, &part);
        if (rc != 1) {
            ssize_t none = nothing(s, rc);
            s->drained = none < 0 && !s->failed;
            return len > 0 ? (ssize_t)len : none; /* a failure is reported by the next call */
        }
        len += part;
    }
    return (ssize_t)len;
}

bool tls_session_holds(const struct tls_session *s)
{
    return s->open && !s->drained;
}

ssize_t tls_session_write(struct tls_session *s, struct bytes plain)
{
    size_t written = 0;
    if (s->failed) {
        errno = EPROTO;
        return -1;
    }
    ERR_clear_error();
    int rc = SSL_write_ex(s->ssl, plain.ptr, plain.len, &written);
    if (rc == 1) {
        return (ssize_t)written;
    }
    ssize_t none = nothing(s, rc);
    if (none == 0) { /* ended: report 0, as a socket does */
        s->failed = true;
        (void)snprintf(s->why, sizeof s->why, "%s", strerror(EPIPE));
        errno = EPROTO;
    }
    return -1;
}
