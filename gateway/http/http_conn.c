/* HTTP/1.1 requests and their answers. Heads and bodies are written from WRITEABLE only. */
#include <assert.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "http/behind.h"
#include "http/conn.h"

static const char *method_name(struct lws *wsi, char **ret_path, int *ret_len)
{
    static const char *const names[] = {"GET",   "POST",   "OPTIONS", "PUT",
                                        "PATCH", "DELETE", "CONNECT", "HEAD"};
    int m = lws_http_get_uri_and_method(wsi, ret_path, ret_len);
    return m >= 0 && (size_t)m < sizeof names / sizeof *names ? names[m] : NULL;
}

static void deliver(struct conn *c, struct bytes body)
{
    struct http_server *s = c->server;
    c->request.body = body;
    lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0); /* from here on the time is ours to watch */
    conn_enter(c, CONN_ASKED);
    s->counts.requests_total++;
    s->handler.request(s->handler.user, c->id, &c->request);
    c->request.body = BYTES_NONE;
    conn_body_free(c);
}

static void deliver_gathered(struct conn *c)
{
    struct bytes body = buf_bytes(&c->body);
    struct shared *lender = shared_take(&c->body);
    c->server->body_bytes -= body.len; /* who holds it counts it */
    c->request.lender = lender;
    deliver(c, body);
    c->request.lender = NULL;
    shared_drop(lender);
}

static int continue_say(struct conn *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    conn_piece_set(c, bytes_str(text));
    return conn_send(c, LWS_WRITE_HTTP_HEADERS) ? 0 : -1;
}

/* By what libwebsockets goes. */
static bool body_follows(const struct conn *c)
{
    struct bytes m = c->request.method;
    bool usually = bytes_is(m, "POST") || bytes_is(m, "PUT") || bytes_is(m, "PATCH");
    return c->request.has_length ? c->body_length > 0 : usually;
}

static bool put_aside(struct conn *c)
{
    struct lws_buflist **at = behind_of(c->wsi);
    if (at == NULL) {
        return true;
    }
    if (c->body_length == UINT64_MAX) {
        return false; /* no number: it and libwebsockets may not read the same */
    }
    c->aside = *at;
    c->aside_at = at;
    *at = NULL;
    return true;
}

static int on_request(struct conn *c)
{
    char *path = NULL;
    int len = 0;
    const char *method = method_name(c->wsi, &path, &len);
    if (c->state != CONN_IDLE || method == NULL || path == NULL) {
        return -1;
    }
    request_read(c, bytes_of(path, (size_t)len), method);
    c->head_only = strcmp(method, "HEAD") == 0;
    bool is_last = c->request.fault != CODE_NONE || c->request.wants_socket ||
                   bytes_is(c->request.method, HTTP_METHOD_STRANGE);
    c->close_after = c->server->draining || is_last;
    c->completed = false;
    c->finished = false;
    c->woken = false;
    c->probed = false;
    conn_exchange_begin(c);
    bool may_have_body = strcmp(method, "GET") != 0 && !c->head_only;
    if (may_have_body && !c->request.has_length) {
        c->close_after = true; /* libwebsockets takes all that follows for its body */
    }
    if (body_follows(c) && !put_aside(c)) {
        return -1;
    }
    if (c->request.fault != CODE_NONE || c->body_length == 0) {
        deliver(c, BYTES_NONE);
        return 0;
    }
    conn_enter(c, CONN_READING);
    return lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_EXPECT) > 0 ? continue_say(c) : 0;
}

/* Read from the socket just now: into a buffer that is a part of libwebsockets' context. */
static bool is_fresh(const struct http_server *s, struct bytes part)
{
    uintptr_t context = (uintptr_t)s->context, at = (uintptr_t)part.ptr;
    return at >= context && at - context < malloc_usable_size(s->context);
}

/* What comes with its head from what was kept is in the list that is aside. */
static bool is_kept(struct conn *c, struct bytes part)
{
    uint8_t *first = NULL;
    size_t len = lws_buflist_next_segment_len(&c->aside, &first);
    uintptr_t from = (uintptr_t)first, at = (uintptr_t)part.ptr;
    return len > 0 && at >= from && at + part.len <= from + len;
}

/* False: it is from neither, and nobody can say what it is. */
static bool part_accept(struct conn *c, struct bytes part)
{
    if (c->aside == NULL) {
        return part.len == 0 || is_fresh(c->server, part);
    }
    if (is_kept(c, part)) {
        *c->aside_at = c->aside;
        c->aside = NULL;
        return true;
    }
    lws_buflist_destroy_all_segments(&c->aside); /* there was no more in it than the head */
    return is_fresh(c->server, part);
}

static int on_body(struct conn *c, struct bytes part)
{
    bool lost = false;
    if (!part_accept(c, part)) {
        return -1;
    }
    if (body_read_told(c, part, &lost) || lost) {
        return lost ? -1 : 0;
    }
    if (c->state == CONN_READING && part.len == c->body_length) {
        deliver(c, part); /* most come whole: no copy is made */
    } else if (c->state == CONN_READING && c->body.len + part.len <= c->body_length) {
        if (c->server->body_bytes + part.len > HTTP_BODIES_BYTES_MAX) {
            return -1;
        }
        c->server->body_bytes += part.len;
        buf_add_bytes(&c->body, part); /* what came with the head */
    }
    return 0;
}

