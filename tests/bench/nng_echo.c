/* bench_nng: frames there and back between two processes over our transport, ipc. Prints JSON. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/loop.h"
#include "transport/transport.h"

#define LONE   2000u
#define MANY   60000u
#define WINDOW 64u

struct side {
    struct loop *loop;
    struct transport *transport;
    struct buf frame;
    conn_id conn;
    unsigned sent, back;
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
    if (s->transport->ops->send(s->transport, s->conn, buf_bytes(&s->frame)) != ERR_OK) {
        _exit(1);
    }
}

static void on_opened(void *user, conn_id conn, uint32_t dialer)
{
    struct side *s = user;
    s->conn = conn;
    if (dialer != 0) {
        put(s);
    }
}

static void on_echo(void *user, conn_id conn, struct bytes frame)
{
    struct side *s = user;
    struct bytes whole = bytes_of(frame.ptr - 4, frame.len + 4); /* with its length before it */
    if (s->transport->ops->send(s->transport, conn, whole) != ERR_OK) {
        _exit(1);
    }
}

static void on_back(void *user, conn_id conn, struct bytes frame)
{
    struct side *s = user;
    (void)conn;
    (void)frame;
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
    (void)user;
    (void)conn;
    (void)why;
    _exit(0);
}

static void run_side(const char *url, unsigned bytes, bool listens)
{
    static struct side side;
    struct side *s = &side;
    uint32_t dialer;
    s->loop = loop_create();
    s->transport = transport_nng_create(s->loop, 250);
    uint32_t len = bytes + 20; /* a frame's head, which the transport does not look at */
    uint8_t head[4] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                       (uint8_t)len};
    buf_add(&s->frame, head, sizeof head);
    memset(buf_extend(&s->frame, len), 'x', len);
    struct transport_handler handler = {on_opened, listens ? on_echo : on_back, on_closed, s};
    enum err e = listens ? s->transport->ops->listen(s->transport, url, handler)
                         : s->transport->ops->dial(s->transport, url, handler, &dialer);
    if (e == ERR_OK) {
        loop_run(s->loop);
    }
    _exit(1);
}

int main(int argc, char **argv)
{
    static const struct option known[] = {{"bytes", 1, NULL, 'b'}, {NULL, 0, NULL, 0}};
    unsigned bytes = 1024;
    char folder[] = "/tmp/bench-nng-XXXXXX";
    char url[64];
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        bytes = c == 'b' ? (unsigned)strtoul(optarg, NULL, 10) : bytes;
    }
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    (void)snprintf(url, sizeof url, "ipc://%s/echo", folder);
    pid_t asker = fork(); /* before nng has any thread */
    if (asker == 0) {
        pid_t echo = fork();
        if (echo == 0) {
            run_side(url, bytes, true);
        }
        run_side(url, bytes, false); /* ends itself; the other one sees the connection close */
    }
    int status = 1;
    (void)waitpid(asker, &status, 0);
    (void)unlink(url + 6);
    (void)rmdir(folder);
    return status;
}
