/* Who is the master? Asked of all sentinels, on a connection to each of them: every second, ten
 * times a second while the master is away. sentinel_view.h says which of them is followed.
 *
 * On the loop's thread; handlers are called from a clean stack, never from within a call. */
#ifndef MARATHON_STORE_REDIS_SENTINEL_H
#define MARATHON_STORE_REDIS_SENTINEL_H

#include "loop/loop.h"
#include "store/redis_url.h"

struct redis_sentinel;

struct redis_sentinel_handler {
    /* When it is first known, and each time that it is another one. */
    void (*master)(void *user, const struct redis_node *master);
    /* Nobody names a master, for 3 s or since the start: why, each text once until it changes. */
    void (*unknown)(void *user, const char *why);
    void *user;
};

struct redis_tls;

/* What the sentinels want to know; empty = nothing. */
struct redis_login {
    const struct redis_tls *tls; /* as link_create has it */
    char user[REDIS_USER_BYTES];
    char password[REDIS_PASSWORD_BYTES];
};

struct redis_sentinel *sentinel_create(struct loop *loop, const struct redis_url *url,
                                       const struct redis_login *login, mono_ms deadline_ms,
                                       struct redis_sentinel_handler handler);
void sentinel_destroy(struct redis_sentinel *s);
/* The connection to the master was lost, or is there again. */
void sentinel_master_away(struct redis_sentinel *s, bool away);

#endif
