/* What a task may spend: what is under way is reserved, 80 % is told, at 100 % the task rests. */
#include <stdio.h>

#include "usual.h"

#define CENT 10000000u
#define FAN                                                                                        \
    "[{\"name\":\"one\",\"function\":\"f\",\"for_each\":\"input.list\",\"max_parallel\":64,"       \
    "\"cost\":{\"cost_usd\":0.01}}]"
#define PLAIN                                                                                      \
    "[{\"name\":\"one\",\"function\":\"f\"},{\"name\":\"two\",\"function\":\"f\"},"                \
    "{\"name\":\"three\",\"function\":\"f\"}]"

static void start(const char *id, const char *steps, uint32_t items, struct budget budget)
{
    struct message m = stage_start_request(id, steps);
    struct buf input = {0};
    buf_add_str(&input, "{\"list\":[");
    for (uint32_t i = 0; i < items; i++) {
        buf_addf(&input, "%s%u", i > 0 ? "," : "", i);
    }
    buf_add_str(&input, "]}");
    m.start.input = arena_bytes(&s.arena, buf_bytes(&input));
    buf_free(&input);
    m.start.budget = budget;
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
}

static const struct message *resume(const char *id, struct budget budget)
{
    struct message m = {.type = MSG_RESUME};
    m.task.task_id = bytes_str(id);
    m.task.budget = budget;
    m.task.deed.actor = BYTES_LIT("ann");
    m.task.deed.reason = BYTES_LIT("worth it");
    return stage_ask(&s, gateway, &m);
}

/* The attempt ends, and has cost so much. */
static void spend(peer_id worker, const struct step_order *o, bool ok, uint64_t cost)
{
    static struct usage_part used;
    struct message m = ok ? stage_success(o, "1") : stage_failure(o, CODE_FUNCTION_REJECTED, true);
    used = (struct usage_part){BYTES_LIT("m"), {10, 0, cost}};
    m.outcome.usage = &used;
    m.outcome.usage_count = 1;
    m.outcome.execution = 1 + o->ref.step * 1000u + o->ref.item;
    stage_send(&s, worker, &m);
    assert_int_equal(stage_take(&s, worker, MSG_ACK)->ack.verdict, VERDICT_APPLIED);
}

/* All orders there are now are carried out, at a cent each; how many. */
static uint32_t work(peer_id worker)
{
    uint32_t count = 0;
    for (;;) {
        const struct message *m = stage_poll(&s, worker, MSG_ORDER);
        if (m == NULL) {
            return count;
        }
        struct step_order o = m->order;
        stage_credit(&s, worker, 1);
        spend(worker, &o, true, CENT);
        count++;
    }
}

static uint32_t orders(peer_id worker)
{
    uint32_t count = 0;
    while (stage_poll(&s, worker, MSG_ORDER) != NULL) {
        count++;
    }
    return count;
}

static void test_a_fan_out_stops_at_its_budget_and_a_larger_one_completes_it(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 32, "f");
    start("t", FAN, 100, (struct budget){.cost_nano = 50 * CENT});
    assert_int_equal(work(worker), 50);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_BUDGET_EXCEEDED);
    assert_int_equal(v->usage[0].sum.cost_nano, 50 * CENT);
    assert_int_equal(v->steps[0].items_done, 50);
    stage_time(&s, 20000);
    assert_int_equal(work(worker), 0);
    assert_int_equal(resume("t", (struct budget){.cost_nano = 200 * CENT})->done.state,
                     TASK_RUNNING);
    assert_int_equal(work(worker), 50);
    v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_COMPLETED);
    assert_int_equal(v->usage[0].sum.cost_nano, 100 * CENT);
}

static void test_what_is_under_way_is_reserved(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 32, "f");
    start("t", FAN, 100, (struct budget){.cost_nano = 10 * CENT});
    assert_int_equal(orders(worker), 10); /* and 22 slots are free */
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_RUNNING);
    assert_int_equal(v->steps[0].items_running, 10);
}

static void test_what_costs_less_than_it_reserved_leaves_room(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 32, "f");
    start("t", FAN, 100, (struct budget){.cost_nano = CENT});
    for (int i = 0; i < 4; i++) {
        struct step_order o = *stage_order(&s, worker);
        stage_nothing(&s, worker, MSG_ORDER);
        spend(worker, &o, true, CENT / 4);
    }
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_BUDGET_EXCEEDED);
}

