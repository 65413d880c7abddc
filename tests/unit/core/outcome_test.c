/* Outcomes: applied once, told when durable, judged by token, run, generation and delivery. */
#include <stdlib.h>

#include "usual.h"

#include "model/limits.h"

#define ONE "[{\"name\":\"one\",\"function\":\"f\"}]"
#define TWO "[{\"name\":\"one\",\"function\":\"f\"},{\"name\":\"two\",\"function\":\"f\"}]"

static void test_an_acknowledgement_follows_the_durable_write(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", TWO);
    struct message m = stage_success(stage_order(&s, worker), "1");
    s.hold_store = true;
    stage_send(&s, worker, &m);
    stage_nothing(&s, worker, MSG_ACK);
    stage_nothing(&s, worker, MSG_ORDER);
    s.hold_store = false;
    stage_store_go(&s);
    const struct step_ack *ack = &stage_take(&s, worker, MSG_ACK)->ack;
    assert_int_equal(ack->verdict, VERDICT_APPLIED);
    assert_true(ack->number == m.outcome.number);
    assert_true(bytes_is(stage_order(&s, worker)->results.whole, "{\"one\":1}"));
}

static void test_a_success_whose_write_was_lost_is_taken_again(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    struct message m = stage_success(stage_order(&s, worker), "1");
    s.hold_store = true;
    stage_send(&s, worker, &m);
    stage_store_lost(&s, false);
    stage_nothing(&s, worker, MSG_ACK);
    stage_store_up(&s);
    stage_send(&s, worker, &m);
    assert_int_equal(stage_take(&s, worker, MSG_ACK)->ack.verdict, VERDICT_APPLIED);
}

static void test_a_success_whose_answer_was_lost_is_not_applied_twice(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", TWO);
    struct message m = stage_success(stage_order(&s, worker), "1");
    s.hold_store = true;
    stage_send(&s, worker, &m);
    stage_store_lost(&s, true);
    stage_store_up(&s);
    stage_send(&s, worker, &m);
    assert_int_equal(stage_take(&s, worker, MSG_ACK)->ack.verdict, VERDICT_REPLAY);
    struct stored_task *t = store_model_find(&store, BYTES_LIT("t"), s.now.mono);
    assert_true(bytes_is(bytes_part(buf_bytes(&t->doc), 0, 22), "{\"results\":{\"one\":1},\""));
    assert_int_equal(core_stats(s.core).outcomes_replayed_total, 1);
}

static void test_an_outcome_told_twice_is_a_replay(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", TWO);
    const struct step_order *o = stage_order(&s, worker);
    assert_int_equal(stage_succeed(&s, worker, o, "1"), VERDICT_APPLIED);
    assert_int_equal(stage_succeed(&s, worker, o, "2"), VERDICT_REPLAY);
    assert_true(bytes_is(stage_order(&s, worker)->results.whole, "{\"one\":1}"));
}

static void test_a_failure_told_twice_counts_once(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    const struct step_order *o = stage_order(&s, worker);
    assert_int_equal(stage_fail(&s, worker, o), VERDICT_APPLIED);
    assert_int_equal(stage_fail(&s, worker, o), VERDICT_LATE);
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].retry_count, 1);
}

static void test_a_success_of_an_attempt_that_was_given_up_wins(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    const struct step_order *o = stage_order(&s, worker);
    assert_int_equal(stage_fail(&s, worker, o), VERDICT_APPLIED);
    assert_int_equal(stage_succeed(&s, worker, o, "1"), VERDICT_APPLIED);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
    stage_time(&s, 3000);
    stage_nothing(&s, worker, MSG_ORDER);
}

