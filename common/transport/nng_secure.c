#include "transport/nng_impl.h"

#include <stdlib.h>

#include "base/log.h"

#define SHAKE_BYTES_START 4096u /* little, for a peer that is not identified yet */

static struct tls_channel *channel_of(const struct nng_conn *c)
{
    return c->out.channel;
}

/* Logs the first refusal, then one line for all of the next ten seconds. */
static void refusal_log(struct nng_conn *c, const char *why)
{
    struct transport_nng *t = c->t;
    mono_ms now = loop_now(t->loop).mono;
    t->refusals++;
    if (t->refusals_told > 0 && now - t->refusal_told_at < REFUSAL_LOG_MS) {
        return;
    }
    log_line(LOG_WARN, "tls_refused", "side=%s why=%s since_last_line=%llu",
             c->dialer != 0 ? "dialled" : "accepted", LOG_Q(why),
             (unsigned long long)(t->refusals - t->refusals_told));
    t->refusals_told = t->refusals;
    t->refusal_told_at = now;
}

static void refused(struct nng_conn *c, const char *why)
{
    c->secure->refused = true;
    dialing_failed(c->t, c->dialer, why);
    refusal_log(c, why);
    conn_shut(c, CLOSED_GARBAGE);
}

/* For a connection that we dialled this says nothing about certificates: the peer hangs or is
 * busy. */
static void on_patience(void *user)
{
    struct nng_conn *c = user;
    if (c->dialer == 0) {
        refused(c, "no handshake within 5 s");
    } else {
        log_line(LOG_DEBUG, "dial_failed", "reason=\"no handshake within 5 s\"");
        dialing_failed(c->t, c->dialer, "no handshake within 5 s");
        conn_shut(c, CLOSED_BY_PEER);
    }
}

/* The list is ordered newest first. */
static void oldest_shut(struct transport_nng *t)
{
    struct nng_conn *oldest = NULL;
    for (struct nng_conn *c = t->conns; c != NULL; c = c->next) {
        if (c->secure != NULL && c->secure->patience != NULL && c->dialer == 0) {
            oldest = c;
        }
    }
    if (oldest != NULL) {
        t->pushed_out++;
        refused(oldest, "too many handshakes at once");
    }
}

static void patience_end(struct nng_conn *c)
{
    if (c->secure->patience != NULL) {
        loop_timer_destroy(c->secure->patience);
        c->secure->patience = NULL;
        c->t->shaking -= c->dialer == 0;
    }
}

/* False if the connection is closed by now. */
static bool shake(struct nng_conn *c)
{
    pthread_mutex_lock(&c->out.lock);
    enum tls_state state = tls_channel_shake(channel_of(c), &c->out.records);
    pthread_mutex_unlock(&c->out.lock);
    output_start(c); /* sends a TLS alert too, which tells the peer why */
    if (state == TLS_SHAKES) {
        return true;
    }
    if (state != TLS_OPEN) {
        refused(c, tls_channel_fault(channel_of(c)));
        return false;
    }
    patience_end(c);
    c->t->handshakes++;
    conn_tell_opened(c);
    return !c->closed;
}

void secure_begin(struct nng_conn *c, const char *peer)
{
    struct transport_nng *t = c->t;
    struct secure *s = mem_zalloc(sizeof *s);
    if (c->dialer == 0 && t->shaking >= HANDSHAKES_MAX) {
        oldest_shut(t);
    }
    s->cap = SHAKE_BYTES_START;
    s->came = mem_alloc(s->cap);
    s->patience = loop_timer_create(t->loop, on_patience, c);
    loop_timer_set(s->patience, loop_now(t->loop).mono + HANDSHAKE_MS_MAX);
    c->secure = s;
    t->shaking += c->dialer == 0;
    c->out.channel = tls_channel_create(t->identity, peer);
    (void)shake(c); /* the dialling side speaks first */
}

/* Handles input of an open channel. False if the connection is closed by now. */
static bool read_all(struct nng_conn *c)
{
    size_t len, room;
    do {
        uint8_t *to = input_room(&c->in, &room);
        pthread_mutex_lock(&c->out.lock);
        enum tls_state state =
            tls_channel_read(channel_of(c), (struct tls_room){to, room}, &len, &c->out.records);
        pthread_mutex_unlock(&c->out.lock);
        if (!conn_deliver(c, len)) {
            conn_shut(c, CLOSED_GARBAGE);
        } else if (!c->closed && state == TLS_FAILED) {
            output_start(c);
            refused(c, tls_channel_fault(channel_of(c)));
        } else if (!c->closed && state == TLS_ENDED) {
            conn_shut(c, CLOSED_BY_PEER);
        }
    } while (!c->closed && len == room);
    return !c->closed;
}

bool secure_take(struct nng_conn *c, size_t count)
{
    struct secure *s = c->secure;
    tls_channel_feed(channel_of(c), bytes_of(s->came, count));
    if (!c->opened && !shake(c)) {
        return false;
    }
    if (!c->opened) {
        return true;
    }
    if (!read_all(c)) {
        return false;
    }
    output_start(c); /* reading may produce records: a key change */
    if (count == s->cap && s->cap < INPUT_BYTES_USUAL_MAX) {
        s->cap = s->cap < INPUT_BYTES_START ? INPUT_BYTES_START : s->cap * 2;
        s->came = mem_resize(s->came, s->cap);
    }
    return true;
}

void secure_end(struct nng_conn *c)
{
    if (c->secure != NULL) {
        patience_end(c);
    }
}

void secure_free(struct nng_conn *c)
{
    tls_channel_destroy(channel_of(c));
    if (c->secure != NULL) {
        free(c->secure->came);
        free(c->secure);
    }
}

const char *transport_nng_unit(const struct transport *base, conn_id conn)
{
    struct transport_nng *t = (struct transport_nng *)(uintptr_t)base;
    const struct nng_conn *c = conn_find(t, conn);
    return c != NULL && c->secure != NULL ? tls_channel_unit(channel_of(c)) : "";
}
