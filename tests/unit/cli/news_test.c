#include "cli/news.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "task_view.h"

static void says(struct news *n, const struct view *v, const char *expected)
{
    struct buf out = {0};
    news_write(n, v, START_MS + 1000, &out);
    assert_string_equal(buf_cstr(&out), expected);
    buf_free(&out);
}

static void test_each_change_is_said_once(void **state)
{
    (void)state;
    struct news n = {0};
    struct view v =
        view_of("\"status\":\"pending\",\"progress\":0",
                "{\"name\":\"a\",\"status\":\"pending\"},{\"name\":\"b\",\"status\":\"pending\"}");
    says(&n, &v, "t1 pending 0% 0/2 steps\n");
    says(&n, &v, "");
    v.steps[0].state = STEP_RUNNING;
    memcpy(v.state_text, "running", sizeof "running");
    says(&n, &v, "t1 step a running\nt1 running 0% 0/2 steps\n");
    v.steps[0].progress = 0.3;
    v.progress = 0.15;
    says(&n, &v, "t1 running 15% 0/2 steps\n");
    v.progress = 0.19;
    says(&n, &v, "");
    v.steps[0].state = STEP_COMPLETED;
    v.steps[0].duration_ms = 1203;
    v.progress = 0.5;
    says(&n, &v, "t1 step a completed in 1.2s\nt1 running 50% 1/2 steps\n");
    news_free(&n);
    view_free(&v);
}

static void test_a_step_that_turns_out_to_wait_says_for_what(void **state)
{
    (void)state;
    struct news n = {0};
    struct view v = view_of("\"status\":\"running\"", "{\"name\":\"a\",\"status\":\"running\"}");
    says(&n, &v, "t1 step a running\nt1 running 0% 0/1 steps\n");
    v.steps[0].state = STEP_PENDING;
    v.steps[0].waiting_for = mem_str("no worker offers the function x");
    says(&n, &v, "t1 step a waits: no worker offers the function x\n");
    says(&n, &v, "");
    news_free(&n);
    view_free(&v);
}

static void test_a_late_watcher_hears_what_is_past_at_once(void **state)
{
    (void)state;
    struct news n = {0};
    struct view v =
        view_of("\"status\":\"failed\",\"progress\":0.5,\"error\":\"boom\\nbang\",\"started_at\":"
                "\"" START_TEXT "\",\"completed_at\":\"2026-02-02T18:30:02Z\"",
                "{\"name\":\"a\",\"status\":\"completed\",\"duration_ms\":5},"
                "{\"name\":\"b\",\"status\":\"failed\",\"error_message\":\"boom\\nbang\"}");
    says(&n, &v,
         "t1 step a completed in 5ms\n"
         "t1 step b failed: boom bang\n"
         "t1 failed 50% 1/2 steps in 2.0s: boom bang\n");
    news_free(&n);
    view_free(&v);
}

static void test_each_failed_attempt_is_said(void **state)
{
    (void)state;
    struct news n = {0};
    struct view v = view_of("\"status\":\"running\"", "{\"name\":\"a\",\"status\":\"running\"}");
    says(&n, &v, "t1 step a running\nt1 running 0% 0/1 steps\n");
    v.steps[0].state = STEP_PENDING;
    v.steps[0].retry_count = 1;
    v.steps[0].retry_at = START_MS + 3000;
    v.steps[0].error = mem_str("no net");
    says(&n, &v, "t1 step a failed attempt 1, next one in 2s: no net\n");
    v.steps[0].retry_count = 2; /* the running between was not seen */
    says(&n, &v, "t1 step a failed attempt 2, next one in 2s: no net\n");
    news_free(&n);
    view_free(&v);
}

static void test_an_attempt_that_failed_is_said_where_the_next_one_runs_already(void **state)
{
    (void)state;
    struct news n = {0};
    struct view v = view_of("\"status\":\"running\"", "{\"name\":\"a\",\"status\":\"running\"}");
    says(&n, &v, "t1 step a running\nt1 running 0% 0/1 steps\n");
    v.steps[0].retry_count = 1;
    v.steps[0].error = mem_str("no net");
    says(&n, &v, "t1 step a failed attempt 1: no net\nt1 step a running\n");
    says(&n, &v, "");
    news_free(&n);
    view_free(&v);
}

