#include "transport/transport.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/metric_text.h"
#include "transport/nng_impl.h"

nng_aio *aio_new(void (*fn)(void *), void *arg)
{
    nng_aio *aio;
    if (nng_aio_alloc(&aio, fn, arg) != 0) {
        die("nng gives no asynchronous operation (out of memory?)");
    }
    /* A stream has no time limit: the layer above detects silence by missing heartbeats. */
    nng_aio_set_timeout(aio, NNG_DURATION_INFINITE);
    return aio;
}

static bool ended(nng_aio *aio)
{
    return nng_aio_result(aio) != 0 || nng_aio_count(aio) > 0;
}

bool aio_ended_at_once(nng_aio *aio)
{
    bool over = ended(aio);
    if (!over) {
        nng_aio_cancel(aio);
    }
    /* nng's poller may be working on it by now: cancelled or completed, it is settled when this
     * returns. (The poller reports the count before it lets go of the aio.) */
    nng_aio_wait(aio);
    if (over) {
        return true;
    }
    return nng_aio_result(aio) != NNG_ECANCELED || nng_aio_count(aio) > 0;
}

static struct transport_nng *self(struct transport *t)
{
    return (struct transport_nng *)t;
}

static enum err nng_listen_op(struct transport *base, const char *url,
                              struct transport_handler handler)
{
    return self(base)->stopping ? ERR_CONFLICT : listening_open(self(base), url, handler);
}

static enum err nng_dial_op(struct transport *base, const char *url,
                            struct transport_handler handler, uint32_t *ret_dialer)
{
    return self(base)->stopping ? ERR_CONFLICT : dialing_open(self(base), url, handler, ret_dialer);
}

static void nng_undial_op(struct transport *base, uint32_t dialer)
{
    struct transport_nng *t = self(base);
    struct nng_dialing *d = dialing_find(t, dialer);
    if (d != NULL) {
        dialing_stop(d);
    }
    for (struct nng_conn *c = t->conns; c != NULL; c = c->next) {
        if (c->dialer == dialer) {
            conn_shut(c, CLOSED_BY_US);
        }
    }
}

/* Handles the outcome of adding output: marks the connection, so that it is sent at the turn's
 * end. */
static enum err added(struct nng_conn *c, enum err e)
{
    struct transport_nng *t = c->t;
    if (e == ERR_FULL) {
        conn_shut(c, CLOSED_BACKLOG);
    } else if (e == ERR_OK && !c->dirty) {
        c->dirty = true;
        c->dirty_next = t->dirty;
        t->dirty = c;
        loop_turn_again(t->loop);
    }
    return e;
}

static enum err nng_send_op(struct transport *base, conn_id conn, const struct slices *framed)
{
    struct nng_conn *c = conn_find(self(base), conn);
    return c != NULL ? added(c, output_add(c, framed)) : ERR_NOT_FOUND;
}

static enum err nng_send_message_op(struct transport *base, conn_id conn, const struct message *m,
                                    struct lenders *lenders)
{
    struct nng_conn *c = conn_find(self(base), conn);
    return c != NULL ? added(c, output_add_message(c, m, lenders, NULL)) : ERR_NOT_FOUND;
}

static enum err nng_send_held_op(struct transport *base, conn_id conn, const struct message *m,
                                 struct lenders *lenders, struct held_frame *ret_frame)
{
    struct nng_conn *c = conn_find(self(base), conn);
    return c != NULL ? added(c, output_add_message(c, m, lenders, ret_frame)) : ERR_NOT_FOUND;
}

static enum err nng_send_urgent_op(struct transport *base, conn_id conn, struct bytes framed)
{
    struct transport_nng *t = self(base);
    pthread_mutex_lock(&t->table_lock);
    struct nng_conn *c = conn_find(t, conn);
    struct slices urgent = {.own = {.ptr = (uint8_t *)(uintptr_t)framed.ptr, .len = framed.len}};
    enum err e = c != NULL ? output_add(c, &urgent) : ERR_NOT_FOUND;
    if (e == ERR_OK) {
        output_start(c);
    }
    pthread_mutex_unlock(&t->table_lock);
    return e;
}

static void nng_close_op(struct transport *base, conn_id conn)
{
    struct nng_conn *c = conn_find(self(base), conn);
    if (c != NULL) {
        conn_shut(c, CLOSED_BY_US);
    }
}

static void flush(struct transport_nng *t)
{
    while (t->dirty != NULL) {
        struct nng_conn *c = t->dirty;
        t->dirty = c->dirty_next;
        c->dirty = false;
        if (c->closed) {
            conn_reap(c);
        } else {
            output_start(c);
        }
    }
}

