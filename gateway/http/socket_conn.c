/* WebSockets: the upgrade, outgoing texts piece by piece, pings in both directions, the close. One
 * lws_write per WRITEABLE. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "http/conn.h"

#define CLOSE_TOO_BIG 1009
/* The events of a row or two; a connection with more to send lets others write first. */
#define WRITES_AT_ONCE 8

/* The answer must be sent before returning -1 ends the connection. It is short and the socket is
 * fresh, so the kernel takes it at once, and delivers it. */
static void refuse(struct conn *c, enum code code, struct buf *body)
{
    int status = code_info(code)->http_status;
    struct buf text = {0};
    buf_addf(&text,
             "HTTP/1.1 %d %s\r\ncontent-type: application/problem+json\r\ncontent-length: %zu\r\n"
             "x-content-type-options: nosniff\r\n%sconnection: close\r\n\r\n",
             status, reason_phrase(status), body->len,
             status == 401 ? "www-authenticate: Bearer realm=\"marathon\"\r\n" : "");
    buf_add_bytes(&text, buf_bytes(body));
    (void)conn_send_some(c, buf_bytes(&text));
    buf_free(&text);
    c->server->counts.refused_upgrades_total++;
}

static int on_upgrade(struct conn *c)
{
    struct http_server *s = c->server;
    const struct head *h = intake_head(&c->intake);
    request_read(c, h);
    if (!conn_has_room(c)) {
        request_refuse(&c->request, CODE_OVERLOADED,
                       "unfinished requests fill this gateway's memory: try again in a second");
    }
    if (c->request.fault == CODE_NONE &&
        !origin_may_watch(&s->options.origins, h->fields[HEAD_ORIGIN], h->fields[HEAD_HOST])) {
        c->request.fault = CODE_UPGRADE_REFUSED;
        c->request.why = "WebSockets from pages of this Origin are not allowed "
                         "(MARATHON_ALLOWED_ORIGINS)";
    }
    struct buf problem = {0};
    enum code code = s->handler.upgrade(s->handler.user, &c->request, &problem);
    if (code != CODE_NONE) {
        refuse(c, code, &problem);
        buf_free(&problem);
        return -1;
    }
    buf_free(&problem);
    conn_enter(c, CONN_UPGRADING);
    return 0;
}

static int on_open(struct conn *c)
{
    struct http_server *s = c->server;
    if (c->state != CONN_UPGRADING) {
        return -1;
    }
    conn_enter(c, CONN_SOCKET);
    c->pinged = c->since;
    c->is_socket = true;
    s->counts.sockets_open++;
    conn_exchange_begin(c);
    intake_socket(&c->intake);
    if (intake_is_ready(&c->intake)) {
        conn_due(c);
    }
    s->handler.socket_opened(s->handler.user, c->id, &c->request);
    conn_forget_head(c);
    buf_free(&c->out);
    return 0;
}

static void heard_add(struct conn *c, struct bytes part)
{
    for (size_t i = 0; i < part.len && c->heard_len + i < sizeof c->heard; i++) {
        c->heard[c->heard_len + i] = part.ptr[i];
    }
    c->heard_len += part.len;
}

/* Begins a close on our own account, not the handler's. */
static void close_begin(struct conn *c, unsigned code, const char *reason)
{
    if (c->state == CONN_SOCKET && c->close_code == 0) {
        conn_gone(c);
        c->close_code = code;
        (void)snprintf(c->close_reason, sizeof c->close_reason, "%s", reason);
        conn_want(c);
    }
}

void socket_conn_break(void *conn, unsigned code)
{
    close_begin(conn, code, code == FRAMES_NO_UTF8 ? "text is not UTF-8" : "frame out of order");
}

static int on_text(struct conn *c, struct bytes part)
{
    if (c->state != CONN_SOCKET || c->close_code != 0) {
        return 0; /* it is being closed: input is ignored */
    }
    if (lws_is_first_fragment(c->wsi)) {
        c->heard_len = 0;
    }
    heard_add(c, part);
    if (c->heard_len > HTTP_SOCKET_BYTES_MAX) {
        close_begin(c, CLOSE_TOO_BIG, "message too big");
        return 0;
    }
    bool whole = lws_is_final_fragment(c->wsi) && lws_remaining_packet_payload(c->wsi) == 0;
    if (whole && !lws_frame_is_binary(c->wsi) && c->heard_len == 4 &&
        memcmp(c->heard, "ping", 4) == 0 && c->pongs_due < PONGS_DUE_MAX) {
        c->pongs_due++;
        conn_want(c);
    }
    return 0;
}

static int piece_send(struct conn *c)
{
    return conn_send(c, LWS_WRITE_TEXT) ? 0 : -1;
}

static bool more_to_do(const struct conn *c)
{
    bool pongs = c->pongs_due > 0 && !c->mid_message; /* pongs wait for the end of a message */
    return pongs || c->ping_due || c->woken || c->close_code != 0;
}

static void rest_add(struct conn *c, struct bytes piece, size_t *gone)
{
    size_t skip = *gone < piece.len ? *gone : piece.len;
    *gone -= skip;
    buf_add_bytes(&c->out, bytes_part(piece, skip, piece.len));
}

/* Does not use lws_write, which wants room before the bytes, and so a copy for each client. What
 * the kernel does not take is passed to libwebsockets to keep, so that its own pongs do not get in
 * between. */
