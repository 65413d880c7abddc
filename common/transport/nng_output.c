#include "transport/nng_impl.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

#include "wire/frame.h"

#define SLICES_PER_NNG_WRITE 8 /* nng's limit */
/* The array takes 4 KiB of stack. An order of an ordinary step carries its results in about five
 * slices, and a flight has some dozens of orders. */
#define SLICES_PER_WRITE 256

/* Under the lock. */
static bool something_waits(const struct output *o)
{
    return slices_len(&o->fill->text) > 0 || o->records.len > 0;
}

/* Makes the sheet ready for new content, or replaces it if one of its frames is still held. */
static void emptied(struct sheet **at)
{
    struct sheet *s = *at;
    if (!sheet_is_free(s)) {
        size_t len = s->text.own.len; /* expect the next one to be about as long */
        sheet_release(s);
        *at = sheet_create(len < SHEET_BYTES_AHEAD_MAX ? len : SHEET_BYTES_AHEAD_MAX);
    } else {
        slices_clear(&s->text);
    }
}

/* Under the lock. Turns `fill` into records, after those already waiting. */
static bool records_make(struct output *o)
{
    struct buf *records = &o->flight->text.own;
    struct buf empty = *records;
    struct slices_place at = {0};
    struct bytes piece;
    enum err e = ERR_OK;
    *records = o->records;
    o->records = empty;
    while (e == ERR_OK && slices_next(&o->fill->text, &at, &piece)) {
        e = tls_channel_write(o->channel, piece, records);
    }
    emptied(&o->fill);
    return e == ERR_OK;
}

/* Under the lock; the flight before is done and empty. True if there is a new one to submit. */
static bool take_off(struct output *o)
{
    if (o->closed || !something_waits(o)) {
        return false;
    }
    o->flight_sent = (struct slices_place){0};
    if (o->channel == NULL) {
        struct sheet *empty = o->flight;
        o->flight = o->fill;
        o->fill = empty;
    } else {
        o->closed = !records_make(o);
    }
    return !o->closed;
}

/* Under the lock. True if the rest of the flight, or the next one, is to be submitted. */
static bool reported(struct output *o, int result, size_t written)
{
    if (result != 0) {
        o->closed = true;
        return false;
    }
    struct slices_place at;
    struct bytes rest;
    slices_pass(&o->flight->text, &o->flight_sent, written);
    at = o->flight_sent;
    if (slices_next(&o->flight->text, &at, &rest)) {
        /* a short write, or more slices than one write takes */
        return !o->closed;
    }
    o->flight_sent = (struct slices_place){0};
    emptied(&o->flight);
    return take_off(o);
}

static void iov_set(const struct output *o, nng_aio *aio)
{
    nng_iov iov[SLICES_PER_NNG_WRITE];
    struct slices_place at = o->flight_sent;
    struct bytes piece;
    unsigned count = 0;
    while (count < SLICES_PER_NNG_WRITE && slices_next(&o->flight->text, &at, &piece)) {
        iov[count++] = (nng_iov){.iov_buf = (void *)(uintptr_t)piece.ptr, .iov_len = piece.len};
    }
    int rc = nng_aio_set_iov(aio, count, iov);
    assert(rc == 0);
}

/* Handles the report; true if there is more to submit. The note is put under the lock: whoever then
 * sees `sending` false knows that the note is there. */
static bool report(struct nng_conn *c, int result, size_t written)
{
    struct output *o = &c->out;
    pthread_mutex_lock(&o->lock);
    bool more = reported(o, result, written);
    if (!more) {
        o->sending = false;
        if (o->closed || o->tell_if_idle) {
            inbox_put(&c->t->inbox, &c->sent);
        }
    }
    pthread_mutex_unlock(&o->lock);
    return more;
}

/* The socket is full: nng continues when it has room. Under the lock, since a stream that is
 * already closed would keep the aio for ever. */
static bool submit_to_wait(struct nng_conn *c)
{
    struct output *o = &c->out;
    pthread_mutex_lock(&o->lock);
    bool open = !o->closed;
    if (open) {
        iov_set(o, o->aio);
        nng_stream_send(c->stream, o->aio);
    }
    pthread_mutex_unlock(&o->lock);
    return open;
}

