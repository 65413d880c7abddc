#include "transport/finder.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/listen.h"
#include "base/log.h"

#define TCP            "tcp://"
#define TLS            "tls+tcp://"
#define HOST_BYTES_MAX 254 /* bound of a DNS name */
#define URL_BYTES      (sizeof TLS + 2 * HOST_BYTES_MAX + 64)

struct address {
    char *url;
    unsigned missed;
};

struct name {
    struct finder *finder;
    struct name *next;
    char host[HOST_BYTES_MAX + 1];
    char peer[HOST_BYTES_MAX + 1]; /* over TLS: the name that the certificate must have; else "" */
    char port[6];
    struct address addresses[LOOP_ADDRESSES_MAX];
    size_t address_count;
    struct loop_timer *again;
    bool unknown_told;
};

struct finder {
    struct loop *loop;
    finder_resolve_fn *resolve;
    struct finder_handler handler;
    mono_ms again_ms;
    struct name *first;
};

struct finder *finder_create(struct loop *loop, finder_resolve_fn *resolve,
                             struct finder_handler handler)
{
    struct finder *f = mem_zalloc(sizeof *f);
    f->loop = loop;
    f->resolve = resolve;
    f->handler = handler;
    f->again_ms = handler.again_ms > 0 ? handler.again_ms : FINDER_AGAIN_MS;
    return f;
}

void finder_destroy(struct finder *f)
{
    while (f->first != NULL) {
        struct name *n = f->first;
        f->first = n->next;
        for (size_t i = 0; i < n->address_count; i++) {
            free(n->addresses[i].url);
        }
        loop_timer_destroy(n->again);
        free(n);
    }
    free(f);
}

/* Is the host of url a name that may have many addresses? */
static bool name_split(const char *url, struct name *n)
{
    struct in_addr v4;
    bool secure = strncmp(url, TLS, strlen(TLS)) == 0;
    if (!secure && strncmp(url, TCP, strlen(TCP)) != 0) {
        return false;
    }
    const char *host = url + strlen(secure ? TLS : TCP);
    const char *at = secure ? strchr(host, '@') : NULL;
    struct bytes peer = bytes_of(host, at != NULL ? (size_t)(at - host) : 0);
    host = at != NULL ? at + 1 : host;
    const char *colon = strrchr(host, ':');
    if (host[0] == '[' || colon == NULL || colon == host || port_read(colon + 1) == 0 ||
        (size_t)(colon - host) > HOST_BYTES_MAX || peer.len > HOST_BYTES_MAX) {
        return false;
    }
    if (secure) {
        peer = at != NULL ? peer : bytes_of(host, (size_t)(colon - host));
        memcpy(n->peer, peer.ptr, peer.len);
    }
    memcpy(n->host, host, (size_t)(colon - host));
    memcpy(n->port, colon + 1, strlen(colon + 1));
    return strcmp(n->host, "localhost") != 0 && inet_pton(AF_INET, n->host, &v4) != 1 &&
           strchr(n->host, ':') == NULL && strchr(n->host, '/') == NULL;
}

static struct address *address_find(struct name *n, const char *url)
{
    for (size_t i = 0; i < n->address_count; i++) {
        if (strcmp(n->addresses[i].url, url) == 0) {
            return &n->addresses[i];
        }
    }
    return NULL;
}

static void address_take(struct name *n, const char *address)
{
    struct finder *f = n->finder;
    char url[URL_BYTES];
    bool v6 = strchr(address, ':') != NULL, secure = n->peer[0] != '\0';
    (void)snprintf(url, sizeof url, "%s%s%s%s%s%s:%s", secure ? TLS : TCP, n->peer,
                   secure ? "@" : "", v6 ? "[" : "", address, v6 ? "]" : "", n->port);
    struct address *known = address_find(n, url);
    if (known != NULL) {
        known->missed = 0;
    } else if (n->address_count < LOOP_ADDRESSES_MAX &&
               f->handler.found(f->handler.user, url) == ERR_OK) {
        log_line(LOG_INFO, "address_found", "name=%s url=%s", LOG_Q(n->host), LOG_Q(url));
        n->addresses[n->address_count++] = (struct address){.url = mem_str(url)};
    }
}

static void addresses_sweep(struct name *n)
{
    struct finder *f = n->finder;
    for (size_t i = n->address_count; i-- > 0;) {
        struct address *p = &n->addresses[i];
        if (p->missed >= FINDER_MISSES_MAX && f->handler.gone(f->handler.user, p->url)) {
            log_line(LOG_INFO, "address_gone", "name=%s url=%s", LOG_Q(n->host), LOG_Q(p->url));
            free(p->url);
            *p = n->addresses[--n->address_count];
        }
    }
}

static void on_resolved(void *user, const char *const *said, size_t count)
{
    struct name *n = user;
    for (size_t i = 0; i < n->address_count && count > 0; i++) {
        n->addresses[i].missed++;
    }
    for (size_t i = 0; i < count; i++) {
        address_take(n, said[i]);
    }
    addresses_sweep(n);
    if (count == 0 && !n->unknown_told) {
        log_line(LOG_WARN, "name_unknown", "name=%s hint=%s", LOG_Q(n->host),
                 LOG_Q("no address found yet, still trying; is the name right?"));
    }
    n->unknown_told = count == 0;
    mono_ms wait = n->finder->again_ms;
    if (n->address_count == 0 && wait > FINDER_SOON_MS) {
        wait = FINDER_SOON_MS;
    }
    loop_timer_set(n->again, loop_now(n->finder->loop).mono + wait);
}

static void look(void *user)
{
    struct name *n = user;
    n->finder->resolve(n->finder->loop, n->host, on_resolved, n);
}

enum err finder_add(struct finder *f, const char *url)
{
    struct name *n = mem_zalloc(sizeof *n);
    if (!name_split(url, n)) {
        free(n);
        return f->handler.found(f->handler.user, url);
    }
    n->finder = f;
    n->again = loop_timer_create(f->loop, look, n);
    n->next = f->first;
    f->first = n;
    look(n);
    return ERR_OK;
}
