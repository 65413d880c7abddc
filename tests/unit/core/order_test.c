/* Whose turn it is: labels that steps require, and priorities that age. */
#include <stdio.h>

#include "usual.h"

#define ONE "[{\"name\":\"one\",\"function\":\"f\"}]"
#define GPU                                                                                        \
    "[{\"name\":\"one\",\"function\":\"f\",\"requires\":{\"region\":\"eu\",\"gpu\":\"true\"}}]"

static void start_with_priority(const char *id, int32_t priority)
{
    struct message m = stage_start_request(id, ONE);
    m.start.priority = priority;
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
}

static bool next_is(peer_id worker, const char *id)
{
    const struct step_order *o = stage_order(&s, worker);
    assert_int_equal(stage_succeed(&s, worker, o, "{}"), VERDICT_APPLIED);
    return bytes_is(o->ref.task_id, id);
}

static void test_a_step_goes_to_a_worker_that_has_all_its_labels(void **state)
{
    (void)state;
    stage_worker(&s, "plain", 4, "f");
    stage_worker(&s, "american", 4, "f;gpu=true,region=us");
    stage_worker(&s, "other", 4, "g;gpu=true,region=eu");
    stage_start(&s, gateway, "t", GPU);
    stage_start(&s, gateway, "u", GPU);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_true(bytes_is(v->steps[0].waiting_for,
                         "no worker that offers the function f has the labels gpu=true,region=eu"));
    peer_id worker = stage_worker(&s, "w", 1, "f,g;gpu=true,region=eu,more=1");
    assert_true(bytes_is(stage_order(&s, worker)->ref.task_id, "t"));
    v = stage_status(&s, gateway, "t");
    assert_int_equal(v->steps[0].waiting_for.len, 0);
}

static void test_one_that_nobody_can_take_is_in_nobodys_way(void **state)
{
    (void)state;
    start_with_priority("low", -10);
    struct message m = stage_start_request("gpu", GPU);
    m.start.priority = 10;
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
    assert_true(next_is(stage_worker(&s, "w", 1, "f"), "low"));
}

static void test_busy_workers_with_the_labels_are_waited_for(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f;gpu=true,region=eu");
    stage_start(&s, gateway, "t", GPU);
    stage_start(&s, gateway, "u", GPU);
    stage_take(&s, worker, MSG_ORDER);
    const struct task_view *v = stage_status(&s, gateway, "u");
    assert_true(bytes_is(v->steps[0].waiting_for,
                         "all workers that offer the function f and have the labels "
                         "gpu=true,region=eu are busy"));
    stage_credit(&s, worker, 1);
    assert_true(bytes_is(stage_take(&s, worker, MSG_ORDER)->order.ref.task_id, "u"));
}

static void test_a_step_goes_back_into_its_order_when_its_worker_leaves(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f;gpu=true,region=eu");
    stage_worker(&s, "plain", 4, "f");
    stage_start(&s, gateway, "t", GPU);
    stage_take(&s, worker, MSG_ORDER);
    stage_leave(&s, worker);
    stage_time(&s, 5000);
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].state, STEP_PENDING);
    peer_id other = stage_worker(&s, "v", 1, "f;region=eu,gpu=true");
    assert_true(next_is(other, "t"));
}

static void test_queue_timeout_ends_a_wait_for_labels(void **state)
{
    (void)state;
    stage_worker(&s, "plain", 4, "f");
    stage_start(&s, gateway, "t",
                "[{\"name\":\"one\",\"function\":\"f\",\"queue_timeout\":2,"
                "\"requires\":{\"gpu\":\"true\"}}]");
    stage_time(&s, 2500);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_FAILED);
    assert_int_equal(v->error_code, CODE_QUEUE_TIMEOUT);
}

