#include "main/links.h"

#include <stdlib.h>

#include "base/log.h"
#include "crypto/hash.h"

#define COORDINATOR_ID_BYTES_MAX 64
/* Most places that are dialled because coordinators named them: as many as the agent takes. */
#define LINKS_MAX  64
#define AWAITED_MS 3000 /* not connected this long after the start: worth a log line */

struct link {
    struct links *owner;
    struct link *next;
    char *url;
    uint32_t dialer; /* 0: paused */
    conn_id conn;    /* the newest, 0 = closed */
    char *id;        /* of the coordinator that last welcomed us there, NULL = none yet */
    bool learned;    /* named by a coordinator, not configured */
    bool spare;      /* not dialled: another place leads to the same coordinator */
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

void links_away_put(const struct links *l, struct buf *out)
{
    for (const struct link *k = l->first; k != NULL; k = k->next) {
        const char *why = k->conn == 0 && !k->spare && k->dialer != 0
                              ? transport_nng_dial_fault(l->transport, k->dialer)
                              : "";
        if (why[0] != '\0') {
            buf_addf(out, "; %s: %s", k->url, why);
        }
    }
}

static void on_awaited(void *user)
{
    struct links *l = user;
    for (struct link *k = l->first; k != NULL; k = k->next) {
        if (k->conn == 0 && !k->spare) {
            log_line(LOG_WARN, "coordinator_awaited", "url=%s hint=%s", LOG_Q(k->url),
                     LOG_Q("no connection yet, still trying; does a coordinator listen there?"));
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
        log_line(LOG_WARN, "coordinator_given_up", "url=%s", LOG_Q(k->url)); /* shutting down */
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

/* A coordinator that is still connected is alive, whatever its name resolves to. */
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
    free(k->id);
    free(k->url);
    free(k);
    return true;
}

enum err links_dial(struct links *l, const char *url)
{
    return finder_add(l->finder, url);
}

static struct link *link_at(const struct links *l, struct bytes url)
{
    struct link *k = l->first;
    while (k != NULL && !bytes_is(url, k->url)) {
        k = k->next;
    }
    return k;
}

static bool listed(const struct message *members, const char *url)
{
    bool found = false;
    for (uint32_t i = 0; i < members->members.count; i++) {
        found = found || bytes_is(members->members.urls[i], url);
    }
    return found;
}

/* Drops learned places that nobody names any more, unless they are connected. */
static void forget_others(struct links *l, const struct message *members)
{
    for (struct link *k = l->first, *next; k != NULL; k = next) {
        next = k->next;
        if (k->learned && !listed(members, k->url)) {
            (void)on_gone(l, k->url);
        }
    }
}

void links_members(struct links *l, const struct message *members)
{
    forget_others(l, members);
    for (uint32_t i = 0; i < members->members.count; i++) {
        struct bytes url = members->members.urls[i];
        if (link_at(l, url) != NULL || links_count(l) >= LINKS_MAX) {
            continue;
        }
        char *text = mem_str_bytes(url);
        if (on_found(l, text) == ERR_OK) {
            l->first->learned = true;
            log_line(LOG_INFO, "coordinator_learned", "url=%s", LOG_Q(text));
        }
        free(text);
    }
}

size_t links_count(const struct links *l)
{
    size_t n = 0;
    for (const struct link *k = l->first; k != NULL; k = k->next) {
        n += !k->spare;
    }
    return n;
}

/* Another place that led to the same coordinator as the lost one may still reach it. */
static void dial_spares(struct links *l, const struct link *lost)
{
    for (struct link *k = l->first; k != NULL; k = k->next) {
        if (k->spare && lost->id != NULL && strcmp(k->id, lost->id) == 0) {
            k->spare = false;
            loop_timer_set(k->again, loop_now(l->loop).mono);
        }
    }
}

void links_closed(struct links *l, conn_id conn)
{
    for (struct link *k = l->first; k != NULL; k = k->next) {
        if (k->conn == conn) {
            k->conn = 0;
            if (!k->spare) {
                dial_spares(l, k);
            }
        }
    }
}

void links_welcomed(struct links *l, conn_id conn, struct bytes id)
{
    struct link *here = l->first;
    while (here != NULL && here->conn != conn) {
        here = here->next;
    }
    if (here == NULL || id.len == 0) {
        return;
    }
    free(here->id);
    char text[2 * COORDINATOR_ID_BYTES_MAX + 1];
    id = bytes_part(id, 0, COORDINATOR_ID_BYTES_MAX);
    here->id = mem_str(hex_encode(id.ptr, id.len, text));
    for (struct link *k = l->first; k != NULL; k = k->next) {
        if (k != here && k->dialer != 0 && k->id != NULL && strcmp(k->id, here->id) == 0) {
            log_line(LOG_INFO, "coordinator_twice", "url=%s same_as=%s", LOG_Q(k->url),
                     LOG_Q(here->url));
            uint32_t dialer = k->dialer;
            k->spare = true;
            k->dialer = 0;
            l->transport->ops->undial(l->transport, dialer);
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
