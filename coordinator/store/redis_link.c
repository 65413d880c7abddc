#include "store/redis_link.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "store/redis_dial.h"
#include "store/redis_lookup.h"

/* A large reply should neither take one turn per read, nor block the loop for long */
#define READ_BYTES_PER_EVENT (256u << 10)

/* ---- failure --------------------------------------------------------------------------------- */

void link_fail(struct redis_link *l, const char *why)
{
    if (l->state == LINK_FAILED || l->state == LINK_WAITING) {
        return;
    }
    snprintf(l->why, sizeof l->why, "%s", why);
    l->state = LINK_FAILED;
    lookup_drop(l->lookup);
    if (l->watch != NULL) {
        loop_watch_set(l->watch, 0);
    }
    loop_timer_set(l->timer, loop_now(l->loop).mono);
}

/* The connection failed. If there was no answer yet, the server may expect TLS: such a server takes
 * our first command for garbage and closes the connection. */
static void fail_unheard(struct redis_link *l, const char *text)
{
    char why[sizeof l->why];
    bool may_be_tls = !l->answered && !l->url.tls && l->url.host[0] != '\0';
    snprintf(why, sizeof why, "%s%s", text,
             may_be_tls ? " before it answered anything (is it a TLS port? then use rediss://)"
                        : "");
    link_fail(l, why);
}

static void close_context(struct redis_link *l)
{
    if (l->watch != NULL) {
        loop_watch_destroy(l->watch);
        l->watch = NULL;
    }
    socket_close(&l->socket);
    if (l->context != NULL) {
        redisFree(l->context);
        l->context = NULL;
    }
    waiting_clear(&l->waiting);
    incoming_clear(&l->incoming);
    outgoing_clear(&l->outgoing);
    l->blocked = l->deadline_armed = l->answered = false;
}

/* ---- called by the loop ---------------------------------------------------------------------- */

void link_update_interest(struct redis_link *l)
{
    if (l->watch == NULL || l->state == LINK_FAILED) {
        return;
    }
    /* Output is written at the flush; we wait for writability only if the socket was full. */
    bool write = l->state == LINK_CONNECTING || l->blocked;
    loop_watch_set(l->watch, LOOP_READABLE | (write ? LOOP_WRITABLE : 0));
}

/* Hands out the complete answers. */
static void take_answers(struct redis_link *l)
{
    const redisReply *reply = NULL;
    while (l->state == LINK_OPEN && (reply = incoming_next(&l->incoming)) != NULL) {
        if (waiting_next_end(&l->waiting) > l->outgoing.sent_total) {
            /* An answer to a command that is not written yet: too many clients, or protected mode.
             * It cannot be handed out, since lent bytes must stay valid until they are written. */
            link_fail(l, reply->type == REDIS_REPLY_ERROR
                             ? reply->str
                             : "Redis sent a reply that no request was waiting for");
            return;
        }
        l->answered = true;
        struct redis_waiter w = waiting_take(&l->waiting);
        l->heard_at = loop_now(l->loop).mono;
        l->in_hand = true;
        w.fn(w.user, reply);
        l->in_hand = false;
    }
    if (l->incoming.why != NULL) {
        fail_unheard(l, l->incoming.why);
    }
}

static void read_some(struct redis_link *l)
{
    l->inside = true;
    bool more = true;
    for (size_t bytes = 0; more && bytes < READ_BYTES_PER_EVENT && l->state == LINK_OPEN;) {
        bytes += incoming_read(&l->incoming, &l->socket, &more);
        take_answers(l);
        more = (more && incoming_in_part(&l->incoming)) || socket_holds(&l->socket);
    }
    l->inside = false;
    if (l->state == LINK_OPEN && socket_holds(&l->socket)) {
        loop_timer_set(l->timer, loop_now(l->loop).mono); /* polling does not report it */
    }
}

static void settle(struct redis_link *l)
{
    if (l->state == LINK_OPEN) {
        l->handler.settled(l->handler.user);
        link_flush(l);
    }
}

void link_on_ready(void *user, int ready)
{
    struct redis_link *l = user;
    l->blocked = false;
    if (l->state == LINK_CONNECTING) {
        dial_connected(l);
    } else if (l->state == LINK_SHAKING) {
        dial_shake(l);
    } else if (l->state == LINK_OPEN) {
        if ((ready & LOOP_READABLE) != 0) {
            read_some(l);
        }
        settle(l);
    }
    link_flush(l);
}

static void tell_lost(struct redis_link *l)
{
    close_context(l);
    dial_again(l);
    l->handler.lost(l->handler.user, l->why);
}

/* Reads on where one event was not enough, if TLS holds the rest: the socket will not report it. */
static void read_held(struct redis_link *l)
{
    if (l->state == LINK_OPEN && socket_holds(&l->socket)) {
        read_some(l);
        settle(l);
    }
}

