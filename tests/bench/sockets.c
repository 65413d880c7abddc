/* Many WebSockets on one task, and when each message reached each of them.
 *
 * Watchers are other machines, and cost a gateway nothing but the send. These share its cores:
 * woken by each message, this process would stop the gateway two hundred times a message, to read
 * five sockets at a time. So it looks only each LOOK_EVERY_US; an arrival is the moment at which it
 * was read, later than it was there, never earlier. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "load.h"

#define SEQ_MAX       4096u /* messages whose arrivals are kept */
#define LOOK_EVERY_US 500

struct sock {
    int fd; /* -1: closed */
    struct buf in;
    bool upgraded, ready; /* ready: has had the state */
};

struct arrivals {
    unix_ms said; /* the message's timestamp */
    int64_t first_us, last_us, last_wall_us;
    unsigned count;
};

struct crowd {
    int epoll;
    unsigned count, ready, open;
    struct sock *socks;
    struct arrivals by_seq[SEQ_MAX];
    unsigned messages;
};

static void sock_open(struct crowd *c, unsigned i, const struct load_options *o)
{
    struct sock *s = &c->socks[i];
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)o->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct buf text = {0};
    buf_addf(&text,
             "GET %s HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
             o->path);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&to, sizeof to) != 0 ||
        send(s->fd, text.ptr, text.len, MSG_NOSIGNAL) != (ssize_t)text.len) {
        fprintf(stderr, "bench: WebSocket %u: %s\n", i, strerror(errno));
        exit(3);
    }
    buf_free(&text);
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
    (void)epoll_ctl(c->epoll, EPOLL_CTL_ADD, s->fd, &e);
    c->open++;
}

static void sock_close(struct crowd *c, struct sock *s)
{
    close(s->fd);
    s->fd = -1;
    buf_free(&s->in);
    c->open--;
}

static void take_text(struct crowd *c, struct sock *s, struct bytes text)
{
    int64_t now = clock_mono_us();
    if (!s->ready) {
        s->ready = true;
        c->ready++;
        return;
    }
    /* "timestamp" and "seq" are the last members of every message. */
    struct bytes end = bytes_part(text, text.len > 80 ? text.len - 80 : 0, 80);
    const char *said = memmem(end.ptr, end.len, "\"timestamp\":\"", 13);
    const char *at = memmem(end.ptr, end.len, "\"seq\":", 6);
    unsigned long seq = at != NULL ? strtoul(at + 6, NULL, 10) : SEQ_MAX;
    if (seq < SEQ_MAX && said != NULL) {
        struct arrivals *a = &c->by_seq[seq];
        if (a->count++ == 0) {
            a->first_us = now;
            struct bytes when = bytes_of(said + 13, strcspn(said + 13, "\""));
            if (time_parse(when, &a->said) != ERR_OK) {
                fprintf(stderr, "bench: a message without a time: %.80s\n", (const char *)end.ptr);
                exit(3);
            }
        }
        a->last_us = now;
        a->last_wall_us = wall_us();
    }
    c->messages++;
}

/* One whole frame at the front of in: its length, and its payload; 0: not whole yet. Servers do not
 * mask. */
static size_t frame_at(struct bytes in, struct bytes *ret_payload)
{
    size_t head = 2;
    if (in.len < head) {
        return 0;
    }
    uint64_t len = in.ptr[1] & 0x7f;
    unsigned more = len == 126 ? 2 : len == 127 ? 8 : 0;
    if (in.len < head + more) {
        return 0;
    }
    for (unsigned i = 0; i < more; i++) {
        len = (i == 0 ? 0 : len << 8) | in.ptr[head + i];
    }
    head += more;
    *ret_payload = bytes_part(in, head, (size_t)len);
    return in.len >= head + len ? head + (size_t)len : 0;
}

