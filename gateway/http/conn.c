#include "http/conn.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

struct conn *conn_of(struct lws *wsi)
{
    return lws_get_opaque_user_data(wsi);
}

struct conn *conn_of_exchange(const struct http_server *s, exchange_id id)
{
    if (id != 0 && s->writing != NULL && s->writing->id == id) {
        return s->writing;
    }
    return map_get(&s->exchanges, bytes_of(&id, sizeof id));
}

void conn_unlimit(struct conn *c)
{
    lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0);
}

void conn_unlimit_fresh(struct http_server *s)
{
    if (s->fresh != NULL) {
        conn_unlimit(s->fresh);
        s->fresh = NULL;
    }
}

int conn_opened(struct http_server *s, struct lws *wsi)
{
    struct conn *c = mem_zalloc(sizeof *c);
    c->server = s;
    c->wsi = wsi;
    intake_begin(&c->intake, s->fresh_fd, c);
    c->next = s->conns;
    if (s->conns != NULL) {
        s->conns->prev = c;
    }
    s->conns = c;
    conn_unlimit_fresh(s); /* a turn may accept thousands */
    s->fresh = c;
    s->counts.connections_open++;
    conn_enter(c, CONN_IDLE);
    lws_set_opaque_user_data(wsi, c);
    return 0;
}

static void list_leave(struct conn *c)
{
    struct conn_list *l = c->list;
    if (l == NULL) {
        return;
    }
    *(c->list_prev != NULL ? &c->list_prev->list_next : &l->first) = c->list_next;
    *(c->list_next != NULL ? &c->list_next->list_prev : &l->last) = c->list_prev;
    c->list_prev = c->list_next = NULL;
    c->list = NULL;
}

static void list_join(struct conn *c, struct conn_list *l)
{
    list_leave(c);
    c->list_prev = l->last;
    *(l->last != NULL ? &l->last->list_next : &l->first) = c;
    l->last = c;
    c->list = l;
}

void conn_enter(struct conn *c, enum conn_state state)
{
    c->state = state;
    c->since = loop_now(c->server->loop).mono;
}

void conn_exchange_begin(struct conn *c)
{
    c->id = ++c->server->last_id;
    map_put(&c->server->exchanges, bytes_of(&c->id, sizeof c->id), c);
}

void conn_exchange_end(struct conn *c)
{
    if (c->id != 0) {
        map_remove(&c->server->exchanges, bytes_of(&c->id, sizeof c->id));
        c->id = 0;
    }
}

void conn_gone(struct conn *c)
{
    exchange_id id = c->id;
    if (id == 0) {
        return;
    }
    conn_exchange_end(c);
    c->server->handler.gone(c->server->handler.user, id);
}

void conn_destroyed(struct conn *c)
{
    struct http_server *s = c->server;
    conn_gone(c);
    if (s->fresh == c) {
        s->fresh = NULL;
    }
    if (c->due_at > 0) {
        s->due[c->due_at - 1] = NULL;
    }
    if (c->is_socket) {
        s->counts.sockets_open--;
    }
    list_leave(c);
    intake_end(&c->intake);
    s->counts.connections_open--;
    if (c->prev != NULL) {
        c->prev->next = c->next;
    } else {
        s->conns = c->next;
    }
    if (c->next != NULL) {
        c->next->prev = c->prev;
    }
    lws_set_opaque_user_data(c->wsi, NULL);
    arena_free(&c->arena);
    conn_out_count(c, 0);
    buf_free(&c->out);
    free(c);
}

bool conn_serve(struct conn *c, short events)
{
    struct lws_pollfd it = {.fd = lws_get_socket_fd(c->wsi), .events = events, .revents = events};
    return lws_service_fd(c->server->context, &it) == 0;
}

void conn_hear_more(void *conn)
{
    struct conn *c = conn;
    c->says_more = true;
    conn_due(c);
}

void conn_unpace(struct conn *c)
{
    if (c->list == &c->server->paced) {
        list_leave(c);
    }
}

static void pace(struct conn *c)
{
    struct http_server *s = c->server;
    if (c->list != &s->paced) {
        if (s->paced.first == NULL) {
            loop_timer_set(s->pace, loop_now(s->loop).mono + PACE_MS);
        }
        list_join(c, &s->paced);
    }
}

static bool is_answered(const struct conn *c)
{
    return c->state == CONN_ASKED || c->state == CONN_HEAD || c->state == CONN_BODY;
}

void conn_rest_if_it_says_more(struct conn *c)
{
    bool says_more = c->says_more;
    c->says_more = false;
    if (!says_more || c->resting || c->killed || !is_answered(c)) {
        return;
    }
    if (c->wanted != 0) {
        /* WRITEABLE has to come once more, for libwebsockets to stop asking for it. */
        pace(c);
        if (!conn_serve(c, LWS_POLLOUT) || !is_answered(c)) {
            return;
        }
    }
    c->resting = true;
    (void)lws_rx_flow_control(c->wsi, 0);
}

void conn_stir(struct conn *c)
{
    conn_unpace(c);
    if (c->resting) {
        c->resting = false;
        (void)lws_rx_flow_control(c->wsi, 1);
    }
}

void conn_want(struct conn *c)
{
    if (c->killed) {
        return;
    }
    if (c->wanted == 0) {
        c->wanted = loop_now(c->server->loop).mono;
    }
    if (c->resting) {
        pace(c);
    } else if (c->list != &c->server->paced) {
        lws_callback_on_writable(c->wsi);
    }
}

