/* HTTP/1.1 requests and their answers. */
#include <assert.h>
#include <sys/socket.h>

#include "http/conn.h"

/* The request is complete. */
static void deliver(struct conn *c)
{
    struct http_server *s = c->server;
    struct shared *lender = NULL;
    if (c->has_body && c->request.fault == CODE_NONE) {
        const char *why;
        enum code fault = intake_fault(&c->intake, &why);
        if (fault != CODE_NONE) {
            request_refuse(&c->request, fault, why);
            c->close_after = true;
        }
    }
    if (c->has_body && c->request.fault == CODE_NONE) {
        c->request.body = intake_body(&c->intake, &lender);
        c->request.lender = lender;
    }
    c->close_after = c->close_after || c->intake.dropped;
    conn_enter(c, CONN_ASKED);
    s->handler.request(s->handler.user, c->id, &c->request);
    c->request.body = BYTES_NONE;
    c->request.lender = NULL;
    shared_drop(lender);
}

/* A client without permission uses none of the room for bodies, and need not send its own. */
static bool is_in_vain(const struct conn *c)
{
    const struct http_server *s = c->server;
    return c->request.fault != CODE_NONE || !s->handler.wants_body(s->handler.user, &c->request);
}

/* Ends it at the end of the turn, since libwebsockets is inside its read. */
static void end_soon(struct conn *c)
{
    c->broken = true;
    conn_due(c);
}

void http_conn_request(void *conn)
{
    struct conn *c = conn;
    const struct head *h = intake_head(&c->intake);
    assert(c->state == CONN_IDLE);
    request_read(c, h);
    if (!conn_has_room(c)) {
        request_refuse(&c->request, CODE_OVERLOADED,
                       "unfinished requests fill this gateway's memory: try again in a second");
    }
    c->head_only = bytes_is(c->request.method, "HEAD");
    c->close_after = c->server->draining || h->is_last || c->request.fault != CODE_NONE;
    c->begun = 0;
    c->other_version = h->other_version;
    c->finished = false;
    c->woken = false;
    c->probed = false;
    conn_exchange_begin(c);
    conn_enter(c, CONN_READING);
    if (c->intake.at == INTAKE_BODY && is_in_vain(c)) {
        intake_refuse(&c->intake);
        c->has_body = false;
        c->in_vain = true;
        c->close_after = true;
        deliver(c);
        return;
    }
    bool waits = c->interim && c->has_body && c->request.fault == CODE_NONE &&
                 head_list_has(h->fields[HEAD_EXPECT], "100-continue");
    if (waits && !conn_say_continue(c)) {
        end_soon(c);
    } else if (c->intake.at == INTAKE_ANSWER) {
        deliver(c);
    }
}

void http_conn_whole(void *conn)
{
    deliver(conn);
}

/* Keeps reading until the client has read the answer and closed: closing with unread input would
 * reset the connection, and with it an answer still on its way (RFC 9112, 9.6). */
static int linger(struct conn *c)
{
    conn_enter(c, CONN_LINGER);
    intake_refuse(&c->intake);
    arena_free(&c->arena);
    (void)shutdown(lws_get_socket_fd(c->wsi), SHUT_WR);
    return 0;
}

/* The answer is sent completely. The return value ends or keeps the connection. */
static int answer_end(struct conn *c)
{
    bool says_more =
        c->resting || c->says_more || intake_holds(&c->intake) || c->intake.at == INTAKE_REFUSED;
    conn_exchange_end(c);
    if (c->close_after) {
        conn_stir(c);
        return says_more || c->request.fault != CODE_NONE ? linger(c) : -1;
    }
    conn_enter(c, CONN_IDLE);
    c->served = true;
    arena_free(&c->arena); /* keeps its first block for the next request */
    intake_next(&c->intake);
    if (intake_is_ready(&c->intake)) {
        /* a resting connection may continue to rest: its next request is already here */
        conn_due(c);
    } else {
        conn_stir(c);
    }
    return 0;
}

/* Writes as much as the socket takes. True: everything is sent. */
static bool out_send(struct conn *c)
{
    struct bytes rest = bytes_part(buf_bytes(&c->out), LWS_PRE + c->out_sent, c->out.len);
    size_t gone = conn_send_some(c, rest);
    c->out_sent += gone;
    if (gone < rest.len) {
        c->broken = c->broken || !conn_may_wait(c);
        if (!c->broken) {
            conn_want(c);
        }
        return false;
    }
    conn_out_reset(c);
    return true;
}

/* Writes the head, with as much of the body as is ready, in one write. */
static int head_send(struct conn *c)
{
    if (c->head_only) {
        c->out.len = c->head_bytes;
    }
    if (!out_send(c)) {
        conn_forget_head(c);
        return c->broken ? -1 : 0;
    }
    if (c->head_only && c->left != 0) {
        c->left = 0;
        conn_gone(c);
    }
    if (c->left == 0 || c->finished) {
        return answer_end(c);
    }
    conn_enter(c, CONN_BODY);
    conn_forget_head(c);
    if (c->woken) {
        conn_want(c);
    }
    return 0;
}

