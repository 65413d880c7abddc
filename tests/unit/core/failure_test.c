/* What the final failure of a step means: on_failure, and the steps that run at the end. */
#define USUAL_SLOTS     8
#define USUAL_FUNCTIONS "f,g"
#include "usual.h"

static void fail_for_good(const struct step_order *o)
{
    struct message m = stage_failure(o, CODE_FUNCTION_REJECTED, true);
    stage_send(&s, worker, &m);
    assert_int_equal(stage_take(&s, worker, MSG_ACK)->ack.verdict, VERDICT_APPLIED);
}

static void test_a_step_that_may_fail_goes_on_with_the_given_result(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t",
                "[{\"name\":\"a\",\"function\":\"f\",\"on_failure\":{\"continue\":{\"none\":[]}}},"
                "{\"name\":\"b\",\"function\":\"g\"}]");
    fail_for_good(stage_order(&s, worker));
    const struct step_order *o = stage_order(&s, worker);
    assert_true(bytes_is(o->results.whole, "{\"a\":{\"none\":[]}}"));
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->steps[0].state, STEP_COMPLETED);
    assert_int_equal(v->steps[0].error_code, CODE_FUNCTION_REJECTED);
    assert_int_equal(v->steps[0].retry_count, 1);
    assert_int_equal(stage_succeed(&s, worker, o, "1"), VERDICT_APPLIED);
    v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_COMPLETED);
    assert_int_equal(v->error.len, 0);
}

static void test_what_depends_on_a_skipped_failure_is_skipped_and_the_rest_completes(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t",
                "[{\"name\":\"a\",\"function\":\"f\",\"needs\":[],\"on_failure\":\"skip\"},"
                "{\"name\":\"b\",\"function\":\"f\",\"needs\":[]},"
                "{\"name\":\"c\",\"function\":\"f\",\"needs\":[\"a\",\"b\"]},"
                "{\"name\":\"d\",\"function\":\"f\",\"needs\":[\"c\"]},"
                "{\"name\":\"e\",\"function\":\"g\",\"needs\":[\"b\"]}]");
    const struct step_order *a = stage_order(&s, worker);
    const struct step_order *b = stage_order(&s, worker);
    fail_for_good(a);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_RUNNING);
    assert_int_equal(v->steps[0].state, STEP_FAILED);
    assert_int_equal(v->steps[2].state, STEP_SKIPPED);
    assert_int_equal(v->steps[3].state, STEP_SKIPPED);
    stage_succeed(&s, worker, b, "2");
    const struct step_order *e = stage_order(&s, worker);
    assert_true(bytes_is(e->name, "e"));
    stage_nothing(&s, worker, MSG_ORDER);
    stage_succeed(&s, worker, e, "3");
    v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_COMPLETED);
    assert_true(v->progress == 1);
    /* A success of the old attempt is of no use any more. */
    struct message late = stage_success(a, "9");
    stage_send(&s, worker, &late);
    assert_int_equal(stage_take(&s, worker, MSG_ACK)->ack.verdict, VERDICT_LATE);
}

#define CLEANED                                                                                    \
    "[{\"name\":\"a\",\"function\":\"f\"},{\"name\":\"b\",\"function\":\"f\"},"                    \
    "{\"name\":\"z\",\"function\":\"g\",\"finally\":true}]"

static void test_a_finally_step_runs_last_and_sees_all_results(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", CLEANED);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    const struct step_order *b = stage_order(&s, worker);
    stage_nothing(&s, worker, MSG_ORDER);
    stage_succeed(&s, worker, b, "2");
    const struct step_order *z = stage_order(&s, worker);
    assert_true(bytes_is(z->results.whole, "{\"a\":1,\"b\":2}"));
    stage_succeed(&s, worker, z, "3");
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
}

static void test_a_finally_step_runs_after_a_failure_and_the_task_fails_behind_it(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", CLEANED);
    fail_for_good(stage_order(&s, worker));
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_RUNNING);
    assert_true(bytes_is(v->error_step, "a"));
    assert_int_equal(v->steps[1].state, STEP_CANCELLED);
    const struct step_order *z = stage_order(&s, worker);
    assert_true(bytes_is(z->name, "z"));
    assert_true(bytes_is(z->results.whole, "{}"));
    fail_for_good(z);
    v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_FAILED);
    assert_true(bytes_is(v->error_step, "a")); /* the first error is the task's */
    assert_int_equal(v->steps[2].state, STEP_FAILED);
}

