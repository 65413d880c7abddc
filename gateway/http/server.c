#include "http/server.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/listen.h"
#include "base/log.h"
#include "http/conn.h"
#include "http/listener.h"
#include "http/lobby.h"
#include "http/shown.h"

/* Each WebSocket has a receive buffer of this size for its whole life; clients send little. */
#define SOCKET_RX_BYTES 512
/* Room for a head or a frame's header next to a piece, in one send. libwebsockets copies what is
 * longer. */
#define TX_SPARE         4096
#define HEAD_BYTES_USUAL 512 /* of an answer's head */

/* We send the pings. libwebsockets' own would cost a walk through all connections for each. */
static const lws_retry_bo_t no_pings = {.secs_since_valid_hangup = 0};

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    (void)user;
    struct http_server *s = lws_context_user(lws_get_context(wsi));
    struct conn *c = conn_of(wsi);
    switch ((int)reason) {
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        return conn_opened(s, wsi);
    case LWS_CALLBACK_WSI_DESTROY:
        if (c != NULL) {
            conn_destroyed(c);
        }
        return 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLOSED:
        return c == NULL ? -1 : socket_conn_event(c, reason, in, len);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    case LWS_CALLBACK_HTTP_WRITEABLE:
    case LWS_CALLBACK_CLOSED_HTTP:
        return c == NULL ? -1 : http_conn_event(c, reason);
    default:
        return 0;
    }
}

static void on_turn_end(void *user)
{
    struct http_server *s = user;
    conn_unlimit_fresh(s);
    for (size_t i = 0; i < s->due_count; i++) { /* may grow meanwhile */
        struct conn *c = s->due[i];
        if (c == NULL) {
            continue;
        }
        c->due_at = 0;
        if (c->is_socket) {
            socket_conn_write(c);
        } else {
            http_conn_write(c);
        }
    }
    s->due_count = 0;
}

void conn_due(struct conn *c)
{
    struct http_server *s = c->server;
    if (c->due_at == 0) {
        MEM_GROW(s->due, s->due_count, s->due_cap);
        s->due[s->due_count++] = c;
        c->due_at = s->due_count;
        loop_turn_again(s->loop);
    }
}

static void on_handshake(void *conn)
{
    conn_due(conn);
}

static const struct intake_hooks hooks = {.request = http_conn_request,
                                          .whole = http_conn_whole,
                                          .handshake = on_handshake,
                                          .more = conn_hear_more,
                                          .broken = socket_conn_break};

static void lws_log(int level, const char *line)
{
    char text[400];
    size_t len = strcspn(line, "\n");
    (void)snprintf(text, sizeof text, "%.*s", (int)len, line);
    log_line(level == LLL_ERR ? LOG_WARN : LOG_DEBUG, "libwebsockets", "line=%s", LOG_Q(text));
}

static void on_first_byte(void *user, int fd)
{
    struct http_server *s = user;
    lws_sock_file_fd_type it = {.sockfd = fd};
    s->fresh_fd = fd;
    (void)lws_adopt_descriptor_vhost(s->vhost, LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP, it, NULL, NULL);
}

static size_t connections(const struct http_server *s)
{
    return s->counts.connections_open + lobby_count(s->lobby);
}

static void on_accepted(void *user, int fd)
{
    struct http_server *s = user;
    if (connections(s) < s->options.connections_max) {
        lobby_add(s->lobby, fd);
    } else {
        (void)close(fd);
    }
}

