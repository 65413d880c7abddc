#include "transport/nng_impl.h"

#include <stdlib.h>

#include "base/log.h"

static void accept_next(struct nng_listening *l)
{
    l->accepting = true;
    nng_stream_listener_accept(l->listener, l->aio);
}

static void on_accepted(void *arg)
{
    struct nng_listening *l = arg;
    inbox_put(&l->t->inbox, &l->accepted);
}

static void listening_free(struct nng_listening *l)
{
    struct nng_listening **at = &l->t->listenings;
    while (*at != l) {
        at = &(*at)->next;
    }
    *at = l->next;
    nng_aio_free(l->aio);
    nng_stream_listener_free(l->listener);
    loop_timer_destroy(l->again);
    free(l);
}

static void again_timer(void *user)
{
    accept_next(user);
}

/* Never gives up. A first failure is retried at once (a peer may have left while it waited), a
 * repeated one after a pause. */
static void accept_failed(struct nng_listening *l, int result)
{
    if (!l->failing) {
        l->failing = true;
        log_line(LOG_WARN, "accept_failed", "reason=%s next=\"try again\"",
                 LOG_Q(nng_strerror(result)));
        accept_next(l);
        return;
    }
    loop_timer_set(l->again, loop_now(l->t->loop).mono + ACCEPT_BACKOFF_MS);
}

static void accepted_note(void *owner)
{
    struct nng_listening *l = owner;
    l->accepting = false;
    int result = nng_aio_result(l->aio);
    nng_stream *stream = result == 0 ? nng_aio_get_output(l->aio, 0) : NULL;
    if (l->t->stopping) {
        if (stream != NULL) {
            nng_stream_close(stream);
            nng_stream_free(stream);
        }
        listening_free(l);
    } else if (result != 0) {
        accept_failed(l, result);
    } else {
        l->failing = false;
        accept_next(l);
        conn_open(l->t, stream, &(struct conn_origin){.secure = l->secure, .handler = l->handler});
    }
}

/* NULL: *ret_e has the error, which is also logged. */
static nng_stream_listener *listener_open(const char *url, const struct place *p, enum err *ret_e)
{
    nng_stream_listener *listener;
    int rc = nng_stream_listener_alloc(&listener, p->url);
    if (rc == 0) {
        rc = nng_stream_listener_listen(listener);
        if (rc == 0) {
            return listener;
        }
        nng_stream_listener_free(listener);
        *ret_e = ERR_IO;
    } else {
        *ret_e = ERR_INVALID;
    }
    log_line(LOG_ERROR, "listen_failed", "url=%s reason=%s", LOG_Q(url), LOG_Q(nng_strerror(rc)));
    return NULL;
}

enum err listening_open(struct transport_nng *t, const char *url, struct transport_handler handler)
{
    struct place p;
    enum err e = place_read(url, &p);
    if (e == ERR_OK && p.secure && t->identity == NULL) {
        place_free(&p);
        e = ERR_INVALID;
    }
    if (e != ERR_OK) {
        log_line(LOG_ERROR, "listen_url_invalid", "url=%s", LOG_Q(url));
        return e;
    }
    nng_stream_listener *listener = listener_open(url, &p, &e);
    bool secure = p.secure;
    place_free(&p);
    if (listener == NULL) {
        return e;
    }
    struct nng_listening *l = mem_zalloc(sizeof *l);
    l->t = t;
    l->listener = listener;
    l->secure = secure;
    l->handler = handler;
    l->accepted = (struct note){.fn = accepted_note, .owner = l};
    l->aio = aio_new(on_accepted, l);
    l->again = loop_timer_create(t->loop, again_timer, l);
    l->next = t->listenings;
    t->listenings = l;
    accept_next(l);
    return ERR_OK;
}

void listening_close(struct nng_listening *l)
{
    nng_stream_listener_close(l->listener);
    if (!l->accepting) {
        listening_free(l);
    }
}
