/* A step's own retry policy and its limits over all attempts. */
#include <stdio.h>

#define USUAL_SLOTS     2
#define USUAL_FUNCTIONS "f,g"
#include "usual.h"

static void start(const char *more)
{
    char steps[512];
    snprintf(steps, sizeof steps, "[{\"name\":\"a\",\"function\":\"f\",%s}]", more);
    stage_start(&s, gateway, "t", steps);
}

static void fails(enum code code, bool permanent, const char *own, uint32_t after_ms)
{
    struct message m = stage_failure(stage_order(&s, worker), code, permanent);
    m.outcome.function_code = bytes_str(own);
    m.outcome.retry_after_ms = after_ms;
    stage_send(&s, worker, &m);
    assert_int_equal(stage_take(&s, worker, MSG_ACK)->ack.verdict, VERDICT_APPLIED);
}

static const struct step_view *step(void)
{
    return &stage_status(&s, gateway, "t")->steps[0];
}

static void test_a_step_waits_by_its_own_policy(void **state)
{
    (void)state;
    start("\"retry\":{\"max_attempts\":4,\"initial\":0.1,\"factor\":10,\"max\":5,\"jitter\":0}");
    static const mono_ms waits[] = {100, 1000, 5000};
    for (size_t i = 0; i < 3; i++) {
        fails(CODE_FUNCTION_FAILED, false, "", 0);
        assert_int_equal(step()->retry_at - s.now.wall, waits[i]);
        stage_time(&s, waits[i]);
    }
    fails(CODE_FUNCTION_FAILED, false, "", 0);
    assert_int_equal(step()->state, STEP_FAILED);
}

static void test_a_function_that_asks_for_time_gets_it_but_no_more_than_an_hour(void **state)
{
    (void)state;
    start("\"retry\":{\"jitter\":0}");
    fails(CODE_FUNCTION_FAILED, false, "BUSY", 30000);
    assert_int_equal(step()->retry_at - s.now.wall, 30000);
    assert_true(bytes_is(step()->function_code, "BUSY"));
    stage_time(&s, 30000);
    fails(CODE_FUNCTION_FAILED, false, "", 1000); /* less than the policy's: that counts */
    assert_int_equal(step()->retry_at - s.now.wall, 4000);
    stage_time(&s, 4000);
    fails(CODE_FUNCTION_FAILED, false, "", UINT32_MAX);
    assert_int_equal(step()->retry_at - s.now.wall, 3600000);
}

static void test_only_the_listed_errors_are_tried_again(void **state)
{
    (void)state;
    start("\"retry\":{\"on\":[\"BUSY\",\"STEP_TIMEOUT\"],\"initial\":1,\"jitter\":0}");
    fails(CODE_STEP_TIMEOUT, false, "", 0);
    stage_time(&s, 1000);
    fails(CODE_FUNCTION_REJECTED, true, "BUSY", 0); /* listed: the step knows better */
    stage_time(&s, 2000);
    fails(CODE_FUNCTION_FAILED, false, "OTHER", 0);
    assert_int_equal(step()->state, STEP_FAILED);
    assert_int_equal(step()->retry_count, 3);
}

static void test_a_non_retryable_error_is_final(void **state)
{
    (void)state;
    start("\"non_retryable\":[\"NO_MONEY\",\"FUNCTION_CRASHED\"]");
    fails(CODE_FUNCTION_FAILED, false, "NO_MONEY", 0);
    assert_int_equal(step()->state, STEP_FAILED);
}

static void test_timeout_total_bounds_all_attempts_and_the_waits_between(void **state)
{
    (void)state;
    start("\"timeout\":100,\"timeout_total\":10,\"retry\":{\"initial\":4,\"jitter\":0}");
    const struct step_order *o = stage_order(&s, worker);
    assert_int_equal(o->timeout_ms, 10000); /* less than its timeout */
    stage_time(&s, 3000);
    stage_fail(&s, worker, o);
    stage_time(&s, 4000);
    o = stage_order(&s, worker);
    assert_int_equal(o->timeout_ms, 3000);
    stage_time(&s, 1000);
    stage_fail(&s, worker, o); /* 8 s have passed, the next wait is 8 s */
    assert_int_equal(step()->state, STEP_FAILED);
    assert_int_equal(step()->error_code, CODE_STEP_TIMEOUT_TOTAL);
}

static void test_a_ready_step_ends_with_its_timeout_total_too(void **state)
{
    (void)state;
    start("\"timeout_total\":10,\"retry\":{\"initial\":1,\"jitter\":0}");
    stage_fail(&s, worker, stage_order(&s, worker));
    stage_leave(&s, worker);
    stage_time(&s, 9000);
    assert_int_equal(step()->state, STEP_PENDING);
    stage_time(&s, 1001);
    assert_int_equal(step()->state, STEP_FAILED);
    assert_int_equal(step()->error_code, CODE_STEP_TIMEOUT_TOTAL);
    assert_int_equal(step()->retry_count, 1); /* that was no attempt */
}

static void test_a_step_that_no_worker_takes_fails_after_its_queue_timeout(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", "[{\"name\":\"a\",\"function\":\"nobody\",\"queue_timeout\":5}]");
    stage_time(&s, 4999);
    assert_int_equal(step()->state, STEP_PENDING);
    stage_time(&s, 2);
    assert_int_equal(step()->state, STEP_FAILED);
    assert_int_equal(step()->error_code, CODE_QUEUE_TIMEOUT);
    assert_int_equal(step()->retry_count, 0);
}

static void test_a_step_that_is_taken_in_time_has_no_queue_timeout_any_more(void **state)
{
    (void)state;
    start("\"queue_timeout\":5,\"progress_timeout\":2");
    const struct step_order *o = stage_order(&s, worker);
    assert_int_equal(o->progress_timeout_ms, 2000);
    stage_time(&s, 20000);
    assert_int_equal(stage_succeed(&s, worker, o, "1"), VERDICT_APPLIED);
}

static void test_an_exhausted_step_pauses_its_task_and_a_resume_tries_it_anew(void **state)
{
    (void)state;
    start("\"max_retries\":1,\"on_exhausted\":\"pause\",\"retry\":{\"initial\":1,\"jitter\":0}");
    fails(CODE_FUNCTION_FAILED, false, "", 0);
    stage_time(&s, 1000);
    fails(CODE_FUNCTION_FAILED, false, "", 0);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_PAUSED);
    assert_int_equal(v->steps[0].state, STEP_PENDING);
    assert_int_equal(v->steps[0].retry_count, 2);
    assert_true(v->steps[0].error.len > 0);
    stage_time(&s, 100000);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(stage_task_request(&s, gateway, MSG_RESUME, "t")->type, MSG_DONE);
    const struct step_order *o = stage_order(&s, worker);
    assert_int_equal(o->ref.attempt, 1);
    stage_succeed(&s, worker, o, "1");
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_step_waits_by_its_own_policy),
        TEST(test_a_function_that_asks_for_time_gets_it_but_no_more_than_an_hour),
        TEST(test_only_the_listed_errors_are_tried_again),
        TEST(test_a_non_retryable_error_is_final),
        TEST(test_timeout_total_bounds_all_attempts_and_the_waits_between),
        TEST(test_a_ready_step_ends_with_its_timeout_total_too),
        TEST(test_a_step_that_no_worker_takes_fails_after_its_queue_timeout),
        TEST(test_a_step_that_is_taken_in_time_has_no_queue_timeout_any_more),
        TEST(test_an_exhausted_step_pauses_its_task_and_a_resume_tries_it_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
