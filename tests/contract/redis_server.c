#include "redis_server.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define START_TRIES 6000 /* of 10 ms: a disk may stand still for seconds */

static redisReply *last_reply;

static void drop_reply(void)
{
    if (last_reply != NULL) {
        freeReplyObject(last_reply);
        last_reply = NULL;
    }
}

void redis_server_init(struct redis_server *r)
{
    *r = (struct redis_server){.dir = "/tmp/marathon-store-XXXXXX"};
    assert_non_null(mkdtemp(r->dir));
    snprintf(r->socket, sizeof r->socket, "%s/redis.sock", r->dir);
    snprintf(r->url, sizeof r->url, "unix://%s", r->socket);
}

static void run_server(const struct redis_server *r, const char *const *extra)
{
    const char *argv[40] = {REDIS_SERVER, "--port",
                            "0",          "--unixsocket",
                            r->socket,    "--dir",
                            r->dir,       "--appendonly",
                            "yes",        "--appendfsync",
                            "always",     "--save",
                            "",           "--maxmemory-policy",
                            "noeviction", "--logfile",
                            "redis.log"};
    size_t n = 0;
    while (argv[n] != NULL) {
        n++;
    }
    for (; extra != NULL && *extra != NULL && n < 39; extra++) {
        argv[n++] = *extra;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that dies leaves none behind */
    union {
        const char **words;
        char *const *argv;
    } args = {.words = argv};
    execv(REDIS_SERVER, args.argv);
    _exit(127);
}

void redis_server_start(struct redis_server *r, const char *const *extra)
{
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid == 0) {
        run_server(r, extra);
    }
    for (int i = 0; i < START_TRIES && waitpid(r->pid, NULL, WNOHANG) == 0; i++) {
        r->raw = redisConnectUnix(r->socket);
        if (r->raw != NULL && r->raw->err == 0) {
            redisReply *reply = redisCommand(r->raw, "PING");
            bool ready = reply != NULL && reply->type != REDIS_REPLY_ERROR;
            freeReplyObject(reply);
            if (ready) {
                return;
            }
        }
        if (r->raw != NULL) {
            redisFree(r->raw);
            r->raw = NULL;
        }
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    fail_msg("redis-server does not start in %s", r->dir);
}

void redis_server_signal(struct redis_server *r, int signo)
{
    assert_int_equal(kill(r->pid, signo), 0);
}

void redis_server_kill(struct redis_server *r)
{
    if (r->pid == 0) {
        return;
    }
    kill(r->pid, SIGKILL);
    waitpid(r->pid, NULL, 0);
    r->pid = 0;
    drop_reply();
    if (r->raw != NULL) {
        redisFree(r->raw);
        r->raw = NULL;
    }
}

void redis_server_finish(struct redis_server *r)
{
    redis_server_kill(r);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", r->dir);
    assert_int_equal(system(command), 0);
}

redisReply *raw(struct redis_server *r, const char *format, ...)
{
    drop_reply();
    va_list list;
    va_start(list, format);
    last_reply = redisvCommand(r->raw, format, list);
    va_end(list);
    assert_non_null(last_reply);
    return last_reply;
}
