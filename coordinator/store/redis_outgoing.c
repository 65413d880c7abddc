#include "store/redis_outgoing.h"

#include <errno.h>
#include <stdlib.h>

#include "store/redis_socket.h"

/* A batch of 128 rows has two slices per row; the system accepts 1,024 at a time */
#define SLICES_PER_WRITE   256
#define OWN_KEPT_BYTES_MAX (1u << 20) /* a larger buffer is freed when it is empty */
#define LENT_KEPT_MAX      4096u      /* likewise for slices: as many as a few batches have */
/* sent bytes that may stay in the buffer: moving the rest has a cost, too */
#define SENT_BYTES_KEPT  (64u << 10)
#define SENT_SLICES_KEPT 1024u

void outgoing_put(struct redis_outgoing *o, struct bytes b)
{
    buf_add_bytes(&o->own, b);
    o->given_total += b.len;
}

void outgoing_lend(struct redis_outgoing *o, struct bytes b)
{
    if (b.len == 0) {
        return;
    }
    MEM_GROW(o->lent, o->lent_count, o->lent_cap);
    o->lent[o->lent_count++] = (struct outgoing_slice){.at = o->own.len, .what = b};
    o->given_total += b.len;
}

bool outgoing_waits(const struct redis_outgoing *o)
{
    return o->own_sent < o->own.len || o->lent_sent < o->lent_count;
}

static size_t add(struct iovec *to, size_t count, const uint8_t *from, size_t len)
{
    if (len == 0) {
        return count;
    }
    to[count] = (struct iovec){.iov_base = (void *)(uintptr_t)from, .iov_len = len};
    return count + 1;
}

/* Collects the next slices to write, in order. */
static size_t gather(const struct redis_outgoing *o, struct iovec to[SLICES_PER_WRITE])
{
    size_t count = 0;
    size_t own = o->own_sent;
    size_t skip = o->part_sent;
    for (size_t i = o->lent_sent; i < o->lent_count && count + 2 < SLICES_PER_WRITE; i++) {
        const struct outgoing_slice *l = &o->lent[i];
        count = add(to, count, o->own.ptr + own, l->at - own);
        count = add(to, count, l->what.ptr + skip, l->what.len - skip);
        own = l->at;
        skip = 0;
        if (i + 1 == o->lent_count) {
            return add(to, count, o->own.ptr + own, o->own.len - own);
        }
    }
    return count > 0 ? count : add(to, count, o->own.ptr + own, o->own.len - own);
}

static void wrote(struct redis_outgoing *o, size_t bytes)
{
    o->sent_total += bytes;
    while (bytes > 0) {
        bool more_lent = o->lent_sent < o->lent_count;
        size_t own_end = more_lent ? o->lent[o->lent_sent].at : o->own.len;
        size_t own = own_end - o->own_sent;
        own = own < bytes ? own : bytes;
        o->own_sent += own;
        bytes -= own;
        if (o->own_sent < own_end || !more_lent) {
            continue;
        }
        size_t left = o->lent[o->lent_sent].what.len - o->part_sent;
        size_t lent = left < bytes ? left : bytes;
        o->part_sent += lent;
        bytes -= lent;
        if (lent == left) {
            o->lent_sent++;
            o->part_sent = 0;
        }
    }
}

/* Under constant load the buffer never gets empty: so sent bytes are dropped here. */
static void drop_sent(struct redis_outgoing *o)
{
    if (o->own_sent < SENT_BYTES_KEPT && o->lent_sent < SENT_SLICES_KEPT) {
        return;
    }
    o->lent_count -= o->lent_sent;
    if (o->lent_count > 0) {
        memmove(o->lent, o->lent + o->lent_sent, o->lent_count * sizeof *o->lent);
    }
    for (size_t i = 0; i < o->lent_count; i++) {
        o->lent[i].at -= o->own_sent;
    }
    buf_drop_front(&o->own, o->own_sent);
    o->own_sent = o->lent_sent = 0;
}

bool outgoing_write(struct redis_outgoing *o, struct redis_socket *socket)
{
    while (outgoing_waits(o)) {
        struct iovec slices[SLICES_PER_WRITE];
        ssize_t n = socket_write(socket, slices, gather(o, slices));
        if (n < 0) {
            bool full = errno == EAGAIN || errno == EWOULDBLOCK;
            drop_sent(o);
            return full;
        }
        wrote(o, (size_t)n);
    }
    outgoing_clear(o);
    return true;
}

void outgoing_clear(struct redis_outgoing *o)
{
    if (o->own.cap > OWN_KEPT_BYTES_MAX) {
        buf_free(&o->own);
    }
    buf_clear(&o->own);
    if (o->lent_cap > LENT_KEPT_MAX) {
        free(o->lent);
        o->lent = NULL;
        o->lent_cap = 0;
    }
    o->lent_count = 0;
    o->own_sent = o->lent_sent = o->part_sent = 0;
    o->sent_total = o->given_total;
}

void outgoing_free(struct redis_outgoing *o)
{
    buf_free(&o->own);
    free(o->lent);
    *o = (struct redis_outgoing){0};
}
