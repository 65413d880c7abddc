/* What a REDIS_URL says. Pure.
 *
 *   redis://[[user]:password@]host[:port][/db]     host may be a name, an IPv4 address or [IPv6]
 *   unix://[[user]:password@]/path[?db=n]
 * User, password and path may be percent-encoded. */
#ifndef MARATHON_STORE_REDIS_URL_H
#define MARATHON_STORE_REDIS_URL_H

#include <stdbool.h>

#include "base/err.h"

#define REDIS_PORT_DEFAULT 6379
#define REDIS_DB_MAX       65535

struct redis_url {
    char host[256]; /* empty: a unix socket */
    int port;
    char path[108]; /* of the socket: as long as the system allows */
    char user[128]; /* empty = none (Redis's "default") */
    char password[512];
    int db;
};

/* ERR_INVALID: ret_message is static text that says what is wrong. */
enum err MUST_CHECK redis_url_parse(const char *text, struct redis_url *ret_url,
                                    const char **ret_message);

#endif
