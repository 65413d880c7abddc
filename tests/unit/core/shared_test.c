/* What steps share with all others of a key: concurrency, rate limits. */
#include <stdio.h>
#include <stdlib.h>

#include "core/lanes.h"
#define USUAL_SLOTS     8
#define USUAL_FUNCTIONS "f,g"
#include "usual.h"

#define ONE_AT_ONCE                                                                                \
    "[{\"name\":\"a\",\"function\":\"f\",\"concurrency\":{\"key\":\"k\",\"limit\":1}}]"
#define BY_MODEL                                                                                   \
    "[{\"name\":\"a\",\"function\":\"f\",\"concurrency\":"                                         \
    "{\"key\":\"model-${ input.model }\",\"limit\":1}}]"
#define TEN_A_SECOND                                                                               \
    "[{\"name\":\"a\",\"function\":\"f\",\"rate_limit\":{\"key\":\"k\",\"per_second\":10}}]"

static void start_with(const char *id, const char *steps, const char *input)
{
    struct message m = stage_start_request(id, steps);
    m.start.input = bytes_str(input);
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
}

static uint32_t holders(const char *key)
{
    return limit_book_holders(&store.limits, bytes_str(key), s.now.mono * 1000);
}

static void waits_for(const char *id, const char *what)
{
    struct bytes text = stage_status(&s, gateway, id)->steps[0].waiting_for;
    if (!bytes_is(text, what)) {
        fail_msg("%s waits for \"%.*s\"", id, (int)text.len, (const char *)text.ptr);
    }
}

static const struct step_order *order_of(const char *id)
{
    const struct step_order *o = &stage_take(&s, worker, MSG_ORDER)->order;
    assert_true(bytes_is(o->ref.task_id, id));
    return o;
}

static void test_no_more_run_than_the_limit_and_the_next_goes_at_once(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t1", ONE_AT_ONCE);
    stage_start(&s, gateway, "t2", ONE_AT_ONCE);
    stage_start(&s, gateway, "t3", ONE_AT_ONCE);
    const struct step_order *o = order_of("t1");
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(holders("k"), 1);
    waits_for("t2", "the concurrency limit k, 1 at once");
    waits_for("t3", "the concurrency limit k, 1 at once");
    assert_int_equal(stage_succeed(&s, worker, o, "1"), VERDICT_APPLIED);
    o = order_of("t2"); /* without any time */
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(stage_fail(&s, worker, o), VERDICT_APPLIED);
    o = order_of("t3");
    stage_time(&s, 5000);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(stage_succeed(&s, worker, o, "1"), VERDICT_APPLIED);
    assert_int_equal(stage_succeed(&s, worker, order_of("t2"), "1"), VERDICT_APPLIED);
    assert_int_equal(holders("k"), 0);
    assert_int_equal(core_stats(s.core).limit_lanes, 0);
    assert_int_equal(core_stats(s.core).limit_holds, 0);
}

static void test_a_full_key_is_in_nobodies_way(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t1", ONE_AT_ONCE);
    stage_start(&s, gateway, "t2", ONE_AT_ONCE);
    stage_start(&s, gateway, "t3", "[{\"name\":\"a\",\"function\":\"f\"}]");
    order_of("t1");
    order_of("t3");
    stage_nothing(&s, worker, MSG_ORDER);
}

static void test_priority_counts_among_those_that_wait(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t1", ONE_AT_ONCE);
    const struct step_order *o = order_of("t1");
    stage_start(&s, gateway, "t2", ONE_AT_ONCE);
    struct message m = stage_start_request("t3", ONE_AT_ONCE);
    m.start.priority = 5;
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
    stage_time(&s, 2000);
    stage_succeed(&s, worker, o, "1");
    order_of("t3");
}

static void test_keys_come_from_expressions(void **state)
{
    (void)state;
    start_with("t1", BY_MODEL, "{\"model\":\"x\"}");
    start_with("t2", BY_MODEL, "{\"model\":\"x\"}");
    start_with("t3", BY_MODEL, "{\"model\":3}");
    order_of("t1");
    order_of("t3");
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(holders("model-x"), 1);
    assert_int_equal(holders("model-3"), 1);
}

