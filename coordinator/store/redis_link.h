/* One connection to Redis on the loop: hiredis connects and parses, we read and write (hiredis
 * would copy every command once more, and every reply twice). It connects again and again, with a
 * jittered back-off, until it is destroyed.
 *
 * Commands are gathered by link_send and leave together at link_flush. Answers come in order. A
 * connection that fails, or gives no answer for deadline_ms while one is outstanding, is closed and
 * told by `lost`, always from a clean stack (never from within link_send, link_flush or link_fail);
 * the answers that were outstanding then never come. */
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
    /* Also for each attempt to connect that failed. why is borrowed. */
    void (*lost)(void *user, const char *why);
    /* Answers were handled: a good moment to send what has waited for them. */
    void (*settled)(void *user);
    void *user;
};

/* The reply is freed after the call, unless link_keep was called within it. */
typedef void redis_reply_fn(void *user, const struct redisReply *reply);

/* Where the URL's host is still to be found (sentinels), it waits for link_target. tls: of a URL
 * with TLS; borrowed, and each connection begins with what it holds then. */
struct redis_link *link_create(struct loop *loop, const struct redis_url *url,
                               const struct redis_tls *tls, mono_ms deadline_ms,
                               struct redis_link_handler handler);
void link_destroy(struct redis_link *l); /* silently; not from within a callback of its own */
/* From now on to another server, at once: a connection to the one before is given up. */
void link_target(struct redis_link *l, const struct redis_node *node);

/* Only between open and lost. The bytes are copied. */
void link_send(struct redis_link *l, struct bytes command, redis_reply_fn *fn, void *user);
/* The command just sent goes on; lent: not copied, the bytes stay until its answer or `lost`. */
void link_more(struct redis_link *l, struct bytes more);
void link_lend(struct redis_link *l, struct bytes more);
void link_flush(struct redis_link *l);
/* The reply in hand is the caller's from here on, who calls incoming_reply_drop. What it holds may
 * be read until the connection fails. */
struct incoming_reply *link_keep(struct redis_link *l);
/* Gives the connection up: answers that still come are dropped. */
void link_fail(struct redis_link *l, const char *why);
bool link_is_open(const struct redis_link *l); /* and was not failed */

/* Did every attempt so far end with "connection refused" or a missing socket? */
bool link_refused(const struct redis_link *l);

#endif
