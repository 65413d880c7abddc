/* Ends a server without losing a request. Clients that have not begun to connect are not let in any
 * more; every answer says that it is the last of its connection; and a connection that is owed no
 * answer is closed only after it has been silent for so long that no request can be on its way. */
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "http/conn.h"
#include "http/listener.h"
#include "http/lobby.h"

#define QUIET_MS 250 /* longer than the 200 ms after which lost packets are retransmitted */

void server_drain(struct http_server *s)
{
    s->draining = true;
    s->drain_begun = loop_now(s->loop).mono;
    listener_stop(s->listener);
}

/* Asks the kernel, since libwebsockets may not have read half a head yet. */
static bool is_silent(const struct conn *c)
{
    int fd = lws_get_socket_fd(c->wsi), unread = 0;
    struct tcp_info info;
    socklen_t len = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
        ioctl(fd, FIONREAD, &unread) != 0) {
        return true; /* it is gone */
    }
    return unread == 0 && info.tcpi_last_data_recv >= QUIET_MS; /* or since it was accepted */
}

static bool is_quiet(const struct conn *c)
{
    if (c->state == CONN_CLOSING) {
        return true; /* a WebSocket whose Close is sent: its input is no request */
    }
    bool owes = c->state != CONN_IDLE && c->state != CONN_LINGER;
    return !owes && is_silent(c);
}

bool server_quiet(const struct http_server *s)
{
    if (s->exchanges.count > 0 || !listener_is_closed(s->listener)) {
        return false;
    }
    bool alone = s->conns == NULL && lobby_count(s->lobby) == 0;
    if (!alone && loop_now(s->loop).mono - s->drain_begun < QUIET_MS) {
        return false;
    }
    if (!lobby_quiet(s->lobby, QUIET_MS)) {
        return false;
    }
    for (const struct conn *c = s->conns; c != NULL; c = c->next) {
        if (!is_quiet(c)) {
            return false;
        }
    }
    return true;
}

void server_end(struct http_server *s)
{
    for (struct conn *c = s->conns; c != NULL; c = c->next) {
        (void)shutdown(lws_get_socket_fd(c->wsi), SHUT_WR);
    }
    lobby_end(s->lobby);
}