static int body_send(struct conn *c)
{
    if (c->out.len > 0 && !out_send(c)) {
        return c->broken ? -1 : 0;
    }
    if (c->left == 0) {
        return answer_end(c);
    }
    if (c->finished) {
        c->close_after = true; /* the length was unknown, or was not reached */
        return answer_end(c);
    }
    if (c->woken) {
        conn_want(c);
    }
    return 0;
}

static int on_writable(struct conn *c)
{
    c->wanted = 0;
    switch (c->state) {
    case CONN_HEAD:
        return head_send(c);
    case CONN_BODY:
        c->lent = false;
        if (c->woken && c->out.len == 0 && !c->finished) {
            conn_ask_handler(c);
        }
        if (c->broken) {
            return -1;
        }
        return c->out.len > 0 || c->finished || c->lent ? body_send(c) : 0;
    case CONN_IDLE:
    case CONN_READING:
    case CONN_ASKED:
    case CONN_LINGER:
    case CONN_UPGRADING:
    case CONN_SOCKET:
    case CONN_CLOSING:
        return 0;
    }
    return 0;
}

size_t http_conn_lend(struct conn *c, const struct bytes *pieces, size_t count)
{
    size_t gone = conn_send_pieces(c, BYTES_NONE, pieces, count);
    c->lent = true;
    if (c->left >= 0) { /* not a stream */
        assert((int64_t)gone <= c->left);
        c->left -= (int64_t)gone;
    }
    return gone;
}

/* Shows libwebsockets a handshake: the POST that it was shown counts as answered now. It first
 * wants to be told that there is room to write, which we do here; finding out by itself would cost
 * a turn and four system calls. c may be gone afterwards. */
static void handshake_show(struct conn *c)
{
    conn_stir(c);
    c->broken = lws_http_transaction_completed(c->wsi) != 0;
    conn_unlimit(c);
    if (conn_serve(c, LWS_POLLOUT) && !c->killed) {
        (void)conn_serve(c, LWS_POLLIN);
    }
}

/* At the end of the turn, as in socket_conn_write. WRITEABLE events continue what this does not
 * finish, and end the connection. */
static void answer_write(struct conn *c)
{
    bool room = c->wanted == 0 && !c->broken;
    if (room && c->state == CONN_HEAD) {
        c->broken = head_send(c) != 0;
    } else if (room && c->woken && c->out.len == 0 && !c->finished) {
        conn_ask_handler(c);
        if (c->out.len > 0) {
            (void)out_send(c);
        }
    }
    if (c->broken) {
        return;
    }
    if (c->state == CONN_HEAD || (c->state == CONN_BODY && (c->woken || c->finished))) {
        conn_want(c);
    }
}

void http_conn_write(struct conn *c)
{
    if (c->killed) {
        return;
    }
    if (c->state == CONN_HEAD || c->state == CONN_BODY) {
        answer_write(c);
    }
    bool ready = c->state == CONN_IDLE && !c->broken && intake_is_ready(&c->intake);
    if (ready && !c->intake.is_shown) {
        handshake_show(c);
        return;
    }
    if (ready && !intake_read(&c->intake)) {
        c->broken = true;
    }
    if (c->broken) { /* lws_callback_on_writable does nothing after a failed write */
        conn_stir(c);
        (void)conn_serve(c, LWS_POLLOUT);
    } else if (c->state == CONN_IDLE || c->state == CONN_READING) {
        conn_stir(c);
    } else {
        conn_rest_if_it_says_more(c);
    }
}

void http_conns_pace(void *server)
{
    struct http_server *s = server;
    struct conn *next;
    for (struct conn *c = s->paced.first; c != NULL; c = next) {
        next = c->list_next;
        if (c->wanted == 0) {
            conn_unpace(c); /* until it wants to write again */
            continue;
        }
        if (c->killed) {
            continue;
        }
        if (c->broken || on_writable(c) != 0) {
            conn_kill(c);
        }
    }
    loop_timer_set(s->pace, s->paced.first != NULL ? loop_now(s->loop).mono + PACE_MS : NEVER_MS);
}

static int on_room(struct conn *c)
{
    if (c->killed || c->broken || on_writable(c) != 0) {
        return -1;
    }
    return 0;
}

int http_conn_event(struct conn *c, enum lws_callback_reasons reason)
{
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP_BODY_COMPLETION: /* of what it was shown as the first request */
        conn_unlimit(c);                    /* from here on we enforce the time limits */
        http_conn_request(c);
        return 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return on_room(c);
    case LWS_CALLBACK_CLOSED_HTTP:
        c->killed = true;
        conn_gone(c);
        return 0;
    default:
        return 0;
    }
}