static void test_without_a_declared_cost_the_mean_so_far_is_reserved(void **state)
{
    (void)state;
    static const char fan[] = "[{\"name\":\"one\",\"function\":\"f\",\"for_each\":\"input.list\","
                              "\"max_parallel\":64}]";
    peer_id worker = stage_worker(&s, "w", 2, "f");
    start("t", fan, 100, (struct budget){.cost_nano = 10 * CENT});
    struct step_order first = *stage_order(&s, worker);
    (void)stage_order(&s, worker); /* nothing is known of their cost yet: both went out */
    stage_credit(&s, worker, 30);
    assert_int_equal(orders(worker), 32);
    spend(worker, &first, true, CENT);
    stage_credit(&s, worker, 30);
    assert_int_equal(orders(worker), 0); /* 33 under way at a cent each: no more */
}

static void test_it_is_warned_of_once_and_the_end_is_told(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    start("t", FAN, 20, (struct budget){.cost_nano = 10 * CENT});
    assert_int_equal(stage_task_request(&s, gateway, MSG_WATCH, "t")->type, MSG_WATCHED);
    assert_int_equal(work(worker), 10);
    uint32_t warnings = 0, ends = 0;
    for (const struct message *m; (m = stage_poll(&s, gateway, MSG_EVENTS)) != NULL;) {
        for (uint32_t i = 0; i < m->events.count; i++) {
            const struct task_event *e = &m->events.events[i];
            if (e->type == EVENT_BUDGET_WARNING) {
                warnings++;
                assert_int_equal(e->usage.cost_nano, 8 * CENT);
                assert_true(bytes_is(e->message, "{\"cost_usd\":0.1}"));
            }
            ends += e->type == EVENT_BUDGET_EXCEEDED;
        }
    }
    assert_int_equal(warnings, 1);
    assert_int_equal(ends, 1);
}

static void test_attempts_are_a_budget_too_and_failures_count(void **state)
{
    (void)state;
    static const char tried[] =
        "[{\"name\":\"one\",\"function\":\"f\",\"retry\":{\"initial\":0,\"jitter\":0}},"
        "{\"name\":\"two\",\"function\":\"f\"}]";
    peer_id worker = stage_worker(&s, "w", 1, "f");
    start("t", tried, 0, (struct budget){.steps = 2});
    assert_int_equal(stage_fail(&s, worker, stage_order(&s, worker)), VERDICT_APPLIED);
    stage_time(&s, 10);
    assert_int_equal(stage_succeed(&s, worker, stage_order(&s, worker), "1"), VERDICT_APPLIED);
    stage_nothing(&s, worker, MSG_ORDER);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_BUDGET_EXCEEDED);
    assert_int_equal(v->attempts_over, 2);
}

static void test_the_last_step_ends_its_task_whatever_it_costs(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    start("t", PLAIN, 0, (struct budget){.cost_nano = 3 * CENT});
    for (int i = 0; i < 3; i++) {
        spend(worker, stage_order(&s, worker), true, i == 2 ? 100 * CENT : CENT);
    }
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
}

static void test_a_budget_that_is_too_small_still_is_refused(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    start("t", PLAIN, 0, (struct budget){.cost_nano = CENT, .tokens = 1000});
    spend(worker, stage_order(&s, worker), true, 2 * CENT);
    const struct message *m = resume("t", (struct budget){0});
    assert_int_equal(m->refused.code, CODE_BUDGET_EXCEEDED);
    assert_true(bytes_is(m->refused.detail, "the task has spent 0.02 of 0.01 dollars: resume it "
                                            "with a larger budget"));
    m = resume("t", (struct budget){.cost_nano = 2 * CENT, .tokens = 10});
    assert_int_equal(m->refused.code, CODE_BUDGET_EXCEEDED);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_BUDGET_EXCEEDED);
    assert_int_equal(resume("t", (struct budget){.cost_nano = 9 * CENT})->type, MSG_DONE);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->budget.cost_nano, 9 * CENT);
    assert_int_equal(v->budget.tokens, 1000); /* what is not named stays */
    spend(worker, stage_order(&s, worker), true, CENT);
}

