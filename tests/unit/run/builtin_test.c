/* The functions that every worker has. */
#include "bench.h"

#include <stdlib.h>

static void test_echo_returns_its_input_as_it_is(void **state)
{
    (void)state;
    struct bench *b = bench_open(NULL);
    bench_assert_result(bench_run(b, "echo", "{\"n\": 1.0e400, \"a\":[ ]}"),
                        "{\"n\": 1.0e400, \"a\":[ ]}");
    bench_close(b);
}

static void test_an_order_that_had_to_wait_is_handed_the_same(void **state)
{
    static const char *const calls[][2] = {
        {"echo", "{\"n\":[1, 2]}"},
        {"echo", ""},
        {"sleep", "{\"seconds\":0.01}"},
        {"sleep", "{\"seconds\":0.01,\"usage\":1}"},
        {"sleep", "{}"},
        {"fail", "{\"times\":0,\"error\":\"no\"}"},
        {"fail", "{\"times\":0,\"usage\":7}"},
        {"fail", "{\"times\":-1}"},
        {"fail", "{\"times\":5,\"error\":\"quite some \\u00fctext\"}"},
        {"stamp", "{\"bytes\":\"many\"}"},
    };
    (void)state;
    struct bench *b = bench_open(NULL);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        bench_run_both(b, calls[i][0], calls[i][1]);
    }
    bench_close(b);
}

static void test_sleep_waits_tells_its_progress_and_returns_its_input(void **state)
{
    (void)state;
    struct bench *b = bench_open(NULL);
    const struct bench_call *c = NULL;
    for (int i = 0; i < 20 && (c == NULL || c->news == 0); i++) {
        c = bench_run(b, "sleep", "{\"seconds\":0.5}"); /* a stop of all of us may eat the news */
        bench_assert_result(c, "{\"seconds\":0.5}");
        assert_true(c->took_ms >= 500);
        assert_true(c->news <= 3);
    }
    assert_true(c->news >= 1);
    assert_true(c->fraction > 0.3 && c->fraction < 1);
    bench_close(b);
}

static void test_sleep_is_stopped_at_once(void **state)
{
    (void)state;
    struct bench *b = bench_open(NULL);
    uint64_t number = bench_start(b, "sleep", "{\"seconds\":1000}");
    runners_stop(b->runners, number, false);
    bench_wait(b);
    bench_assert_failed(&b->calls[number], CODE_FUNCTION_FAILED, "stopped");
    bench_close(b);
}

static void test_sleep_wants_seconds(void **state)
{
    (void)state;
    struct bench *b = bench_open(NULL);
    bench_assert_failed(bench_run(b, "sleep", "{}"), CODE_FUNCTION_REJECTED, "seconds");
    bench_assert_failed(bench_run(b, "sleep", "{\"seconds\":-1}"), CODE_FUNCTION_REJECTED,
                        "seconds");
    bench_assert_failed(bench_run(b, "sleep", "[1]"), CODE_FUNCTION_REJECTED, "seconds");
    bench_close(b);
}

static void test_fail_fails_as_often_as_it_is_told(void **state)
{
    (void)state;
    struct bench *b = bench_open(NULL);
    struct step_order order = bench_order("fail", "{\"times\":2,\"error\":\"no luck\"}");
    for (order.ref.attempt = 1; order.ref.attempt <= 3; order.ref.attempt++) {
        (void)bench_start_order(b, &order);
    }
    bench_wait(b);
    bench_assert_failed(&b->calls[1], CODE_FUNCTION_FAILED, "no luck");
    bench_assert_failed(&b->calls[2], CODE_FUNCTION_FAILED, "no luck");
    bench_assert_result(&b->calls[3], "{\"times\":2,\"error\":\"no luck\"}");
    bench_close(b);
}

static void test_fail_without_times_always_fails(void **state)
{
    (void)state;
    struct bench *b = bench_open(NULL);
    struct step_order order = bench_order("fail", "{}");
    order.ref.attempt = 100;
    (void)bench_start_order(b, &order);
    bench_wait(b);
    bench_assert_failed(&b->calls[1], CODE_FUNCTION_FAILED, "failed");
    bench_assert_failed(bench_run(b, "fail", "{\"times\":\"two\"}"), CODE_FUNCTION_REJECTED,
                        "times");
    bench_close(b);
}

static void test_stamp_is_as_large_as_asked_for_and_says_when_it_ran(void **state)
{
    (void)state;
    struct bench *b = bench_open(NULL);
    const struct bench_call *small = bench_run(b, "stamp", "{}");
    assert_true(small->result.ok);
    assert_memory_equal(small->result.result.ptr, "{\"at_us\":", 9);
    int64_t at = strtoll((const char *)small->result.result.ptr + 9, NULL, 10);
    assert_in_range(clock_mono_us() - at, 0, 60000000);
    const struct bench_call *large = bench_run(b, "stamp", "{\"bytes\":1024}");
    assert_true(large->result.ok);
    assert_int_equal(large->result.result.len, 1024);
    assert_memory_equal(large->result.result.ptr + 1021, "x\"}", 3);
    bench_assert_failed(bench_run(b, "stamp", "{\"bytes\":-1}"), CODE_FUNCTION_REJECTED, "bytes");
    bench_assert_failed(bench_run(b, "stamp", "{\"bytes\":\"1\"}"), CODE_FUNCTION_REJECTED,
                        "bytes");
    bench_assert_failed(bench_run(b, "stamp", "{\"bytes\":1048577}"), CODE_FUNCTION_REJECTED,
                        "bytes");
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_order_that_had_to_wait_is_handed_the_same),
        cmocka_unit_test(test_echo_returns_its_input_as_it_is),
        cmocka_unit_test(test_sleep_waits_tells_its_progress_and_returns_its_input),
        cmocka_unit_test(test_sleep_is_stopped_at_once),
        cmocka_unit_test(test_sleep_wants_seconds),
        cmocka_unit_test(test_fail_fails_as_often_as_it_is_told),
        cmocka_unit_test(test_fail_without_times_always_fails),
        cmocka_unit_test(test_stamp_is_as_large_as_asked_for_and_says_when_it_ran),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
