/* Which web pages a browser's requests may come from. A browser sends whatever request a page asks
 * for, from inside its user's network, and only says whose page it is: in Origin, and by the name
 * under which it found us in Host, which the page's owner may have pointed at our address (DNS
 * rebinding). A browser has no API key on its own, so these checks matter only if no keys are
 * required; WebSockets are always checked. Pure. */
#ifndef MARATHON_HTTP_ORIGIN_H
#define MARATHON_HTTP_ORIGIN_H

#include "base/bytes.h"

struct origins {
    const char *const *allowed; /* "https://pages.example", in addition to our own host */
    size_t count;
};

/* May a page of this Origin open a WebSocket? Yes if this host has served it, or it is allowed.
 * Empty: no browser, or a page that only reads. */
bool origin_may_watch(const struct origins *o, struct bytes origin, struct bytes host);
/* May it change anything? Then a page on another port of the host may too. */
bool origin_may_change(const struct origins *o, struct bytes origin, struct bytes host);
/* Is this Host one that nobody else can have pointed at our address? True for an address, a name
 * without a dot or below .localhost or .internal, the host of an allowed Origin, or none. */
bool origin_host_is_ours(const struct origins *o, struct bytes host);

#endif
