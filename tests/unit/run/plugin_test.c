/* Plugins in their host processes: results, failures, crashes, and hosts that are kept. */
#include "bench.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct bench *open_example(void)
{
    static const char *const names[] = {"count",    "envelope", "later",   "never", "crash",
                                        "leave",    "silent",   "odd",     "huge",  "hang",
                                        "stubborn", "nonsense", "missing", "twins", "quota"};
    struct buf text = {0};
    buf_add_str(&text, "{\"functions\":");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        buf_addf(&text, "%c\"example.%s\":{\"plugin\":\"%s\"}", i == 0 ? '{' : ',', names[i],
                 PLUGIN_EXAMPLE);
    }
    buf_add_str(&text, "}}");
    struct bench *b = bench_open(buf_cstr(&text));
    buf_free(&text);
    return b;
}

static void run_plugin(const char *function, enum code code, const char *part)
{
    struct bench *b = open_example();
    bench_assert_failed(bench_run(b, function, NULL), code, part);
    bench_close(b);
}

static void test_a_plugin_gets_the_envelope_and_gives_a_result(void **state)
{
    (void)state;
    struct bench *b = open_example();
    const struct bench_call *c = bench_run(b, "example.envelope", NULL);
    assert_true(c->result.ok);
    assert_non_null(strstr((const char *)c->result.result.ptr, "\"idempotency_key\":\"key-1\""));
    bench_close(b);
}

static void test_an_order_that_had_to_wait_is_handed_the_same(void **state)
{
    (void)state;
    struct bench *b = open_example();
    bench_run_both(b, "example.envelope", NULL);
    bench_close(b);
}

static void test_the_host_is_kept_between_calls_and_news_arrive(void **state)
{
    (void)state;
    struct bench *b = open_example();
    const struct bench_call *first = bench_run(b, "example.count", NULL);
    const struct bench_call *second = bench_run(b, "example.count", NULL);
    assert_non_null(strstr((const char *)first->result.result.ptr, "{\"calls\":1,"));
    assert_non_null(strstr((const char *)second->result.result.ptr, "{\"calls\":2,"));
    assert_string_equal(strstr((const char *)first->result.result.ptr, "\"pid\""),
                        strstr((const char *)second->result.result.ptr, "\"pid\""));
    assert_int_equal(second->news, 3);
    assert_int_equal(second->used.output_tokens, 2);
    assert_float_equal(second->fraction, 0.5, 1e-9);
    assert_string_equal(second->message, "half way");
    assert_string_equal(second->checkpoint, "{\"at\":\"half\"}");
    assert_int_equal(reaper_count(b->reaper), 1);
    bench_close(b);
}

static void test_calls_at_the_same_time_run_in_hosts_of_their_own(void **state)
{
    (void)state;
    struct bench *b = open_example();
    (void)bench_start(b, "example.count", NULL);
    (void)bench_start(b, "example.count", NULL);
    bench_wait(b);
    assert_non_null(strstr((const char *)b->calls[1].result.result.ptr, "{\"calls\":1,"));
    assert_non_null(strstr((const char *)b->calls[2].result.result.ptr, "{\"calls\":1,"));
    assert_int_equal(reaper_count(b->reaper), 2);
    bench_close(b);
}

static void test_a_plugin_says_whether_to_try_again(void **state)
{
    (void)state;
    run_plugin("example.later", CODE_FUNCTION_FAILED, "not yet\nthe log of later");
    run_plugin("example.never", CODE_FUNCTION_REJECTED, "the input is wrong");
}

static void test_a_failure_may_say_more(void **state)
{
    (void)state;
    struct bench *b = open_example();
    const struct bench_call *c = bench_run(b, "example.quota", NULL);
    bench_assert_failed(c, CODE_FUNCTION_FAILED, "no more today");
    assert_true(bytes_is(c->result.function_code, "QUOTA"));
    assert_int_equal(c->result.retry_after_ms, 90000);
    c = bench_run(b, "example.later", NULL); /* the next call of the same host */
    assert_int_equal(c->result.function_code.len, 0);
    bench_close(b);
}

static void test_a_crash_is_an_error_of_the_step_and_the_next_call_works(void **state)
{
    (void)state;
    struct bench *b = open_example();
    bench_assert_failed(bench_run(b, "example.crash", NULL), CODE_FUNCTION_CRASHED,
                        "signal 6 (Aborted)\nabout to crash");
    assert_true(bench_run(b, "example.count", NULL)->result.ok);
    bench_assert_failed(bench_run(b, "example.leave", NULL), CODE_FUNCTION_FAILED, "exit status 3");
    assert_true(bench_run(b, "example.count", NULL)->result.ok);
    bench_close(b);
}

