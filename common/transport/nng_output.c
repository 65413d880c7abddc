#include "transport/nng_impl.h"

#include <assert.h>

#include "wire/frame.h"

/* Under the lock. */
static bool something_waits(const struct output *o)
{
    return o->fill.len > 0 || o->records.len > 0;
}

static void emptied(struct buf *b)
{
    if (b->cap > OUTPUT_KEPT_BYTES_MAX) {
        buf_free(b);
    } else {
        buf_clear(b);
    }
}

/* Under the lock. True where there is a flight to submit now. */
static bool take_off(struct output *o)
{
    if (o->closed || !something_waits(o)) {
        return false;
    }
    struct buf *next = o->channel == NULL ? &o->fill : &o->records;
    struct buf empty = o->flight;
    o->flight = *next;
    *next = empty;
    o->flight_sent = 0;
    if (o->channel != NULL) {
        o->closed = tls_channel_write(o->channel, buf_bytes(&o->fill), &o->flight) != ERR_OK;
        emptied(&o->fill);
    }
    return !o->closed;
}

/* Under the lock. True where the rest of the flight, or the next, is to be submitted. */
static bool reported(struct output *o, int result, size_t written)
{
    if (result != 0) {
        o->closed = true;
        return false;
    }
    o->flight_sent += written;
    if (o->flight_sent < o->flight.len) { /* a short write */
        return !o->closed;
    }
    o->flight_sent = 0;
    emptied(&o->flight);
    return take_off(o);
}

static void iov_set(const struct output *o, nng_aio *aio)
{
    nng_iov iov = {.iov_buf = o->flight.ptr + o->flight_sent,
                   .iov_len = o->flight.len - o->flight_sent};
    int rc = nng_aio_set_iov(aio, 1, &iov);
    assert(rc == 0);
}

/* Takes the report in; true where there is more to submit. The note is put under the lock: whoever
 * then sees `sending` false knows that the note is there. */
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

/* The socket is full: nng goes on when it has room. Under the lock, since a stream that is closed
 * already would keep the aio for ever. */
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

/* The flight is the caller's: it set `sending`. */
static void submit(struct nng_conn *c)
{
    struct output *o = &c->out;
    bool more = true;
    while (more) {
        iov_set(o, o->at_once);
        nng_stream_send(c->stream, o->at_once);
        if (aio_ended_at_once(o->at_once)) {
            more = report(c, nng_aio_result(o->at_once), nng_aio_count(o->at_once));
        } else if (submit_to_wait(c)) {
            return;
        } else {
            more = report(c, NNG_ECLOSED, 0);
        }
    }
}

/* On a thread of nng's. */
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
    c->out.aio = aio_new(on_sent, c);
    c->out.at_once = aio_new(NULL, NULL);
}

void output_free(struct nng_conn *c)
{
    nng_aio_free(c->out.aio);
    nng_aio_free(c->out.at_once);
    pthread_mutex_destroy(&c->out.lock);
    buf_free(&c->out.fill);
    buf_free(&c->out.flight);
    buf_free(&c->out.records);
}

/* Under the lock. */
static size_t bytes_behind(const struct output *o)
{
    return o->fill.len + o->records.len + o->flight.len - o->flight_sent;
}

enum err output_add(struct nng_conn *c, struct bytes framed)
{
    struct output *o = &c->out;
    enum err e = ERR_OK;
    pthread_mutex_lock(&o->lock);
    size_t behind = bytes_behind(o);
    if (o->closed) {
        e = ERR_NOT_FOUND;
    } else if (behind > TRANSPORT_BACKLOG_BYTES_MAX || /* records are longer than what they hold */
               framed.len > TRANSPORT_BACKLOG_BYTES_MAX - behind) {
        e = ERR_FULL;
    } else {
        buf_add_bytes(&o->fill, framed);
    }
    pthread_mutex_unlock(&o->lock);
    return e;
}

enum err output_add_message(struct nng_conn *c, const struct message *m)
{
    struct output *o = &c->out;
    enum err e = ERR_NOT_FOUND;
    pthread_mutex_lock(&o->lock);
    if (!o->closed) {
        size_t before = o->fill.len;
        e = frame_encode(m, &o->fill);
        if (e == ERR_OK && bytes_behind(o) > TRANSPORT_BACKLOG_BYTES_MAX) {
            o->fill.len = before;
            e = ERR_FULL;
        }
    }
    pthread_mutex_unlock(&o->lock);
    return e;
}

void output_start(struct nng_conn *c)
{
    struct output *o = &c->out;
    pthread_mutex_lock(&o->lock);
    bool start = !o->sending && take_off(o);
    if (start) {
        o->sending = true;
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