static void test_workers_are_shown_with_labels_and_what_waits_for_others(void **state)
{
    (void)state;
    stage_worker(&s, "w", 1, "f;zone=b");
    stage_start(&s, gateway, "t", GPU);
    stage_start(&s, gateway, "u", GPU);
    struct message m = {.type = MSG_GET_WORKERS};
    const struct message *r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->workers.items[0].label_count, 1);
    assert_true(bytes_is(r->workers.items[0].labels[0], "zone=b"));
    assert_int_equal(r->workers.waiting_count, 1);
    assert_true(bytes_is(r->workers.waiting[0].requires, "gpu=true,region=eu"));
    assert_int_equal(r->workers.waiting[0].steps, 2);
    struct message ready = {.type = MSG_GET_READY};
    r = stage_ask(&s, gateway, &ready);
    assert_true(
        bytes_is(r->ready.detail,
                 "no worker offers f and has the labels gpu=true,region=eu (steps ready: 2)"));
    struct core_stats stats = core_stats(s.core);
    assert_string_equal(stats.unplaced[0].wants, "f gpu=true,region=eu");
    assert_int_equal(stats.unplaced[0].steps, 2);
}

static void test_what_waits_for_a_function_only_is_counted_by_its_name(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", "[{\"name\":\"a\",\"function\":\"nobody.has\"}]");
    assert_string_equal(core_stats(s.core).unplaced[0].wants, "nobody.has");
}

static void test_bad_labels_are_refused(void **state)
{
    (void)state;
    peer_id worker = stage_worker_hello(&s, "w", 1, "f;gpu");
    assert_int_equal(stage_take(&s, worker, MSG_WELCOME)->welcome.version, 0);
}

static void test_a_point_of_priority_is_worth_a_minute_of_waiting(void **state)
{
    (void)state;
    start_with_priority("old", 0);
    stage_time(&s, 59000);
    start_with_priority("better", 1);
    assert_true(next_is(stage_worker(&s, "w", 1, "f"), "better"));
}

static void test_what_waits_long_enough_goes_before_any_priority(void **state)
{
    (void)state;
    start_with_priority("lowest", -10);
    stage_time(&s, 20 * 60000 + 1000);
    start_with_priority("highest", 10);
    assert_true(next_is(stage_worker(&s, "w", 1, "f"), "lowest"));
}

static void test_a_pipelines_priority_counts_where_the_start_says_none(void **state)
{
    (void)state;
    stage_event(&s,
                &(struct event){.kind = EV_PIPELINE,
                                .version = 1,
                                .text = BYTES_LIT("{\"name\":\"urgent\",\"priority\":5,\"steps\":"
                                                  "[{\"name\":\"a\",\"function\":\"f\"}]}")});
    start_with_priority("first", 0);
    struct message m = stage_start_request("second", "");
    m.start.task_type = BYTES_LIT("urgent");
    m.start.priority = -128; /* PRIORITY_UNSET */
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
    peer_id worker = stage_worker(&s, "w", 1, "f");
    assert_true(next_is(worker, "second"));
}

static void test_a_takeover_does_not_put_the_old_behind_the_new(void **state)
{
    (void)state;
    start_with_priority("old", 0);
    stage_time(&s, 30000);
    struct moment now = s.now;
    stage_close(&s);
    stage_prepare(&s, &store, "b");
    s.now = now;
    stage_begin(&s);
    stage_time(&s, 5000);
    gateway = stage_gateway(&s);
    start_with_priority("new", 0);
    assert_true(next_is(stage_worker(&s, "w", 1, "f"), "old"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_step_goes_to_a_worker_that_has_all_its_labels),
        TEST(test_one_that_nobody_can_take_is_in_nobodys_way),
        TEST(test_busy_workers_with_the_labels_are_waited_for),
        TEST(test_a_step_goes_back_into_its_order_when_its_worker_leaves),
        TEST(test_queue_timeout_ends_a_wait_for_labels),
        TEST(test_workers_are_shown_with_labels_and_what_waits_for_others),
        TEST(test_what_waits_for_a_function_only_is_counted_by_its_name),
        TEST(test_bad_labels_are_refused),
        TEST(test_a_point_of_priority_is_worth_a_minute_of_waiting),
        TEST(test_what_waits_long_enough_goes_before_any_priority),
        TEST(test_a_pipelines_priority_counts_where_the_start_says_none),
        TEST(test_a_takeover_does_not_put_the_old_behind_the_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