static void test_a_step_that_has_failed_for_good_is_told_once(void **state)
{
    (void)state;
    struct news n = {0};
    struct view v = view_of("\"status\":\"failed\"", "{\"name\":\"a\",\"status\":\"failed\"}");
    v.steps[0].retry_count = 1;
    v.steps[0].error = mem_str("no net");
    says(&n, &v, "t1 step a failed: no net\nt1 failed 0% 0/1 steps in 0ms\n");
    v.steps[0].retry_count = 2; /* by the status; the event did not say it */
    says(&n, &v, "");
    news_free(&n);
    view_free(&v);
}

static void test_the_death_of_a_worker_is_no_failed_attempt(void **state)
{
    (void)state;
    struct news n = {0};
    struct view v = view_of("\"status\":\"running\"", "{\"name\":\"a\",\"status\":\"running\"}");
    says(&n, &v, "t1 step a running\nt1 running 0% 0/1 steps\n");
    (void)view_feed(&v,
                    "{\"type\":\"step_retry\",\"data\":{\"step\":\"a\",\"attempt\":1,"
                    "\"code\":\"WORKER_DEATHS\",\"error\":\"it died\",\"retry_at\":"
                    "\"2026-02-02T18:30:03Z\"},\"timestamp\":\"" START_TEXT "\",\"seq\":2}",
                    START_MS);
    assert_int_equal(v.steps[0].retry_count, 0);
    says(&n, &v, "t1 step a lost its worker, next one in 2s: it died\n");
    news_free(&n);
    view_free(&v);
}

static void test_what_a_step_waits_for_is_said_once(void **state)
{
    (void)state;
    struct news n = {0};
    struct view v =
        view_of("\"status\":\"pending\"", "{\"name\":\"a\",\"status\":\"pending\","
                                          "\"waiting_for\":\"no worker offers the function x\"}");
    says(&n, &v, "t1 step a waits: no worker offers the function x\nt1 pending 0% 0/1 steps\n");
    says(&n, &v, "");
    v.steps[0].state = STEP_RUNNING;
    says(&n, &v, "t1 step a running\n");
    news_free(&n);
    view_free(&v);
}

static void test_nothing_is_said_before_the_first_state(void **state)
{
    (void)state;
    struct news n = {0};
    struct view v;
    view_init(&v, "t1");
    says(&n, &v, "");
    view_free(&v);
    news_free(&n);
}

static void test_another_pipeline_under_the_same_id_begins_anew(void **state)
{
    (void)state;
    struct news n = {0};
    struct view v = view_of("\"status\":\"running\"", "{\"name\":\"a\",\"status\":\"completed\"}");
    says(&n, &v, "t1 step a completed\nt1 running 0% 1/1 steps\n");
    view_free(&v);
    v = view_of(
        "\"status\":\"running\"",
        "{\"name\":\"x\",\"status\":\"completed\"},{\"name\":\"y\",\"status\":\"pending\"}");
    says(&n, &v, "t1 step x completed\nt1 running 0% 1/2 steps\n");
    news_free(&n);
    view_free(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_change_is_said_once),
        cmocka_unit_test(test_a_step_that_turns_out_to_wait_says_for_what),
        cmocka_unit_test(test_a_late_watcher_hears_what_is_past_at_once),
        cmocka_unit_test(test_each_failed_attempt_is_said),
        cmocka_unit_test(test_an_attempt_that_failed_is_said_where_the_next_one_runs_already),
        cmocka_unit_test(test_a_step_that_has_failed_for_good_is_told_once),
        cmocka_unit_test(test_the_death_of_a_worker_is_no_failed_attempt),
        cmocka_unit_test(test_what_a_step_waits_for_is_said_once),
        cmocka_unit_test(test_nothing_is_said_before_the_first_state),
        cmocka_unit_test(test_another_pipeline_under_the_same_id_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