static void test_a_key_that_is_no_text_fails_the_step(void **state)
{
    (void)state;
    start_with("t1",
               "[{\"name\":\"a\",\"function\":\"f\",\"concurrency\":{\"key\":\"${input.model}\","
               "\"limit\":1}}]",
               "{\"model\":{}}");
    const struct task_view *v = stage_status(&s, gateway, "t1");
    assert_int_equal(v->error_code, CODE_EXPRESSION_ERROR);
    assert_true(bytes_is(v->error,
                         "step \"a\", /concurrency/key: a key must be a string of 1 to 256 bytes "
                         "without control characters, a number, true or false, but it is {}"));
    start_with("t2", BY_MODEL, "{}");
    assert_int_equal(stage_status(&s, gateway, "t2")->error_code, CODE_EXPRESSION_ERROR);
}

static void test_a_dead_workers_place_is_free(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t1", ONE_AT_ONCE);
    stage_start(&s, gateway, "t2", ONE_AT_ONCE);
    order_of("t1");
    peer_id dead = worker;
    worker = stage_worker(&s, "v", 8, "f");
    stage_leave(&s, dead);
    stage_time(&s, 2000);
    const struct step_order *o = &stage_take(&s, worker, MSG_ORDER)->order;
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(holders("k"), 1);
    stage_succeed(&s, worker, o, "1");
    stage_take(&s, worker, MSG_ORDER);
}

static void test_a_stopped_attempt_has_its_place_until_its_worker_says_so(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t1", ONE_AT_ONCE);
    stage_start(&s, gateway, "t2", ONE_AT_ONCE);
    const struct step_order *o = order_of("t1");
    assert_int_equal(stage_task_request(&s, gateway, MSG_CANCEL, "t1")->type, MSG_DONE);
    stage_time(&s, 3000);
    stage_nothing(&s, worker, MSG_ORDER);
    struct message m = stage_failure(o, CODE_CANCELLED, true);
    stage_send(&s, worker, &m);
    order_of("t2");
}

/* Its id is used again, and its record has expired: the numbers begin anew. */
static void test_a_place_of_an_expired_task_is_none_of_the_one_that_has_its_id(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE_AT_ONCE);
    const struct step_order *old = order_of("t");
    stage_task_request(&s, gateway, MSG_CANCEL, "t");
    stage_time(&s, 5);
    store_model_find(&store, BYTES_LIT("t"), s.now.mono)->expires_at = s.now.mono;
    stage_start(&s, gateway, "t", ONE_AT_ONCE);
    waits_for("t", "the concurrency limit k, 1 at once");
    stage_nothing(&s, worker, MSG_ORDER);
    stage_fail(&s, worker, old);
    order_of("t");
    assert_int_equal(holders("k"), 1);
}

static void test_a_place_is_renewed_while_its_attempt_runs(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t1", ONE_AT_ONCE);
    order_of("t1");
    for (int i = 0; i < 10; i++) {
        stage_time(&s, LIMIT_LEASE_MS / 2);
        assert_int_equal(holders("k"), 1);
    }
}

/* The coordinator is gone, and its worker has connected to b, which takes over. */
static void take_over(const struct step_order *o, struct attempt_ref *ret_ref)
{
    struct moment now = s.now;
    *ret_ref = o->ref;
    char *id = mem_str_bytes(o->ref.task_id);
    stage_close(&s);
    stage_prepare(&s, &store, "b");
    s.now = now;
    stage_begin(&s);
    ret_ref->task_id = arena_bytes(&s.arena, bytes_str(id));
    free(id);
    gateway = stage_gateway(&s);
    worker = stage_worker_hello(&s, "w", 8, "f");
    stage_running(&s, worker, ret_ref, 1);
    stage_credit(&s, worker, 7);
}

