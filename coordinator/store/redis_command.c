#include "store/redis_command.h"

#define HEADER_BYTES_MAX 16u /* "*4294967295\r\n" fits */
#define DIGITS_MAX       24u

/* Writes v in decimal, right-aligned in digits; returns its beginning. */
static char *uint_text(uint64_t v, char digits[DIGITS_MAX])
{
    char *at = digits + DIGITS_MAX;
    do {
        *--at = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    return at;
}

void command_put_start(struct buf *out, size_t len)
{
    char digits[DIGITS_MAX];
    char *at = uint_text(len, digits);
    size_t n = (size_t)(digits + DIGITS_MAX - at);
    uint8_t *p = buf_extend(out, n + 3);
    p[0] = '$';
    memcpy(p + 1, at, n);
    memcpy(p + 1 + n, "\r\n", 2);
}

void command_put_end(struct buf *out)
{
    buf_add(out, "\r\n", 2);
}

void command_put(struct buf *out, struct bytes arg)
{
    char digits[DIGITS_MAX];
    char *at = uint_text(arg.len, digits);
    size_t n = (size_t)(digits + DIGITS_MAX - at);
    uint8_t *p = buf_extend(out, 1 + n + 2 + arg.len + 2);
    *p++ = '$';
    memcpy(p, at, n);
    p += n;
    *p++ = '\r';
    *p++ = '\n';
    if (arg.len > 0) {
        memcpy(p, arg.ptr, arg.len);
    }
    p[arg.len] = '\r';
    p[arg.len + 1] = '\n';
}

void command_put_uint(struct buf *out, uint64_t arg)
{
    char digits[DIGITS_MAX];
    char *at = uint_text(arg, digits);
    command_put(out, bytes_of(at, (size_t)(digits + DIGITS_MAX - at)));
}

void command_begin(struct redis_command *c, const char *name)
{
    buf_clear(&c->buf);
    buf_extend(&c->buf, HEADER_BYTES_MAX);
    c->args = 0;
    command_add_str(c, name);
}

void command_add(struct redis_command *c, struct bytes arg)
{
    command_put(&c->buf, arg);
    c->args++;
}

void command_add_str(struct redis_command *c, const char *arg)
{
    command_add(c, bytes_str(arg));
}

void command_add_uint(struct redis_command *c, uint64_t arg)
{
    command_put_uint(&c->buf, arg);
    c->args++;
}

struct bytes command_end(struct redis_command *c)
{
    char digits[DIGITS_MAX];
    char *at = uint_text(c->args, digits);
    size_t n = (size_t)(digits + DIGITS_MAX - at);
    size_t skipped = HEADER_BYTES_MAX - (1 + n + 2);
    uint8_t *p = c->buf.ptr + skipped;
    p[0] = '*';
    memcpy(p + 1, at, n);
    memcpy(p + 1 + n, "\r\n", 2);
    return bytes_part(buf_bytes(&c->buf), skipped, c->buf.len);
}

void command_free(struct redis_command *c)
{
    buf_free(&c->buf);
}
