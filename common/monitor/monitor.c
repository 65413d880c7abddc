#include "monitor/monitor.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/listen.h"
#include "base/log.h"
#include "base/metric_process.h"
#include "base/metric_text.h"
#include "model/problem_members.h"
#include "monitor/microhttpd_library.h"

#define CONNECTIONS_MAX 16 /* enough for a Prometheus or two, probes and a curious person */
#define IDLE_SECONDS    10u
#define REQUEST_BYTES   (size_t)8192 /* a connection's buffer: request head and response head */

struct monitor {
    struct loop *loop;
    struct monitor_handler handler;
    struct MHD_Daemon *daemon;
    struct loop_watch *watch; /* of libmicrohttpd's epoll descriptor */
    struct loop_timer *timer; /* for libmicrohttpd's time-outs of idle connections */
    unix_ms started;
    uint64_t requests;
};

/* ---- answers ---- */

struct page {
    const char *request_id;
    unsigned status;
    const char *type;
    struct buf body;
};

static void page_problem(struct page *p, enum code code, struct bytes detail)
{
    p->status = (unsigned)code_info(code)->http_status;
    p->type = PROBLEM_TYPE;
    problem_members_put(&p->body,
                        &(struct problem_members){.code = code,
                                                  .status = (int)p->status,
                                                  .detail = detail,
                                                  .request_id = bytes_str(p->request_id)});
    buf_add_str(&p->body, "}\n");
}

static void page_ready(struct monitor *m, struct page *p)
{
    struct buf why = {0};
    if (m->handler.ready(m->handler.user, &why)) {
        p->type = "text/plain; charset=utf-8";
        buf_add_str(&p->body, "ready\n");
    } else {
        page_problem(p, CODE_UNAVAILABLE, buf_bytes(&why));
    }
    buf_free(&why);
}

static void page_make(struct monitor *m, const char *url, const char *method, struct page *p)
{
    p->status = MHD_HTTP_OK;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        page_problem(p, CODE_METHOD_NOT_ALLOWED, BYTES_LIT("only GET and HEAD are served here"));
    } else if (strcmp(url, "/metrics") == 0) {
        p->type = METRIC_CONTENT_TYPE;
        m->handler.metrics(m->handler.user, &p->body);
        metric_process(&p->body);
    } else if (strcmp(url, "/livez") == 0) {
        p->type = "text/plain; charset=utf-8";
        buf_add_str(&p->body, "live\n");
    } else if (strcmp(url, "/readyz") == 0 || strcmp(url, "/healthz") == 0) {
        page_ready(m, p);
    } else {
        page_problem(p, CODE_NOT_FOUND,
                     BYTES_LIT("only /metrics, /livez and /readyz are served here"));
    }
}

/* Called once with the head, then for each piece of a body. No request needs a body: the answer is
 * queued at once, and the connection is closed if a body follows. */
static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_bytes, void **state)
{
    (void)version;
    (void)data;
    (void)data_bytes;
    (void)state;
    struct monitor *m = user;
    char made[48]; /* backing for a request id if the client sent none */
    (void)snprintf(made, sizeof made, "%llx-%llx", (unsigned long long)m->started,
                   (unsigned long long)++m->requests);
    const char *given =
        microhttpd()->lookup_connection_value(connection, MHD_HEADER_KIND, "X-Request-Id");
    struct page p = {.request_id = given != NULL && given[0] != '\0' ? given : made};
    page_make(m, url, method, &p);
    struct MHD_Response *r =
        microhttpd()->create_response_from_buffer(p.body.len, p.body.ptr, MHD_RESPMEM_MUST_COPY);
    buf_free(&p.body);
    if (r == NULL) {
        return MHD_NO;
    }
    (void)microhttpd()->add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, p.type);
    (void)microhttpd()->add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (p.status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        (void)microhttpd()->add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    }
    enum MHD_Result done = microhttpd()->queue_response(connection, p.status, r);
    microhttpd()->destroy_response(r);
    return done;
}

/* ---- on the loop ---- */

static void turn(struct monitor *m)
{
    (void)microhttpd()->run(m->daemon);
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    mono_ms now = loop_now(m->loop).mono;
    bool waits = microhttpd()->get_timeout(m->daemon, &wait_ms) == MHD_YES;
    loop_timer_set(m->timer, waits ? now + (mono_ms)wait_ms : NEVER_MS);
}

static void on_ready(void *user, int ready)
{
    (void)ready;
    turn(user);
}

static void on_timer(void *user)
{
    turn(user);
}

static __attribute__((format(printf, 2, 0))) void on_log(void *user, const char *format,
                                                         va_list args)
{
    (void)user;
    char text[300];
    (void)vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_line(LOG_DEBUG, "monitor", "line=%s", LOG_Q(text));
}

/* ---- life ---- */

const char *monitor_listen_fault(const char *listen, bool insecure)
{
    char host[LISTEN_HOST_BYTES];
    int port;
    bool loopback;
    if (listen_parse(listen, host, &port, &loopback) != ERR_OK) {
        return "must be an address and a port, such as 127.0.0.1:7480";
    }
    return loopback || insecure ? NULL
                                : "can be reached from other machines without authentication; use "
                                  "--insecure-listen if the network is private";
}

static enum err find_address(const char *listen, struct addrinfo **ret_address)
{
    char host[LISTEN_HOST_BYTES];
    char service[16];
    int port;
    bool loopback;
    enum err e = listen_parse(listen, host, &port, &loopback);
    if (e != ERR_OK) {
        return e;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    (void)snprintf(service, sizeof service, "%d", port);
    /* A bare system has no /etc/hosts, and no name server knows "localhost". */
    const char *name = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    return getaddrinfo(name, service, &hints, ret_address) == 0 ? ERR_OK : ERR_IO;
}

enum err monitor_create(struct loop *loop, const char *listen, struct monitor_handler handler,
                        struct monitor **ret_monitor)
{
    struct addrinfo *address = NULL;
    enum err e = find_address(listen, &address);
    if (e != ERR_OK) {
        return e;
    }
    struct monitor *m = mem_zalloc(sizeof *m);
    m->loop = loop;
    m->handler = handler;
    m->started = loop_now(loop).wall;
    unsigned flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG;
    flags |= address->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0u;
    m->daemon = microhttpd()->start_daemon(
        flags, 0, NULL, NULL, on_request, m, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_SOCK_ADDR, address->ai_addr, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        REQUEST_BYTES, MHD_OPTION_END);
    freeaddrinfo(address);
    if (m->daemon == NULL) {
        free(m);
        return ERR_IO;
    }
    int fd = microhttpd()->get_daemon_info(m->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    m->watch = loop_watch_create(loop, fd, on_ready, m);
    loop_watch_set(m->watch, LOOP_READABLE);
    m->timer = loop_timer_create(loop, on_timer, m);
    *ret_monitor = m;
    return ERR_OK;
}

void monitor_destroy(struct monitor *m)
{
    if (m == NULL) {
        return;
    }
    loop_watch_destroy(m->watch);
    loop_timer_destroy(m->timer);
    microhttpd()->stop_daemon(m->daemon);
    free(m);
}