static void test_tokens_are_checked(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", TWO);
    const struct step_order *o = stage_order(&s, worker);
    struct message m = stage_success(o, "1");
    m.outcome.ref.attempt++;
    stage_send(&s, worker, &m);
    assert_int_equal(stage_take(&s, worker, MSG_ACK)->ack.verdict, VERDICT_REJECTED);
    m = stage_success(o, "1");
    m.outcome.ref.step = 1;
    stage_send(&s, worker, &m);
    assert_int_equal(stage_take(&s, worker, MSG_ACK)->ack.verdict, VERDICT_REJECTED);
    m = stage_success(o, "1");
    m.outcome.ref.step = 77;
    stage_send(&s, worker, &m);
    assert_int_equal(stage_take(&s, worker, MSG_ACK)->ack.verdict, VERDICT_REJECTED);
    m = stage_success(o, "1");
    m.outcome.ref.item = 1;
    stage_send(&s, worker, &m);
    assert_int_equal(stage_take(&s, worker, MSG_ACK)->ack.verdict, VERDICT_REJECTED);
    assert_int_equal(core_stats(s.core).outcomes_rejected_total, 4);
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].state, STEP_RUNNING);
    m = stage_success(o, "1");
    m.outcome.ref.task_id = BYTES_LIT("nosuch");
    stage_send(&s, worker, &m);
    assert_int_equal(stage_take(&s, worker, MSG_ACK)->ack.verdict, VERDICT_LATE);
}

/* The first one's order was never answered; then its id is another task's. */
static void test_a_token_of_an_expired_task_is_none_of_the_next_one_of_its_id(void **state)
{
    (void)state;
    peer_id worker = stage_worker_hello(&s, "w", 2, "f");
    stage_running(&s, worker, NULL, 0);
    stage_credit(&s, worker, 1);
    stage_start(&s, gateway, "t", ONE);
    struct step_order o = stage_take(&s, worker, MSG_ORDER)->order;
    stage_task_request(&s, gateway, MSG_CANCEL, "t");
    stage_sleep(&s, 3600 * 1000);
    stage_start(&s, gateway, "t", ONE);
    stage_nothing(&s, worker, MSG_ORDER); /* it has given no credit for a second one */
    assert_int_equal(stage_succeed(&s, worker, &o, "1"), VERDICT_REJECTED);
    stage_credit(&s, worker, 1);
    struct step_order next = stage_take(&s, worker, MSG_ORDER)->order;
    assert_int_equal(stage_succeed(&s, worker, &o, "1"), VERDICT_REJECTED);
    assert_int_equal(stage_succeed(&s, worker, &next, "2"), VERDICT_APPLIED);
}

static void test_a_status_is_held_behind_the_write_it_tells_of(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", TWO);
    struct message m = stage_success(stage_order(&s, worker), "1");
    s.hold_store = true;
    stage_send(&s, worker, &m);
    assert_null(stage_task_request(&s, gateway, MSG_GET_STATUS, "t"));
    stage_store_lost(&s, false);
    assert_int_equal(stage_take(&s, gateway, MSG_REFUSED)->refused.code, CODE_UNAVAILABLE);
    stage_store_up(&s);
    assert_int_not_equal(stage_status(&s, gateway, "t")->steps[0].state, STEP_COMPLETED);
}

static void test_a_failure_of_a_doubled_delivery_does_not_fail_the_other(void **state)
{
    (void)state;
    peer_id first = stage_worker(&s, "first", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    const struct step_order *o = &stage_take(&s, first, MSG_ORDER)->order;
    peer_id second = stage_worker(&s, "second", 1, "f");
    stage_leave(&s, first);
    first = stage_worker_hello(&s, "first", 1, "f");
    stage_running(&s, first, NULL, 0); /* it says that it never got the order */
    const struct step_order *twin = stage_order(&s, second);
    assert_int_equal(twin->ref.delivery, o->ref.delivery);
    struct message m = stage_failure(o, CODE_FUNCTION_FAILED, false);
    stage_send(&s, first, &m);
    assert_int_equal(stage_take(&s, first, MSG_ACK)->ack.verdict, VERDICT_LATE);
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].retry_count, 0);
    assert_int_equal(stage_succeed(&s, second, twin, "1"), VERDICT_APPLIED);
}

