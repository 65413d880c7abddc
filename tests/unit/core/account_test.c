/* What attempts have used: each counted once, whatever becomes of them. */
#include "usual.h"

#define ONE "[{\"name\":\"one\",\"function\":\"f\",\"retry\":{\"initial\":0,\"jitter\":0}}]"
#define FAN                                                                                        \
    "[{\"name\":\"one\",\"function\":\"f\",\"for_each\":\"[1,2,3]\",\"retry\":{\"initial\":0,"     \
    "\"jitter\":0}}]"

#define SMALL                                                                                      \
    {                                                                                              \
        (const uint8_t *)"small", 5                                                                \
    }
static struct usage_part small = {SMALL, {100, 10, 1000}};
static struct usage_part larger = {SMALL, {150, 20, 3000}};

static void news(struct stage *of, peer_id worker, const struct step_order *o,
                 struct usage_part *used, uint64_t execution)
{
    struct message m = {.type = MSG_PROGRESS};
    m.progress = (struct step_progress){
        .ref = o->ref, .fraction = -1, .usage = used, .usage_count = 1, .execution = execution};
    stage_send(of, worker, &m);
}

static enum verdict outcome(struct stage *of, peer_id worker, struct message *m,
                            struct usage_part *used, uint64_t execution)
{
    m->outcome.usage = used;
    m->outcome.usage_count = 1;
    m->outcome.execution = execution;
    stage_send(of, worker, m);
    return stage_take(of, worker, MSG_ACK)->ack.verdict;
}

static uint64_t cost(struct stage *of, peer_id from, const char *id)
{
    const struct task_view *v = stage_status(of, from, id);
    uint64_t by_task = 0, by_steps = 0;
    for (uint32_t i = 0; i < v->usage_count; i++) {
        by_task += v->usage[i].sum.cost_nano;
    }
    for (uint32_t i = 0; i < v->step_count; i++) {
        for (uint32_t k = 0; k < v->steps[i].usage_count; k++) {
            by_steps += v->steps[i].usage[k].sum.cost_nano;
        }
    }
    assert_int_equal(by_task, by_steps);
    return by_task;
}

static void test_news_and_outcome_are_one_sum(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    const struct step_order *o = stage_order(&s, worker);
    news(&s, worker, o, &small, 7);
    news(&s, worker, o, &small, 7);
    assert_int_equal(cost(&s, gateway, "t"), 1000);
    struct message m = stage_success(o, "1");
    assert_int_equal(outcome(&s, worker, &m, &larger, 7), VERDICT_APPLIED);
    assert_int_equal(cost(&s, gateway, "t"), 3000);
    assert_int_equal(outcome(&s, worker, &m, &larger, 7), VERDICT_LATE); /* it has ended */
    assert_int_equal(cost(&s, gateway, "t"), 3000);
    assert_int_equal(core_stats(s.core).used->parts[0].sum.cost_nano, 3000);
}

static void test_failed_attempts_count(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    for (int i = 0; i < 3; i++) {
        struct message m = stage_failure(stage_order(&s, worker), CODE_FUNCTION_FAILED, false);
        assert_int_equal(outcome(&s, worker, &m, &small, 7 + (uint64_t)i), VERDICT_APPLIED);
        assert_int_equal(outcome(&s, worker, &m, &small, 7 + (uint64_t)i), VERDICT_LATE);
        stage_time(&s, 10);
    }
    assert_int_equal(cost(&s, gateway, "t"), 3000);
}

