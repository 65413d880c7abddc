/* Peers found by name. A URL whose host is a name stands for all addresses of that name: it is
 * looked up again and again, and each address is a place to dial; addresses that come and go are
 * followed. So "tcp://coordinator:7400" is every coordinator of a compose file, a headless service
 * or a DNS entry. Over TLS the name stays with the address, since the certificate must be for it:
 * tls+tcp://coordinator:7400 is tls+tcp://coordinator@10.0.0.3:7400 and so on. Other URLs (ipc://,
 * an address, localhost) are one place, for good.
 *
 * Loop's thread. A failed lookup changes nothing: who is known stays known. */
#ifndef MARATHON_TRANSPORT_FINDER_H
#define MARATHON_TRANSPORT_FINDER_H

#include "base/err.h"
#include "loop/loop.h"

#define FINDER_AGAIN_MS   2000 /* between two lookups of a name */
#define FINDER_SOON_MS    500  /* while it has no address */
#define FINDER_MISSES_MAX 3    /* an address absent from so many answers in a row is gone */

struct finder_handler {
    /* A place to dial: url has an address for its host, and is borrowed for the call. An error is
     * handed to finder_add for one that is no name; otherwise it is found again at the next lookup.
     */
    enum err (*found)(void *user, const char *url);
    /* Its name no longer has this address. False: there still is a connection, ask again later. */
    bool (*gone)(void *user, const char *url);
    void *user;
    mono_ms again_ms; /* 0: FINDER_AGAIN_MS */
};

/* loop_resolve, or a test's own. */
typedef void finder_resolve_fn(struct loop *loop, const char *host, loop_resolved_fn *fn,
                               void *user);

struct finder;

struct finder *finder_create(struct loop *loop, finder_resolve_fn *resolve,
                             struct finder_handler handler);
/* Not while a lookup is under way. */
void finder_destroy(struct finder *f);
/* ERR_INVALID: neither (tls+)tcp://host:port nor a URL that `found` takes. */
enum err MUST_CHECK finder_add(struct finder *f, const char *url);

#endif