void conn_kill(struct conn *c)
{
    if (!c->killed) {
        c->killed = true;
        c->server->kills++;
        /* SYNC closes at once: on libuv, LWS_TO_KILL_ASYNC waits for the next event of some
         * connection. */
        lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
    }
}

/* Closes by a reset: the data that the client never took leaves the kernel at once, not after
 * minutes of retransmission. */
static void give_up(struct conn *c)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(lws_get_socket_fd(c->wsi), SOL_SOCKET, SO_LINGER, &none, sizeof none);
    c->server->counts.stalled_total++;
}

void conn_drop_deaf(struct conn *c)
{
    give_up(c);
    conn_kill(c);
}

void conn_piece_set(struct conn *c, struct bytes piece)
{
    buf_clear(&c->out);
    buf_extend(&c->out, LWS_PRE);
    buf_add_bytes(&c->out, piece);
    conn_out_count(c, piece.len);
}

void conn_ask_handler(struct conn *c)
{
    struct http_server *s = c->server;
    c->woken = false;
    c->in_writable = true;
    s->writing = c;
    s->handler.writable(s->handler.user, c->id);
    s->writing = NULL;
    c->in_writable = false;
    size_t given = c->out.len > LWS_PRE ? c->out.len - LWS_PRE : 0;
    if (given == 0) {
        buf_clear(&c->out);
    }
    if (c->state == CONN_BODY && c->left > 0) {
        assert((int64_t)given <= c->left);
        c->left -= (int64_t)given;
    }
}

void conn_out_count(struct conn *c, size_t bytes)
{
    c->server->counts.waiting_bytes -= c->out_counted;
    c->server->counts.waiting_bytes += bytes;
    c->out_counted = bytes;
}

bool conn_may_wait(struct conn *c)
{
    struct http_server *s = c->server;
    if (s->handler.full(s->handler.user)) {
        give_up(c);
        return false;
    }
    return true;
}

#define ARENA_USUAL_BYTES 1024 /* an arena's first block, which every connection may keep */

/* A call keeps some of the head too, for as long: so a large one counts twice. */
bool conn_has_room(struct conn *c)
{
    size_t bytes = c->arena.used_bytes;
    return intake_hold(&c->intake, bytes > ARENA_USUAL_BYTES ? 2 * bytes : 0);
}

void conn_forget_head(struct conn *c)
{
    arena_free(&c->arena);
    (void)intake_hold(&c->intake, 0);
}

void conn_out_reserve(struct conn *c, size_t bytes)
{
    struct http_server *s = c->server;
    if (c->out.cap == 0 && bytes <= OUT_BYTES_USUAL && s->spare_count > 0) {
        c->out = s->spare[--s->spare_count];
        buf_clear(&c->out);
    }
    buf_reserve(&c->out, bytes);
}

/* Most connections have nothing to send most of the time, so none keeps a buffer. */
void conn_out_reset(struct conn *c)
{
    struct http_server *s = c->server;
    conn_out_count(c, 0);
    c->out_sent = 0;
    if (c->out.cap == OUT_BYTES_USUAL && s->spare_count < OUT_SPARES_MAX) {
        s->spare[s->spare_count++] = c->out;
        c->out = (struct buf){0};
    } else {
        buf_free(&c->out);
    }
}

bool conn_send(struct conn *c, enum lws_write_protocol how)
{
    size_t len = c->out.len - LWS_PRE;
    int sent = lws_write(c->wsi, c->out.ptr + LWS_PRE, len, how);
    if (sent < (int)len) {
        return false;
    }
    c->server->counts.bytes_sent_total += len;
    conn_out_reset(c);
    bool waits = lws_partial_buffered(c->wsi);
    conn_out_count(c, waits ? len : 0);
    return !waits || conn_may_wait(c);
}

size_t conn_send_some(struct conn *c, struct bytes piece)
{
    return conn_send_pieces(c, piece, NULL, 0);
}

#define PIECES_PER_WRITE 1024 /* Linux's IOV_MAX */

size_t conn_send_pieces(struct conn *c, struct bytes front, const struct bytes *pieces,
                        size_t count)
{
    static struct iovec iov[PIECES_PER_WRITE]; /* loop's thread only */
    size_t n = 0;
    if (lws_partial_buffered(c->wsi)) {
        return 0;
    }
    if (front.len > 0) {
        iov[n++] = (struct iovec){(void *)(uintptr_t)front.ptr, front.len};
    }
    for (size_t i = 0; i < count && n < PIECES_PER_WRITE; i++) {
        iov[n++] = (struct iovec){(void *)(uintptr_t)pieces[i].ptr, pieces[i].len};
    }
    struct msghdr what = {.msg_iov = iov, .msg_iovlen = n};
    ssize_t sent = sendmsg(lws_get_socket_fd(c->wsi), &what, MSG_NOSIGNAL);
    c->broken = c->broken || (sent < 0 && errno != EAGAIN && errno != EINTR);
    size_t gone = sent > 0 ? (size_t)sent : 0;
    c->server->counts.bytes_sent_total += gone;
    return gone;
}

/* If only a part of it were sent, the client would take it for the beginning of the answer. */
bool conn_say_continue(struct conn *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    size_t gone = conn_send_some(c, bytes_str(text));
    return !c->broken && (gone == 0 || gone == strlen(text));
}