static void test_a_takeover_keeps_the_place_of_what_runs(void **state)
{
    (void)state;
    struct attempt_ref ref;
    start_with("t1", BY_MODEL, "{\"model\":\"x\"}");
    take_over(order_of("t1"), &ref);
    stage_time(&s, 4000);
    assert_int_equal(stage_status(&s, gateway, "t1")->steps[0].state, STEP_RUNNING);
    for (int i = 0; i < 4; i++) {
        stage_time(&s, LIMIT_LEASE_MS / 2);
        assert_int_equal(holders("model-x"), 1);
    }
    start_with("t2", BY_MODEL, "{\"model\":\"x\"}");
    stage_nothing(&s, worker, MSG_ORDER);
    struct step_order claimed = {.ref = ref};
    assert_int_equal(stage_succeed(&s, worker, &claimed, "1"), VERDICT_APPLIED);
    order_of("t2");
}

static void test_a_slow_store_still_says_the_keys_of_what_runs(void **state)
{
    (void)state;
    struct attempt_ref ref;
    size_t waiting[3] = {0}; /* since when: 600 ms and more, 300, now */
    start_with("t1", BY_MODEL, "{\"model\":\"x\"}");
    take_over(order_of("t1"), &ref);
    s.hold_store = true;
    for (int i = 0; i < 60; i++) { /* each answer takes longer than the core looks again */
        stage_time(&s, 300);
        waiting[2] = s.op_count - waiting[0] - waiting[1];
        stage_store_first(&s, waiting[0]);
        waiting[0] = waiting[1];
        waiting[1] = waiting[2];
    }
    assert_int_equal(stage_status(&s, gateway, "t1")->steps[0].state, STEP_RUNNING);
    assert_int_equal(core_stats(s.core).limit_holds, 1);
}

static void test_places_of_a_lost_partition_are_not_counted(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t1", ONE_AT_ONCE);
    order_of("t1");
    struct core_stats stats = core_stats(s.core);
    assert_int_equal(stats.limit_holds, 1);
    assert_int_equal(stats.steps_running, 1);
    stage_store_lost(&s, false);
    stats = core_stats(s.core);
    assert_int_equal(stats.limit_holds, 0);
    assert_int_equal(stats.steps_running, 0);
}

static void test_a_takeover_inherits_the_place_of_what_it_sends_out_again(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t1", ONE_AT_ONCE);
    order_of("t1");
    struct moment now = s.now;
    stage_close(&s);
    stage_prepare(&s, &store, "b");
    s.now = now;
    stage_begin(&s);
    gateway = stage_gateway(&s);
    worker = stage_worker(&s, "v", 8, "f");
    stage_time(&s, 4000); /* long before the lease has passed */
    order_of("t1");
    assert_int_equal(holders("k"), 1);
}

/* After a takeover nobody has said that he runs it, so that it is to go to v; then w says so, while
 * v's place (which is w's: it has the attempt's name) is asked for, or v's input is being read. */
static void claim_while_another_is_asked_for(int rounds)
{
    struct attempt_ref ref;
    stage_start(&s, gateway, "t1", ONE_AT_ONCE);
    const struct step_order *o = order_of("t1");
    struct moment now = s.now;
    ref = o->ref;
    ref.task_id = BYTES_LIT("t1");
    stage_close(&s);
    stage_prepare(&s, &store, "b");
    s.now = now;
    stage_begin(&s);
    gateway = stage_gateway(&s);
    stage_time(&s, 4000);
    s.hold_store = true;
    (void)stage_worker(&s, "v", 8, "f");
    for (int i = 0; i < rounds; i++) {
        stage_store_round(&s);
    }
    worker = stage_worker_hello(&s, "w", 8, "f");
    stage_running(&s, worker, &ref, 1);
    s.hold_store = false;
    stage_store_go(&s);
    assert_int_equal(stage_status(&s, gateway, "t1")->steps[0].state, STEP_RUNNING);
    assert_int_equal(holders("k"), 1);
    stage_start(&s, gateway, "t2", ONE_AT_ONCE);
    stage_credit(&s, worker, 7);
    stage_nothing(&s, worker, MSG_ORDER);
    struct step_order claimed = {.ref = ref};
    assert_int_equal(stage_succeed(&s, worker, &claimed, "1"), VERDICT_APPLIED);
    assert_int_equal(holders("k"), 1); /* t2's */
}

static void test_a_claim_while_its_place_is_asked_for_keeps_it(void **state)
{
    (void)state;
    claim_while_another_is_asked_for(0);
}

static void test_a_claim_while_its_input_is_read_keeps_its_place(void **state)
{
    (void)state;
    claim_while_another_is_asked_for(1);
}