enum err server_create(struct loop *loop, const struct http_options *options,
                       struct http_handler handler, struct http_server **ret_server)
{
    struct http_server *s = mem_zalloc(sizeof *s);
    int port;
    s->loop = loop;
    s->options = *options;
    s->handler = handler;
    if (listen_parse(options->listen, s->host, &port, &s->is_local) != ERR_OK) {
        free(s);
        return ERR_INVALID;
    }
    s->protocols[0] = (struct lws_protocols){.name = SHOWN_PROTOCOL,
                                             .callback = on_event,
                                             .rx_buffer_size = SOCKET_RX_BYTES,
                                             .tx_packet_size = HTTP_PIECE_BYTES_MAX + TX_SPARE};
    void *foreign[1] = {loop_uv(loop)};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = s->protocols,
        .user = s,
        .foreign_loops = foreign,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .max_http_header_data2 = SHOWN_BYTES_MAX,
        .retry_and_idle_policy = &no_pings,
        .timeout_secs = (unsigned)(options->header_ms / 1000 + 1),
        .keepalive_timeout = (int)(options->idle_ms / 1000 + 1),
        .server_string = "marathon",
    };
    lws_set_log_level(LLL_ERR | LLL_WARN, lws_log);
    intake_setup(options->body_bytes_max, &hooks);
    s->context = lws_create_context(&info);
    s->vhost = s->context != NULL ? lws_create_vhost(s->context, &info) : NULL;
    s->lobby = lobby_create(loop, on_first_byte, s);
    *ret_server = s;
    if (s->vhost == NULL ||
        listener_create(loop, s->host, port, on_accepted, s, &s->listener) != ERR_OK) {
        return ERR_IO;
    }
    loop_on_turn_end(loop, on_turn_end, s);
    s->sweep = loop_timer_create(loop, conns_sweep, s);
    s->pace = loop_timer_create(loop, http_conns_pace, s);
    loop_timer_set(s->sweep, loop_now(loop).mono);
    return ERR_OK;
}

struct http_counts server_counts(const struct http_server *s)
{
    struct http_counts counts = s->counts;
    struct intake_room taken = intake_room();
    counts.connections_open = connections(s);
    counts.body_bytes = taken.body_bytes;
    counts.head_bytes = taken.head_bytes;
    return counts;
}

size_t server_open(const struct http_server *s)
{
    return s->exchanges.count;
}

const char *reason_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } rows[] = {{200, "OK"},
                {202, "Accepted"},
                {204, "No Content"},
                {304, "Not Modified"},
                {400, "Bad Request"},
                {401, "Unauthorized"},
                {403, "Forbidden"},
                {404, "Not Found"},
                {405, "Method Not Allowed"},
                {409, "Conflict"},
                {411, "Length Required"},
                {413, "Content Too Large"},
                {414, "URI Too Long"},
                {415, "Unsupported Media Type"},
                {422, "Unprocessable Content"},
                {429, "Too Many Requests"},
                {431, "Request Header Fields Too Large"},
                {500, "Internal Server Error"},
                {503, "Service Unavailable"},
                {504, "Gateway Timeout"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].status == status) {
            return rows[i].phrase;
        }
    }
    return "Other";
}

static void header_put(struct buf *out, const char *name, const char *value)
{
    buf_add_str(out, name);
    buf_add(out, ": ", 2);
    buf_add_str(out, value);
    buf_add(out, "\r\n", 2);
}

static void head_write(struct conn *c, const struct http_head *head, int64_t length)
{
    struct buf *out = &c->out;
    buf_clear(out);
    buf_extend(out, LWS_PRE);
    buf_add_str(out, "HTTP/1.1 ");
    buf_add_uint(out, (uint64_t)head->status);
    buf_add_char(out, ' ');
    buf_add_str(out, reason_phrase(head->status));
    buf_add_str(out, "\r\n");
    if (head->content_type != NULL) {
        header_put(out, "content-type", head->content_type);
        header_put(out, "x-content-type-options", "nosniff");
    }
    if (length >= 0 && head->status != 204 && head->status != 304) {
        buf_add_str(out, "content-length: ");
        buf_add_uint(out, (uint64_t)length);
        buf_add_str(out, "\r\n");
    }
    for (size_t i = 0; i < HTTP_HEADERS_MAX && head->headers[i].name != NULL; i++) {
        header_put(out, head->headers[i].name, head->headers[i].value);
    }
    if (c->other_version) { /* RFC 6455, 4.4 */
        header_put(out, "sec-websocket-version", "13");
    }
    if (c->close_after) {
        buf_add_str(out, "connection: close\r\n");
    } else if (!c->interim) { /* a client of HTTP/1.0 expects a close */
        buf_add_str(out, "connection: keep-alive\r\n");
    }
    buf_add_str(out, "\r\n");
}

void server_begin(struct http_server *s, exchange_id id, const struct http_head *head,
                  int64_t length)
{
    struct conn *c = conn_of_exchange(s, id);
    if (c == NULL) {
        return;
    }
    assert(c->state == CONN_ASKED);
    c->close_after = c->close_after || length < 0 || s->draining;
    head_write(c, head, length);
    c->head_bytes = c->out.len;
    c->out_sent = 0;
    c->left = length;
    conn_enter(c, CONN_HEAD);
    conn_due(c);
}