/* Arming the timer for each answer would cost more than checking the deadline late. */
static void check_deadline(struct redis_link *l)
{
    l->deadline_armed = false;
    if (l->waiting.count == 0) {
        return;
    }
    mono_ms now = loop_now(l->loop).mono;
    if (now - l->heard_at >= l->deadline_ms) {
        read_some(l); /* our own loop may have been blocked: is the answer here already? */
        settle(l);
    }
    if (l->state != LINK_OPEN || l->waiting.count == 0) {
        return;
    }
    if (now - l->heard_at >= l->deadline_ms) {
        char why[64];
        snprintf(why, sizeof why, "no answer for %lld ms", (long long)l->deadline_ms);
        link_fail(l, why);
        return;
    }
    l->deadline_armed = true;
    loop_timer_set(l->timer, l->heard_at + l->deadline_ms);
}

static void on_timer(void *user)
{
    struct redis_link *l = user;
    switch (l->state) {
    case LINK_WAITING:
        dial_begin(l);
        break;
    case LINK_LOOKING:
        dial_failed(l, "its name is still being looked up");
        break;
    case LINK_CONNECTING:
        dial_failed(l, strerror(ETIMEDOUT));
        break;
    case LINK_SHAKING:
        dial_failed(l, "no TLS handshake (is it a port for plain text? then use redis://)");
        break;
    case LINK_OPEN:
        check_deadline(l);
        read_held(l);
        break;
    case LINK_FAILED:
        tell_lost(l);
        break;
    }
}

/* ---- verbs ----------------------------------------------------------------------------------- */

struct redis_link *link_create(struct loop *loop, const struct redis_url *url,
                               const struct redis_tls *tls, mono_ms deadline_ms,
                               struct redis_link_handler handler)
{
    assert(!url->tls || tls != NULL);
    struct redis_link *l = mem_zalloc(sizeof *l);
    l->loop = loop;
    l->url = *url;
    l->tls = tls;
    l->deadline_ms = deadline_ms;
    l->handler = handler;
    l->state = LINK_WAITING;
    rng_seed(&l->rng, random_u64());
    l->lookup = lookup_create(loop, dial_on_address, l);
    l->timer = loop_timer_create(loop, on_timer, l);
    loop_timer_set(l->timer, loop_now(loop).mono);
    return l;
}

void link_destroy(struct redis_link *l)
{
    assert(!l->inside);
    l->state = LINK_WAITING;
    close_context(l);
    outgoing_free(&l->outgoing);
    waiting_free(&l->waiting);
    lookup_destroy(l->lookup);
    loop_timer_destroy(l->timer);
    free(l);
}

void link_target(struct redis_link *l, const struct redis_node *node)
{
    memcpy(l->url.host, node->host, sizeof l->url.host);
    l->url.port = node->port;
    l->backoff_ms = 0;
    if (l->state == LINK_WAITING) {
        loop_timer_set(l->timer, loop_now(l->loop).mono);
    } else {
        link_fail(l, "the sentinels name another server as the master");
    }
}

void link_send(struct redis_link *l, struct bytes command, redis_reply_fn *fn, void *user)
{
    if (l->state != LINK_OPEN) {
        return; /* it failed in this turn: `lost` will follow */
    }
    mono_ms now = loop_now(l->loop).mono;
    if (l->waiting.count == 0) {
        l->heard_at = now;
    }
    outgoing_put(&l->outgoing, command);
    waiting_put(&l->waiting, (struct redis_waiter){fn, user, l->outgoing.given_total});
    if (!l->deadline_armed) {
        l->deadline_armed = true;
        loop_timer_set(l->timer, socket_holds(&l->socket) ? now : now + l->deadline_ms);
    }
}

void link_more(struct redis_link *l, struct bytes more)
{
    if (l->state == LINK_OPEN) {
        outgoing_put(&l->outgoing, more);
        waiting_extend(&l->waiting, l->outgoing.given_total);
    }
}

void link_lend(struct redis_link *l, struct bytes more)
{
    if (l->state == LINK_OPEN) {
        outgoing_lend(&l->outgoing, more);
        waiting_extend(&l->waiting, l->outgoing.given_total);
    }
}

void link_flush(struct redis_link *l)
{
    if (l->state == LINK_OPEN && !l->blocked && outgoing_waits(&l->outgoing)) {
        if (!outgoing_write(&l->outgoing, &l->socket)) {
            fail_unheard(l, socket_why(&l->socket));
        }
        l->blocked = outgoing_waits(&l->outgoing);
    }
    link_update_interest(l);
}

struct incoming_reply *link_keep(struct redis_link *l)
{
    assert(l->in_hand);
    l->in_hand = false;
    return incoming_keep(&l->incoming);
}

bool link_is_open(const struct redis_link *l)
{
    return l->state == LINK_OPEN;
}

bool link_refused(const struct redis_link *l)
{
    return l->attempted && !l->ever_open && !l->ever_other;
}
