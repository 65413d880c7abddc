/* http functions against a small server of their own. */
#include "bench.h"

#include <netdb.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t server;
static int port;

static int server_start(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    server = fork();
    if (server == 0) {
        (void)dup2(fds[1], STDOUT_FILENO);
        (void)close(fds[0]);
        (void)execl("/usr/bin/python3", "python3", HTTP_FUNCTION, (char *)NULL);
        _exit(127);
    }
    (void)close(fds[1]);
    char text[16] = "";
    size_t len = 0;
    ssize_t n = 1;
    while (n > 0 && len < sizeof text - 1 && strchr(text, '\n') == NULL) {
        n = read(fds[0], text + len, sizeof text - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    (void)close(fds[0]);
    port = (int)strtol(text, NULL, 10);
    return port > 0 ? 0 : -1;
}

static int server_stop(void **state)
{
    (void)state;
    (void)kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
    return 0;
}

static struct bench *open_url(const char *path)
{
    char text[256];
    (void)snprintf(text, sizeof text,
                   "{\"functions\":{\"f\":{\"http\":\"http://127.0.0.1:%d%s\","
                   "\"headers\":{\"X-Key\":\"k1\"},\"timeout_connect\":20}}}",
                   port, path);
    return bench_open(text);
}

static void run_url(const char *path, enum code code, const char *part)
{
    struct bench *b = open_url(path);
    bench_assert_failed(bench_run(b, "f", NULL), code, part);
    bench_close(b);
}

static void test_the_envelope_is_posted_with_its_key_and_headers(void **state)
{
    (void)state;
    struct bench *b = open_url("/echo");
    const struct bench_call *c = bench_run(b, "f", NULL);
    assert_true(c->result.ok);
    const char *text = (const char *)c->result.result.ptr;
    assert_non_null(strstr(text, "\"results\": {\"before\": [1, 2]}"));
    assert_non_null(strstr(text, "\"content-type\": \"application/json\""));
    assert_non_null(strstr(text, "\"idempotency-key\": \"key-1\""));
    assert_non_null(strstr(text, "\"x-key\": \"k1\""));
    assert_non_null(strstr(text, "\"expect\": null"));
    bench_close(b);
}

static void test_an_order_that_had_to_wait_is_posted_the_same(void **state)
{
    (void)state;
    struct bench *b = open_url("/echo");
    bench_run_both(b, "f", NULL);
    bench_close(b);
}

static void test_a_large_envelope_passes(void **state)
{
    (void)state;
    struct bench *b = open_url("/echo");
    struct buf results = {0};
    buf_add_str(&results, "{\"a\":\"");
    memset(buf_extend(&results, 900000), 'x', 900000);
    buf_add_str(&results, "\"}");
    struct step_order order = bench_order("f", NULL);
    order.results.whole = buf_bytes(&results);
    uint64_t number = bench_start_order(b, &order);
    bench_wait(b);
    assert_true(b->calls[number].result.ok);
    assert_true(b->calls[number].result.result.len > 900000);
    buf_free(&results);
    bench_close(b);
}

static void test_news_come_in_lines_with_the_result_as_the_last(void **state)
{
    (void)state;
    struct bench *b = open_url("/lines");
    const struct bench_call *c = bench_run(b, "f", NULL);
    assert_true(c->result.ok);
    assert_true(bytes_is(c->result.result, "{\"n\":[1,2]}"));
    assert_true(c->fraction == 0.25);
    assert_string_equal(c->message, "a quarter");
    assert_string_equal(c->checkpoint, "{\"at\":2}");
    bench_close(b);
}

static void test_lines_without_a_result_are_a_failure(void **state)
{
    (void)state;
    run_url("/lines/none", CODE_FUNCTION_BAD_OUTPUT,
            "the lines of the response ended without {\"result\": ...}; 1 of them were not "
            "understood");
    run_url("/lines/huge", CODE_RESULT_TOO_LARGE, "larger than 1048576 bytes");
    run_url("/lines/cut", CODE_FUNCTION_FAILED, "");
    struct bench *b = open_url("/lines/error");
    const struct bench_call *c = bench_run(b, "f", NULL);
    bench_assert_failed(c, CODE_FUNCTION_REJECTED, "no more today");
    assert_true(c->result.permanent);
    assert_true(bytes_is(c->result.function_code, "QUOTA"));
    bench_close(b);
}

static void test_statuses_say_whether_to_try_again(void **state)
{
    (void)state;
    run_url("/status/500", CODE_FUNCTION_FAILED, "HTTP status 500\nthe body says why");
    run_url("/status/503", CODE_FUNCTION_FAILED, "HTTP status 503");
    run_url("/status/408", CODE_FUNCTION_FAILED, "HTTP status 408");
    run_url("/status/425", CODE_FUNCTION_FAILED, "HTTP status 425");
    run_url("/busy", CODE_FUNCTION_FAILED, "HTTP status 429, Retry-After: 7");
    run_url("/status/400", CODE_FUNCTION_REJECTED, "HTTP status 400\nthe body says why");
    run_url("/status/404", CODE_FUNCTION_REJECTED, "HTTP status 404");
}

static void test_what_it_used_is_told_by_headers_and_by_errors(void **state)
{
    (void)state;
    struct bench *b = open_url("/costs");
    const struct bench_call *c = bench_run(b, "f", NULL);
    assert_true(c->result.ok);
    assert_int_equal(c->used.input_tokens, 10);
    assert_int_equal(c->used.cost_nano, 30000000);
    bench_close(b);
    b = open_url("/cost_of_failure");
    c = bench_run(b, "f", NULL);
    assert_false(c->result.ok);
    assert_int_equal(c->used.cost_nano, 750000000);
    bench_close(b);
}

static void test_what_an_error_says_and_when_to_come_back(void **state)
{
    (void)state;
    struct bench *b = open_url("/busy");
    assert_int_equal(bench_run(b, "f", NULL)->result.retry_after_ms, 7000);
    bench_close(b);
    b = open_url("/says");
    const struct bench_call *c = bench_run(b, "f", NULL);
    bench_assert_failed(c, CODE_FUNCTION_FAILED, "no more today\nHTTP status 400");
    assert_true(bytes_is(c->result.function_code, "QUOTA"));
    assert_int_equal(c->result.retry_after_ms, 90000);
    assert_false(c->result.permanent);
    bench_close(b);
}

static void test_a_status_counts_however_large_the_body(void **state)
{
    (void)state;
    run_url("/large/503", CODE_FUNCTION_FAILED, "HTTP status 503\nxxx");
    run_url("/large/400", CODE_FUNCTION_REJECTED, "HTTP status 400\nxxx");
}

static void test_a_redirect_is_not_followed(void **state)
{
    (void)state;
    run_url("/elsewhere", CODE_FUNCTION_REJECTED, "HTTP status 302");
}

static void test_bad_bodies_are_typed_errors(void **state)
{
    (void)state;
    run_url("/nonsense", CODE_FUNCTION_BAD_OUTPUT, "not one JSON value");
    run_url("/huge", CODE_RESULT_TOO_LARGE, "larger than 1048576 bytes");
    run_url("/cut", CODE_FUNCTION_FAILED, "");
}

static void test_a_refused_connection_is_unavailable(void **state)
{
    (void)state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof a;
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound and not listening: refuses */
    assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)&a, &len), 0);
    char text[128];
    (void)snprintf(text, sizeof text, "{\"functions\":{\"f\":{\"http\":\"http://127.0.0.1:%d/\"}}}",
                   ntohs(a.sin_port));
    struct bench *b = bench_open(text);
    bench_assert_failed(bench_run(b, "f", NULL), CODE_FUNCTION_UNAVAILABLE, "onnect");
    bench_close(b);
    (void)close(s);
}

