/* Finds the current master by asking all sentinels, over one connection each: every second, and ten
 * times a second while the master is away. sentinel_view.h decides which sentinel is believed.
 *
 * Loop's thread; handlers are called from a clean stack, never from within a call. */
#ifndef MARATHON_STORE_REDIS_SENTINEL_H
#define MARATHON_STORE_REDIS_SENTINEL_H

#include "loop/loop.h"
#include "store/redis_url.h"

struct redis_sentinel;

struct redis_sentinel_handler {
    /* Called when the master is first known, and each time it changes. */
    void (*master)(void *user, const struct redis_node *master);
    /* No sentinel has named a master for 3 s, or since the start. Each reason is reported once
     * until it changes. */
    void (*unknown)(void *user, const char *why);
    void *user;
};

struct redis_tls;

/* Credentials for the sentinels; empty = none. */
struct redis_login {
    const struct redis_tls *tls; /* as for link_create */
    char user[REDIS_USER_BYTES];
    char password[REDIS_PASSWORD_BYTES];
};

struct redis_sentinel *sentinel_create(struct loop *loop, const struct redis_url *url,
                                       const struct redis_login *login, mono_ms deadline_ms,
                                       struct redis_sentinel_handler handler);
void sentinel_destroy(struct redis_sentinel *s);
/* The connection to the master was lost, or is open again. */
void sentinel_master_away(struct redis_sentinel *s, bool away);

#endif