static void test_a_dead_worker_has_spent_what_it_said_and_what_it_still_brings(void **state)
{
    (void)state;
    peer_id first = stage_worker(&s, "w1", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    const struct step_order *lost = stage_order(&s, first);
    news(&s, first, lost, &small, 7);
    stage_leave(&s, first);
    stage_time(&s, 1000);
    assert_int_equal(cost(&s, gateway, "t"), 1000);
    peer_id second = stage_worker(&s, "w2", 1, "f");
    const struct step_order *o = stage_order(&s, second);
    peer_id back = stage_worker(&s, "w1", 1, "f"); /* it was not dead: it fails, too late */
    struct message late = stage_failure(lost, CODE_FUNCTION_FAILED, false);
    assert_int_equal(outcome(&s, back, &late, &larger, 7), VERDICT_LATE);
    assert_int_equal(cost(&s, gateway, "t"), 3000);
    assert_int_equal(outcome(&s, back, &late, &larger, 7), VERDICT_LATE);
    assert_int_equal(cost(&s, gateway, "t"), 3000);
    struct message m = stage_success(o, "1");
    assert_int_equal(outcome(&s, second, &m, &small, 8), VERDICT_APPLIED);
    assert_int_equal(cost(&s, gateway, "t"), 4000);
}

static void test_two_executions_of_one_delivery_both_count(void **state)
{
    (void)state;
    peer_id first = stage_worker(&s, "w1", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    const struct step_order *o = stage_order(&s, first);
    news(&s, first, o, &small, 7);
    struct message draining = {.type = MSG_DRAINING};
    stage_send(&s, first, &draining);
    stage_running(&s, first, NULL, 0); /* handed back: no attempt was spent */
    peer_id second = stage_worker(&s, "w2", 1, "f");
    const struct step_order *again = stage_order(&s, second);
    assert_int_equal(again->ref.delivery, o->ref.delivery);
    struct message m = stage_success(again, "1");
    assert_int_equal(outcome(&s, second, &m, &small, 8), VERDICT_APPLIED);
    assert_int_equal(cost(&s, gateway, "t"), 2000);
}

static void test_a_takeover_neither_loses_nor_doubles(void **state)
{
    (void)state;
    static struct stage other;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    const struct step_order *o = stage_order(&s, worker);
    news(&s, worker, o, &small, 7);
    stage_time(&s, 200); /* it is in a row */
    stage_prepare(&other, &store, "b");
    other.config.standby = true;
    stage_begin(&other);
    peer_id there = stage_gateway(&other);
    peer_id same = stage_worker_hello(&other, "w", 1, "f");
    struct attempt_ref ref = o->ref;
    stage_running(&other, same, &ref, 1);
    stage_time(&other, 6000); /* the first one is not heard */
    assert_int_equal(cost(&other, there, "t"), 1000);
    news(&other, same, o, &small, 7); /* as workers do for a new owner */
    assert_int_equal(cost(&other, there, "t"), 1000);
    struct message m = stage_success(o, "1");
    assert_int_equal(outcome(&other, same, &m, &larger, 7), VERDICT_APPLIED);
    assert_int_equal(cost(&other, there, "t"), 3000);
    stage_close(&other);
}

static void test_items_count_in_their_step_and_survive_a_recover(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 3, "f");
    stage_start(&s, gateway, "t", FAN);
    const struct step_order *o[3];
    for (int i = 0; i < 3; i++) {
        o[i] = stage_order(&s, worker);
    }
    struct message m = stage_success(o[0], "1");
    assert_int_equal(outcome(&s, worker, &m, &small, 7), VERDICT_APPLIED);
    m = stage_failure(o[1], CODE_FUNCTION_REJECTED, true);
    assert_int_equal(outcome(&s, worker, &m, &small, 8), VERDICT_APPLIED); /* the task fails */
    assert_int_equal(cost(&s, gateway, "t"), 2000);
    assert_int_equal(stage_recover(&s, gateway, "t", NULL, NULL)->type, MSG_DONE);
    for (int i = 0; i < 2; i++) {
        m = stage_success(stage_order(&s, worker), "1");
        assert_int_equal(outcome(&s, worker, &m, &small, 9 + (uint64_t)i), VERDICT_APPLIED);
    }
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_COMPLETED);
    assert_int_equal(cost(&s, gateway, "t"), 4000);
}

static void test_the_end_of_step_and_task_tell_what_they_used(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    assert_int_equal(stage_task_request(&s, gateway, MSG_WATCH, "t")->type, MSG_WATCHED);
    struct message m = stage_success(stage_order(&s, worker), "1");
    assert_int_equal(outcome(&s, worker, &m, &small, 7), VERDICT_APPLIED);
    const struct message *e = stage_take(&s, gateway, MSG_EVENTS);
    while (e->events.events[0].type != EVENT_STEP_COMPLETED) {
        e = stage_take(&s, gateway, MSG_EVENTS);
    }
    assert_int_equal(e->events.count, 2);
    assert_int_equal(e->events.events[0].usage.cost_nano, 1000);
    assert_int_equal(e->events.events[1].type, EVENT_TASK_COMPLETE);
    assert_int_equal(e->events.events[1].usage.input_tokens, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_news_and_outcome_are_one_sum, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failed_attempts_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_dead_worker_has_spent_what_it_said_and_what_it_still_brings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_executions_of_one_delivery_both_count, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_takeover_neither_loses_nor_doubles, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_items_count_in_their_step_and_survive_a_recover,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_end_of_step_and_task_tell_what_they_used, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
