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

#include "free_port.h"
#include "redis_certs.h"

#define WORDS_MAX   56
#define START_TRIES 6000 /* of 10 ms: a disk may stand still for seconds */

static redisReply *last_reply;

static void drop_reply(void)
{
    if (last_reply != NULL) {
        freeReplyObject(last_reply);
        last_reply = NULL;
    }
}

static void init(struct redis_server *r)
{
    *r = (struct redis_server){.dir = "/tmp/marathon-store-XXXXXX"};
    assert_non_null(mkdtemp(r->dir));
    snprintf(r->socket, sizeof r->socket, "%s/redis.sock", r->dir);
    snprintf(r->url, sizeof r->url, "unix://%s", r->socket);
}

void redis_server_init_tls(struct redis_server *r)
{
    init(r);
    r->tls_port = free_port();
    r->tls_cert = "server";
    snprintf(r->url, sizeof r->url, "rediss://127.0.0.1:%d", r->tls_port);
    (void)redis_certs(); /* not in the child */
}

void redis_server_init(struct redis_server *r)
{
    if (getenv("MARATHON_TEST_REDIS_TLS") != NULL) {
        redis_server_init_tls(r);
    } else {
        init(r);
    }
}

struct tls_words {
    char port[8], cert[128], key[128], ca[128];
    char client_cert[128], client_key[128]; /* to other nodes of a cluster */
};

static size_t add_tls(const struct redis_server *r, const char **argv, struct tls_words *words)
{
    snprintf(words->port, sizeof words->port, "%d", r->tls_port);
    snprintf(words->cert, sizeof words->cert, "%s/%s.pem", redis_certs(), r->tls_cert);
    snprintf(words->key, sizeof words->key, "%s/%s.key", redis_certs(), r->tls_cert);
    snprintf(words->ca, sizeof words->ca, "%s/ca.pem", redis_certs());
    snprintf(words->client_cert, sizeof words->client_cert, "%s/client.pem", redis_certs());
    snprintf(words->client_key, sizeof words->client_key, "%s/client.key", redis_certs());
    const char *const more[] = {"--bind",
                                "127.0.0.1",
                                "--tls-port",
                                words->port,
                                "--tls-cert-file",
                                words->cert,
                                "--tls-key-file",
                                words->key,
                                "--tls-ca-cert-file",
                                words->ca,
                                "--tls-client-cert-file",
                                words->client_cert,
                                "--tls-client-key-file",
                                words->client_key,
                                "--tls-auth-clients",
                                r->tls_asks_clients ? "yes" : "no"};
    memcpy(argv, more, sizeof more);
    return sizeof more / sizeof more[0];
}

static void run_server(const struct redis_server *r, const char *const *extra)
{
    struct tls_words words;
    const char *argv[WORDS_MAX] = {REDIS_SERVER, "--port",
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
    if (r->tls_port != 0) {
        n += add_tls(r, argv + n, &words);
    }
    for (; extra != NULL && *extra != NULL && n < WORDS_MAX - 1; extra++) {
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
