/* Whose pages a browser's requests come from. It sends what any page asks that its user looks at,
 * from a place that others cannot reach, and only says whose page that is: in Origin, and by the
 * name under which it has found us, which the page's owner may have turned to our address (DNS
 * rebinding). A key is nothing that a browser has by itself, so all of this is for where none is
 * asked for; but for WebSockets, which are always watched. Pure. */
#ifndef MARATHON_HTTP_ORIGIN_H
#define MARATHON_HTTP_ORIGIN_H

#include "base/bytes.h"

struct origins {
    const char *const *allowed; /* "https://pages.example", beside the own host */
    size_t count;
};

/* May a page of this Origin (empty: no browser says that, but for a page that only reads) open a
 * WebSocket? One that this very host has served, or is allowed. */
bool origin_may_watch(const struct origins *o, struct bytes origin, struct bytes host);
/* Or have something changed? One of another port of the host may as well. */
bool origin_may_change(const struct origins *o, struct bytes origin, struct bytes host);
/* Can nobody else have given this Host to our address? An address, a name without a dot or below
 * .localhost or .internal, that of an allowed Origin, or none. */
bool origin_host_is_ours(const struct origins *o, struct bytes host);

#endif
