/* What libwebsockets parsed of a request's head -> struct http_request. Read at once: it lets go of
 * the head afterwards. */
#include <stdlib.h>
#include <strings.h>

#include "http/conn.h"
#include "http/field_reads.h"

#define ARG_BYTES_MAX 1024

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
            c->request.fault = CODE_URI_TOO_LONG;
            return;
        }
        c->args[c->request.arg_count++] = arena_bytes(&c->arena, bytes_of(text, (size_t)len));
    }
}

/* A length that is no number counts as one too large: nothing after it could be read in step. */
static void length_read(struct conn *c)
{
    struct http_request *r = &c->request;
    struct bytes text = header_get(c, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    c->body_length = 0;
    r->has_length = text.len > 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || c->body_length > UINT32_MAX) {
            c->body_length = UINT64_MAX;
            break;
        }
        c->body_length = c->body_length * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    if (c->body_length > c->server->options.body_bytes_max) {
        r->fault = CODE_TOO_LARGE;
    }
    if (lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
        r->fault = CODE_LENGTH_REQUIRED;
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
        r->fault = CODE_URI_TOO_LONG;
    }
    enum field_fault fault = field_reads_fault(lws_get_socket_fd(c->wsi), c->heads++);
    if (fault != FIELD_FINE) {
        r->fault = fault == FIELD_TOO_MANY_BYTES ? CODE_HEADERS_TOO_LARGE : CODE_BAD_REQUEST;
    }
}

void http_request_peer(const struct http_request *r, char ret_text[HTTP_PEER_BYTES])
{
    const struct conn *c =
        (const struct conn *)(const void *)((const char *)r - offsetof(struct conn, request));
    ret_text[0] = '\0';
    (void)lws_get_peer_simple(c->wsi, ret_text, HTTP_PEER_BYTES);
}

bool origin_allowed(struct conn *c)
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
