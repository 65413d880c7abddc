#include "pool.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct link {
    struct pool *pool;
    int fd;
    struct buf in, out;
    size_t out_at;
    uint64_t tags[POOL_DEPTH_MAX]; /* a ring: answers come in order */
    unsigned first, count;
    bool writing; /* the socket was full: epoll says when it is not */
};

struct pool {
    int epoll, port;
    unsigned conns, depth, outstanding, next;
    struct link *links;
    struct pool_user user;
};

static void give_up(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(3);
}

static void link_interest(struct link *l, int op, bool writing)
{
    struct epoll_event e = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = l};
    l->writing = writing;
    if (epoll_ctl(l->pool->epoll, op, l->fd, &e) != 0) {
        give_up("epoll_ctl");
    }
}

static void link_connect(struct link *l)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)l->pool->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&to, sizeof to) != 0) {
        give_up("cannot connect to the gateway");
    }
    (void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    link_interest(l, EPOLL_CTL_ADD, false);
}

/* The requests without an answer are reported as lost, and the connection is made anew. */
static void link_lost(struct link *l)
{
    close(l->fd);
    buf_clear(&l->in);
    buf_clear(&l->out);
    l->out_at = 0;
    while (l->count > 0) {
        struct pool_answer a = {.tag = l->tags[l->first]};
        l->first = (l->first + 1) % POOL_DEPTH_MAX;
        l->count--;
        l->pool->outstanding--;
        l->pool->user.answer(l->pool->user.user, &a);
    }
    link_connect(l);
}

/* Where the head ends, and how long the body is; 0: not whole yet. */
static size_t head_length(struct bytes in, size_t *ret_body)
{
    const uint8_t *end = in.len == 0 ? NULL : memmem(in.ptr, in.len, "\r\n\r\n", 4);
    *ret_body = 0;
    if (end == NULL) {
        return 0;
    }
    size_t head = (size_t)(end - in.ptr) + 4;
    for (const uint8_t *line = in.ptr; line < end; line++) {
        line = memchr(line, '\n', (size_t)(end - line) + 2);
        if (line >= end) {
            break;
        }
        if (strncasecmp((const char *)line + 1, "content-length:", 15) == 0) {
            *ret_body = strtoul((const char *)line + 16, NULL, 10);
        }
    }
    return head;
}

static void link_answers(struct link *l)
{
    struct bytes in = buf_bytes(&l->in);
    while (l->count > 0) {
        size_t body;
        size_t head = head_length(in, &body);
        if (head == 0 || in.len < head + body) {
            break;
        }
        struct pool_answer a = {.tag = l->tags[l->first],
                                .status = atoi((const char *)in.ptr + 9),
                                .head = bytes_of(in.ptr, head),
                                .body = bytes_of(in.ptr + head, body)};
        l->first = (l->first + 1) % POOL_DEPTH_MAX;
        l->count--;
        l->pool->outstanding--;
        in = bytes_part(in, head + body, in.len);
        l->pool->user.answer(l->pool->user.user, &a);
    }
    buf_drop_front(&l->in, l->in.len - in.len);
}

static bool link_read(struct link *l)
{
    for (;;) {
        buf_reserve(&l->in, 65536);
        ssize_t n = recv(l->fd, l->in.ptr + l->in.len, l->in.cap - l->in.len, MSG_DONTWAIT);
        if (n > 0) {
            l->in.len += (size_t)n;
            if (l->in.len < l->in.cap) {
                break;
            }
            continue;
        }
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            break;
        }
        return false;
    }
    link_answers(l);
    return true;
}

static bool link_write(struct link *l)
{
    while (l->out_at < l->out.len) {
        ssize_t n = send(l->fd, l->out.ptr + l->out_at, l->out.len - l->out_at,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return false;
        }
        if (n < 0) {
            break;
        }
        l->out_at += (size_t)n;
    }
    bool full = l->out_at < l->out.len;
    if (!full) {
        buf_clear(&l->out);
        l->out_at = 0;
    }
    if (full != l->writing) {
        link_interest(l, EPOLL_CTL_MOD, full);
    }
    return true;
}

struct pool *pool_open(int port, unsigned conns, unsigned depth, struct pool_user user)
{
    struct pool *p = mem_zalloc(sizeof *p);
    *p = (struct pool){.port = port, .conns = conns, .depth = depth, .user = user};
    if (p->depth > POOL_DEPTH_MAX) {
        p->depth = POOL_DEPTH_MAX;
    }
    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    p->links = mem_zalloc(conns * sizeof *p->links);
    for (unsigned i = 0; i < conns; i++) {
        p->links[i].pool = p;
        link_connect(&p->links[i]);
    }
    return p;
}

static void pool_fill(struct pool *p)
{
    for (unsigned i = 0; i < p->conns; i++) {
        struct link *l = &p->links[p->next++ % p->conns];
        bool added = false;
        while (l->count < p->depth && !l->writing) {
            uint64_t tag;
            if (!p->user.next(p->user.user, &l->out, &tag)) {
                break;
            }
            l->tags[(l->first + l->count++) % POOL_DEPTH_MAX] = tag;
            p->outstanding++;
            added = true;
        }
        if (added && !link_write(l)) {
            link_lost(l);
        }
    }
}

void pool_turn(struct pool *p, int ms)
{
    struct epoll_event events[256];
    pool_fill(p);
    int n = epoll_wait(p->epoll, events, 256, ms);
    for (int i = 0; i < n; i++) {
        struct link *l = events[i].data.ptr;
        bool good = true;
        if ((events[i].events & EPOLLOUT) != 0) {
            good = link_write(l);
        }
        if (good && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
            good = link_read(l);
        }
        if (!good) {
            link_lost(l);
        }
    }
}

unsigned pool_outstanding(const struct pool *p)
{
    return p->outstanding;
}

void pool_close(struct pool *p)
{
    for (unsigned i = 0; i < p->conns; i++) {
        close(p->links[i].fd);
        buf_free(&p->links[i].in);
        buf_free(&p->links[i].out);
    }
    close(p->epoll);
    free(p->links);
    free(p);
}

void request_get(struct buf *out, const char *path)
{
    buf_addf(out, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path);
}

void request_post(struct buf *out, const char *path, struct bytes json)
{
    buf_addf(out,
             "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n",
             path, json.len);
    buf_add_bytes(out, json);
}
