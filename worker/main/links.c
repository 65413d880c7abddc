#include "main/links.h"

#include <stdlib.h>

#include "base/log.h"

#define AWAITED_MS 3000 /* without a connection for so long at start: worth a line */

struct link {
    struct links *owner;
    struct link *next;
    char *url;
    uint32_t dialer; /* 0: paused */
    conn_id conn;    /* the newest, 0 = closed */
    struct loop_timer *again;
};

struct links {
    struct loop *loop;
    struct transport *transport;
    struct transport_handler handler;
    struct link *first;
    struct finder *finder;
    struct loop_timer *awaited;
};

static void on_awaited(void *user)
{
    struct links *l = user;
    for (struct link *k = l->first; k != NULL; k = k->next) {
        if (k->conn == 0) {
            log_line(LOG_WARN, "coordinator_awaited", "url=%s hint=%s", LOG_Q(k->url),
                     LOG_Q("no connection yet, trying on; does a coordinator listen there?"));
        }
    }
}

static enum err on_found(void *user, const char *url);
static bool on_gone(void *user, const char *url);

struct links *links_create(struct loop *loop, struct transport *transport,
                           struct transport_handler handler)
{
    struct links *l = mem_zalloc(sizeof *l);
    l->loop = loop;
    l->transport = transport;
    l->handler = handler;
    l->finder = finder_create(
        loop, loop_resolve, (struct finder_handler){.found = on_found, .gone = on_gone, .user = l});
    l->awaited = loop_timer_create(loop, on_awaited, l);
    loop_timer_set(l->awaited, loop_now(loop).mono + AWAITED_MS);
    return l;
}

static void on_again(void *user)
{
    struct link *k = user;
    struct links *l = k->owner;
    if (l->transport->ops->dial(l->transport, k->url, l->handler, &k->dialer) != ERR_OK) {
        log_line(LOG_WARN, "coordinator_given_up", "url=%s", LOG_Q(k->url)); /* we are ending */
    }
}

static enum err on_found(void *user, const char *url)
{
    struct links *l = user;
    struct link *k = mem_zalloc(sizeof *k);
    k->owner = l;
    enum err e = l->transport->ops->dial(l->transport, url, l->handler, &k->dialer);
    if (e != ERR_OK) {
        free(k);
        return e;
    }
    k->url = mem_str(url);
    k->again = loop_timer_create(l->loop, on_again, k);
    k->next = l->first;
    l->first = k;
    return ERR_OK;
}

/* One that is still connected lives, whatever its name says. */
static bool on_gone(void *user, const char *url)
{
    struct links *l = user;
    struct link **at = &l->first;
    while (*at != NULL && strcmp((*at)->url, url) != 0) {
        at = &(*at)->next;
    }
    struct link *k = *at;
    if (k == NULL || k->conn != 0) {
        return k == NULL;
    }
    *at = k->next;
    if (k->dialer != 0) {
        l->transport->ops->undial(l->transport, k->dialer);
    }
    loop_timer_destroy(k->again);
    free(k->url);
    free(k);
    return true;
}

enum err links_dial(struct links *l, const char *url)
{
    return finder_add(l->finder, url);
}

size_t links_count(const struct links *l)
{
    size_t n = 0;
    for (const struct link *k = l->first; k != NULL; k = k->next) {
        n++;
    }
    return n;
}

void links_closed(struct links *l, conn_id conn)
{
    for (struct link *k = l->first; k != NULL; k = k->next) {
        if (k->conn == conn) {
            k->conn = 0;
        }
    }
}

void links_opened(struct links *l, conn_id conn, uint32_t dialer)
{
    for (struct link *k = l->first; k != NULL; k = k->next) {
        if (k->dialer == dialer) {
            k->conn = conn;
        }
    }
}

void links_close(struct links *l, conn_id conn, mono_ms retry_ms)
{
    if (retry_ms == 0) {
        l->transport->ops->close(l->transport, conn);
        return;
    }
    for (struct link *k = l->first; k != NULL; k = k->next) {
        if (k->conn == conn) {
            l->transport->ops->undial(l->transport, k->dialer);
            k->dialer = 0;
            loop_timer_set(k->again, loop_now(l->loop).mono + retry_ms);
        }
    }
}

void links_destroy(struct links *l)
{
    while (l->first != NULL) {
        struct link *k = l->first;
        l->first = k->next;
        loop_timer_destroy(k->again);
        free(k->url);
        free(k);
    }
    finder_destroy(l->finder);
    loop_timer_destroy(l->awaited);
    free(l);
}
