/* A host's address, without blocking: the system's resolver may take many seconds, and the loop has
 * leases to keep. One question at a time, however often it is asked: where a name server is away,
 * nothing piles up. */
#ifndef MARATHON_STORE_REDIS_LOOKUP_H
#define MARATHON_STORE_REDIS_LOOKUP_H

#include "loop/loop.h"

struct redis_lookup;

/* address: an IPv4 or IPv6 address, of several each in its turn; NULL: the host has none. */
typedef void redis_lookup_fn(void *user, const char *address);

struct redis_lookup *lookup_create(struct loop *loop, redis_lookup_fn *fn, void *user);
void lookup_destroy(struct redis_lookup *k); /* the answer to come is dropped */
/* fn is called once, in a later turn, unless lookup_drop. Again before that: for the last host. */
void lookup_ask(struct redis_lookup *k, const char *host);
void lookup_drop(struct redis_lookup *k); /* the answer is no longer wanted */
/* False for addresses, and for localhost, which needs no resolver. */
bool lookup_needed(const char *host);

#endif
