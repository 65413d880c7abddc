#include "http/listener.h"

#include <errno.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"

#define ACCEPTS_AT_ONCE 64 /* so that a flood of them leaves room for those who are there */

struct listener {
    struct loop *loop;
    int fd; /* -1 = closed */
    struct loop_watch *watch;
    struct loop_timer *settled;
    accepted_fn *fn;
    void *user;
};

static void rest(struct listener *l, int why)
{
    char text[64];
    loop_watch_set(l->watch, 0);
    log_line(LOG_WARN, "accept_failed", "reason=%s action=\"the next ones wait\"",
             LOG_Q(strerror_r(why, text, sizeof text)));
}

/* Of the connection that would have been next: there may be more behind it. */
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
    int on = 1;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
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
    int fd = -1;
    for (const struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next) {
        fd = socket_listening(at);
    }
    freeaddrinfo(found);
    if (fd < 0) {
        return ERR_IO;
    }
    struct listener *l = mem_zalloc(sizeof *l);
    *l = (struct listener){.loop = loop, .fd = fd, .fn = fn, .user = user};
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

/* A SYN is passed over from now on, all else is not. Who connects asks again in a second, and is
 * refused then. A mere close would reset those whose handshake is done and those in the middle of
 * one, who take themselves for connected, and may have sent a request that nobody dares to send
 * again. */
static bool syns_drop(int fd)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13), /* the flags: it begins with TCP's header */
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1), /* SYN without ACK */
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

void listener_stop(struct listener *l)
{
    if (syns_drop(l->fd)) {
        loop_timer_set(l->settled, loop_now(l->loop).mono + LISTENER_SETTLE_MS);
    } else {
        on_settled(l); /* a system without filters: as many as can be had */
    }
}

bool listener_is_closed(const struct listener *l)
{
    return l->fd < 0;
}