static void test_a_stop_ends_a_request_that_hangs(void **state)
{
    (void)state;
    struct bench *b = open_url("/hang");
    uint64_t number = bench_start(b, "f", NULL);
    runners_stop(b->runners, number, false);
    bench_wait(b);
    bench_assert_failed(&b->calls[number], CODE_FUNCTION_FAILED, "stopped");
    uint64_t other = bench_start(b, "f", NULL); /* still under way when all is taken down */
    assert_int_equal(other, number + 1);
    bench_close(b);
}

static sem_t asked, give_up, gave_up;

/* In place of libc's, for libcurl's resolver thread (addresses in digits do not come here): a name
 * server that is silent for as long as the test wants, a minute at most. */
int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict ret)
{
    (void)node, (void)service, (void)hints, (void)ret;
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 60;
    (void)sem_post(&asked);
    (void)sem_timedwait(&give_up, &until);
    (void)sem_post(&gave_up);
    return EAI_FAIL;
}

static bool was_asked(void *user)
{
    (void)user;
    return sem_trywait(&asked) == 0;
}

static void test_a_silent_name_server_holds_up_nobody(void **state)
{
    (void)state;
    (void)sem_init(&asked, 0, 0);
    (void)sem_init(&give_up, 0, 0);
    (void)sem_init(&gave_up, 0, 0);
    struct bench *b = bench_open("{\"functions\":{\"f\":{\"http\":\"http://name.invalid/\"}}}");
    uint64_t number = bench_start(b, "f", NULL);
    bench_until(b, was_asked, NULL);
    runners_stop(b->runners, number, false);
    bench_wait(b);
    assert_int_equal(sem_trywait(&gave_up), -1); /* it is silent still */
    bench_assert_failed(&b->calls[number], CODE_FUNCTION_FAILED, "stopped");
    (void)sem_post(&give_up);
    (void)sem_wait(&gave_up);
    bench_close(b);
}

