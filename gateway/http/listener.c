#include "http/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"

#define FURTHEST_TTL    255
#define ACCEPTS_AT_ONCE 64 /* so that a flood of new connections leaves time for existing ones */
/* Bound on what the kernel buffers of output for which a client has no window: the rest waits here,
 * where the total is bounded. On its own the kernel takes up to 4 MiB for each client that reads
 * nothing (measured: 2.7). What is in flight is not limited by this. */
#define UNSENT_BYTES_MAX (128 << 10)

struct listener {
    struct loop *loop;
    int fd;     /* -1 = closed */
    int family; /* AF_INET or AF_INET6 */
    bool is_stopping;
    struct loop_watch *watch;
    struct loop_timer *settled;
    accepted_fn *fn;
    void *user;
};

/* Demands that packets have at least so many hops left (0: any). Set to 255 on a listening socket,
 * this drops every new SYN, since only some routers start with 255. The rest of a handshake in
 * progress does not belong to this socket yet, and still arrives. Merely closing the socket would
 * reset clients whose handshake is done or in progress; they believe to be connected, and may have
 * sent a request that nobody dares to repeat. */
static bool hops_demand(int fd, int family, int least)
{
    bool is_set = setsockopt(fd, IPPROTO_IP, IP_MINTTL, &least, sizeof least) == 0;
    if (family == AF_INET6) { /* a dual-stack socket has both */
        is_set = setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &least, sizeof least) == 0;
    }
    return is_set;
}

static void rest(struct listener *l, int why)
{
    char text[64];
    loop_watch_set(l->watch, 0);
    log_line(LOG_WARN, "accept_failed", "reason=%s action=\"the next ones wait\"",
             LOG_Q(strerror_r(why, text, sizeof text)));
}

/* The error concerns only the connection that would have been next: there may be more after it. */
static bool is_its_own(int error)
{
    return error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM ||
           error == ENETDOWN || error == ENETUNREACH || error == EHOSTDOWN ||
           error == EHOSTUNREACH || error == ENONET || error == ENOPROTOOPT || error == EOPNOTSUPP;
}

/* False: there are no more for now. */
static bool accept_some(struct listener *l)
{
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            int on = 1; /* answers are written whole */
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            if (l->is_stopping) {
                (void)hops_demand(fd, l->family, 0); /* it inherits the listener's setting */
            }
            l->fn(l->user, fd);
        } else if (errno == EAGAIN) {
            return false;
        } else if (!is_its_own(errno)) { /* no descriptors, no memory */
            rest(l, errno);
            return false;
        }
    }
    return true;
}

static void on_ready(void *user, int ready)
{
    (void)ready;
    (void)accept_some(user);
}

static void on_settled(void *user)
{
    struct listener *l = user;
    while (accept_some(l)) { /* the queue is SOMAXCONN long */
    }
    loop_watch_destroy(l->watch);
    (void)close(l->fd);
    l->fd = -1;
}

static int socket_listening(const struct addrinfo *at)
{
    int on = 1, unsent = UNSENT_BYTES_MAX;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0) { /* connections accepted from it inherit this */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    }
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0) {
        return fd;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return -1;
}

enum err listener_create(struct loop *loop, const char *host, int port, accepted_fn *fn, void *user,
                         struct listener **ret_listener)
{
    char service[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    (void)snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(host, service, &hints, &found) != 0) {
        return ERR_IO;
    }
    int fd = -1, family = AF_UNSPEC;
    for (const struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next) {
        fd = socket_listening(at);
        family = at->ai_family;
    }
    freeaddrinfo(found);
    if (fd < 0) {
        return ERR_IO;
    }
    struct listener *l = mem_zalloc(sizeof *l);
    *l = (struct listener){.loop = loop, .fd = fd, .family = family, .fn = fn, .user = user};
    l->settled = loop_timer_create(loop, on_settled, l);
    l->watch = loop_watch_create(loop, fd, on_ready, l);
    loop_watch_set(l->watch, LOOP_READABLE);
    *ret_listener = l;
    return ERR_OK;
}

void listener_resume(struct listener *l)
{
    if (l->fd >= 0) {
        loop_watch_set(l->watch, LOOP_READABLE);
    }
}

void listener_stop(struct listener *l)
{
    l->is_stopping = true;
    if (hops_demand(l->fd, l->family, FURTHEST_TTL)) {
        loop_timer_set(l->settled, loop_now(l->loop).mono + LISTENER_SETTLE_MS);
    } else {
        on_settled(l); /* accepts as many as possible */
    }
}

bool listener_is_closed(const struct listener *l)
{
    return l->fd < 0;
}
