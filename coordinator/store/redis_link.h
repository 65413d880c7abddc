/* One connection to Redis on the loop: hiredis connects and parses, we read and write (hiredis
 * would copy each command once more, and each reply twice). It reconnects with a jittered back-off
 * until it is destroyed.
 *
 * Commands are gathered by link_send and leave together at link_flush. Answers come in order. A
 * connection that fails, or that gives no answer for deadline_ms while one is outstanding, is
 * closed and reported by `lost`, always from a clean stack (never from within link_send, link_flush
 * or link_fail); outstanding answers then never come. */
#ifndef MARATHON_STORE_REDIS_LINK_H
#define MARATHON_STORE_REDIS_LINK_H

#include "base/bytes.h"
#include "loop/loop.h"
#include "store/redis_url.h"

struct incoming_reply;
struct redisReply;
struct redis_link;
struct redis_tls;

struct redis_link_handler {
    void (*open)(void *user);
    /* Also called for each failed attempt to connect. why is borrowed. */
    void (*lost)(void *user, const char *why);
    /* Answers were handled: a good moment to send what had to wait for them. */
    void (*settled)(void *user);
    void *user;
};

/* The reply is freed after the call, unless the callback calls link_keep. */
typedef void redis_reply_fn(void *user, const struct redisReply *reply);

/* If the URL has no host yet (sentinels), the link waits for link_target. tls: needed for a URL
 * with TLS; borrowed, and each connection starts with what it contains at that time. */
struct redis_link *link_create(struct loop *loop, const struct redis_url *url,
                               const struct redis_tls *tls, mono_ms deadline_ms,
                               struct redis_link_handler handler);
/* without calling lost; not from within a callback of the link */
void link_destroy(struct redis_link *l);
/* Switches to another server at once: a connection to the previous one is given up. */
void link_target(struct redis_link *l, const struct redis_node *node);

/* Only between open and lost. The bytes are copied. */
void link_send(struct redis_link *l, struct bytes command, redis_reply_fn *fn, void *user);
/* Continue the command that was just sent; link_lend does not copy: the bytes must stay valid until
 * its answer or `lost`. */
void link_more(struct redis_link *l, struct bytes more);
void link_lend(struct redis_link *l, struct bytes more);
void link_flush(struct redis_link *l);
/* Hands the current reply over to the caller, who must call incoming_reply_drop. */
struct incoming_reply *link_keep(struct redis_link *l);
/* Gives the connection up: outstanding answers are dropped. */
void link_fail(struct redis_link *l, const char *why);
bool link_is_open(const struct redis_link *l); /* open and not failed */

/* Did every attempt so far end with "connection refused" or a missing socket? */
bool link_refused(const struct redis_link *l);

#endif
