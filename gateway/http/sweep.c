/* What no client may do for long, looked at twice a second. */
#include <poll.h>
#include <sys/socket.h>

#include "http/conn.h"
#include "http/heads.h"
#include "http/listener.h"
#include "http/lobby.h"

#define SWEEP_MS 500 /* how finely time-outs of connections are looked at */
/* libwebsockets looks through all tables of headers at the end of a connection: where thousands of
 * them end, those who are at work get their turns in between. */
#define KILLS_AT_ONCE 16
#define SWEEP_ON_MS   5
/* Of a stall's limit this part is left for what comes between: the sweep's pace, two turns in which
 * ten thousand clients are written to (most of a second each), the closing of a thousand (0.4 s).
 */
#define STALL_MARGIN(limit) ((limit) / 4)

static bool waits(const struct conn *c)
{
    return c->state == CONN_ASKED || (c->state == CONN_BODY && c->left < 0);
}

/* A client that has ended its half may have gone, or may only have no more to ask: the same to us
 * until something is said to it. "100 Continue" may be said to every client of HTTP/1.1 at any time
 * before an answer, and brings a reset from who has gone. To one of HTTP/1.0 it may not: its call
 * waits for its answer, and that for its own time limit. */
static void probe(struct conn *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (c->interim && !c->probed) {
        c->probed = true;
        (void)conn_send_some(c, bytes_str(text));
    }
}

/* Of one who waits for an answer, or for more of a stream, and whom libwebsockets does not read
 * meanwhile. A stream ends with the client's half: it has no end of its own, at which an answer to
 * nobody would be noticed. */
static bool client_left(struct conn *c)
{
    struct pollfd it = {.fd = lws_get_socket_fd(c->wsi), .events = POLLRDHUP};
    if (poll(&it, 1, 0) <= 0) {
        return false;
    }
    if ((it.revents & (POLLERR | POLLHUP)) != 0 || c->state != CONN_ASKED) {
        return true;
    }
    probe(c);
    return false;
}

/* Its answer is under way, and something is behind its request already: libwebsockets cannot be
 * asked for room without being told again and again of what there is to read. */
static bool says_more(const struct conn *c)
{
    struct pollfd it = {.fd = lws_get_socket_fd(c->wsi), .events = POLLIN | POLLRDHUP};
    bool answered = c->state == CONN_HEAD || (c->state == CONN_BODY && c->left >= 0);
    return answered && c->list != &c->server->paced && poll(&it, 1, 0) > 0;
}

/* WRITEABLE comes once more, so that it is not asked for any longer. */
void conn_pace_if_it_says_more(struct conn *c)
{
    struct lws_pollfd room = {
        .fd = lws_get_socket_fd(c->wsi), .events = LWS_POLLOUT, .revents = LWS_POLLOUT};
    if (!says_more(c)) {
        return;
    }
    conn_pace(c);
    if (lws_service_fd(c->server->context, &room) != 0) {
        c->killed = true; /* its write has failed */
    } else if (c->list == &c->server->paced) {
        conn_rest(c);
    }
}

static void conn_sweep(struct conn *c, mono_ms now)
{
    const struct http_options *o = &c->server->options;
    mono_ms age = now - c->since;
    bool late = (c->state == CONN_IDLE && age > (c->served ? o->idle_ms : o->header_ms)) ||
                (c->state == CONN_READING && age > o->body_ms) ||
                (c->state == CONN_LINGER && age > LINGER_MS) ||
                (c->state == CONN_UPGRADING && age > o->header_ms) ||
                (c->state == CONN_CLOSING && age > CLOSE_MS);
    if (late || (waits(c) && client_left(c))) {
        conn_kill(c);
    } else if (c->wanted != 0 && now - c->wanted > o->stall_ms - STALL_MARGIN(o->stall_ms)) {
        conn_drop_deaf(c);
    } else if (c->state == CONN_SOCKET && !c->killed) {
        socket_conn_sweep(c, now);
    } else if (c->wanted == 0 && waits(c)) {
        conn_rest(c);
    } else if (c->wanted != 0) {
        conn_pace_if_it_says_more(c);
    }
}

void conns_sweep(void *server)
{
    struct http_server *s = server;
    mono_ms now = loop_now(s->loop).mono;
    size_t kills = s->kills;
    struct conn *next;
    for (struct conn *c = s->conns; c != NULL && s->kills - kills < KILLS_AT_ONCE; c = next) {
        next = c->next;
        conn_sweep(c, now);
    }
    bool all = s->kills - kills < KILLS_AT_ONCE;
    lobby_sweep(s->lobby, s->options.header_ms);
    heads_sweep();
    listener_resume(s->listener);
    loop_timer_set(s->sweep, now + (all ? SWEEP_MS : SWEEP_ON_MS));
}
