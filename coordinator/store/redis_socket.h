/* The byte stream of a connection: its socket, plain or with TLS (rediss://). Zero-initialised = no
 * connection.
 *
 * TLS may hold bytes that it has read from the socket but not handed out; polling the socket does
 * not report these: ask socket_holds. */
#ifndef MARATHON_STORE_REDIS_SOCKET_H
#define MARATHON_STORE_REDIS_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct redis_tls;
struct tls_session;

enum socket_state {
    SOCKET_SHAKES,
    SOCKET_OPEN,
    SOCKET_FAILED, /* socket_why says why */
};

struct redis_socket {
    int fd;                  /* borrowed; non-blocking */
    struct tls_session *tls; /* NULL: plain */
    /* buffer that joins short slices into one TLS record; NULL: not allocated yet */
    uint8_t *record;
    size_t waiting; /* bytes of it that the socket did not accept yet */
};

/* Starts TLS. host: the one that was dialled. */
void socket_secure(struct redis_socket *w, const struct redis_tls *tls, const char *host);
/* SOCKET_SHAKES: call again when the socket is readable or, if *ret_write, writable. */
enum socket_state socket_shake(struct redis_socket *w, bool *ret_write);
/* Like recv and sendmsg: -1 with errno EAGAIN; any other error ends the connection, and socket_why
 * describes it. */
ssize_t socket_read(struct redis_socket *w, void *into, size_t size);
/* After EAGAIN the next write must begin with the same bytes, and have at least as many. */
ssize_t socket_write(struct redis_socket *w, const struct iovec *slices, size_t count);
bool socket_holds(const struct redis_socket *w);
/* Describes the last error; borrowed until the next one. */
const char *socket_why(const struct redis_socket *w);
/* ends TLS properly; call it before closing the socket */
void socket_close(struct redis_socket *w);

#endif