static void test_a_running_task_gets_a_new_budget_and_a_smaller_one_stops_it(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    start("t", PLAIN, 0, (struct budget){0});
    assert_int_equal(resume("t", (struct budget){0})->refused.code, CODE_NOT_PAUSED);
    assert_int_equal(resume("t", (struct budget){.cost_nano = CENT})->done.state, TASK_RUNNING);
    assert_int_equal(resume("t", (struct budget){.cost_nano = CENT})->done.state, TASK_RUNNING);
    spend(worker, stage_order(&s, worker), true, CENT);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_BUDGET_EXCEEDED);
    struct message m = {.type = MSG_GET_HISTORY};
    m.get_history.task_id = BYTES_LIT("t");
    const struct message *events = stage_ask(&s, gateway, &m);
    uint32_t changes = 0;
    for (uint32_t i = 0; i < events->events.count; i++) {
        const struct task_event *e = &events->events.events[i];
        if (e->type == EVENT_BUDGET_CHANGED) {
            changes++;
            assert_true(bytes_is(e->deed.actor, "ann"));
            assert_true(bytes_is(e->message, "{\"cost_usd\":0.01}"));
        }
    }
    assert_int_equal(changes, 1);
}

static void test_a_rest_does_not_count_as_running_time(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    start("t", PLAIN, 0, (struct budget){.cost_nano = CENT});
    spend(worker, stage_order(&s, worker), true, CENT);
    stage_sleep(&s, 2 * 3600 * 1000); /* over max_task_duration */
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_BUDGET_EXCEEDED);
    assert_int_equal(resume("t", (struct budget){.cost_nano = 9 * CENT})->type, MSG_DONE);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_RUNNING);
}

static void test_a_recovered_task_has_spent_what_it_had(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    start("t", PLAIN, 0, (struct budget){.cost_nano = 2 * CENT});
    spend(worker, stage_order(&s, worker), true, CENT);
    spend(worker, stage_order(&s, worker), false, CENT); /* it fails, and has spent all */
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_FAILED);
    assert_int_equal(stage_recover(&s, gateway, "t", NULL, NULL)->type, MSG_DONE);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_BUDGET_EXCEEDED);
    assert_int_equal(resume("t", (struct budget){.cost_nano = 9 * CENT})->type, MSG_DONE);
    spend(worker, stage_order(&s, worker), true, CENT);
    spend(worker, stage_order(&s, worker), true, CENT);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
}

static void test_the_finally_steps_of_a_failing_task_run_whatever_was_spent(void **state)
{
    (void)state;
    static const char last[] =
        "[{\"name\":\"one\",\"function\":\"f\",\"needs\":[]},{\"name\":\"two\",\"function\":\"g\","
        "\"needs\":[]},{\"name\":\"three\",\"function\":\"f\"},{\"name\":\"tidy\",\"function\":"
        "\"f\","
        "\"finally\":true}]";
    peer_id worker = stage_worker(&s, "w", 2, "f,g");
    start("t", last, 0, (struct budget){.cost_nano = CENT});
    struct step_order one = *stage_order(&s, worker);
    struct step_order two = *stage_order(&s, worker);
    spend(worker, &one, true, 5 * CENT);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_BUDGET_EXCEEDED);
    spend(worker, &two, false, CENT);
    const struct step_order *tidy = stage_order(&s, worker);
    assert_true(bytes_is(tidy->name, "tidy"));
    spend(worker, tidy, true, CENT);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_FAILED);
}

static void test_a_takeover_keeps_the_budget_and_what_was_spent(void **state)
{
    (void)state;
    static struct stage other;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    start("t", PLAIN, 0, (struct budget){.steps = 2});
    spend(worker, stage_order(&s, worker), true, CENT);
    stage_prepare(&other, &store, "b");
    other.config.standby = true;
    stage_begin(&other);
    peer_id there = stage_gateway(&other);
    peer_id same = stage_worker(&other, "w", 1, "f");
    stage_time(&other, 6000);
    assert_int_equal(stage_succeed(&other, same, stage_order(&other, same), "1"), VERDICT_APPLIED);
    const struct task_view *v = stage_status(&other, there, "t");
    assert_int_equal(v->state, TASK_BUDGET_EXCEEDED);
    assert_int_equal(v->attempts_over, 2);
    stage_nothing(&other, same, MSG_ORDER);
    stage_close(&other);
}

