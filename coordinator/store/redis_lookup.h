/* Looks up a host's address without blocking: the system's resolver may take many seconds, and the
 * loop has leases to renew. Only one query runs at a time, however often it is asked, so that
 * nothing piles up while a name server is away. */
#ifndef MARATHON_STORE_REDIS_LOOKUP_H
#define MARATHON_STORE_REDIS_LOOKUP_H

#include "loop/loop.h"

struct redis_lookup;

/* address: IPv4 or IPv6; if there are several, each is returned in turn. NULL: the host has
 * none. */
typedef void redis_lookup_fn(void *user, const char *address);

struct redis_lookup *lookup_create(struct loop *loop, redis_lookup_fn *fn, void *user);
void lookup_destroy(struct redis_lookup *k); /* a pending answer is dropped */
/* fn is called once, in a later turn, unless lookup_drop is called. Asking again before that
 * replaces the host. */
void lookup_ask(struct redis_lookup *k, const char *host);
void lookup_drop(struct redis_lookup *k); /* cancels: fn will not be called */
/* False for addresses and for localhost, which need no resolver. */
bool lookup_needed(const char *host);

#endif
