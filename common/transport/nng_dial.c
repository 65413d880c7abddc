#include "transport/nng_impl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

static void dial_now(void *user)
{
    struct nng_dialing *d = user;
    d->dialing = true;
    nng_stream_dialer_dial(d->dialer, d->aio);
}

static void on_dialed(void *arg)
{
    struct nng_dialing *d = arg;
    inbox_put(&d->t->inbox, &d->dialed);
}

static void dialing_free(struct nng_dialing *d)
{
    struct nng_dialing **at = &d->t->dialings;
    while (*at != d) {
        at = &(*at)->next;
    }
    *at = d->next;
    nng_aio_free(d->aio);
    nng_stream_dialer_free(d->dialer);
    loop_timer_destroy(d->again);
    free(d->peer);
    free(d->url);
    free(d);
}

/* Half to one and a half times the back-off, so that many who lost the same peer do not return in
 * step. */
static void dial_later(struct nng_dialing *d)
{
    struct transport_nng *t = d->t;
    mono_ms wait = rng_jitter(&t->rng, d->backoff_ms, 0.5);
    loop_timer_set(d->again, loop_now(t->loop).mono + wait);
    d->backoff_ms *= 2;
    if (d->backoff_ms > t->dial_backoff_ms_max) {
        d->backoff_ms = t->dial_backoff_ms_max;
    }
}

static void dialed_note(void *owner)
{
    struct nng_dialing *d = owner;
    d->dialing = false;
    int result = nng_aio_result(d->aio);
    nng_stream *stream = result == 0 ? nng_aio_get_output(d->aio, 0) : NULL;
    if (d->stopped) {
        if (stream != NULL) {
            nng_stream_close(stream);
            nng_stream_free(stream);
        }
        dialing_free(d);
    } else if (result != 0) {
        log_line(LOG_DEBUG, "dial_failed", "url=%s reason=%s", LOG_Q(d->url),
                 LOG_Q(nng_strerror(result)));
        dialing_failed(d->t, d->number, nng_strerror(result));
        dial_later(d);
    } else {
        d->opened_at = loop_now(d->t->loop).mono;
        conn_open(d->t, stream,
                  &(struct conn_origin){.dialer = d->number,
                                        .secure = d->peer != NULL,
                                        .peer = d->peer,
                                        .handler = d->handler});
    }
}

struct nng_dialing *dialing_find(struct transport_nng *t, uint32_t number)
{
    struct nng_dialing *d = t->dialings;
    while (d != NULL && (d->number != number || d->stopped)) {
        d = d->next;
    }
    return d;
}

void dialing_failed(struct transport_nng *t, uint32_t number, const char *why)
{
    struct nng_dialing *d = dialing_find(t, number);
    if (d != NULL) {
        snprintf(d->fault, sizeof d->fault, "%s", why);
    }
}

const char *transport_nng_dial_fault(const struct transport *base, uint32_t dialer)
{
    struct transport_nng *t = (struct transport_nng *)(uintptr_t)base;
    const struct nng_dialing *d = dialing_find(t, dialer);
    return d != NULL ? d->fault : "";
}

void dialing_conn_gone(struct transport_nng *t, uint32_t number, bool refused)
{
    struct nng_dialing *d = dialing_find(t, number);
    if (d == NULL) {
        return;
    }
    if (refused) {
        loop_timer_set(d->again,
                       loop_now(t->loop).mono + rng_jitter(&t->rng, REFUSED_PAUSE_MS, 0.5));
        return;
    }
    if (loop_now(t->loop).mono - d->opened_at >= DIAL_STABLE_MS) {
        d->backoff_ms = DIAL_BACKOFF_MS_MIN;
    }
    dial_later(d);
}

enum err dialing_open(struct transport_nng *t, const char *url, struct transport_handler handler,
                      uint32_t *ret_dialer)
{
    nng_stream_dialer *dialer = NULL;
    struct place p = {0};
    enum err e = place_read(url, &p);
    if (e == ERR_OK &&
        ((p.secure && t->identity == NULL) || nng_stream_dialer_alloc(&dialer, p.url) != 0)) {
        place_free(&p);
        e = ERR_INVALID;
    }
    if (e != ERR_OK) {
        log_line(LOG_ERROR, "dial_url_invalid", "url=%s", LOG_Q(url));
        return e;
    }
    struct nng_dialing *d = mem_zalloc(sizeof *d);
    d->t = t;
    d->number = ++t->dialer_last;
    d->url = mem_str(url);
    d->peer = mem_str(p.peer);
    place_free(&p);
    d->dialer = dialer;
    d->handler = handler;
    d->backoff_ms = DIAL_BACKOFF_MS_MIN;
    d->dialed = (struct note){.fn = dialed_note, .owner = d};
    d->aio = aio_new(on_dialed, d);
    nng_aio_set_timeout(d->aio, DIAL_PATIENCE_MS);
    d->again = loop_timer_create(t->loop, dial_now, d);
    d->next = t->dialings;
    t->dialings = d;
    *ret_dialer = d->number;
    dial_now(d);
    return ERR_OK;
}

void dialing_stop(struct nng_dialing *d)
{
    if (d->stopped) {
        return;
    }
    d->stopped = true;
    loop_timer_set(d->again, NEVER_MS);
    nng_stream_dialer_close(d->dialer);
    if (!d->dialing) {
        dialing_free(d);
    }
}