struct buf *server_answer_put(struct http_server *s, exchange_id id, const struct http_head *head,
                              size_t length)
{
    struct conn *c = conn_of_exchange(s, id);
    if (c == NULL) {
        return NULL;
    }
    conn_out_reserve(c, HEAD_BYTES_USUAL + length);
    server_begin(s, id, head, (int64_t)length);
    c->left = 0;
    conn_out_count(c, length);
    return &c->out;
}

void server_answer(struct http_server *s, exchange_id id, const struct http_head *head,
                   struct bytes body)
{
    struct buf *out = server_answer_put(s, id, head, body.len);
    if (out != NULL) {
        buf_add_bytes(out, body);
    }
}

void server_wake(struct http_server *s, exchange_id id)
{
    struct conn *c = conn_of_exchange(s, id);
    if (c == NULL) {
        return;
    }
    c->woken = true;
    bool watches = c->state == CONN_SOCKET || (c->state == CONN_BODY && c->left < 0);
    if (watches && !c->in_writable) {
        conn_due(c);
    } else if (c->state != CONN_HEAD && !c->in_writable) {
        conn_want(c);
    }
}

static struct conn *conn_to_write(const struct http_server *s, exchange_id id)
{
    struct conn *c = conn_of_exchange(s, id);
    if (c != NULL) {
        assert(c->in_writable && (c->state == CONN_BODY || c->state == CONN_SOCKET));
        assert(c->out.len == 0);
    }
    return c;
}

void server_write(struct http_server *s, exchange_id id, struct bytes piece)
{
    struct conn *c = conn_to_write(s, id);
    if (c != NULL) {
        conn_piece_set(c, piece);
    }
}

size_t server_lend(struct http_server *s, exchange_id id, const struct bytes *pieces, size_t count)
{
    struct conn *c = conn_to_write(s, id);
    return c != NULL ? http_conn_lend(c, pieces, count) : 0;
}

void server_finish(struct http_server *s, exchange_id id)
{
    struct conn *c = conn_of_exchange(s, id);
    if (c == NULL) {
        return;
    }
    c->finished = true;
    conn_exchange_end(c);
    if (!c->in_writable) {
        conn_want(c);
    }
}

void server_write_text(struct http_server *s, exchange_id id, struct bytes text)
{
    struct conn *c = conn_to_write(s, id);
    if (c != NULL) {
        assert(!c->mid_message);
        conn_piece_set(c, text);
    }
}

#define WS_LAST 0x80
#define WS_TEXT 0x01

static void frame_head_put(struct buf *out, size_t len, struct text_part part)
{
    size_t length_bytes = len < 126 ? 0 : len <= UINT16_MAX ? 2 : 8;
    buf_add_char(out, (char)((part.last ? WS_LAST : 0) | (part.first ? WS_TEXT : 0)));
    buf_add_char(out, (char)(length_bytes == 0 ? len : length_bytes == 2 ? 126 : 127));
    for (size_t i = length_bytes; i > 0; i--) {
        buf_add_char(out, (char)((uint64_t)len >> (8 * (i - 1)) & 0xff));
    }
}

void server_frame_put(struct buf *out, struct bytes text)
{
    frame_head_put(out, text.len, (struct text_part){true, true});
    buf_add_bytes(out, text);
}

void server_write_frames(struct http_server *s, exchange_id id, struct bytes frames)
{
    struct conn *c = conn_of_exchange(s, id);
    if (c == NULL || frames.len == 0) {
        return;
    }
    assert(c->in_writable && c->state == CONN_SOCKET && c->out.len == 0 && !c->mid_message);
    socket_conn_lend(c, frames, NULL, 0);
}

void server_lend_text(struct http_server *s, exchange_id id, const struct bytes *pieces,
                      size_t count, struct text_part part)
{
    struct conn *c = conn_to_write(s, id);
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        len += pieces[i].len;
    }
    if (c != NULL) {
        struct buf head = {0};
        frame_head_put(&head, len, part);
        socket_conn_lend(c, buf_bytes(&head), pieces, count);
        c->mid_message = !part.last;
        buf_free(&head);
    }
}

void server_close_socket(struct http_server *s, exchange_id id, unsigned code, const char *reason)
{
    struct conn *c = conn_of_exchange(s, id);
    if (c == NULL) {
        return;
    }
    c->close_code = code;
    (void)snprintf(c->close_reason, sizeof c->close_reason, "%s", reason);
    conn_exchange_end(c);
    if (!c->in_writable) {
        conn_want(c);
    }
}
