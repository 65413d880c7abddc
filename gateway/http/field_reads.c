#undef _FORTIFY_SOURCE /* its recv is a macro's */
#include "http/field_reads.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"

static struct {
    struct {
        struct field_scan scan;
        bool is_on;
    } * of; /* by descriptor */
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
    reads.of[at].scan = (struct field_scan){0};
    reads.of[at].is_on = true;
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

static struct field_scan *scan_of(int fd)
{
    if (!is_served || fd < 0 || (size_t)fd >= reads.count || !reads.of[fd].is_on) {
        return NULL;
    }
    struct field_scan *s = &reads.of[fd].scan;
    return s->at != FIELD_AT_REST ? s : NULL;
}

/* libwebsockets asks for a page at once. */
__attribute__((visibility("default"))) ssize_t recv(int fd, void *buf, size_t len, int flags)
{
    struct field_scan *s = scan_of(fd);
    if (s == NULL || flags != 0 || len <= sizeof s->held) {
        return recvfrom(fd, buf, len, flags, NULL, NULL);
    }
    uint8_t *bytes = buf;
    size_t held = s->held_len;
    ssize_t got = recvfrom(fd, bytes + held, len - held, 0, NULL, NULL);
    if (got <= 0) {
        return got;
    }
    memcpy(bytes, s->held, held);
    size_t n = field_names_mend(s, bytes, held + (size_t)got);
    if (n == 0) {
        errno = EAGAIN;
        return -1;
    }
    return (ssize_t)n;
}