static void sock_take(struct crowd *c, struct sock *s)
{
    struct bytes in = buf_bytes(&s->in);
    if (!s->upgraded) {
        const uint8_t *end = memmem(in.ptr, in.len, "\r\n\r\n", 4);
        if (end == NULL) {
            return;
        }
        if (in.len < 12 || memcmp(in.ptr + 9, "101", 3) != 0) {
            fprintf(stderr, "bench: the upgrade was answered with %.60s\n", (const char *)in.ptr);
            exit(3);
        }
        s->upgraded = true;
        in = bytes_part(in, (size_t)(end - in.ptr) + 4, in.len);
    }
    struct bytes payload;
    for (size_t n; (n = frame_at(in, &payload)) > 0; in = bytes_part(in, n, in.len)) {
        if ((in.ptr[0] & 0x0f) == 1) {
            take_text(c, s, payload);
        }
    }
    if (in.len == 0) {
        buf_free(&s->in); /* ten thousand idle ones keep no buffers */
    } else {
        buf_drop_front(&s->in, s->in.len - in.len);
    }
}

static void sock_read(struct crowd *c, struct sock *s)
{
    uint8_t part[65536];
    ssize_t n = recv(s->fd, part, sizeof part, MSG_DONTWAIT);
    if (n > 0) {
        buf_add(&s->in, part, (size_t)n);
        sock_take(c, s);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        sock_close(c, s);
    }
}

static bool turn(struct crowd *c, int ms)
{
    struct epoll_event events[512];
    bool stdin_open = true;
    int n = epoll_wait(c->epoll, events, 512, ms);
    for (int i = 0; i < n; i++) {
        if (events[i].data.u32 == UINT32_MAX) {
            char rest[64];
            stdin_open = read(0, rest, sizeof rest) > 0;
        } else if (c->socks[events[i].data.u32].fd >= 0) {
            sock_read(c, &c->socks[events[i].data.u32]);
        }
    }
    return stdin_open;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Sorts. */
static void print_p50_and_max(const char *name, int64_t *us, size_t n)
{
    qsort(us, n, sizeof *us, by_value);
    printf(",\"%s_p50_ms\":%.3f,\"%s_max_ms\":%.3f", name, n > 0 ? (double)us[n / 2] / 1000 : 0,
           name, n > 0 ? (double)us[n - 1] / 1000 : 0);
}

static void report(struct crowd *c)
{
    int64_t *spread = mem_zalloc(SEQ_MAX * sizeof *spread);
    int64_t *since = mem_zalloc(SEQ_MAX * sizeof *since);
    size_t n = 0;
    unsigned short_of = 0;
    for (unsigned i = 0; i < SEQ_MAX; i++) {
        const struct arrivals *a = &c->by_seq[i];
        if (a->count > 0) {
            spread[n] = a->last_us - a->first_us;
            since[n++] = a->last_wall_us - a->said * 1000;
            short_of += a->count != c->count;
        }
    }
    printf("{\"sockets\":%u,\"messages\":%u,\"events\":%zu,\"incomplete\":%u", c->count,
           c->messages, n, short_of);
    print_p50_and_max("spread", spread, n);
    print_p50_and_max("since", since, n);
    printf("}\n");
    free(spread);
    free(since);
}

static void pause_a_little(void)
{
    struct timespec t = {.tv_nsec = LOOK_EVERY_US * 1000};
    (void)nanosleep(&t, NULL);
}

int load_sockets(const struct load_options *o)
{
    struct rlimit files;
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    struct crowd *c = mem_zalloc(sizeof *c);
    c->count = o->conns;
    c->socks = mem_zalloc(o->conns * sizeof *c->socks);
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < o->conns; i++) {
        sock_open(c, i, o);
        while (i + 1 - c->ready > 256) { /* not more upgrades at once than a backlog takes */
            (void)turn(c, 100);
        }
    }
    while (c->ready < c->count && c->open > 0) {
        (void)turn(c, 100);
    }
    printf("{\"open\":%u}\n", c->open);
    (void)fflush(stdout);
    memset(c->by_seq, 0, sizeof c->by_seq); /* what came while some were not there yet */
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    (void)epoll_ctl(c->epoll, EPOLL_CTL_ADD, 0, &e);
    while (c->open > 0 && turn(c, 1000)) {
        pause_a_little();
    }
    report(c);
    for (unsigned i = 0; i < c->count; i++) {
        if (c->socks[i].fd >= 0) {
            sock_close(c, &c->socks[i]);
        }
    }
    close(c->epoll);
    free(c->socks);
    free(c);
    return 0;
}