static void test_a_finally_step_that_fails_fails_the_task(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t",
                "[{\"name\":\"a\",\"function\":\"f\"},"
                "{\"name\":\"y\",\"function\":\"g\",\"finally\":true},"
                "{\"name\":\"z\",\"function\":\"g\",\"finally\":true}]");
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    const struct step_order *y = stage_order(&s, worker);
    const struct step_order *z = stage_order(&s, worker);
    fail_for_good(y);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_RUNNING);
    assert_int_equal(stage_succeed(&s, worker, z, "1"), VERDICT_APPLIED); /* it is not stopped */
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_FAILED);
    assert_true(bytes_is(v->error_step, "y"));
}

static void test_a_cancel_ends_the_task_without_its_finally_steps(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", CLEANED);
    stage_order(&s, worker);
    stage_task_request(&s, gateway, MSG_CANCEL, "t");
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_CANCELLED);
    assert_int_equal(v->steps[2].state, STEP_CANCELLED);
    stage_nothing(&s, worker, MSG_ORDER);
}

static void test_finally_steps_have_the_longest_duration_for_themselves(void **state)
{
    (void)state;
    struct message m = stage_start_request("t", CLEANED);
    m.start.max_duration_s = 10;
    stage_ask(&s, gateway, &m);
    stage_order(&s, worker);
    stage_time(&s, 10001);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_RUNNING);
    assert_int_equal(v->error_code, CODE_TASK_TIMEOUT);
    assert_true(bytes_is(stage_order(&s, worker)->name, "z"));
    stage_time(&s, 9000);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_RUNNING);
    stage_time(&s, 1001);
    v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_FAILED);
    assert_int_equal(v->error_code, CODE_TASK_TIMEOUT);
}

static void test_recover_runs_the_finally_steps_again_and_keeps_what_was_completed(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", CLEANED);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    const struct step_order *b = stage_order(&s, worker);
    fail_for_good(b);
    stage_succeed(&s, worker, stage_order(&s, worker), "\"cleaned\"");
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_FAILED);
    assert_int_equal(stage_recover(&s, gateway, "t", "", "")->type, MSG_DONE);
    const struct step_order *again = stage_order(&s, worker);
    assert_true(bytes_is(again->name, "b"));
    assert_true(bytes_eq(again->idempotency_key, b->idempotency_key)); /* it lost nothing */
    stage_succeed(&s, worker, again, "2");
    const struct step_order *z = stage_order(&s, worker);
    assert_true(bytes_is(z->results.whole, "{\"a\":1,\"b\":2}"));
    stage_succeed(&s, worker, z, "3");
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
}

static void test_the_third_death_obeys_on_failure_too(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t",
                "[{\"name\":\"a\",\"function\":\"f\",\"on_failure\":{\"continue\":null}}]");
    const struct step_order *o = stage_order(&s, worker);
    for (int death = 1; death <= 3; death++) {
        stage_leave(&s, worker);
        stage_time(&s, 300);
        worker = stage_worker(&s, death == 1 ? "w1" : death == 2 ? "w2" : "w3", 8, "f,g");
        stage_time(&s, 2300);
        if (death < 3) {
            o = stage_order(&s, worker);
        }
    }
    (void)o;
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_COMPLETED);
    assert_int_equal(v->steps[0].error_code, CODE_WORKER_DEATHS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_step_that_may_fail_goes_on_with_the_given_result),
        TEST(test_what_depends_on_a_skipped_failure_is_skipped_and_the_rest_completes),
        TEST(test_a_finally_step_runs_last_and_sees_all_results),
        TEST(test_a_finally_step_runs_after_a_failure_and_the_task_fails_behind_it),
        TEST(test_a_finally_step_that_fails_fails_the_task),
        TEST(test_a_cancel_ends_the_task_without_its_finally_steps),
        TEST(test_finally_steps_have_the_longest_duration_for_themselves),
        TEST(test_recover_runs_the_finally_steps_again_and_keeps_what_was_completed),
        TEST(test_the_third_death_obeys_on_failure_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
