#include "store/redis_dial.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/err.h"
#include "store/redis_lookup.h"

#define BACKOFF_MS_MIN 10
#define BACKOFF_MS_MAX 1000
#define HEALTHY_MS     10000 /* a connection that was open this long resets the back-off */

static bool is_refusal(const char *text)
{
    return strcmp(text, strerror(ECONNREFUSED)) == 0 || strcmp(text, strerror(ENOENT)) == 0;
}

void dial_failed(struct redis_link *l, const char *text)
{
    l->attempted = true;
    l->ever_other = l->ever_other || !is_refusal(text);
    char why[sizeof l->why];
    if (l->url.host[0] == '\0') {
        snprintf(why, sizeof why, "cannot connect to %s: %s", l->url.path, text);
    } else {
        snprintf(why, sizeof why, "cannot connect to %s port %d: %s", l->url.host, l->url.port,
                 text);
    }
    link_fail(l, why);
}

static void opened(struct redis_link *l)
{
    l->state = LINK_OPEN;
    l->attempted = l->ever_open = true;
    l->opened_at = loop_now(l->loop).mono;
    loop_timer_set(l->timer, NEVER_MS);
    l->handler.open(l->handler.user);
}

void dial_shake(struct redis_link *l)
{
    switch (socket_shake(&l->socket, &l->blocked)) {
    case SOCKET_SHAKES:
        break;
    case SOCKET_OPEN:
        l->blocked = false;
        opened(l);
        break;
    case SOCKET_FAILED:
        dial_failed(l, socket_why(&l->socket));
        break;
    }
}

void dial_connected(struct redis_link *l)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(l->context->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
        error = errno;
    }
    if (error != 0) {
        dial_failed(l, strerror(error));
        return;
    }
    if (!l->url.tls) {
        opened(l);
        return;
    }
    l->state = LINK_SHAKING;
    loop_timer_set(l->timer, loop_now(l->loop).mono + l->deadline_ms);
    socket_secure(&l->socket, l->tls, l->url.host);
    dial_shake(l);
}

/* A minimal system may have no /etc/hosts, and then no name server knows "localhost" either. */
static redisContext *connect_host(const char *host, int port)
{
    redisContext *context = redisConnectNonBlock(host, port);
    bool unknown_name = context != NULL && context->err == REDIS_ERR_OTHER;
    if (!unknown_name || strcmp(host, "localhost") != 0) {
        return context;
    }
    redisFree(context);
    return redisConnectNonBlock("127.0.0.1", port);
}

/* address: of the host; NULL: the URL names a unix socket. */
static void connect_to(struct redis_link *l, const char *address)
{
    l->state = LINK_CONNECTING;
    redisContext *context = address == NULL ? redisConnectUnixNonBlock(l->url.path)
                                            : connect_host(address, l->url.port);
    if (context == NULL) {
        die("out of memory (a connection to Redis)");
    }
    if (context->err != 0) {
        dial_failed(l, context->errstr);
        redisFree(context);
        return;
    }
    l->context = context;
    l->socket.fd = context->fd;
    l->watch = loop_watch_create(l->loop, context->fd, link_on_ready, l);
    loop_timer_set(l->timer, loop_now(l->loop).mono + l->deadline_ms);
    link_update_interest(l);
}

void dial_on_address(void *user, const char *address)
{
    struct redis_link *l = user;
    if (address == NULL) {
        dial_failed(l, "no such host");
    } else {
        connect_to(l, address);
    }
}

void dial_begin(struct redis_link *l)
{
    bool has_host = l->url.host[0] != '\0';
    if (!has_host && l->url.path[0] == '\0') {
        return; /* link_target will set one */
    }
    if (!has_host || !lookup_needed(l->url.host)) {
        connect_to(l, has_host ? l->url.host : NULL);
        return;
    }
    l->state = LINK_LOOKING;
    loop_timer_set(l->timer, loop_now(l->loop).mono + l->deadline_ms);
    lookup_ask(l->lookup, l->url.host);
}

void dial_again(struct redis_link *l)
{
    mono_ms now = loop_now(l->loop).mono;
    bool was_healthy = l->opened_at != 0 && now - l->opened_at >= HEALTHY_MS;
    l->opened_at = 0;
    l->state = LINK_WAITING;
    l->backoff_ms = was_healthy || l->backoff_ms == 0 ? BACKOFF_MS_MIN : l->backoff_ms * 2;
    l->backoff_ms = l->backoff_ms > BACKOFF_MS_MAX ? BACKOFF_MS_MAX : l->backoff_ms;
    loop_timer_set(l->timer, now + rng_jitter(&l->rng, l->backoff_ms, 0.3));
}
