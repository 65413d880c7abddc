/* bench_load: the bench's HTTP and WebSocket client. bench.py calls it; each command prints JSON.
 */
#include "load.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

int64_t wall_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct get_run {
    struct buf request;
    uint64_t answered, bad;
    int64_t ends;
};

static bool get_next(void *user, struct buf *out, uint64_t *ret_tag)
{
    struct get_run *r = user;
    if (clock_mono_us() >= r->ends) {
        return false;
    }
    buf_add_bytes(out, buf_bytes(&r->request));
    *ret_tag = 0;
    return true;
}

static void get_answer(void *user, const struct pool_answer *a)
{
    struct get_run *r = user;
    r->answered += a->status == 200;
    r->bad += a->status != 200;
}

int load_get(const struct load_options *o)
{
    struct get_run r = {0};
    request_get(&r.request, o->path);
    int64_t began = clock_mono_us();
    r.ends = began + (int64_t)(o->seconds * 1e6);
    struct pool *p =
        pool_open(o->port, o->conns, o->depth, (struct pool_user){get_next, get_answer, &r});
    do {
        pool_turn(p, 10);
    } while (clock_mono_us() < r.ends || pool_outstanding(p) > 0);
    double seconds = (double)(clock_mono_us() - began) / 1e6;
    pool_close(p);
    buf_free(&r.request);
    printf("{\"answers\":%llu,\"bad\":%llu,\"seconds\":%.4f,\"per_second\":%.0f}\n",
           (unsigned long long)r.answered, (unsigned long long)r.bad, seconds,
           (double)r.answered / seconds);
    return r.bad == 0 ? 0 : 1;
}

static int usage(void)
{
    fprintf(stderr,
            "usage: bench_load start|get|sockets --port N [--conns N] [--depth N] [--tasks N]\n"
            "       [--batch N] [--prefix TEXT] [--body JSON] [--path PATH] [--seconds N]\n");
    return 2;
}

static bool options_read(int argc, char **argv, struct load_options *o)
{
    static const struct option known[] = {
        {"port", 1, NULL, 'p'},  {"conns", 1, NULL, 'c'}, {"depth", 1, NULL, 'd'},
        {"tasks", 1, NULL, 't'}, {"batch", 1, NULL, 'b'}, {"prefix", 1, NULL, 'x'},
        {"body", 1, NULL, 'y'},  {"path", 1, NULL, 'h'},  {"seconds", 1, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        unsigned long n = optarg != NULL ? strtoul(optarg, NULL, 10) : 0;
        o->port = c == 'p' ? (int)n : o->port;
        o->conns = c == 'c' ? (unsigned)n : o->conns;
        o->depth = c == 'd' ? (unsigned)n : o->depth;
        o->tasks = c == 't' ? (unsigned)n : o->tasks;
        o->batch = c == 'b' ? (unsigned)n : o->batch;
        o->prefix = c == 'x' ? optarg : o->prefix;
        o->body = c == 'y' ? optarg : o->body;
        o->path = c == 'h' ? optarg : o->path;
        o->seconds = c == 's' ? strtod(optarg, NULL) : o->seconds;
        if (c == '?') {
            return false;
        }
    }
    return o->port > 0 && o->conns > 0 && o->depth > 0 && optind == argc;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*fn)(const struct load_options *);
    } commands[] = {{"start", load_start}, {"get", load_get}, {"sockets", load_sockets}};
    struct load_options o = {
        .conns = 64, .depth = 1, .tasks = 1, .seconds = 2, .prefix = "b", .path = "/livez"};
    if (argc < 2 || !options_read(argc - 1, argv + 1, &o)) {
        return usage();
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].fn(&o);
        }
    }
    return usage();
}
