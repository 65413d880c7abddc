#include "store/redis_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "store/store.h"
#include "tls/session.h"

void socket_secure(struct redis_socket *w, const struct redis_tls *tls, const char *host)
{
    bool renamed = tls->name != NULL && tls->name[0] != '\0';
    w->tls = tls_session_create(tls->identity, renamed ? tls->name : host, w->fd);
}

enum socket_state socket_shake(struct redis_socket *w, bool *ret_write)
{
    switch (tls_session_shake(w->tls, ret_write)) {
    case TLS_SHAKES:
        return SOCKET_SHAKES;
    case TLS_OPEN:
        return SOCKET_OPEN;
    case TLS_ENDED:
    case TLS_FAILED:
        break;
    }
    return SOCKET_FAILED;
}

ssize_t socket_read(struct redis_socket *w, void *into, size_t size)
{
    if (w->tls != NULL) {
        return tls_session_read(w->tls, into, size);
    }
    ssize_t n = 0;
    do {
        n = recv(w->fd, into, size, 0);
    } while (n < 0 && errno == EINTR);
    return n;
}

bool socket_holds(const struct redis_socket *w)
{
    return w->tls != NULL && tls_session_holds(w->tls);
}

/* ---- writing ---- */

struct place {
    const struct iovec *slices;
    size_t count;
    size_t skip; /* bytes of the first slice already written */
};

static void go_on(struct place *at, size_t bytes)
{
    at->skip += bytes;
    while (at->count > 0 && at->skip >= at->slices->iov_len) {
        at->skip -= at->slices->iov_len;
        at->slices++;
        at->count--;
    }
}

/* The next TLS record. A slice that fills a record is written from where it lies; shorter ones are
 * joined: a record costs both sides more than copying a few KiB, and costs Redis a turn of its
 * loop. */
static struct bytes next_record(struct redis_socket *w, struct place at)
{
    if (w->waiting > 0) {
        return bytes_of(w->record, w->waiting);
    }
    const uint8_t *from = (const uint8_t *)at.slices->iov_base + at.skip;
    size_t len = at.slices->iov_len - at.skip;
    if (len >= TLS_RECORD_BYTES || at.count == 1) {
        return bytes_of(from, len);
    }
    if (w->record == NULL) {
        w->record = mem_alloc(TLS_RECORD_BYTES);
    }
    size_t filled = 0;
    while (at.count > 0 && filled < TLS_RECORD_BYTES) {
        struct bytes rest =
            bytes_of((const uint8_t *)at.slices->iov_base + at.skip, at.slices->iov_len - at.skip);
        struct bytes part = bytes_part(rest, 0, TLS_RECORD_BYTES - filled);
        memcpy(w->record + filled, part.ptr, part.len);
        filled += part.len;
        go_on(&at, part.len);
    }
    return bytes_of(w->record, filled);
}

static ssize_t write_records(struct redis_socket *w, const struct iovec *slices, size_t count)
{
    struct place at = {slices, count, 0};
    ssize_t written = 0;
    go_on(&at, 0); /* skips empty slices */
    while (at.count > 0) {
        struct bytes record = next_record(w, at);
        ssize_t n = tls_session_write(w->tls, record);
        w->waiting = n < 0 && record.ptr == w->record ? record.len : 0;
        if (n < 0) {
            return written > 0 ? written : -1;
        }
        written += n;
        go_on(&at, (size_t)n);
    }
    return written;
}

ssize_t socket_write(struct redis_socket *w, const struct iovec *slices, size_t count)
{
    if (w->tls != NULL) {
        return write_records(w, slices, count);
    }
    union {
        const struct iovec *in;
        struct iovec *out;
    } cast = {.in = slices};
    struct msghdr m = {.msg_iov = cast.out, .msg_iovlen = count};
    ssize_t n = 0;
    do {
        n = sendmsg(w->fd, &m, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n;
}

/* ---- the end ---- */

/* A hint for the operator. */
static const char *advice(enum tls_fault fault)
{
    switch (fault) {
    case TLS_FAULT_NO_TLS:
        return " (it does not speak TLS: use redis://, or its tls-port)";
    case TLS_FAULT_AUTHORITY:
        return " (MARATHON_REDIS_TLS_CA_FILE sets the CA to trust)";
    case TLS_FAULT_NAME:
        return " (its subjectAltName must have the host dialled, or set MARATHON_REDIS_TLS_NAME)";
    case TLS_FAULT_OURS:
        return " (it requires a client certificate that it trusts: set "
               "MARATHON_REDIS_TLS_CERT_FILE)";
    case TLS_FAULT_OTHER:
        break;
    }
    return "";
}

const char *socket_why(const struct redis_socket *w)
{
    static char text[256]; /* one is enough: there is one loop per process */
    if (w->tls == NULL || errno != EPROTO) {
        return strerror(errno);
    }
    snprintf(text, sizeof text, "TLS: %s%s", tls_session_why(w->tls),
             advice(tls_session_fault(w->tls)));
    return text;
}

void socket_close(struct redis_socket *w)
{
    tls_session_destroy(w->tls);
    free(w->record);
    *w = (struct redis_socket){0};
}