static void test_the_pipelines_budget_is_the_tasks_where_it_names_none(void **state)
{
    (void)state;
    static const char text[] = "{\"name\":\"p\",\"budget\":{\"cost_usd\":0.01,\"steps\":9},"
                               "\"steps\":[{\"name\":\"one\",\"function\":\"f\"}]}";
    stage_event(&s, &(struct event){.kind = EV_PIPELINE, .text = bytes_str(text), .version = 1});
    struct message m = stage_start_request("t", "");
    m.start.task_type = BYTES_LIT("p");
    m.start.budget.steps = 7;
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->budget.cost_nano, CENT);
    assert_int_equal(v->budget.steps, 7);
}

/* The steps of a key are in one lane, which is gone with the last of them. */
static void test_a_task_rests_while_its_steps_share_a_limit(void **state)
{
    (void)state;
#define SHARED "\"needs\":[],\"function\":\"f\",\"concurrency\":{\"key\":\"k\",\"limit\":9}}"
    static const char steps[] = "[{\"name\":\"one\"," SHARED ",{\"name\":\"two\"," SHARED
                                ",{\"name\":\"three\"," SHARED "]";
    peer_id worker = stage_worker(&s, "w", 3, "f");
    start("t", steps, 0, (struct budget){.cost_nano = CENT});
    struct step_order one = stage_take(&s, worker, MSG_ORDER)->order;
    struct message decline[2] = {{.type = MSG_DECLINE}, {.type = MSG_DECLINE}};
    decline[0].decline.ref = stage_take(&s, worker, MSG_ORDER)->order.ref;
    decline[1].decline.ref = stage_take(&s, worker, MSG_ORDER)->order.ref;
    spend(worker, &one, true, CENT);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_RUNNING); /* all is sent out */
    stage_send(&s, worker, &decline[0]);
    stage_send(&s, worker, &decline[1]);
    stage_credit(&s, worker, 2);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_BUDGET_EXCEEDED);
    resume("t", (struct budget){.cost_nano = 2 * CENT});
    (void)stage_take(&s, worker, MSG_ORDER);
}

/* "a" goes first, and cannot; "b" needs nothing of it. */
#define TWO_BRANCHES(a)                                                                            \
    "[{\"name\":\"u\",\"needs\":[],\"function\":\"f\",\"cost\":{\"cost_usd\":0.01}},"              \
    "{\"name\":\"a\",\"needs\":[],\"function\":\"f\",\"cost\":{\"cost_usd\":0.01}," a "},"         \
    "{\"name\":\"b\",\"needs\":[],\"function\":\"f\",\"cost\":{\"cost_usd\":0.01}}]"

static void test_a_step_that_nobody_can_take_reserves_nothing(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 4, "f");
    start("t", TWO_BRANCHES("\"requires\":{\"gpu\":\"true\"}"), 0,
          (struct budget){.cost_nano = CENT});
    struct step_order u = *stage_order(&s, worker);
    stage_nothing(&s, worker, MSG_ORDER); /* all is reserved */
    spend(worker, &u, true, CENT / 4);
    assert_true(bytes_is(stage_order(&s, worker)->name, "b"));
}

static void test_a_step_that_waits_for_a_shared_limit_reserves_nothing(void **state)
{
    (void)state;
    static const char holder[] = "[{\"name\":\"h\",\"function\":\"f\",\"concurrency\":"
                                 "{\"key\":\"k\",\"limit\":1}}]";
    peer_id worker = stage_worker(&s, "w", 4, "f");
    start("h", holder, 0, (struct budget){0});
    (void)stage_order(&s, worker);
    start("t", TWO_BRANCHES("\"concurrency\":{\"key\":\"k\",\"limit\":1}"), 0,
          (struct budget){.cost_nano = CENT});
    struct step_order u = *stage_order(&s, worker);
    spend(worker, &u, true, CENT / 4);
    stage_time(&s, 3000); /* a's place is asked for again and again */
    assert_true(bytes_is(stage_order(&s, worker)->name, "b"));
}