static void test_a_plugin_without_a_proper_answer_fails_the_step(void **state)
{
    (void)state;
    run_plugin("example.silent", CODE_FUNCTION_FAILED, "gave no result");
    run_plugin("example.odd", CODE_FUNCTION_FAILED, "returned 42");
    run_plugin("example.nonsense", CODE_FUNCTION_BAD_OUTPUT, "not one JSON value");
    run_plugin("example.huge", CODE_RESULT_TOO_LARGE, "1 MiB");
}

static void test_a_child_of_a_plugin_does_not_answer_in_its_place(void **state)
{
    (void)state;
    struct bench *b = open_example();
    for (int i = 0; i < 2; i++) {
        const struct bench_call *c = bench_run(b, "example.twins", NULL);
        assert_true(c->result.ok);
        assert_true(bytes_is(c->result.result, "\"the parent's\""));
    }
    bench_close(b);
}

static void test_a_missing_plugin_or_function_is_unavailable(void **state)
{
    (void)state;
    run_plugin("example.missing", CODE_FUNCTION_UNAVAILABLE, "no function with that name");
    struct bench *b = bench_open("{\"functions\":{\"f\":{\"plugin\":\"nowhere.so\"},"
                                 "\"g\":{\"plugin\":\"/dev/null\"}}}");
    bench_assert_failed(bench_run(b, "f", NULL), CODE_FUNCTION_UNAVAILABLE, "nowhere.so");
    bench_assert_failed(bench_run(b, "g", NULL), CODE_FUNCTION_UNAVAILABLE, "/dev/null");
    bench_close(b);
}

static bool has_news(void *user)
{
    const struct bench_call *c = user;
    return c->news > 0;
}

static void test_a_hanging_plugin_is_stopped_and_its_host_not_used_again(void **state)
{
    (void)state;
    struct bench *b = open_example();
    uint64_t number = bench_start(b, "example.hang", NULL);
    bench_until(b, has_news, &b->calls[number]);
    runners_stop(b->runners, number, false);
    bench_wait(b);
    bench_assert_failed(&b->calls[number], CODE_FUNCTION_CRASHED, "signal 15");
    assert_true(bench_run(b, "example.count", NULL)->result.ok); /* the first call of a new host */
    number = bench_start(b, "example.stubborn", NULL);           /* the second */
    bench_until(b, has_news, &b->calls[number]);
    runners_stop(b->runners, number, false);
    bench_wait(b);
    bench_assert_result(&b->calls[number], "\"done\"");
    const struct bench_call *c = bench_run(b, "example.count", NULL);
    assert_non_null(strstr((const char *)c->result.result.ptr, "{\"calls\":1,"));
    c = bench_run(b, "example.count", NULL);
    assert_non_null(strstr((const char *)c->result.result.ptr, "{\"calls\":2,"));
    assert_true(bench_run(b, "example.count", NULL)->result.ok);
    bench_close(b);
}

static void test_a_host_that_was_killed_while_idle_is_replaced(void **state)
{
    (void)state;
    struct bench *b = open_example();
    const struct bench_call *c = bench_run(b, "example.count", NULL);
    const char *pid = strstr((const char *)c->result.result.ptr, "\"pid\":");
    assert_non_null(pid);
    pid_t host = (pid_t)strtol(pid + 6, NULL, 10);
    assert_int_equal(kill(host, SIGKILL), 0);
    bench_wait_gone(b, host);
    c = bench_run(b, "example.count", NULL);
    assert_non_null(strstr((const char *)c->result.result.ptr, "{\"calls\":1,"));
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_order_that_had_to_wait_is_handed_the_same),
        cmocka_unit_test(test_a_failure_may_say_more),
        cmocka_unit_test(test_a_plugin_gets_the_envelope_and_gives_a_result),
        cmocka_unit_test(test_the_host_is_kept_between_calls_and_news_arrive),
        cmocka_unit_test(test_calls_at_the_same_time_run_in_hosts_of_their_own),
        cmocka_unit_test(test_a_plugin_says_whether_to_try_again),
        cmocka_unit_test(test_a_crash_is_an_error_of_the_step_and_the_next_call_works),
        cmocka_unit_test(test_a_plugin_without_a_proper_answer_fails_the_step),
        cmocka_unit_test(test_a_child_of_a_plugin_does_not_answer_in_its_place),
        cmocka_unit_test(test_a_missing_plugin_or_function_is_unavailable),
        cmocka_unit_test(test_a_hanging_plugin_is_stopped_and_its_host_not_used_again),
        cmocka_unit_test(test_a_host_that_was_killed_while_idle_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