/* Writes what the socket takes within the call; false: nothing. */
static bool write_at_once(struct nng_conn *c, int fd, int *ret_result, size_t *ret_written)
{
    const struct output *o = &c->out;
    struct iovec iov[SLICES_PER_WRITE];
    struct msghdr m = {.msg_iov = iov};
    struct slices_place at = o->flight_sent;
    struct bytes piece;
    while (m.msg_iovlen < SLICES_PER_WRITE && slices_next(&o->flight->text, &at, &piece)) {
        iov[m.msg_iovlen++] =
            (struct iovec){.iov_base = (void *)(uintptr_t)piece.ptr, .iov_len = piece.len};
    }
    ssize_t n;
    do {
        n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    *ret_result = n < 0 ? NNG_ECLOSED : 0;
    *ret_written = n < 0 ? 0 : (size_t)n;
    return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

/* The same through nng, if the descriptor is unknown. */
static bool send_at_once(struct nng_conn *c, int *ret_result, size_t *ret_written)
{
    struct output *o = &c->out;
    iov_set(o, o->at_once);
    nng_stream_send(c->stream, o->at_once);
    if (!aio_ended_at_once(o->at_once)) {
        return false;
    }
    *ret_result = nng_aio_result(o->at_once);
    *ret_written = nng_aio_count(o->at_once);
    return true;
}

/* The caller owns the flight: it has set `sending`. */
static void submit(struct nng_conn *c)
{
    bool more = true;
    while (more) {
        int fd = c->fd;
        int result;
        size_t written;
        if (fd >= 0 ? write_at_once(c, fd, &result, &written)
                    : send_at_once(c, &result, &written)) {
            more = report(c, result, written);
        } else if (submit_to_wait(c)) {
            return;
        } else {
            more = report(c, NNG_ECLOSED, 0);
        }
    }
}

/* On one of nng's threads. */
static void on_sent(void *arg)
{
    struct nng_conn *c = arg;
    if (report(c, nng_aio_result(c->out.aio), nng_aio_count(c->out.aio))) {
        submit(c);
    }
}

void output_init(struct nng_conn *c)
{
    int rc = pthread_mutex_init(&c->out.lock, NULL);
    assert(rc == 0);
    c->out.fill = sheet_create(0);
    c->out.flight = sheet_create(0);
    c->out.aio = aio_new(on_sent, c);
    c->out.at_once = aio_new(NULL, NULL);
}

void output_free(struct nng_conn *c)
{
    nng_aio_free(c->out.aio);
    nng_aio_free(c->out.at_once);
    pthread_mutex_destroy(&c->out.lock);
    sheet_release(c->out.fill);
    sheet_release(c->out.flight);
    buf_free(&c->out.records);
}

/* Under the lock. Counts everything lent to the flight until all of it is written. */
static size_t bytes_behind(const struct output *o)
{
    return slices_memory(&o->fill->text) + o->records.len + slices_memory(&o->flight->text) -
           o->flight_sent.own;
}

enum err output_add(struct nng_conn *c, const struct slices *framed)
{
    struct output *o = &c->out;
    enum err e = ERR_OK;
    pthread_mutex_lock(&o->lock);
    size_t behind = bytes_behind(o);
    if (o->closed) {
        e = ERR_NOT_FOUND;
    } else if (behind > TRANSPORT_BACKLOG_BYTES_MAX || /* records are longer than their content */
               slices_memory(framed) > TRANSPORT_BACKLOG_BYTES_MAX - behind) {
        e = ERR_FULL;
    } else {
        slices_add(&o->fill->text, framed, (struct slices_place){0}, slices_len(framed));
    }
    pthread_mutex_unlock(&o->lock);
    return e;
}

/* Under the lock. True if waiting slices keep too much memory of their lenders alive, of which they
 * are small parts. */
static bool holds_too_much(const struct output *o)
{
    return slices_beside(&o->fill->text) + slices_beside(&o->flight->text) >
           TRANSPORT_BESIDE_BYTES_MAX;
}

/* Under the lock. A single message may lend too much: slices of two lenders in alternation count
 * both each time. */
static enum err encode(struct output *o, const struct message *m, struct lenders *lenders)
{
    struct slices *fill = &o->fill->text, apart = {0};
    struct slices_place before = slices_end(fill);
    enum err e;
    if (!holds_too_much(o)) {
        e = frame_encode_lent(m, lenders, fill);
        if (e != ERR_OK || !holds_too_much(o)) {
            return e;
        }
        slices_cut(fill, before);
    }
    e = frame_encode_lent(m, lenders, &apart);
    if (e == ERR_OK) {
        slices_add(fill, &apart, (struct slices_place){0}, slices_len(&apart));
    }
    slices_free(&apart);
    return e;
}

enum err output_add_message(struct nng_conn *c, const struct message *m, struct lenders *lenders,
                            struct held_frame *ret_frame)
{
    struct output *o = &c->out;
    enum err e = ERR_NOT_FOUND;
    pthread_mutex_lock(&o->lock);
    if (!o->closed) {
        struct slices *fill = &o->fill->text;
        struct slices_place before = slices_end(fill);
        e = encode(o, m, lenders);
        if (e == ERR_OK && bytes_behind(o) > TRANSPORT_BACKLOG_BYTES_MAX) {
            slices_cut(fill, before);
            e = ERR_FULL;
        } else if (e == ERR_OK && ret_frame != NULL) {
            *ret_frame = frame_hold(o->fill, before);
        }
    }
    pthread_mutex_unlock(&o->lock);
    return e;
}

void output_start(struct nng_conn *c)
{
    struct output *o = &c->out;
    pthread_mutex_lock(&o->lock);
    bool open = !o->closed;
    bool start = !o->sending && take_off(o);
    if (start) {
        o->sending = true;
    } else if (open && o->closed) {
        /* its channel can write no more, and no flight will report that */
        inbox_put(&c->t->inbox, &c->sent);
    }
    pthread_mutex_unlock(&o->lock);
    if (start) {
        submit(c);
    }
}

bool output_idle_or_tell(struct nng_conn *c)
{
    struct output *o = &c->out;
    pthread_mutex_lock(&o->lock);
    bool idle = !o->sending && (o->closed || !something_waits(o));
    o->tell_if_idle = !idle;
    pthread_mutex_unlock(&o->lock);
    return idle;
}

void output_close(struct nng_conn *c)
{
    pthread_mutex_lock(&c->out.lock);
    c->out.closed = true;
    pthread_mutex_unlock(&c->out.lock);
}
