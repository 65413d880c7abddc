/* Fan-out: what runs again after a recover, a requeue, a takeover, and what stays. */
#include "model/retry.h"
#define USUAL_SLOTS 4
#include "usual.h"

#define THEN "{\"name\":\"after\",\"function\":\"f\",\"max_retries\":0}]"
#define EACH(more)                                                                                 \
    "[{\"name\":\"each\",\"function\":\"f\",\"for_each\":\"${input.list}\"" more "}," THEN

static void start(const char *list, const char *steps)
{
    struct message m = stage_start_request("t", steps);
    m.start.input = bytes_str(list);
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
}

static enum verdict fail_for_good(const struct step_order *o)
{
    struct message m = stage_failure(o, CODE_FUNCTION_REJECTED, true);
    stage_send(&s, worker, &m);
    return stage_take(&s, worker, MSG_ACK)->ack.verdict;
}

static const struct message *recover(const char *from_step, bool only_failed)
{
    struct message m = {.type = MSG_RECOVER};
    m.recover.task_id = BYTES_LIT("t");
    m.recover.from_step = bytes_str(from_step);
    m.recover.only_failed = only_failed;
    return stage_ask(&s, gateway, &m);
}

/* Two items done, one tolerated, and the step behind them has failed. */
static const struct step_order *fail_behind(void)
{
    const struct step_order *o[3];
    start("{\"list\":[1,2,3]}", EACH(",\"tolerate\":1"));
    for (uint32_t i = 0; i < 3; i++) {
        o[i] = stage_order(&s, worker);
    }
    stage_succeed(&s, worker, o[0], "1");
    fail_for_good(o[1]);
    stage_succeed(&s, worker, o[2], "3");
    const struct step_order *after = stage_order(&s, worker);
    assert_true(bytes_is(after->results.whole, "{\"each\":[1,null,3]}"));
    fail_for_good(after);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_FAILED);
    return o[0];
}

static void test_from_a_completed_step_all_its_items_run_again(void **state)
{
    (void)state;
    const struct step_order *before = fail_behind();
    assert_int_equal(recover("each", false)->type, MSG_DONE);
    for (uint32_t i = 0; i < 3; i++) {
        const struct step_order *o = stage_order(&s, worker);
        assert_int_equal(o->ref.item, i + 1);
        assert_int_equal(o->ref.generation, before->ref.generation + 1);
        assert_false(i == 0 && bytes_eq(o->idempotency_key, before->idempotency_key));
        stage_succeed(&s, worker, o, "7");
    }
    assert_true(bytes_is(stage_order(&s, worker)->results.whole, "{\"each\":[7,7,7]}"));
}

static void test_only_failed_of_a_completed_step_runs_the_tolerated_ones(void **state)
{
    (void)state;
    const struct step_order *before = fail_behind();
    assert_int_equal(recover("each", true)->type, MSG_DONE);
    const struct step_order *two = stage_order(&s, worker);
    assert_int_equal(two->ref.item, 2);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(stage_succeed(&s, worker, before, "9"), VERDICT_LATE);
    stage_succeed(&s, worker, two, "2");
    assert_true(bytes_is(stage_order(&s, worker)->results.whole, "{\"each\":[1,2,3]}"));
}

static void test_only_failed_items_of_a_completed_task_run_again(void **state)
{
    (void)state;
    start("{\"list\":[1,2]}", EACH(",\"tolerate\":1"));
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    fail_for_good(stage_order(&s, worker));
    stage_succeed(&s, worker, stage_order(&s, worker), "\"first\"");
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
    const struct message *refused = recover("each", false);
    assert_int_equal(refused->refused.code, CODE_NOTHING_TO_RECOVER);
    assert_true(bytes_is(refused->refused.detail,
                         "the task is completed; only a failed or cancelled one can be recovered, "
                         "or the items of a step that are not done (from_step with only_failed)"));
    refused = recover("after", true);
    assert_int_equal(refused->refused.code, CODE_INVALID_FIELD);
    assert_true(bytes_is(refused->refused.pointer, "/only_failed"));
    refused = recover("nowhere", true);
    assert_int_equal(refused->refused.code, CODE_INVALID_FIELD);
    assert_true(bytes_is(refused->refused.pointer, "/from_step"));
    assert_int_equal(recover("each", true)->type, MSG_DONE);
    const struct step_order *two = stage_order(&s, worker);
    assert_int_equal(two->ref.item, 2);
    stage_succeed(&s, worker, two, "2");
    const struct step_order *after = stage_order(&s, worker);
    assert_true(bytes_is(after->results.whole, "{\"each\":[1,2]}"));
    stage_succeed(&s, worker, after, "\"second\"");
    struct stored_task *t = store_model_find(&store, BYTES_LIT("t"), s.now.mono);
    const char *want = "{\"results\":{\"each\":[1,2],\"after\":\"second\"}";
    assert_memory_equal(t->doc.ptr, want, strlen(want));
    refused = recover("each", true);
    assert_int_equal(refused->refused.code, CODE_NOTHING_TO_RECOVER);
    assert_true(bytes_is(refused->refused.detail,
                         "the task is completed, and all items of that step are done"));
}

static void test_only_failed_is_about_a_step_with_items(void **state)
{
    (void)state;
    fail_behind();
    const struct message *m = recover("after", true);
    assert_int_equal(m->refused.code, CODE_INVALID_FIELD);
    assert_true(bytes_is(m->refused.pointer, "/only_failed"));
}

