/* What libwebsockets parsed of a request's head -> struct http_request. Read at once: it lets go of
 * the head afterwards. */
#include <stdlib.h>
#include <strings.h>

#include "http/conn.h"
#include "http/field_reads.h"

#define ARG_BYTES_MAX 1024

_Static_assert(HTTP_HEADER_BYTES_MAX == 16384, "a text below says it");

static const char why_too_long[] = "the path or its query is longer than this server takes";

static void refuse(struct http_request *r, enum code fault, const char *why)
{
    r->fault = fault;
    r->why = why;
}

static struct bytes header_get(struct conn *c, enum lws_token_indexes token)
{
    int len = lws_hdr_total_length(c->wsi, token);
    if (len <= 0) {
        return BYTES_NONE;
    }
    char *text = arena_alloc(&c->arena, (size_t)len + 1);
    if (lws_hdr_copy(c->wsi, text, len + 1, token) < 0) {
        return BYTES_NONE;
    }
    return bytes_str(text);
}

/* name in lower case with its colon, as libwebsockets wants it. */
static struct bytes custom_get(struct conn *c, const char *name)
{
    int len = lws_hdr_custom_length(c->wsi, name, (int)strlen(name));
    if (len <= 0) {
        return BYTES_NONE;
    }
    char *text = arena_alloc(&c->arena, (size_t)len + 1);
    if (lws_hdr_custom_copy(c->wsi, text, len + 1, name, (int)strlen(name)) < 0) {
        return BYTES_NONE;
    }
    return bytes_str(text);
}

static void args_read(struct conn *c)
{
    char text[ARG_BYTES_MAX + 1];
    c->request.args = c->args;
    c->request.arg_count = 0;
    for (int i = 0;; i++) {
        int len = lws_hdr_copy_fragment(c->wsi, text, sizeof text, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (len == -1) {
            return;
        }
        if (len < 0 || i == HTTP_ARGS_MAX) {
            refuse(&c->request, CODE_URI_TOO_LONG, why_too_long);
            return;
        }
        c->args[c->request.arg_count++] = arena_bytes(&c->arena, bytes_of(text, (size_t)len));
    }
}

/* Behind a length that is no number nothing could be read in step. */
static void length_read(struct conn *c)
{
    struct http_request *r = &c->request;
    struct bytes text = header_get(c, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    c->body_length = 0;
    r->has_length = text.len > 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            c->body_length = UINT64_MAX;
            refuse(r, CODE_BAD_REQUEST, "its Content-Length is no number");
            return;
        }
        c->body_length = c->body_length > UINT32_MAX
                             ? UINT64_MAX
                             : c->body_length * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    if (c->body_length > c->server->options.body_bytes_max) {
        refuse(r, CODE_TOO_LARGE, "the body is larger than this server takes");
    }
    if (lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
        refuse(r, CODE_LENGTH_REQUIRED,
               "a body needs a Content-Length; chunked ones are not taken");
    }
}

/* What was seen to be wrong with the head before libwebsockets had it. */
static void field_fault_take(struct http_request *r, enum field_fault fault)
{
    switch (fault) {
    case FIELD_FINE:
        return;
    case FIELD_STRANGE_METHOD:
        r->method = BYTES_LIT(HTTP_METHOD_STRANGE);
        return;
    case FIELD_NO_TARGET:
        refuse(
            r, CODE_BAD_REQUEST,
            "its first line is no `method target HTTP/1.1`: the target must begin with /, behind "
            "each % come two hexadecimal digits, but not 00");
        return;
    case FIELD_NONE_AT_ALL:
        refuse(r, CODE_BAD_REQUEST,
               "a line of its head is no header field: `name: value`, without a blank in or before "
               "the name, and not continued on the next line");
        return;
    case FIELD_TOO_MANY_BYTES:
        refuse(r, CODE_HEADERS_TOO_LARGE, "the headers are larger than 16384 bytes");
        return;
    }
}

void request_read(struct conn *c, struct bytes path, const char *method)
{
    struct http_request *r = &c->request;
    arena_reset(&c->arena);
    *r = (struct http_request){.method = bytes_str(method)};
    r->path = arena_bytes(&c->arena, bytes_part(path, 0, HTTP_PATH_BYTES_MAX));
    r->content_type = header_get(c, WSI_TOKEN_HTTP_CONTENT_TYPE);
    r->if_none_match = header_get(c, WSI_TOKEN_HTTP_IF_NONE_MATCH);
    r->authorization = header_get(c, WSI_TOKEN_HTTP_AUTHORIZATION);
    r->protocols = header_get(c, WSI_TOKEN_PROTOCOL);
    c->interim = bytes_is(header_get(c, WSI_TOKEN_HTTP), "HTTP/1.1");
    r->idempotency_key = custom_get(c, "idempotency-key:");
    r->last_event_id = custom_get(c, "last-event-id:");
    r->request_id = custom_get(c, "x-request-id:");
    struct bytes upgrade = header_get(c, WSI_TOKEN_UPGRADE);
    r->wants_socket =
        upgrade.len > 0 && strncasecmp((const char *)upgrade.ptr, "websocket", 9) == 0;
    r->forwarded_for = header_get(c, WSI_TOKEN_X_FORWARDED_FOR);
    args_read(c);
    length_read(c);
    if (path.len > HTTP_PATH_BYTES_MAX) {
        refuse(r, CODE_URI_TOO_LONG, why_too_long);
    }
    field_fault_take(r, field_reads_fault(lws_get_socket_fd(c->wsi), c->heads++));
}

void http_request_peer(const struct http_request *r, char ret_text[HTTP_PEER_BYTES])
{
    const struct conn *c =
        (const struct conn *)(const void *)((const char *)r - offsetof(struct conn, request));
    ret_text[0] = '\0';
    (void)lws_get_peer_simple(c->wsi, ret_text, HTTP_PEER_BYTES);
}

static bool origin_allowed(struct conn *c)
{
    const struct http_options *o = &c->server->options;
    struct bytes origin = header_get(c, WSI_TOKEN_ORIGIN);
    struct bytes host = header_get(c, WSI_TOKEN_HOST);
    if (origin.len == 0) {
        return true; /* not a browser: browsers always say it */
    }
    for (size_t i = 0; i < o->origin_count; i++) {
        if (bytes_is(origin, o->origins[i])) {
            return true;
        }
    }
    const char *text = (const char *)origin.ptr;
    const char *after = strstr(text, "://");
    return after != NULL && host.len > 0 && strcasecmp(after + 3, (const char *)host.ptr) == 0;
}

const char *upgrade_fault(struct conn *c)
{
    if (bytes_is(c->request.method, HTTP_METHOD_STRANGE)) {
        return "a WebSocket begins with a GET";
    }
    if (lws_hdr_total_length(c->wsi, WSI_TOKEN_KEY) <= 0) {
        return "a WebSocket begins with a Sec-WebSocket-Key";
    }
    if (!origin_allowed(c)) {
        return "WebSockets from pages of this Origin are not allowed (MARATHON_ALLOWED_ORIGINS)";
    }
    return NULL;
}