void socket_conn_lend(struct conn *c, struct bytes head, const struct bytes *pieces, size_t count)
{
    size_t gone = conn_send_pieces(c, head, pieces, count), len = head.len;
    for (size_t i = 0; i < count; i++) {
        len += pieces[i].len;
    }
    if (c->broken || gone == len) {
        return;
    }
    if (!conn_may_wait(c)) {
        c->broken = true;
        return;
    }
    conn_piece_set(c, BYTES_NONE);
    rest_add(c, head, &gone);
    for (size_t i = 0; i < count; i++) {
        rest_add(c, pieces[i], &gone);
    }
    c->broken = !conn_send(c, LWS_WRITE_RAW);
}

/* Makes the frame here instead of using lws_close_reason and -1: on libuv, libwebsockets 4.1.6
 * closes the connection before that frame is sent. A server's frames have no mask: opcode, length,
 * code, reason. */
static int close_say(struct conn *c)
{
    struct buf frame = {0};
    size_t len = strlen(c->close_reason);
    buf_add_char(&frame, (char)0x88);
    buf_add_char(&frame, (char)(len + 2));
    buf_add_char(&frame, (char)(c->close_code >> 8));
    buf_add_char(&frame, (char)(c->close_code & 255));
    buf_add(&frame, c->close_reason, len);
    conn_exchange_end(c);
    conn_enter(c, CONN_CLOSING);
    conn_piece_set(c, buf_bytes(&frame));
    buf_free(&frame);
    if (!conn_send(c, LWS_WRITE_RAW)) {
        return -1;
    }
    if (c->intake.at == INTAKE_REFUSED && !lws_partial_buffered(c->wsi)) {
        /* libwebsockets can then send no Close of its own */
        (void)shutdown(lws_get_socket_fd(c->wsi), SHUT_WR);
    }
    return 0;
}

static int write_one(struct conn *c)
{
    int result = 0;
    if (c->state == CONN_CLOSING) {
        return 0;
    }
    if (c->ping_due) { /* control frames may stand between the pieces of a message */
        c->ping_due = false;
        conn_piece_set(c, BYTES_LIT("m")); /* we are not told of a pong without a payload */
        result = conn_send(c, LWS_WRITE_PING) ? 0 : -1;
    } else if (c->pongs_due > 0 && !c->mid_message) {
        c->pongs_due--;
        conn_piece_set(c, BYTES_LIT("pong"));
        result = conn_send(c, LWS_WRITE_TEXT) ? 0 : -1;
    } else if (c->close_code != 0) {
        return close_say(c);
    } else if (c->woken) {
        conn_ask_handler(c);
        if (c->out.len > 0) {
            result = piece_send(c);
        }
        result = c->broken ? -1 : result;
    }
    return result;
}

static int on_writable(struct conn *c)
{
    c->wanted = 0;
    conn_out_count(c, 0); /* libwebsockets has sent what it kept */
    int result = write_one(c);
    if (result == 0 && c->state != CONN_CLOSING && more_to_do(c)) {
        conn_want(c);
    }
    return result;
}

/* Reads what came after its handshake. */
static void read_kept(struct conn *c)
{
    if (intake_is_ready(&c->intake) && conn_serve(c, LWS_POLLIN) && !c->killed &&
        intake_is_ready(&c->intake)) {
        conn_due(c);
    }
}

/* Writes without asking for room first, which costs a watcher a turn and four system calls per
 * message (libuv removes the socket from its epoll set and adds it again, twice). Most of the time
 * there is room: what the kernel does not take of one piece libwebsockets keeps, and until that is
 * sent we do ask. */
void socket_conn_write(struct conn *c)
{
    if (c->state != CONN_SOCKET || c->killed) {
        return;
    }
    for (int i = 0; i < WRITES_AT_ONCE && c->wanted == 0 && !c->broken && more_to_do(c); i++) {
        if (lws_partial_buffered(c->wsi)) {
            break;
        }
        c->broken = write_one(c) != 0;
    }
    if (c->broken || (c->state == CONN_SOCKET && more_to_do(c))) {
        conn_want(c);
    }
    read_kept(c);
}

void socket_conn_sweep(struct conn *c, mono_ms now)
{
    if (now - c->pinged < c->server->options.ping_ms) {
        return;
    }
    if (c->pings_missed >= PING_MISSES_MAX) {
        conn_drop_deaf(c);
        return;
    }
    c->pinged = now;
    c->pings_missed++; /* until its pong arrives */
    c->ping_due = true;
    conn_want(c);
}

int socket_conn_event(struct conn *c, enum lws_callback_reasons reason, void *in, size_t len)
{
    switch ((int)reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return on_upgrade(c);
    case LWS_CALLBACK_ESTABLISHED:
        return on_open(c);
    case LWS_CALLBACK_RECEIVE:
        c->pings_missed = 0;
        return on_text(c, bytes_of(in, len));
    case LWS_CALLBACK_RECEIVE_PONG:
        c->pings_missed = 0;
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return c->killed || c->broken ? -1 : on_writable(c);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return c->state == CONN_CLOSING ? -1 : 0; /* both sides have sent a Close: done */
    case LWS_CALLBACK_CLOSED:
        c->killed = true;
        conn_gone(c);
        return 0;
    default:
        return 0;
    }
}
