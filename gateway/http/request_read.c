/* Turns a request's head into struct http_request. Done at once, since the head's bytes are valid
 * for the moment only. */
#include "http/conn.h"
#include "http/origin.h"
#include "http/target.h"

void request_refuse(struct http_request *r, enum code fault, const char *why)
{
    if (r->fault == CODE_NONE) {
        r->fault = fault;
        r->why = why;
    }
}

static void target_take(struct conn *c, struct bytes text)
{
    struct http_request *r = &c->request;
    struct target t;
    enum code code = target_read(text, &c->arena, &t);
    if (code != CODE_NONE) {
        request_refuse(r, code,
                       code == CODE_URI_TOO_LONG
                           ? TARGET_TOO_LONG
                           : "its first line has no valid path: `/path?name=value`, in which each "
                             "`%` is followed by two hexadecimal digits other than 00");
        return;
    }
    r->path = t.path;
    r->args = t.args;
    r->arg_count = t.arg_count;
}

/* Without API keys a browser may do here whatever any page asks of it. */
static void pages_check(const struct conn *c, const struct head *h, struct http_request *r)
{
    const struct http_options *o = &c->server->options;
    struct bytes host = h->fields[HEAD_HOST];
    bool reads = bytes_is(h->method, "GET") || bytes_is(h->method, "HEAD");
    if (o->asks_keys) {
        return;
    }
    if (c->server->is_local && !origin_host_is_ours(&o->origins, host)) {
        request_refuse(r, CODE_ORIGIN_REFUSED,
                       "without API keys a gateway that listens on this machine only accepts just "
                       "localhost or its own address as Host (against DNS rebinding): call it by "
                       "one of these, or list the name in MARATHON_ALLOWED_ORIGINS");
    } else if (!reads && !origin_may_change(&o->origins, h->fields[HEAD_ORIGIN], host)) {
        request_refuse(r, CODE_ORIGIN_REFUSED,
                       "without API keys a gateway accepts changes only from pages of its own "
                       "host: list other origins in MARATHON_ALLOWED_ORIGINS");
    }
}

void request_read(struct conn *c, const struct head *h)
{
    struct http_request *r = &c->request;
    arena_reset(&c->arena);
    *r = (struct http_request){0};
    const struct {
        struct bytes *into;
        struct bytes from;
    } texts[] = {
        {&r->method, h->method},
        {&r->content_type, h->fields[HEAD_CONTENT_TYPE]},
        {&r->if_none_match, h->fields[HEAD_IF_NONE_MATCH]},
        {&r->authorization, h->fields[HEAD_AUTHORIZATION]},
        {&r->protocols, h->fields[HEAD_SOCKET_PROTOCOLS]},
        {&r->idempotency_key, h->fields[HEAD_IDEMPOTENCY_KEY]},
        {&r->last_event_id, h->fields[HEAD_LAST_EVENT_ID]},
        {&r->request_id, h->fields[HEAD_X_REQUEST_ID]},
        {&r->forwarded_for, h->fields[HEAD_X_FORWARDED_FOR]},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].from.len > 0) {
            *texts[i].into = arena_bytes(&c->arena, texts[i].from);
        }
    }
    r->is_delimited = h->has_length || h->is_chunked;
    c->has_body = h->length > 0 || h->is_chunked;
    c->interim = !h->is_http_1_0;
    request_refuse(r, h->fault, h->why);
    pages_check(c, h, r);
    if (r->fault == CODE_NONE) {
        target_take(c, h->target);
    }
}

void http_request_peer(const struct http_request *r, char ret_text[HTTP_PEER_BYTES])
{
    const struct conn *c =
        (const struct conn *)(const void *)((const char *)r - offsetof(struct conn, request));
    ret_text[0] = '\0';
    (void)lws_get_peer_simple(c->wsi, ret_text, HTTP_PEER_BYTES);
}
