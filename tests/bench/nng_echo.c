/* bench_nng: frames there and back between two processes over our transport: ipc, or with --url
 * tcp://127.0.0.1:PORT and tls+tcp://127.0.0.1:PORT, the latter with --certs FOLDER of
 * deploy/certs.
 * --connects: instead, how many connections are made and closed in a second. Prints JSON. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/loop.h"
#include "transport/transport.h"

#define LONE   2000u
#define MANY   60000u
#define WINDOW 64u
#define ROUNDS 500u /* of connections */

struct options {
    const char *url;
    const char *certs;
    unsigned bytes;
    bool connects;
};

struct side {
    struct loop *loop;
    struct transport *transport;
    struct buf frame;
    conn_id conn;
    const char *url;
    struct transport_handler handler;
    uint32_t dialer;
    bool connects;
    unsigned sent, back, opened;
    int64_t sent_at, many_began;
    int64_t lone_us[LONE];
};

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void put(struct side *s)
{
    s->sent++;
    s->sent_at = clock_mono_us();
    if (s->transport->ops->send(s->transport, s->conn, &(struct slices){.own = s->frame}) !=
        ERR_OK) {
        _exit(1);
    }
}

/* Each connection carries one frame there and back, then the next one is made. */
static void connects_go_on(struct side *s)
{
    if (s->opened == 1) {
        s->many_began = clock_mono_us();
    } else if (s->opened == ROUNDS + 1) {
        double seconds = (double)(clock_mono_us() - s->many_began) / 1e6;
        printf("{\"connects_per_second\":%.0f,\"connect_us\":%.0f}\n", ROUNDS / seconds,
               seconds * 1e6 / ROUNDS);
        (void)fflush(stdout);
        _exit(0);
    }
}

static void on_opened(void *user, conn_id conn, uint32_t dialer)
{
    struct side *s = user;
    s->conn = conn;
    s->opened++;
    if (dialer != 0) {
        if (s->connects) {
            connects_go_on(s);
        }
        put(s);
    }
}

static void on_echo(void *user, conn_id conn, struct bytes frame)
{
    struct side *s = user;
    struct buf whole = {.ptr = (uint8_t *)(uintptr_t)(frame.ptr - 4), /* its length is before it */
                        .len = frame.len + 4};
    if (s->transport->ops->send(s->transport, conn, &(struct slices){.own = whole}) != ERR_OK) {
        _exit(1);
    }
}

static void on_back(void *user, conn_id conn, struct bytes frame)
{
    struct side *s = user;
    (void)conn;
    (void)frame;
    if (s->connects) {
        uint32_t dialer;
        s->transport->ops->undial(s->transport, s->dialer);
        if (s->transport->ops->dial(s->transport, s->url, s->handler, &dialer) != ERR_OK) {
            _exit(1);
        }
        s->dialer = dialer;
        return;
    }
    unsigned n = s->back++;
    if (n < LONE) {
        s->lone_us[n] = clock_mono_us() - s->sent_at;
        put(s);
        if (n + 1 == LONE) {
            s->many_began = clock_mono_us();
            while (s->sent - s->back < WINDOW) {
                put(s);
            }
        }
    } else if (s->back < LONE + MANY) {
        put(s);
    } else {
        double seconds = (double)(clock_mono_us() - s->many_began) / 1e6;
        qsort(s->lone_us, LONE, sizeof *s->lone_us, by_value);
        printf("{\"p50_us\":%lld,\"p99_us\":%lld,\"per_second\":%.0f}\n",
               (long long)s->lone_us[LONE / 2], (long long)s->lone_us[LONE * 99 / 100],
               MANY / seconds);
        (void)fflush(stdout);
        _exit(0);
    }
}

static void on_closed(void *user, conn_id conn, enum transport_closed why)
{
    struct side *s = user;
    (void)conn;
    (void)why;
    if (!s->connects) {
        _exit(0);
    }
}

static void show_certificate(struct side *s, const char *folder, const char *role)
{
    char ca[300], cert[300], key[300], message[TLS_MESSAGE_BYTES];
    struct tls_identity *identity = NULL;
    (void)snprintf(ca, sizeof ca, "%s/ca.pem", folder);
    (void)snprintf(cert, sizeof cert, "%s/%s.pem", folder, role);
    (void)snprintf(key, sizeof key, "%s/%s.key", folder, role);
    struct tls_files files = {ca, cert, key, ""};
    if (tls_identity_load(&files, &identity, message) != ERR_OK) {
        (void)fprintf(stderr, "bench_nng: %s\n", message);
        _exit(1);
    }
    transport_nng_identity(s->transport, identity);
}

static void run_side(const struct options *o, bool listens)
{
    static struct side side;
    struct side *s = &side;
    (void)alarm(60); /* where the two cannot reach each other */
    s->loop = loop_create();
    s->transport = transport_nng_create(s->loop, 250);
    s->connects = o->connects;
    s->url = o->url;
    if (o->certs != NULL) {
        show_certificate(s, o->certs, listens ? "coordinator" : "worker");
    }
    uint32_t len = o->bytes + 20; /* a frame's head, which the transport does not look at */
    uint8_t head[4] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                       (uint8_t)len};
    buf_add(&s->frame, head, sizeof head);
    memset(buf_extend(&s->frame, len), 'x', len);
    s->handler = (struct transport_handler){on_opened, listens ? on_echo : on_back, on_closed, s};
    enum err e = listens ? s->transport->ops->listen(s->transport, o->url, s->handler)
                         : s->transport->ops->dial(s->transport, o->url, s->handler, &s->dialer);
    if (e == ERR_OK) {
        loop_run(s->loop);
    }
    _exit(1);
}

static struct options options_read(int argc, char **argv)
{
    static const struct option known[] = {{"bytes", 1, NULL, 'b'},
                                          {"url", 1, NULL, 'u'},
                                          {"certs", 1, NULL, 'c'},
                                          {"connects", 0, NULL, 'n'},
                                          {NULL, 0, NULL, 0}};
    struct options o = {.bytes = 1024};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        o.bytes = c == 'b' ? (unsigned)strtoul(optarg, NULL, 10) : o.bytes;
        o.url = c == 'u' ? optarg : o.url;
        o.certs = c == 'c' ? optarg : o.certs;
        o.connects = o.connects || c == 'n';
    }
    return o;
}

int main(int argc, char **argv)
{
    struct options o = options_read(argc, argv);
    char folder[] = "/tmp/bench-nng-XXXXXX";
    char url[64];
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    (void)snprintf(url, sizeof url, "ipc://%s/echo", folder);
    o.url = o.url != NULL ? o.url : url;
    pid_t asker = fork(); /* before nng has any thread */
    if (asker == 0) {
        pid_t echo = fork();
        if (echo == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* the other side has ended */
            run_side(&o, true);
        }
        run_side(&o, false); /* ends itself; the other one sees the connection close */
    }
    int status = 1;
    (void)waitpid(asker, &status, 0);
    (void)unlink(url + 6);
    (void)rmdir(folder);
    return status;
}
