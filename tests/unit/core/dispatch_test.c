/* Which step goes to which worker, and when. */
#include <stdio.h>

#include "usual.h"

#define ONE "[{\"name\":\"one\",\"function\":\"f\"}]"

static void start_with_priority(const char *id, int32_t priority)
{
    struct message m = stage_start_request(id, ONE);
    m.start.priority = priority;
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
}

static void test_higher_priorities_go_first_and_equals_in_order_of_age(void **state)
{
    (void)state;
    start_with_priority("low", -5);
    start_with_priority("first", 0);
    start_with_priority("second", 0);
    start_with_priority("high", 5);
    peer_id worker = stage_worker(&s, "w", 1, "f");
    const char *order[] = {"high", "first", "second", "low"};
    for (int i = 0; i < 4; i++) {
        assert_true(bytes_is(stage_order(&s, worker)->ref.task_id, order[i]));
    }
}

static void test_a_step_whose_function_nobody_offers_waits_and_says_so(void **state)
{
    (void)state;
    stage_worker(&s, "w", 1, "g");
    stage_start(&s, gateway, "t", ONE);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_true(bytes_is(v->steps[0].waiting_for, "no worker offers the function f"));
    assert_int_equal(v->state, TASK_PENDING);
    stage_time(&s, 100000);
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].state, STEP_PENDING);
    peer_id other = stage_worker(&s, "other", 1, "f");
    stage_order(&s, other);
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].waiting_for.len, 0);
}

static void test_a_step_behind_busy_workers_says_so(void **state)
{
    (void)state;
    stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    stage_start(&s, gateway, "u", ONE);
    const struct task_view *v = stage_status(&s, gateway, "u");
    assert_true(bytes_is(v->steps[0].waiting_for, "all workers that offer the function are busy"));
}

static void test_a_graph_runs_in_parallel_and_joins(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 4, "f");
    stage_start(&s, gateway, "t",
                "[{\"name\":\"a\",\"function\":\"f\"},"
                "{\"name\":\"b\",\"function\":\"f\",\"needs\":[\"a\"]},"
                "{\"name\":\"c\",\"function\":\"f\",\"needs\":[\"a\"],\"input\":{\"own\":true}},"
                "{\"name\":\"d\",\"function\":\"f\",\"needs\":[\"c\",\"b\"]}]");
    stage_succeed(&s, worker, stage_order(&s, worker), "\"A\"");
    const struct step_order *b = stage_order(&s, worker);
    const struct step_order *c = stage_order(&s, worker);
    assert_true(bytes_is(b->name, "b") && bytes_is(c->name, "c"));
    assert_true(bytes_is(b->input.whole, "{\"n\":1}"));
    assert_true(bytes_is(c->input.whole, "{\"own\":true}"));
    assert_true(bytes_is(c->results.whole, "{\"a\":\"A\"}"));
    stage_succeed(&s, worker, c, "\"C\"");
    stage_nothing(&s, worker, MSG_ORDER);
    stage_succeed(&s, worker, b, "\"B\"");
    const struct step_order *d = stage_order(&s, worker);
    assert_true(bytes_is(d->results.whole, "{\"a\":\"A\",\"b\":\"B\",\"c\":\"C\"}"));
    stage_succeed(&s, worker, d, "\"D\"");
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_COMPLETED);
    assert_int_equal(v->steps[2].order, 1);
    assert_int_equal(v->steps[1].order, 2);
    assert_true(v->progress == 1);
}

static void test_workers_take_turns(void **state)
{
    (void)state;
    peer_id first = stage_worker(&s, "first", 2, "f");
    peer_id second = stage_worker(&s, "second", 2, "f");
    stage_start(&s, gateway, "t", ONE);
    stage_start(&s, gateway, "u", ONE);
    assert_non_null(stage_poll(&s, first, MSG_ORDER));
    assert_non_null(stage_poll(&s, second, MSG_ORDER));
}

static void test_nothing_is_sent_without_credit(void **state)
{
    (void)state;
    peer_id worker = stage_worker_hello(&s, "w", 1, "f");
    stage_running(&s, worker, NULL, 0);
    stage_start(&s, gateway, "t", ONE);
    stage_nothing(&s, worker, MSG_ORDER);
    stage_credit(&s, worker, 1);
    assert_non_null(stage_poll(&s, worker, MSG_ORDER));
    stage_start(&s, gateway, "u", ONE);
    stage_nothing(&s, worker, MSG_ORDER);
}

static void test_many_functions_without_a_worker_move_the_table_safely(void **state)
{
    (void)state;
    char id[] = "t00";
    for (int i = 0; i < 40; i++) {
        char steps[64];
        snprintf(steps, sizeof steps, "[{\"name\":\"one\",\"function\":\"f%d\"}]", i);
        id[1] = (char)('0' + i / 10);
        id[2] = (char)('0' + i % 10);
        stage_start(&s, gateway, id, steps);
    }
    assert_int_equal(core_stats(s.core).steps_ready, 40);
}

static void test_a_credit_reserved_for_a_step_that_was_cancelled_is_used_again(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    s.hold_store = true;
    struct message m = stage_start_request("t", ONE);
    assert_null(stage_ask(&s, gateway, &m));
    stage_store_round(&s); /* admitted; its input is being read */
    assert_int_equal(s.op_count, 1);
    assert_null(stage_task_request(&s, gateway, MSG_CANCEL, "t"));
    s.hold_store = false;
    stage_store_go(&s);
    stage_nothing(&s, worker, MSG_ORDER);
    stage_start(&s, gateway, "u", ONE);
    assert_non_null(stage_poll(&s, worker, MSG_ORDER));
}

static void test_a_step_whose_partition_is_being_handed_over_is_not_sent_out(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    s.hold_store = true;
    struct message m = stage_start_request("t", ONE);
    assert_null(stage_ask(&s, gateway, &m));
    stage_store_round(&s); /* admitted; its input is being read */
    stage_event(&s, &(struct event){.kind = EV_DRAIN});
    stage_store_round(&s);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_true(s.drained);
}

static void test_functions_that_only_a_cancelled_task_named_are_forgotten(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        stage_start(&s, gateway, "t", "[{\"name\":\"a\",\"function\":\"nobodys\"}]");
        assert_true(stage_status(&s, gateway, "t")->steps[0].waiting_for.len > 0);
        assert_int_equal(stage_task_request(&s, gateway, MSG_CANCEL, "t")->type, MSG_DONE);
    }
    peer_id worker =
        stage_worker(&s, "w", 1, "f,g"); /* core_check sees that no name stays for nothing */
    stage_leave(&s, worker);
    stage_time(&s, 500);
    worker = stage_worker(&s, "v", 1, "g");
    stage_start(&s, gateway, "u", "[{\"name\":\"a\",\"function\":\"g\"}]");
    stage_order(&s, worker);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_functions_that_only_a_cancelled_task_named_are_forgotten),
        TEST(test_higher_priorities_go_first_and_equals_in_order_of_age),
        TEST(test_a_step_whose_function_nobody_offers_waits_and_says_so),
        TEST(test_a_step_behind_busy_workers_says_so),
        TEST(test_a_graph_runs_in_parallel_and_joins),
        TEST(test_workers_take_turns),
        TEST(test_nothing_is_sent_without_credit),
        TEST(test_many_functions_without_a_worker_move_the_table_safely),
        TEST(test_a_credit_reserved_for_a_step_that_was_cancelled_is_used_again),
        TEST(test_a_step_whose_partition_is_being_handed_over_is_not_sent_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
