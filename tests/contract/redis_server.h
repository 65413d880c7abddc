/* A private redis-server for a test: a unix socket and its data in a directory of its own; with TLS
 * a port besides. */
#ifndef MARATHON_TESTS_REDIS_SERVER_H
#define MARATHON_TESTS_REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>
#include <hiredis/hiredis.h>

struct redis_server {
    pid_t pid; /* 0 = not running */
    char dir[64];
    char socket[96];
    char url[128];
    int tls_port;          /* 0: none */
    const char *tls_cert;  /* of the folder of redis_certs, which it shows */
    bool tls_asks_clients; /* for a certificate */
    redisContext *raw; /* a plain connection beside the store's; NULL while the server is down */
};

/* Makes the directory; starts nothing. url: of the unix socket; with MARATHON_TEST_REDIS_TLS in the
 * environment as redis_server_init_tls, so that whole suites can be run over TLS by hand. */
void redis_server_init(struct redis_server *r);
/* url: of its TLS port. Before its start others than the first certificate may be chosen. */
void redis_server_init_tls(struct redis_server *r);
/* Starts it and waits until it answers. Durable (AOF, always) and without eviction unless `extra`,
 * a NULL-terminated list of further arguments, says otherwise; extra may be NULL. */
void redis_server_start(struct redis_server *r, const char *const *extra);
void redis_server_kill(struct redis_server *r); /* -9 */
void redis_server_signal(struct redis_server *r, int signo);
void redis_server_finish(struct redis_server *r); /* kills it, removes the directory */

/* Runs a command of words on the plain connection. The reply is freed with the next call's, or by
 * redis_server_finish. Fails the test where there is none. */
redisReply *raw(struct redis_server *r, const char *format, ...);

#endif
