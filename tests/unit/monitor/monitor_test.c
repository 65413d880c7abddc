#include "monitor/monitor.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "free_port.h"

#define GIVE_UP_MS 60000

struct world {
    struct loop *loop;
    struct monitor *monitor;
    int port;
    bool ready;
    int scrapes;
    int fd; /* of the client */
    struct buf answer;
    struct loop_timer *limit;
};

static void put_metrics(void *user, struct buf *out)
{
    struct world *w = user;
    w->scrapes++;
    buf_add_str(out, "up 1\n");
}

static bool is_ready(void *user, struct buf *out)
{
    struct world *w = user;
    buf_add_str(out, w->ready ? "" : "no store");
    return w->ready;
}

static void on_limit(void *user)
{
    (void)user;
    fail_msg("no answer in time");
}

static void open_world(struct world *w)
{
    *w = (struct world){.loop = loop_create(), .port = free_port()};
    char listen[32];
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%d", w->port);
    struct monitor_handler handler = {put_metrics, is_ready, w};
    assert_int_equal(monitor_create(w->loop, listen, handler, &w->monitor), ERR_OK);
    w->limit = loop_timer_create(w->loop, on_limit, w);
    loop_timer_set(w->limit, loop_now(w->loop).mono + GIVE_UP_MS);
}

static void close_world(struct world *w)
{
    monitor_destroy(w->monitor);
    buf_free(&w->answer);
    loop_destroy(w->loop);
}

static void on_answer(void *user, int ready)
{
    struct world *w = user;
    (void)ready;
    ssize_t n = read(w->fd, buf_extend(&w->answer, 4096), 4096);
    w->answer.len -= n > 0 ? (size_t)(4096 - n) : 4096;
    if (n <= 0) {
        loop_stop(w->loop);
    }
}

/* The whole answer to these bytes; the connection is to close behind it. */
static const char *ask(struct world *w, const char *request)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons((uint16_t)w->port)};
    buf_clear(&w->answer);
    w->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(w->fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(write(w->fd, request, strlen(request)), (ssize_t)strlen(request));
    struct loop_watch *watch = loop_watch_create(w->loop, w->fd, on_answer, w);
    loop_watch_set(watch, LOOP_READABLE);
    loop_run(w->loop);
    loop_watch_destroy(watch);
    close(w->fd);
    return buf_cstr(&w->answer);
}

static const char *get(struct world *w, const char *path)
{
    char request[200];
    (void)snprintf(request, sizeof request,
                   "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    return ask(w, request);
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in: %s", part, text);
    }
}

static void test_metrics_are_made_for_each_scrape(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    const char *text = get(&w, "/metrics");
    assert_has(text, "HTTP/1.1 200 OK\r\n");
    assert_has(text, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    assert_has(text, "\r\n\r\nup 1\n");
    (void)get(&w, "/metrics?x=1");
    assert_int_equal(w.scrapes, 2);
    close_world(&w);
}

static void test_readiness_says_why_not(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    const char *text = get(&w, "/readyz");
    assert_has(text, "HTTP/1.1 503 ");
    assert_has(text, "Content-Type: application/problem+json\r\n");
    assert_has(text, "\"status\":503,\"detail\":\"no store\",\"code\":\"UNAVAILABLE\"");
    assert_has(get(&w, "/livez"), "HTTP/1.1 200 OK\r\n");
    w.ready = true;
    assert_has(get(&w, "/readyz?verbose"), "\r\n\r\nready\n");
    assert_has(get(&w, "/healthz"), "HTTP/1.1 200 OK\r\n");
    close_world(&w);
}

static void test_anything_else_is_a_problem(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    assert_has(get(&w, "/"), "HTTP/1.1 404 ");
    assert_has(get(&w, "/metrics/x"), "\"code\":\"NOT_FOUND\"");
    assert_has(
        ask(&w, "GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: \"7\"\r\nConnection: close\r\n\r\n"),
        "\r\n"
        "\r\n"
        "{\"type\":\"urn:marathon:problem:NOT_FOUND\",\"title\":\"There is no such "
        "path\",\"status\":404,\"detail\":\"only /metrics, /livez and /readyz are served "
        "here\",\"code\":\"NOT_FOUND\",\"request_id\":\"\\\"7\\\"\"}\n");
    char *first = mem_str(strstr(get(&w, "/"), "\"request_id\":\""));
    assert_non_null(first);
    assert_string_not_equal(first, strstr(get(&w, "/"), "\"request_id\":\""));
    free(first);
    const char *text =
        ask(&w, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    assert_has(text, "HTTP/1.1 405 ");
    assert_has(text, "Allow: GET, HEAD\r\n");
    assert_string_equal(ask(&w, "nonsense\r\n\r\n"), ""); /* closed */
    assert_int_equal(w.scrapes, 0);
    close_world(&w);
}

static void test_head_has_no_body(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    const char *text = ask(&w, "HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_has(text, "HTTP/1.1 200 OK\r\n");
    assert_null(strstr(text, "up 1"));
    close_world(&w);
}

static void test_where_it_may_listen(void **state)
{
    (void)state;
    assert_null(monitor_listen_fault("127.0.0.1:1", false));
    assert_null(monitor_listen_fault("[::1]:1", false));
    assert_non_null(monitor_listen_fault("0.0.0.0:1", false));
    assert_null(monitor_listen_fault("0.0.0.0:1", true));
    assert_non_null(monitor_listen_fault("7480", true));
}

static void test_an_address_in_use_is_told(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    char listen[32];
    struct monitor *second = NULL;
    struct monitor_handler handler = {put_metrics, is_ready, &w};
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%d", w.port);
    assert_int_equal(monitor_create(w.loop, listen, handler, &second), ERR_IO);
    assert_int_equal(monitor_create(w.loop, "nowhere", handler, &second), ERR_INVALID);
    assert_null(second);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_are_made_for_each_scrape),
        cmocka_unit_test(test_readiness_says_why_not),
        cmocka_unit_test(test_anything_else_is_a_problem),
        cmocka_unit_test(test_head_has_no_body),
        cmocka_unit_test(test_where_it_may_listen),
        cmocka_unit_test(test_an_address_in_use_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
