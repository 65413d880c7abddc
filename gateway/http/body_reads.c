#include "http/body_reads.h"

#include "http/behind.h"
#include "http/conn.h"

/* With something kept, its own or put aside, libwebsockets might keep what is read now behind it.
 */
static bool goes_through(const struct conn *c)
{
    return c->aside == NULL && behind_of(c->wsi) == NULL;
}

size_t body_read_room(struct conn *c, uint64_t left, size_t max, uint8_t **ret_to)
{
    bool gathers = c->state == CONN_READING && c->body_read.told_at == NULL;
    bool is_short = c->body.len == 0 && left <= READ_BYTES; /* comes whole, and needs no memory */
    if (!gathers || is_short || left != c->body_length - c->body.len || !goes_through(c)) {
        return 0;
    }
    size_t n = left < max ? (size_t)left : max;
    if (c->server->body_bytes + n > HTTP_BODIES_BYTES_MAX) {
        return 0; /* as with any part: on_body ends the connection */
    }
    if (c->body.cap - c->body.len < n) { /* all of it: what is not touched takes no memory */
        buf_reserve(&c->body, (size_t)left);
    }
    *ret_to = c->body.ptr + c->body.len;
    return n;
}

void body_read_done(struct conn *c, const uint8_t *told_at, size_t len)
{
    c->body_read = (struct body_read){told_at, len};
}

bool body_read_told(struct conn *c, struct bytes part, bool *ret_lost)
{
    struct body_read r = c->body_read;
    c->body_read = (struct body_read){0};
    *ret_lost = r.told_at != NULL &&
                (part.ptr != r.told_at || part.len != r.len || c->state != CONN_READING);
    if (r.told_at == NULL || *ret_lost) {
        return false;
    }
    c->server->body_bytes += part.len;
    c->body.len += part.len;
    return true;
}
