/* Finds peers by name. A URL whose host is a name stands for all addresses of that name: the finder
 * looks it up periodically, treats each address as a place to dial, and follows addresses that come
 * and go. So "tcp://coordinator:7400" means every coordinator of a compose file, a headless service
 * or a DNS entry. Over TLS the name is kept with the address, since the certificate must have that
 * name: tls+tcp://coordinator:7400 becomes tls+tcp://coordinator@10.0.0.3:7400 and so on. Any other
 * URL (ipc://, an address, localhost) is one fixed place.
 *
 * Loop's thread only. A failed lookup changes nothing: known peers stay known. */
#ifndef MARATHON_TRANSPORT_FINDER_H
#define MARATHON_TRANSPORT_FINDER_H

#include "base/err.h"
#include "loop/loop.h"

#define FINDER_AGAIN_MS   2000 /* between two lookups of a name */
#define FINDER_SOON_MS    500  /* while the name has no address */
#define FINDER_MISSES_MAX 3    /* an address missing from this many answers in a row is gone */

struct finder_handler {
    /* A place to dial; url has an address as its host, and is borrowed for the call. For a URL
     * without a name finder_add returns the error; for an address of a name, the next lookup tries
     * again. */
    enum err (*found)(void *user, const char *url);
    /* The name no longer has this address. Return false while a connection is still open: the
     * finder asks again later. */
    bool (*gone)(void *user, const char *url);
    void *user;
    mono_ms again_ms; /* 0: FINDER_AGAIN_MS */
};

/* loop_resolve, or a substitute in tests. */
typedef void finder_resolve_fn(struct loop *loop, const char *host, loop_resolved_fn *fn,
                               void *user);

struct finder;

struct finder *finder_create(struct loop *loop, finder_resolve_fn *resolve,
                             struct finder_handler handler);
/* Not allowed while a lookup is in progress. */
void finder_destroy(struct finder *f);
/* ERR_INVALID: neither (tls+)tcp://host:port nor a URL that `found` accepts. */
enum err MUST_CHECK finder_add(struct finder *f, const char *url);

#endif