static void test_a_result_over_its_bound_fails_the_step_for_good(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    char *big = mem_alloc(RESULT_BYTES_MAX + 2);
    memset(big, '1', RESULT_BYTES_MAX + 1);
    big[RESULT_BYTES_MAX + 1] = '\0';
    stage_succeed(&s, worker, stage_order(&s, worker), big);
    free(big);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_FAILED);
    assert_int_equal(v->error_code, CODE_RESULT_TOO_LARGE);
}

static void test_a_success_without_a_result_fails_the_attempt(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    stage_succeed(&s, worker, stage_order(&s, worker), "");
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->steps[0].error_code, CODE_FUNCTION_BAD_OUTPUT);
    assert_int_equal(v->steps[0].retry_count, 1);
}

static void test_results_that_do_not_fit_an_envelope_fail_the_step_that_needs_them(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t",
                "[{\"name\":\"a\",\"function\":\"f\"},{\"name\":\"b\",\"function\":\"f\"},"
                "{\"name\":\"c\",\"function\":\"f\"},{\"name\":\"d\",\"function\":\"f\"},"
                "{\"name\":\"e\",\"function\":\"f\"}]");
    char *big = mem_alloc(RESULT_BYTES_MAX + 1);
    memset(big, '1', RESULT_BYTES_MAX);
    big[RESULT_BYTES_MAX] = '\0';
    for (int i = 0; i < 3; i++) {
        stage_succeed(&s, worker, stage_order(&s, worker), big);
    }
    free(big);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_FAILED);
    assert_int_equal(v->error_code, CODE_INPUT_TOO_LARGE);
    assert_true(bytes_is(v->error_step, "d"));
    stage_start(&s, gateway, "u", ONE); /* the worker's credit was not lost with it */
    stage_order(&s, worker);
}

static void test_a_workers_absurd_times_are_not_believed(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    struct message m = stage_success(stage_order(&s, worker), "1");
    m.outcome.started_at = INT64_MAX;
    m.outcome.duration_ms = UINT32_MAX;
    stage_send(&s, worker, &m);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_true(v->steps[0].started_at <= s.now.wall);
    assert_true(v->steps[0].completed_at >= v->steps[0].started_at);
}

/* The worker of the second step has a slow clock, that of the first measures a millisecond more
 * than has passed. */
static void test_no_step_begins_before_what_it_needs_has_ended(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", TWO);
    struct message one = stage_success(stage_order(&s, worker), "1");
    one.outcome.started_at = s.now.wall;
    one.outcome.duration_ms = 31;
    stage_time(&s, 30);
    stage_send(&s, worker, &one);
    struct message two = stage_success(stage_order(&s, worker), "2");
    two.outcome.started_at = s.now.wall - 20;
    two.outcome.duration_ms = 5;
    stage_send(&s, worker, &two);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_true(v->steps[0].completed_at <= s.now.wall);
    assert_true(v->steps[1].started_at >= v->steps[0].completed_at);
    assert_true(v->steps[1].completed_at >= v->steps[1].started_at);
    assert_true(v->completed_at >= v->steps[1].completed_at);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_an_acknowledgement_follows_the_durable_write),
        TEST(test_a_success_whose_write_was_lost_is_taken_again),
        TEST(test_a_success_whose_answer_was_lost_is_not_applied_twice),
        TEST(test_an_outcome_told_twice_is_a_replay),
        TEST(test_a_failure_told_twice_counts_once),
        TEST(test_a_success_of_an_attempt_that_was_given_up_wins),
        TEST(test_tokens_are_checked),
        TEST(test_a_token_of_an_expired_task_is_none_of_the_next_one_of_its_id),
        TEST(test_a_status_is_held_behind_the_write_it_tells_of),
        TEST(test_a_failure_of_a_doubled_delivery_does_not_fail_the_other),
        TEST(test_a_result_over_its_bound_fails_the_step_for_good),
        TEST(test_a_success_without_a_result_fails_the_attempt),
        TEST(test_results_that_do_not_fit_an_envelope_fail_the_step_that_needs_them),
        TEST(test_a_workers_absurd_times_are_not_believed),
        TEST(test_no_step_begins_before_what_it_needs_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
