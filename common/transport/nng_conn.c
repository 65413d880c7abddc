#include "transport/nng_impl.h"

#include <assert.h>
#include <stdlib.h>

static struct bytes key_of(const conn_id *id)
{
    return bytes_of(id, sizeof *id);
}

struct nng_conn *conn_find(struct transport_nng *t, conn_id id)
{
    return map_get(&t->table, key_of(&id));
}

/* ---- input: the loop starts the next receive only after it has handled the bytes of the one
 * before; that is the backpressure ---- */

static void on_received(void *arg)
{
    struct nng_conn *c = arg;
    inbox_put(&c->t->inbox, &c->received);
}

static void iov_set(struct nng_conn *c, nng_aio *aio)
{
    nng_iov iov;
    if (c->secure != NULL) {
        iov = (nng_iov){.iov_buf = c->secure->came, .iov_len = c->secure->cap};
    } else {
        iov.iov_buf = input_room(&c->in, &iov.iov_len);
    }
    int rc = nng_aio_set_iov(aio, 1, &iov);
    assert(rc == 0);
}

static void receive(struct nng_conn *c)
{
    iov_set(c, c->recv_aio);
    c->receiving = true;
    nng_stream_recv(c->stream, c->recv_aio);
}

bool conn_deliver(struct nng_conn *c, size_t received)
{
    struct bytes frame;
    enum cut cut = CUT_MORE;
    input_grow(&c->in, received);
    while (!c->closed && (cut = input_next(&c->in, &frame)) == CUT_FRAME) {
        c->handler.frame(c->handler.user, c->id, frame);
    }
    if (cut == CUT_MORE) {
        input_settle(&c->in, received);
    }
    return cut != CUT_GARBAGE;
}

/* Handles the outcome of a receive. True if the connection is still open. */
static bool take(struct nng_conn *c, nng_aio *aio)
{
    size_t count = nng_aio_count(aio);
    if (nng_aio_result(aio) != 0 || count == 0) {
        conn_shut(c, CLOSED_BY_PEER);
        return false;
    }
    if (c->secure != NULL) {
        return secure_take(c, count);
    }
    if (!conn_deliver(c, count)) {
        conn_shut(c, CLOSED_GARBAGE);
    }
    return !c->closed;
}

static void watch_end(struct nng_conn *c)
{
    c->fd = -1;
    if (c->watch != NULL) {
        loop_watch_destroy(c->watch);
        c->watch = NULL;
    }
}

static void on_readable(void *user, int ready)
{
    struct nng_conn *c = user;
    iov_set(c, c->recv_at_once);
    nng_stream_recv(c->stream, c->recv_at_once);
    if (aio_ended_at_once(c->recv_at_once)) {
        take(c, c->recv_at_once);
    } else if ((ready & LOOP_WRITABLE) != 0) {
        /* we never ask for it, so the descriptor has an error */
        watch_end(c);
        receive(c);
    }
}

/* Called when the first bytes have come, through nng's poller. By then nng has let go of the
 * descriptor; a descriptor that had never been armed there would report a hang-up over and over. */
static void watch_begin(struct nng_conn *c)
{
    c->looked_for = true;
    int fd = conn_descriptor(c);
    if (fd >= 0) {
        c->recv_at_once = aio_new(NULL, NULL);
        c->watch = loop_watch_create(c->t->loop, fd, on_readable, c);
        loop_watch_set(c->watch, LOOP_READABLE);
        c->fd = fd;
    }
}

static void received_note(void *owner)
{
    struct nng_conn *c = owner;
    c->receiving = false;
    if (c->closed) {
        conn_reap(c);
        return;
    }
    if (!take(c, c->recv_aio)) {
        return;
    }
    if (!c->looked_for) {
        watch_begin(c);
    }
    if (c->watch == NULL) {
        receive(c);
    }
}

/* ---- the end ---- */

static void sent_note(void *owner)
{
    struct nng_conn *c = owner;
    if (c->closed) {
        conn_reap(c);
    } else if (c->t->stopping && output_idle_or_tell(c)) {
        conn_shut(c, CLOSED_BY_US);
    } else if (!c->t->stopping) { /* then only a failed write sends this note */
        conn_shut(c, CLOSED_BY_PEER);
    }
}

static void gone_note(void *owner)
{
    struct nng_conn *c = owner;
    c->closed_told = true;
    if (c->opened) {
        c->handler.closed(c->handler.user, c->id, c->why);
    }
    if (c->dialer != 0) {
        dialing_conn_gone(c->t, c->dialer, c->secure != NULL && c->secure->refused);
    }
    conn_reap(c);
}

void conn_shut(struct nng_conn *c, enum transport_closed why)
{
    struct transport_nng *t = c->t;
    if (c->closed) {
        return;
    }
    c->closed = true;
    c->why = why;
    pthread_mutex_lock(&t->table_lock);
    map_remove(&t->table, key_of(&c->id));
    pthread_mutex_unlock(&t->table_lock);
    output_close(c);
    secure_end(c);
    watch_end(c);
    nng_stream_close(c->stream);
    inbox_put(&t->inbox, &c->gone);
}

static bool output_busy(struct nng_conn *c)
{
    pthread_mutex_lock(&c->out.lock);
    bool busy = c->out.sending;
    pthread_mutex_unlock(&c->out.lock);
    return busy;
}

void conn_reap(struct nng_conn *c)
{
    struct transport_nng *t = c->t;
    if (!c->closed_told || c->receiving || c->dirty || output_busy(c)) {
        return;
    }
    nng_aio_free(c->recv_aio);
    if (c->recv_at_once != NULL) {
        nng_aio_free(c->recv_at_once);
    }
    output_free(c);
    secure_free(c);
    nng_stream_free(c->stream);
    inbox_forget(&t->inbox, &c->sent);
    if (c->next != NULL) {
        c->next->prev = c->prev;
    }
    if (c->prev != NULL) {
        c->prev->next = c->next;
    } else {
        t->conns = c->next;
    }
    input_free(&c->in);
    free(c);
}

/* ---- the beginning ---- */

static void set_options(nng_stream *stream)
{
    /* ipc has neither option: the calls fail there, harmlessly. */
    nng_stream_set_bool(stream, NNG_OPT_TCP_NODELAY, true);
    nng_stream_set_bool(stream, NNG_OPT_TCP_KEEPALIVE, true);
}

void conn_tell_opened(struct nng_conn *c)
{
    c->opened = true;
    c->handler.opened(c->handler.user, c->id, c->dialer);
}

void conn_open(struct transport_nng *t, nng_stream *stream, const struct conn_origin *origin)
{
    struct nng_conn *c = mem_zalloc(sizeof *c);
    c->id = conn_id_next();
    c->fd = -1;
    c->t = t;
    c->stream = stream;
    c->handler = origin->handler;
    c->dialer = origin->dialer;
    c->received = (struct note){.fn = received_note, .owner = c};
    c->sent = (struct note){.fn = sent_note, .owner = c};
    c->gone = (struct note){.fn = gone_note, .owner = c};
    c->recv_aio = aio_new(on_received, c);
    output_init(c);
    set_options(stream);
    c->next = t->conns;
    if (c->next != NULL) {
        c->next->prev = c;
    }
    t->conns = c;
    pthread_mutex_lock(&t->table_lock);
    map_put(&t->table, key_of(&c->id), c);
    pthread_mutex_unlock(&t->table_lock);
    if (origin->secure) {
        secure_begin(c, origin->peer);
    } else {
        conn_tell_opened(c);
    }
    if (!c->closed) {
        receive(c);
    }
}