static void test_a_place_whose_coordinator_died_is_free_after_its_lease(void **state)
{
    (void)state;
    struct limit_answer answer;
    struct limit_op op = {.kind = LIMIT_RENEW,
                          .key = BYTES_LIT("k"),
                          .holder = BYTES_LIT("somebody's"),
                          .lease_ms = LIMIT_LEASE_MS};
    limit_book_do(&store.limits, &op, s.now.mono * 1000, &answer);
    stage_start(&s, gateway, "t1", ONE_AT_ONCE);
    stage_time(&s, LIMIT_LEASE_MS - 1000);
    stage_nothing(&s, worker, MSG_ORDER);
    stage_time(&s, 2500);
    order_of("t1");
}

static void test_a_rate_lets_them_through_one_by_one(void **state)
{
    (void)state;
    char id[16];
    for (int i = 0; i < 5; i++) {
        snprintf(id, sizeof id, "t%d", i);
        stage_start(&s, gateway, id, TEN_A_SECOND);
    }
    order_of("t0");
    stage_nothing(&s, worker, MSG_ORDER);
    waits_for("t4", "the rate limit k, 10 a second");
    int sent = 0;
    for (int i = 0; i < 15 && sent < 4; i++) {
        stage_time(&s, 50);
        int now = stage_poll(&s, worker, MSG_ORDER) != NULL;
        sent += now;
        stage_nothing(&s, worker, MSG_ORDER);
        assert_true(sent * 100 <= (i + 1) * 50);
    }
    assert_int_equal(sent, 4);
}

static void test_both_limits_on_one_step(void **state)
{
    (void)state;
    static const char both[] =
        "[{\"name\":\"a\",\"function\":\"f\",\"concurrency\":{\"key\":\"k\",\"limit\":1},"
        "\"rate_limit\":{\"key\":\"k\",\"per_minute\":60}}]";
    stage_start(&s, gateway, "t1", both);
    stage_start(&s, gateway, "t2", both);
    const struct step_order *o = order_of("t1");
    stage_time(&s, 3000);
    stage_nothing(&s, worker, MSG_ORDER);
    stage_succeed(&s, worker, o, "1");
    o = order_of("t2"); /* the rate's second has long passed */
    stage_succeed(&s, worker, o, "1");
    stage_start(&s, gateway, "t3", both);
    stage_nothing(&s, worker, MSG_ORDER);
    stage_time(&s, 1500);
    order_of("t3");
}

static void test_items_have_keys_of_their_own(void **state)
{
    (void)state;
    start_with("t1",
               "[{\"name\":\"a\",\"function\":\"f\",\"for_each\":\"input.list\",\"concurrency\":"
               "{\"key\":\"${item.model}\",\"limit\":1},\"input\":{\"i\":\"${index}\"}}]",
               "{\"list\":[{\"model\":\"x\"},{\"model\":\"x\"},{\"model\":\"y\"}]}");
    const struct step_order *first = order_of("t1");
    const struct step_order *second = order_of("t1");
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(first->ref.item, 1);
    assert_int_equal(second->ref.item, 3);
    stage_succeed(&s, worker, first, "1");
    assert_int_equal(order_of("t1")->ref.item, 2);
}

static void test_a_paused_or_cancelled_step_leaves_its_lane(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t1", ONE_AT_ONCE);
    const struct step_order *o = order_of("t1");
    stage_start(&s, gateway, "t2", ONE_AT_ONCE);
    stage_start(&s, gateway, "t3", ONE_AT_ONCE);
    stage_start(&s, gateway, "t4", ONE_AT_ONCE);
    stage_task_request(&s, gateway, MSG_PAUSE, "t2");
    stage_task_request(&s, gateway, MSG_CANCEL, "t3");
    stage_succeed(&s, worker, o, "1");
    stage_succeed(&s, worker, order_of("t4"), "1");
    stage_task_request(&s, gateway, MSG_RESUME, "t2");
    order_of("t2");
}

