/* Failed attempts: waits, the final failure, permanent ones. */
#define USUAL_SLOTS     2
#define USUAL_FUNCTIONS "f,g"
#include "usual.h"

#define ONE "[{\"name\":\"one\",\"function\":\"f\"}]"

/* Nothing is sent out before 90 % of the wait, the step is sent out at 110 %. */
static const struct step_order *order_after(mono_ms wait_ms)
{
    stage_time(&s, wait_ms * 9 / 10 - 1);
    stage_nothing(&s, worker, MSG_ORDER);
    stage_time(&s, wait_ms / 5 + 2);
    return stage_order(&s, worker);
}

static void test_a_failing_step_waits_2_4_8_seconds_and_its_fourth_failure_is_final(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    const struct step_order *o = stage_order(&s, worker);
    struct bytes key = o->idempotency_key;
    for (uint32_t failures = 1; failures <= 3; failures++) {
        assert_int_equal(o->ref.attempt, failures);
        assert_int_equal(stage_fail(&s, worker, o), VERDICT_APPLIED);
        const struct task_view *v = stage_status(&s, gateway, "t");
        assert_int_equal(v->steps[0].state, STEP_PENDING);
        assert_int_equal(v->steps[0].retry_count, failures);
        assert_true(v->steps[0].retry_at > s.now.wall);
        assert_true(bytes_is(v->steps[0].error, "it broke"));
        o = order_after((mono_ms)1000 << failures);
        assert_true(bytes_eq(o->idempotency_key, key));
    }
    assert_int_equal(stage_fail(&s, worker, o), VERDICT_APPLIED);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_FAILED);
    assert_int_equal(v->steps[0].state, STEP_FAILED);
    assert_int_equal(v->steps[0].retry_count, 4);
    assert_int_equal(v->error_code, CODE_FUNCTION_FAILED);
    assert_true(bytes_is(v->error_step, "one"));
    assert_true(v->can_recover);
}

static void test_a_step_that_fails_twice_and_then_succeeds_shows_two_retries(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    stage_fail(&s, worker, stage_order(&s, worker));
    stage_fail(&s, worker, order_after(2000));
    assert_int_equal(stage_succeed(&s, worker, order_after(4000), "7"), VERDICT_APPLIED);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_COMPLETED);
    assert_int_equal(v->steps[0].retry_count, 2);
    assert_int_equal(v->steps[0].error.len, 0);
}

static void test_a_permanent_failure_is_final_at_once(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    struct message m = stage_failure(stage_order(&s, worker), CODE_FUNCTION_REJECTED, true);
    stage_send(&s, worker, &m);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_FAILED);
}

static void test_a_step_that_is_not_retryable_fails_at_once(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", "[{\"name\":\"one\",\"function\":\"f\",\"retryable\":false}]");
    stage_fail(&s, worker, stage_order(&s, worker));
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_FAILED);
}

static void test_a_steps_own_setting_beats_the_tasks(void **state)
{
    (void)state;
    struct message m =
        stage_start_request("t", "[{\"name\":\"one\",\"function\":\"f\",\"max_retries\":1}]");
    m.start.max_retries = 9;
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].max_retries, 1);
    stage_fail(&s, worker, stage_order(&s, worker));
    stage_fail(&s, worker, order_after(2000));
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_FAILED);
}

static void test_a_step_of_the_wall_clock_does_not_stretch_a_wait(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    struct message m = stage_failure(stage_order(&s, worker), CODE_FUNCTION_FAILED, false);
    s.hold_store = true;
    stage_send(&s, worker, &m);
    s.now.wall -= 3600000;
    s.hold_store = false;
    stage_store_go(&s);
    stage_time(&s, 2300);
    stage_order(&s, worker);
}

static void test_one_failing_branch_ends_the_task_and_stops_the_others(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t",
                "[{\"name\":\"a\",\"function\":\"f\",\"needs\":[]},"
                "{\"name\":\"b\",\"function\":\"g\",\"needs\":[],\"max_retries\":0}]");
    const struct step_order *a = stage_order(&s, worker);
    const struct step_order *b = stage_order(&s, worker);
    assert_true(bytes_is(a->name, "a") && bytes_is(b->name, "b"));
    stage_fail(&s, worker, b);
    const struct step_stop *stop = &stage_take(&s, worker, MSG_STOP)->stop;
    assert_int_equal(stop->ref.step, 0);
    assert_int_equal(stop->reason, STOP_TASK_ENDED);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->steps[0].state, STEP_CANCELLED);
    assert_int_equal(v->steps[1].state, STEP_FAILED);
    assert_int_equal(stage_succeed(&s, worker, a, "1"), VERDICT_LATE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_failing_step_waits_2_4_8_seconds_and_its_fourth_failure_is_final),
        TEST(test_a_step_that_fails_twice_and_then_succeeds_shows_two_retries),
        TEST(test_a_permanent_failure_is_final_at_once),
        TEST(test_a_step_that_is_not_retryable_fails_at_once),
        TEST(test_a_steps_own_setting_beats_the_tasks),
        TEST(test_a_step_of_the_wall_clock_does_not_stretch_a_wait),
        TEST(test_one_failing_branch_ends_the_task_and_stops_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