/* Bytes behind a body would make libwebsockets say its completion again, each time it looks at
 * them, until the answer is finished; and the end of a client's half, end the connection. */
static int on_body_end(struct conn *c)
{
    if (c->state == CONN_LINGER) {
        return -1;
    }
    if (!c->completed) {
        c->completed = true;
        if (c->state == CONN_READING) {
            deliver_gathered(c);
        }
    }
    conn_rest(c);
    return 0;
}

/* The answer is given to libwebsockets as a whole. The return value ends or keeps the connection.
 */
static int answer_end(struct conn *c)
{
    if (lws_partial_buffered(c->wsi)) {
        conn_enter(c, CONN_FLUSHING);
        conn_want(c);
        return 0;
    }
    conn_exchange_end(c);
    conn_stir(c);
    if (c->close_after) {
        bool unread = c->body_length > 0 && !c->completed;
        if (!unread) {
            return -1;
        }
        conn_enter(c, CONN_LINGER);
        return 0;
    }
    conn_enter(c, CONN_IDLE);
    c->served = true;
    arena_reset(&c->arena);
    if (lws_http_transaction_completed(c->wsi) != 0) {
        return -1;
    }
    conn_unlimit(c);
    return 0;
}

/* Of what is to go out, as much as the socket takes. True: all of it is out. */
static bool out_send(struct conn *c)
{
    struct bytes rest = bytes_part(buf_bytes(&c->out), LWS_PRE + c->out_sent, c->out.len);
    size_t gone = conn_send_some(c, rest);
    c->out_sent += gone;
    if (gone < rest.len) {
        if (!c->broken) {
            conn_want(c);
        }
        return false;
    }
    conn_out_reset(c);
    return true;
}

/* The head, and as much of a body as is there already behind it, in one write. */
static int head_send(struct conn *c)
{
    if (c->head_only) {
        c->out.len = c->head_bytes;
    }
    if (!out_send(c)) {
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
        c->close_after = true; /* its length was unknown, or is not reached */
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
    case CONN_FLUSHING:
        return answer_end(c);
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

/* Back to the next request, where libwebsockets wants to be told first that there is room. It would
 * ask for that, at the cost of a turn and of four calls to the system. */
static void next_request(struct conn *c)
{
    struct lws_pollfd room = {
        .fd = lws_get_socket_fd(c->wsi), .events = LWS_POLLOUT, .revents = LWS_POLLOUT};
    c->server->answered = true;
    conn_stir(c);
    (void)lws_service_fd(c->server->context, &room); /* c may be gone */
}

/* At the end of the turn, as socket_conn_write does. What takes more than this goes on, and the
 * connection ends, by WRITEABLE. */
void http_conn_write(struct conn *c)
{
    if (c->killed || (c->state != CONN_HEAD && c->state != CONN_BODY)) {
        return;
    }
    bool room = c->wanted == 0 && !c->broken && !lws_partial_buffered(c->wsi);
    if (room && c->state == CONN_HEAD) {
        c->broken = head_send(c) != 0;
    } else if (room && c->woken && c->out.len == 0 && !c->finished) {
        conn_ask_handler(c);
        if (c->out.len > 0) {
            (void)out_send(c);
        }
    }
    if (c->broken || c->state == CONN_IDLE) {
        /* or its end: lws_callback_on_writable does nothing behind a failed write */
        next_request(c);
        return;
    }
    if (c->state == CONN_HEAD || (c->state == CONN_BODY && (c->woken || c->finished))) {
        conn_want(c);
    }
    if (c->wanted != 0) {
        conn_pace_if_it_says_more(c);
    } else if (c->left < 0) { /* a stream, and nothing its client says is of interest */
        conn_rest(c);
    }
}

void http_conns_pace(void *server)
{
    struct http_server *s = server;
    struct conn *next;
    for (struct conn *c = s->paced.first; c != NULL; c = next) {
        next = c->list_next;
        uint64_t sent = s->counts.bytes_sent_total;
        mono_ms wanted = c->wanted;
        if (c->killed || wanted == 0) {
            continue;
        }
        if (c->broken || on_writable(c) != 0) {
            conn_kill(c);
        } else if (c->wanted != 0 && s->counts.bytes_sent_total == sent) {
            c->wanted = wanted; /* it took nothing */
        }
    }
    loop_timer_set(s->pace, s->paced.first != NULL ? loop_now(s->loop).mono + PACE_MS : NEVER_MS);
}

/* libwebsockets reads on in what it has buffered when it hears of some event of a connection. */
void http_conns_resume(struct http_server *s)
{
    if (s->answered && lws_service_adjust_timeout(s->context, 1, 0) == 0) {
        lws_cancel_service(s->context);
    }
    s->answered = false;
}

static int on_room(struct conn *c)
{
    if (c->killed || c->broken || on_writable(c) != 0) {
        return -1;
    }
    if (c->state == CONN_BODY && c->left < 0 && c->wanted == 0) {
        conn_due(c); /* a stream rests, but not from within WRITEABLE */
    }
    return 0;
}

int http_conn_event(struct conn *c, enum lws_callback_reasons reason, void *in, size_t len)
{
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP:
        return on_request(c);
    case LWS_CALLBACK_HTTP_BODY:
        return on_body(c, bytes_of(in, len));
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return on_body_end(c);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return on_room(c);
    case LWS_CALLBACK_CLOSED_HTTP:
        conn_gone(c);
        return 0;
    default:
        return 0;
    }
}