static void test_a_cancel_while_the_store_is_asked_gives_everything_back(void **state)
{
    (void)state;
    s.hold_store = true;
    struct message m = stage_start_request("t1", ONE_AT_ONCE);
    m.request = 99;
    stage_send(&s, gateway, &m);
    stage_store_round(&s); /* admitted: its place is asked for */
    struct message cancel = {.type = MSG_CANCEL, .request = 100};
    cancel.task.task_id = BYTES_LIT("t1");
    stage_send(&s, gateway, &cancel);
    s.hold_store = false;
    stage_store_go(&s);
    assert_int_equal(holders("k"), 0);
    stage_nothing(&s, worker, MSG_ORDER);
    stage_start(&s, gateway, "t2", ONE_AT_ONCE);
    order_of("t2");
}

static void test_a_core_may_end_while_the_store_is_asked(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t1", ONE_AT_ONCE);
    order_of("t1");
    s.hold_store = true;
    struct message m = stage_start_request("t2", ONE_AT_ONCE);
    m.request = 99;
    stage_send(&s, gateway, &m);
    stage_store_round(&s); /* admitted: its place is asked for, and nothing comes of it */
}

static void test_two_coordinators_share_and_take_turns(void **state)
{
    (void)state;
    struct limit_answer answer;
    struct limit_op other = {.kind = LIMIT_TAKE,
                             .key = BYTES_LIT("k"),
                             .limit = 1,
                             .holder = BYTES_LIT("b's"),
                             .waiter = BYTES_LIT("b"),
                             .lease_ms = LIMIT_LEASE_MS,
                             .patience_ms = LANE_PATIENCE_MS};
    stage_start(&s, gateway, "t1", ONE_AT_ONCE);
    stage_start(&s, gateway, "t2", ONE_AT_ONCE);
    const struct step_order *o = order_of("t1");
    stage_time(&s, 500);
    stage_start(&s, gateway, "t3", ONE_AT_ONCE);
    limit_book_do(&store.limits, &other, s.now.mono * 1000, &answer);
    assert_false(answer.granted);
    stage_time(&s, 10);
    stage_succeed(&s, worker, o, "1");
    o = order_of("t2"); /* it was in line before */
    stage_succeed(&s, worker, o, "1");
    stage_nothing(&s, worker, MSG_ORDER); /* b was in line before t3 */
    limit_book_do(&store.limits, &other, s.now.mono * 1000, &answer);
    assert_true(answer.granted);
    stage_time(&s, 5000);
    stage_nothing(&s, worker, MSG_ORDER);
    other.kind = LIMIT_RELEASE;
    limit_book_do(&store.limits, &other, s.now.mono * 1000, &answer);
    stage_time(&s, 1500); /* the longest pause and its jitter */
    order_of("t3");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_no_more_run_than_the_limit_and_the_next_goes_at_once),
        TEST(test_a_full_key_is_in_nobodies_way),
        TEST(test_priority_counts_among_those_that_wait),
        TEST(test_keys_come_from_expressions),
        TEST(test_a_key_that_is_no_text_fails_the_step),
        TEST(test_a_dead_workers_place_is_free),
        TEST(test_a_stopped_attempt_has_its_place_until_its_worker_says_so),
        TEST(test_a_place_of_an_expired_task_is_none_of_the_one_that_has_its_id),
        TEST(test_a_place_is_renewed_while_its_attempt_runs),
        TEST(test_a_takeover_keeps_the_place_of_what_runs),
        TEST(test_a_slow_store_still_says_the_keys_of_what_runs),
        TEST(test_places_of_a_lost_partition_are_not_counted),
        TEST(test_a_takeover_inherits_the_place_of_what_it_sends_out_again),
        TEST(test_a_claim_while_its_place_is_asked_for_keeps_it),
        TEST(test_a_claim_while_its_input_is_read_keeps_its_place),
        TEST(test_a_place_whose_coordinator_died_is_free_after_its_lease),
        TEST(test_a_rate_lets_them_through_one_by_one),
        TEST(test_both_limits_on_one_step),
        TEST(test_items_have_keys_of_their_own),
        TEST(test_a_paused_or_cancelled_step_leaves_its_lane),
        TEST(test_a_cancel_while_the_store_is_asked_gives_everything_back),
        TEST(test_a_core_may_end_while_the_store_is_asked),
        TEST(test_two_coordinators_share_and_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
