/* The way of a connection's bytes: its socket, in plain or with TLS on it (rediss://). Zero is
 * none.
 *
 * What TLS keeps to itself (bytes that it has read of the socket and not handed out) no poll of the
 * socket tells of: socket_holds. */
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
    SOCKET_FAILED, /* socket_why */
};

struct redis_socket {
    int fd;                  /* borrowed; it does not block */
    struct tls_session *tls; /* NULL: plain */
    uint8_t *record;         /* what short slices of a write are gathered in; NULL: not yet */
    size_t waiting;          /* so much of it the socket did not take */
};

/* Speaks TLS from now on. host: the one that was dialled. */
void socket_secure(struct redis_socket *w, const struct redis_tls *tls, const char *host);
/* SOCKET_SHAKES: again when the socket can be read, or written where *ret_write. */
enum socket_state socket_shake(struct redis_socket *w, bool *ret_write);
/* As recv and sendmsg answer: -1 with EAGAIN in errno; any other error is the end, and socket_why
 * says what it was. */
ssize_t socket_read(struct redis_socket *w, void *into, size_t size);
/* After EAGAIN the next write begins with the same bytes, and has not less of them. */
ssize_t socket_write(struct redis_socket *w, const struct iovec *slices, size_t count);
bool socket_holds(const struct redis_socket *w);
/* Of the last error; borrowed until the next one. */
const char *socket_why(const struct redis_socket *w);
void socket_close(struct redis_socket *w); /* says goodbye; before the socket is closed */

#endif
