#undef _FORTIFY_SOURCE /* its recv is a macro's */
#include "http/field_reads.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "http/body_reads.h"

struct reads_of {
    struct field_scan scan;
    struct conn *conn;
    bool is_on;
};

static struct {
    struct reads_of *of; /* by descriptor */
    size_t count;
} reads;

static _Thread_local bool is_served; /* this thread has connections */

void field_reads_begin(int fd)
{
    size_t at = (size_t)fd;
    if (at >= reads.count) {
        size_t count = (at + 1) * 2;
        reads.of = mem_resize(reads.of, count * sizeof *reads.of);
        memset(reads.of + reads.count, 0, (count - reads.count) * sizeof *reads.of);
        reads.count = count;
    }
    reads.of[at] = (struct reads_of){.is_on = true};
    is_served = true;
}

enum field_fault field_reads_fault(int fd, uint32_t head)
{
    if (fd < 0 || (size_t)fd >= reads.count) {
        return FIELD_FINE;
    }
    const struct field_scan *s = &reads.of[fd].scan;
    return head >= s->heads ? s->fault : FIELD_FINE;
}

void field_reads_join(int fd, struct conn *c)
{
    if (fd >= 0 && (size_t)fd < reads.count) {
        reads.of[fd].conn = c;
    }
}

void field_reads_leave(int fd, const struct conn *c)
{
    if (fd >= 0 && (size_t)fd < reads.count && reads.of[fd].conn == c) {
        reads.of[fd].conn = NULL;
    }
}

static struct reads_of *reads_of(int fd)
{
    bool known = is_served && fd >= 0 && (size_t)fd < reads.count && reads.of[fd].is_on;
    return known ? &reads.of[fd] : NULL;
}

/* Straight to where the body is gathered. False: not so. */
static bool body_read(struct reads_of *r, int fd, const uint8_t *told_at, size_t len,
                      ssize_t *ret_got)
{
    uint8_t *to = NULL;
    if (r->conn == NULL || r->scan.at != FIELD_AT_BODY) {
        return false;
    }
    size_t room = body_read_room(r->conn, r->scan.body_left, len, &to);
    if (room == 0) {
        return false;
    }
    ssize_t got = recvfrom(fd, to, room, 0, NULL, NULL);
    if (got > 0) {
        (void)field_names_mend(&r->scan, to, (size_t)got);
        body_read_done(r->conn, told_at, (size_t)got);
    }
    *ret_got = got;
    return true;
}

/* The rest of a body that is there and has room behind its beginning: it comes whole, and nothing
 * of it needs to be gathered. */
static size_t rest_read(struct reads_of *r, int fd, uint8_t *to, size_t room)
{
    struct field_scan *s = &r->scan;
    int there = 0;
    if (s->at != FIELD_AT_BODY || s->body_left > room || ioctl(fd, FIONREAD, &there) != 0 ||
        (uint64_t)there < s->body_left) {
        return 0;
    }
    ssize_t got = recvfrom(fd, to, (size_t)s->body_left, 0, NULL, NULL);
    return got > 0 ? field_names_mend(s, to, (size_t)got) : 0;
}

/* len: BODY_READ_BYTES. */
__attribute__((visibility("default"))) ssize_t recv(int fd, void *buf, size_t len, int flags)
{
    struct reads_of *r = reads_of(fd);
    if (r == NULL || flags != 0 || len <= sizeof r->scan.held) {
        return recvfrom(fd, buf, len, flags, NULL, NULL);
    }
    uint8_t *bytes = buf;
    size_t held = r->scan.held_len, most = len < READ_BYTES ? len : READ_BYTES;
    ssize_t got;
    if (body_read(r, fd, bytes, len, &got)) {
        return got;
    }
    if (r->scan.at == FIELD_AT_REST) {
        return recvfrom(fd, buf, most, 0, NULL, NULL);
    }
    got = recvfrom(fd, bytes + held, most - held, 0, NULL, NULL);
    if (got <= 0) {
        return got;
    }
    memcpy(bytes, r->scan.held, held);
    size_t n = field_names_mend(&r->scan, bytes, held + (size_t)got);
    if (n == 0) {
        errno = EAGAIN;
        return -1;
    }
    return (ssize_t)(n + rest_read(r, fd, bytes + n, len - n));
}
