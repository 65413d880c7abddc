/* A private redis-server for a test: a unix socket and its data in a directory of its own. */
#ifndef MARATHON_TESTS_REDIS_SERVER_H
#define MARATHON_TESTS_REDIS_SERVER_H

#include <sys/types.h>
#include <hiredis/hiredis.h>

struct redis_server {
    pid_t pid; /* 0 = not running */
    char dir[64];
    char socket[96];
    char url[128];
    redisContext *raw; /* a plain connection beside the store's; NULL while the server is down */
};

/* Makes the directory; starts nothing. */
void redis_server_init(struct redis_server *r);
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
