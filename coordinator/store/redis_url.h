/* Parses REDIS_URL. Pure.
 *
 *   redis://[[user]:password@]host[:port][/db]     host may be a name, an IPv4 address or [IPv6]
 *   unix://[[user]:password@]/path[?db=n]
 *   redis+sentinel://[[user]:password@]host[:port][,host[:port]...]/master[/db]
 *       the hosts are sentinels; user and password are for the master
 *   redis+cluster://[[user]:password@]host[:port][,host[:port]...]
 *       some of the nodes of a Redis Cluster; these know the others
 *   rediss://, rediss+sentinel://, rediss+cluster://
 *       the same with TLS to each server, sentinels included
 * User, password and path may be percent-encoded. */
#ifndef MARATHON_STORE_REDIS_URL_H
#define MARATHON_STORE_REDIS_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define REDIS_PORT_DEFAULT   6379
#define REDIS_SENTINEL_PORT  26379
#define REDIS_DB_MAX         65535
#define REDIS_NODES_MAX      9u /* of sentinels five are plenty, and each is asked every second */
#define REDIS_HOST_BYTES     256
#define REDIS_USER_BYTES     128
#define REDIS_PASSWORD_BYTES 512
#define REDIS_MASTER_BYTES   128

enum redis_kind {
    REDIS_SINGLE,   /* one server: host and port, or path */
    REDIS_SENTINEL, /* `nodes` are sentinels, which name the master; host is empty until then */
    REDIS_CLUSTER,  /* `nodes` are cluster nodes, which know the slots; host is empty */
};

struct redis_node {
    char host[REDIS_HOST_BYTES];
    int port;
};

struct redis_url {
    enum redis_kind kind;
    bool tls;
    char host[REDIS_HOST_BYTES]; /* empty: a unix socket, or not known yet */
    int port;
    char path[108];              /* unix socket; the system's limit */
    char user[REDIS_USER_BYTES]; /* empty = none (Redis's "default") */
    char password[REDIS_PASSWORD_BYTES];
    int db;
    struct redis_node nodes[REDIS_NODES_MAX]; /* the sentinels, or some nodes of the cluster */
    uint32_t node_count;
    char master[REDIS_MASTER_BYTES]; /* its name at the sentinels */
};

/* ERR_INVALID: ret_message is static text that says what is wrong. */
enum err MUST_CHECK redis_url_parse(const char *text, struct redis_url *ret_url,
                                    const char **ret_message);

#endif
