/* Limits on what a client may do for long, checked twice a second. */
#include <poll.h>
#include <sys/ioctl.h>

#include "http/conn.h"
#include "http/listener.h"
#include "http/lobby.h"

#define SWEEP_MS 500 /* the resolution of connections' time-outs */
/* libwebsockets walks all header tables at the end of a connection: when thousands end, the others
 * get their turns in between. */
#define KILLS_AT_ONCE 16
/* What clients send after the current request stays in the kernel: up to 128 KiB each, and more of
 * a client that has sent much before (its window, up to the last value of net.ipv4.tcp_rmem). This
 * bounds the total, as a share of what deploy/ leaves to the kernel; above it, clients with more
 * than a little are closed. Between two sweeps it can be exceeded by what arrives meanwhile
 * (measured on loopback: 141 MiB from 40 clients that had sent much). A bound on each one's window
 * would slow large bodies down. */
#define UNREAD_BYTES_MAX    (16u << 20)
#define UNREAD_LITTLE_BYTES 4096u
#define SWEEP_ON_MS         5

static bool waits(const struct conn *c)
{
    return c->state == CONN_ASKED || (c->state == CONN_BODY && c->left < 0);
}

/* For a client that waits for an answer, or for more of a stream, and has sent more: libwebsockets
 * does not look at it meanwhile. A client that has ended its half may have gone, or may just have
 * no more to ask; only sending something to it can tell. "100 Continue" may be sent to every
 * HTTP/1.1 client at any time before an answer, and provokes a reset from one that has gone. To an
 * HTTP/1.0 client it may not be sent: its call waits for its answer, and that for its own time
 * limit. A stream ends when the client ends its half: since a stream has no end of its own, nothing
 * else would ever notice that nobody listens. */
static bool client_left(struct conn *c)
{
    struct pollfd it = {.fd = lws_get_socket_fd(c->wsi), .events = POLLRDHUP};
    if (poll(&it, 1, 0) <= 0) {
        return false;
    }
    if ((it.revents & (POLLERR | POLLHUP)) != 0 || c->state != CONN_ASKED) {
        return true;
    }
    bool told = c->probed || !c->interim;
    c->probed = true;
    return !told && !conn_say_continue(c);
}

/* A head that follows another request has as much time as the first one. */
static bool drips(struct conn *c, mono_ms now)
{
    if (c->state != CONN_IDLE || !intake_holds(&c->intake)) {
        c->begun = 0;
        return false;
    }
    if (c->begun == 0) {
        c->begun = now;
    }
    return now - c->begun > c->server->options.header_ms;
}

static bool is_deaf(struct conn *c, mono_ms now)
{
    struct taking_moment m = {.now = now};
    if (c->wanted != 0 && taking_is_owed(lws_get_socket_fd(c->wsi), &m.taken)) {
        m.wanted = c->wanted;
    }
    return !taking_goes_on(&c->taking, m, c->server->options.stall_ms);
}

static size_t unread_bytes(const struct conn *c)
{
    int unread = 0;
    bool is_told = c->resting && ioctl(lws_get_socket_fd(c->wsi), FIONREAD, &unread) == 0;
    return is_told ? (size_t)unread : 0;
}

/* *sum: in: of the clients before it; out: including it. */
static bool says_too_much(const struct conn *c, size_t *sum)
{
    size_t unread = unread_bytes(c);
    bool is_full = *sum + unread > UNREAD_BYTES_MAX && unread > UNREAD_LITTLE_BYTES;
    *sum += is_full ? 0 : unread;
    return is_full;
}

static void conn_sweep(struct conn *c, mono_ms now, size_t *unread)
{
    const struct http_options *o = &c->server->options;
    mono_ms age = now - c->since;
    bool late = drips(c, now) ||
                (c->state == CONN_IDLE && age > (c->served ? o->idle_ms : o->header_ms)) ||
                (c->state == CONN_READING && age > o->body_ms) ||
                (c->state == CONN_LINGER && age > (c->in_vain ? o->body_ms : LINGER_MS)) ||
                (c->state == CONN_UPGRADING && age > o->header_ms) ||
                (c->state == CONN_CLOSING && age > CLOSE_MS);
    if (late || (c->resting && waits(c) && client_left(c))) {
        conn_kill(c);
    } else if (is_deaf(c, now) || says_too_much(c, unread)) {
        conn_drop_deaf(c);
    } else if (c->state == CONN_SOCKET && !c->killed) {
        socket_conn_sweep(c, now);
    }
}

void conns_sweep(void *server)
{
    struct http_server *s = server;
    mono_ms now = loop_now(s->loop).mono;
    size_t kills = s->kills, unread = 0;
    struct conn *next;
    for (struct conn *c = s->conns; c != NULL && s->kills - kills < KILLS_AT_ONCE; c = next) {
        next = c->next;
        conn_sweep(c, now, &unread);
    }
    bool all = s->kills - kills < KILLS_AT_ONCE;
    lobby_sweep(s->lobby, s->options.header_ms);
    listener_resume(s->listener);
    loop_timer_set(s->sweep, now + (all ? SWEEP_MS : SWEEP_ON_MS));
}
