#include "incoming_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/redis_socket.h"

void wire_open(struct wire *w)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    *w = (struct wire){.ours = fds[0], .theirs = fds[1]};
}

void wire_close(struct wire *w)
{
    incoming_clear(&w->in);
    close(w->ours);
    close(w->theirs);
}

size_t wire_pass(struct wire *w, struct bytes b)
{
    ssize_t n = send(w->theirs, b.ptr, b.len, MSG_NOSIGNAL);
    assert_true(n > 0);
    size_t came = 0;
    for (bool more = true; came < (size_t)n;) {
        size_t some = incoming_read(&w->in, &(struct redis_socket){.fd = w->ours}, &more);
        assert_true(some > 0);
        came += some;
    }
    assert_int_equal(came, n);
    return (size_t)n;
}

struct buf long_reply(size_t strings, size_t bytes, uint8_t fill)
{
    struct buf b = {0};
    if (strings > 1) {
        buf_addf(&b, "*%zu\r\n", strings);
    }
    for (size_t i = 0; i < strings; i++) {
        buf_addf(&b, "$%zu\r\n", bytes);
        memset(buf_extend(&b, bytes), fill, bytes);
        buf_add_str(&b, "\r\n");
    }
    return b;
}

const redisReply *wire_pass_reply(struct wire *w, const struct buf *b)
{
    const redisReply *reply = NULL;
    for (size_t sent = 0; sent < b->len;) {
        assert_null(reply);
        sent += wire_pass(w, bytes_part(buf_bytes(b), sent, b->len));
        reply = incoming_next(&w->in);
    }
    assert_non_null(reply);
    return reply;
}

const redisReply *wire_read_reply(struct wire *w, const struct buf *b, size_t piece)
{
    const redisReply *reply = NULL;
    size_t sent = 0;
    while (reply == NULL && sent < b->len && w->in.why == NULL) {
        bool more = true;
        struct bytes some = bytes_part(buf_bytes(b), sent, piece);
        ssize_t n = send(w->theirs, some.ptr, some.len, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        while (reply == NULL && more && w->in.why == NULL) {
            (void)incoming_read(&w->in, &(struct redis_socket){.fd = w->ours}, &more);
            reply = incoming_next(&w->in);
        }
    }
    return reply;
}

bool filled_with(const redisReply *r, uint8_t fill)
{
    for (size_t i = 0; i < r->len; i++) {
        if ((uint8_t)r->str[i] != fill) {
            return false;
        }
    }
    return r->str[r->len] == '\0';
}