static void test_many_requests_run_at_once_and_connections_are_used_again(void **state)
{
    (void)state;
    struct bench *b = open_url("/echo");
    for (int i = 0; i < 20; i++) {
        (void)bench_start(b, "f", NULL);
    }
    bench_wait(b);
    for (uint64_t i = 1; i <= b->last; i++) {
        assert_true(b->calls[i].result.ok);
    }
    const char *first =
        strstr((const char *)bench_run(b, "f", NULL)->result.result.ptr, "\"peer\"");
    const char *second =
        strstr((const char *)bench_run(b, "f", NULL)->result.result.ptr, "\"peer\"");
    assert_string_equal(first, second);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_used_is_told_by_headers_and_by_errors),
        cmocka_unit_test(test_what_an_error_says_and_when_to_come_back),
        cmocka_unit_test(test_the_envelope_is_posted_with_its_key_and_headers),
        cmocka_unit_test(test_an_order_that_had_to_wait_is_posted_the_same),
        cmocka_unit_test(test_a_large_envelope_passes),
        cmocka_unit_test(test_statuses_say_whether_to_try_again),
        cmocka_unit_test(test_a_status_counts_however_large_the_body),
        cmocka_unit_test(test_a_silent_name_server_holds_up_nobody),
        cmocka_unit_test(test_a_redirect_is_not_followed),
        cmocka_unit_test(test_bad_bodies_are_typed_errors),
        cmocka_unit_test(test_a_refused_connection_is_unavailable),
        cmocka_unit_test(test_a_stop_ends_a_request_that_hangs),
        cmocka_unit_test(test_many_requests_run_at_once_and_connections_are_used_again),
        cmocka_unit_test(test_news_come_in_lines_with_the_result_as_the_last),
        cmocka_unit_test(test_lines_without_a_result_are_a_failure),
    };
    return cmocka_run_group_tests(tests, server_start, server_stop);
}