static void on_turn_end(void *user)
{
    struct transport_nng *t = user;
    inbox_rescue(&t->inbox);
    flush(t);
    bool empty = t->conns == NULL && t->listenings == NULL && t->dialings == NULL;
    if (t->stopped != NULL && empty && inbox_asleep(&t->inbox)) {
        loop_fn *stopped = t->stopped;
        t->stopped = NULL;
        stopped(t->stopped_user); /* may destroy t */
    }
}

static void on_flush_timeout(void *user)
{
    struct transport_nng *t = user;
    for (struct nng_conn *c = t->conns; c != NULL; c = c->next) {
        conn_shut(c, CLOSED_BY_US);
    }
}

static void nng_shutdown_op(struct transport *base, mono_ms flush_ms, loop_fn *done, void *user)
{
    struct transport_nng *t = self(base);
    assert(!t->stopping && "a transport is shut down once");
    t->stopping = true;
    t->stopped = done;
    t->stopped_user = user;
    for (struct nng_listening *l = t->listenings, *next; l != NULL; l = next) {
        next = l->next;
        listening_close(l);
    }
    for (struct nng_dialing *d = t->dialings, *next; d != NULL; d = next) {
        next = d->next;
        dialing_stop(d);
    }
    for (struct nng_conn *c = t->conns; c != NULL; c = c->next) {
        output_start(c);
        if (output_idle_or_tell(c)) {
            conn_shut(c, CLOSED_BY_US);
        }
    }
    loop_timer_set(t->flush_timer, loop_now(t->loop).mono + flush_ms);
    loop_turn_again(t->loop);
}

static void nng_destroy_op(struct transport *base)
{
    struct transport_nng *t = self(base);
    assert(t->conns == NULL && t->listenings == NULL && t->dialings == NULL &&
           inbox_asleep(&t->inbox) && "destroyed before its shutdown was done");
    loop_off_turn_end(t->loop, on_turn_end, t);
    loop_timer_destroy(t->flush_timer);
    inbox_free(&t->inbox);
    pthread_mutex_destroy(&t->table_lock);
    map_free(&t->table);
    tls_identity_free(t->identity);
    free(t);
}

static const struct transport_ops ops = {
    .listen = nng_listen_op,
    .dial = nng_dial_op,
    .undial = nng_undial_op,
    .send = nng_send_op,
    .send_message = nng_send_message_op,
    .send_held = nng_send_held_op,
    .send_urgent = nng_send_urgent_op,
    .close = nng_close_op,
    .shutdown = nng_shutdown_op,
    .destroy = nng_destroy_op,
};

struct transport *transport_nng_create(struct loop *loop, mono_ms dial_backoff_ms_max)
{
    assert(dial_backoff_ms_max >= DIAL_BACKOFF_MS_MIN);
    struct transport_nng *t = mem_zalloc(sizeof *t);
    t->base.ops = &ops;
    t->loop = loop;
    t->dial_backoff_ms_max = dial_backoff_ms_max;
    /* Jitter only has to differ between processes that were started together. */
    rng_seed(&t->rng, (uint64_t)clock_mono_us() ^ (uint64_t)(uintptr_t)t);
    inbox_init(&t->inbox, loop);
    int rc = pthread_mutex_init(&t->table_lock, NULL);
    assert(rc == 0);
    t->flush_timer = loop_timer_create(loop, on_flush_timeout, t);
    loop_on_turn_end(loop, on_turn_end, t);
    return &t->base;
}

void transport_nng_identity(struct transport *base, struct tls_identity *identity)
{
    struct transport_nng *t = self(base);
    tls_identity_free(t->identity);
    t->identity = identity;
}

struct transport_tls_stats transport_nng_tls_stats(const struct transport *base)
{
    const struct transport_nng *t = (const struct transport_nng *)base;
    return (struct transport_tls_stats){
        .on = t->identity != NULL,
        .expires = t->identity != NULL ? tls_identity_expires(t->identity) : 0,
        .handshakes = t->handshakes,
        .refusals = t->refusals,
        .pushed_out = t->pushed_out,
    };
}

void transport_nng_metrics(const struct transport *base, struct buf *out)
{
    struct transport_tls_stats s = transport_nng_tls_stats(base);
    struct metric_text t = {out, "marathon_tls_"};
    if (!s.on) {
        return;
    }
    metric_seconds(&t, "certificate_expires_timestamp_seconds",
                   "When the certificate shown to peers expires, as a Unix time.",
                   (double)s.expires / 1000);
    metric_single(&t, "handshakes_total", "Connections to or from peers with a good certificate.",
                  s.handshakes);
    metric_single(&t, "refusals_total",
                  "Connections refused by either side because of a certificate.", s.refusals);
    metric_single(
        &t, "pushed_out_total",
        "Connections closed for newer ones because too many had not finished their handshakes.",
        s.pushed_out);
}