static void test_what_is_thrown_away_is_of_an_older_generation(void **state)
{
    (void)state;
    start("{\"list\":[1,2]}", EACH(""));
    const struct step_order *one = stage_order(&s, worker);
    const struct step_order *two = stage_order(&s, worker);
    stage_succeed(&s, worker, one, "1");
    assert_int_equal(stage_task_request(&s, gateway, MSG_CANCEL, "t")->type, MSG_DONE);
    assert_int_equal(recover("each", false)->type, MSG_DONE);
    assert_int_equal(stage_succeed(&s, worker, two, "2"), VERDICT_LATE);
    const struct step_order *again = stage_order(&s, worker);
    assert_false(bytes_eq(again->idempotency_key, one->idempotency_key));
}

static void test_an_outcome_of_an_item_that_is_no_more_is_late(void **state)
{
    (void)state;
    struct message m = stage_start_request(
        "t", "[{\"name\":\"list\",\"function\":\"f\"},{\"name\":\"each\",\"function\":\"f\","
             "\"for_each\":\"${steps.list.result}\"}]");
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
    stage_succeed(&s, worker, stage_order(&s, worker), "[1,2]");
    const struct step_order *one = stage_order(&s, worker);
    stage_order(&s, worker);
    assert_int_equal(stage_task_request(&s, gateway, MSG_CANCEL, "t")->type, MSG_DONE);
    assert_int_equal(recover("list", false)->type, MSG_DONE);
    assert_int_equal(stage_succeed(&s, worker, one, "1"), VERDICT_LATE);
}

/* As a recover finds it whose items have all been done: nothing is left but to put them together.
 */
static void test_a_step_whose_items_are_all_done_is_completed_at_once(void **state)
{
    (void)state;
    start("{\"list\":[1]}", EACH(""));
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    fail_for_good(stage_order(&s, worker));
    assert_int_equal(recover("each", true)->type, MSG_DONE);
    assert_true(bytes_is(stage_order(&s, worker)->results.whole, "{\"each\":[1]}"));
}

static void kill_one(const char *name)
{
    worker = stage_worker(&s, name, 1, "f");
    assert_int_equal(stage_order(&s, worker)->ref.item, 2);
    stage_leave(&s, worker);
    stage_time(&s, 2500);
}

static void test_a_dead_letter_is_an_item_and_its_requeue_keeps_the_done_ones(void **state)
{
    (void)state;
    start("{\"list\":[1,2]}", EACH(""));
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_order(&s, worker);
    stage_leave(&s, worker);
    stage_time(&s, 1000);
    kill_one("x");
    kill_one("y");
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->error_code, CODE_WORKER_DEATHS);
    assert_int_equal(v->steps[0].deaths, DEATHS_MAX);
    struct message list = {.type = MSG_GET_DEAD};
    list.get_list.before = NEVER_MS;
    const struct message *dead = stage_ask(&s, gateway, &list);
    assert_int_equal(dead->dead.count, 1);
    assert_int_equal(dead->dead.items[0].deaths, DEATHS_MAX);
    worker = stage_worker(&s, "z", 4, "f");
    struct message m = {.type = MSG_REQUEUE};
    m.requeue.task_id = BYTES_LIT("t");
    m.requeue.step = BYTES_LIT("each");
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_DONE);
    const struct step_order *two = stage_order(&s, worker);
    assert_int_equal(two->ref.item, 2);
    assert_false(two->alone);
    stage_succeed(&s, worker, two, "2");
    assert_true(bytes_is(stage_order(&s, worker)->results.whole, "{\"each\":[1,2]}"));
}

/* A worker that comes back after the grace: what it runs waits for another one by then. */
static void test_an_item_that_is_claimed_late_goes_on_where_it_runs(void **state)
{
    (void)state;
    start("{\"list\":[1,2,3,4]}", EACH(",\"max_parallel\":2"));
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_succeed(&s, worker, stage_order(&s, worker), "2");
    stage_order(&s, worker);
    struct attempt_ref four = stage_order(&s, worker)->ref;
    four.task_id = BYTES_LIT("t");
    stage_close(&s);
    stage_open(&s, &store, "b");
    gateway = stage_gateway(&s);
    stage_time(&s, 4000);
    worker = stage_worker_hello(&s, "w", 4, "f");
    stage_running(&s, worker, &four, 1);
    stage_nothing(&s, worker, MSG_STOP);
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].items_running, 1);
    struct step_order o = {.ref = four};
    assert_int_equal(stage_succeed(&s, worker, &o, "4"), VERDICT_APPLIED);
    stage_credit(&s, worker, 1);
    assert_int_equal(stage_order(&s, worker)->ref.item, 3);
    stage_nothing(&s, worker, MSG_ORDER);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_from_a_completed_step_all_its_items_run_again),
        TEST(test_only_failed_of_a_completed_step_runs_the_tolerated_ones),
        TEST(test_only_failed_items_of_a_completed_task_run_again),
        TEST(test_only_failed_is_about_a_step_with_items),
        TEST(test_what_is_thrown_away_is_of_an_older_generation),
        TEST(test_an_outcome_of_an_item_that_is_no_more_is_late),
        TEST(test_a_step_whose_items_are_all_done_is_completed_at_once),
        TEST(test_a_dead_letter_is_an_item_and_its_requeue_keeps_the_done_ones),
        TEST(test_an_item_that_is_claimed_late_goes_on_where_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