static void test_a_step_whose_worker_left_leaves_its_room_to_another(void **state)
{
    (void)state;
    static const char steps[] =
        "[{\"name\":\"u\",\"needs\":[],\"function\":\"u\",\"cost\":{\"cost_usd\":0.01}},"
        "{\"name\":\"a\",\"needs\":[],\"function\":\"f\",\"cost\":{\"cost_usd\":0.01}},"
        "{\"name\":\"b\",\"needs\":[],\"function\":\"g\",\"cost\":{\"cost_usd\":0.01}}]";
    peer_id of_u = stage_worker(&s, "u", 1, "u");
    peer_id of_a = stage_worker(&s, "a", 1, "f");
    peer_id of_b = stage_worker(&s, "b", 1, "g");
    start("t", steps, 0, (struct budget){.cost_nano = CENT});
    struct step_order u = *stage_order(&s, of_u);
    stage_nothing(&s, of_a, MSG_ORDER);
    stage_leave(&s, of_a);
    spend(of_u, &u, true, CENT / 4);
    (void)stage_order(&s, of_b);
}

static void test_an_order_that_comes_back_leaves_room(void **state)
{
    (void)state;
    static const char steps[] = "[{\"name\":\"a\",\"needs\":[],\"function\":\"f\"},"
                                "{\"name\":\"b\",\"needs\":[],\"function\":\"g\"}]";
    peer_id first = stage_worker(&s, "w", 1, "f");
    peer_id second = stage_worker(&s, "v", 1, "g");
    start("t", steps, 0, (struct budget){.steps = 1});
    struct message decline = {.type = MSG_DECLINE};
    decline.decline.ref = stage_take(&s, first, MSG_ORDER)->order.ref;
    stage_nothing(&s, second, MSG_ORDER);
    stage_send(&s, first, &decline); /* and takes no other */
    (void)stage_take(&s, second, MSG_ORDER);
}

static void test_what_another_execution_has_said_is_no_part_of_what_is_reserved(void **state)
{
    (void)state;
    static struct stage other;
    struct usage_part used = {BYTES_LIT("m"), {10, 0, 9 * CENT / 10}};
    peer_id worker = stage_worker(&s, "w", 32, "f");
    start("t", FAN, 9, (struct budget){.cost_nano = 3 * CENT});
    for (uint32_t i = 0; i < 3; i++) {
        struct message m = {.type = MSG_PROGRESS};
        m.progress.ref = stage_order(&s, worker)->ref;
        m.progress.fraction = 0.5;
        m.progress.execution = 1 + i;
        m.progress.usage = &used;
        m.progress.usage_count = 1;
        stage_send(&s, worker, &m);
    }
    stage_nothing(&s, worker, MSG_ORDER);
    stage_time(&s, 500);
    stage_prepare(&other, &store, "b"); /* the coordinator dies, and the worker with it */
    other.config.standby = true;
    stage_begin(&other);
    (void)stage_gateway(&other);
    peer_id there = stage_worker(&other, "v", 32, "f");
    stage_time(&other, 6000);
    (void)stage_order(&other, there);
    stage_nothing(&other, there, MSG_ORDER); /* 2.7 are spent, and a whole one is reserved */
    stage_close(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_fan_out_stops_at_its_budget_and_a_larger_one_completes_it),
        TEST(test_what_is_under_way_is_reserved),
        TEST(test_what_costs_less_than_it_reserved_leaves_room),
        TEST(test_without_a_declared_cost_the_mean_so_far_is_reserved),
        TEST(test_it_is_warned_of_once_and_the_end_is_told),
        TEST(test_attempts_are_a_budget_too_and_failures_count),
        TEST(test_the_last_step_ends_its_task_whatever_it_costs),
        TEST(test_a_budget_that_is_too_small_still_is_refused),
        TEST(test_a_running_task_gets_a_new_budget_and_a_smaller_one_stops_it),
        TEST(test_a_rest_does_not_count_as_running_time),
        TEST(test_a_recovered_task_has_spent_what_it_had),
        TEST(test_the_finally_steps_of_a_failing_task_run_whatever_was_spent),
        TEST(test_a_takeover_keeps_the_budget_and_what_was_spent),
        TEST(test_the_pipelines_budget_is_the_tasks_where_it_names_none),
        TEST(test_a_task_rests_while_its_steps_share_a_limit),
        TEST(test_a_step_that_nobody_can_take_reserves_nothing),
        TEST(test_a_step_that_waits_for_a_shared_limit_reserves_nothing),
        TEST(test_a_step_whose_worker_left_leaves_its_room_to_another),
        TEST(test_an_order_that_comes_back_leaves_room),
        TEST(test_what_another_execution_has_said_is_no_part_of_what_is_reserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
