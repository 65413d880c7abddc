/* Whose a partition is, by what coordinators say of it: orders and claims that cross its move. */
#include "base/id.h"
#include "stage.h"

/* Its next owner has heard from us that it is not here, and has it run elsewhere. */
static void test_an_order_that_its_partition_has_overtaken_is_not_begun(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    stage_join(&s, 2, EVERY_PARTITION);
    stage_send_order(&s, 1, stage_order("t", 0));
    assert_null(stage_find(&s, AGENT_FX_START));
    const struct message *m = stage_sent(&s, 1, MSG_DECLINE, 0);
    assert_non_null(m);
    assert_true(bytes_is(m->decline.ref.task_id, "t"));
    stage_message(&s, 2, (struct message){.type = MSG_OWNED, .owned = {.partitions = 0}});
    stage_send_order(&s, 1, stage_order("t", 0));
    assert_non_null(stage_find(&s, AGENT_FX_START));
    stage_close(&s);
}

/* It sends what is declined again at once, and would for as long as it is believed to own nothing.
 */
static void test_who_orders_behind_a_move_gets_its_next_credit_a_moment_later(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    stage_join(&s, 2, 0);
    stage_owns(&s, 2, 5);
    stage_send_order(&s, 1, stage_order("t", 0));
    stage_send_order(&s, 1, stage_order("t", 1)); /* what it had for two slots of its own */
    assert_non_null(stage_sent(&s, 1, MSG_DECLINE, 0));
    assert_null(stage_sent(&s, 1, MSG_CREDIT, 0));
    assert_int_equal(agent_next_deadline(s.agent), s.now.mono + AGENT_OVERTAKEN_MS);
    stage_pass(&s, AGENT_OVERTAKEN_MS - 1);
    assert_null(stage_sent(&s, 1, MSG_CREDIT, 0));
    stage_pass(&s, 1);
    assert_int_equal(stage_sent(&s, 1, MSG_CREDIT, 0)->credit.count, 1);
    stage_close(&s);
}

/* What a coordinator said while it still owned the partition comes after the claim of the next. */
static void test_who_claimed_last_is_the_owner_whoever_was_heard_last(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, 0);
    stage_join(&s, 2, 0);
    stage_owns(&s, 2, 5);
    stage_owns(&s, 1, 4);
    assert_non_null(stage_sent(&s, 1, MSG_RUNNING, 0)); /* it asks, whatever it is by now */
    stage_send_order(&s, 1, stage_order("t", 0));
    assert_null(stage_find(&s, AGENT_FX_START));
    assert_non_null(stage_sent(&s, 1, MSG_DECLINE, 0));
    stage_send_order(&s, 2, stage_order("t", 0));
    assert_non_null(stage_find(&s, AGENT_FX_START));
    stage_owns(&s, 1, 6);
    stage_succeed(&s, 1);
    assert_non_null(stage_sent(&s, 1, MSG_OUTCOME, 0));
    stage_close(&s);
}

/* It has lost it meanwhile, and what the owner in between was told it does not know. */
static void test_an_owner_that_has_claimed_anew_is_told_all_again(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, 0);
    stage_owns(&s, 1, 4);
    stage_owns(&s, 1, 4);
    assert_null(stage_sent(&s, 1, MSG_RUNNING, 0));
    stage_owns(&s, 1, 6);
    assert_non_null(stage_sent(&s, 1, MSG_RUNNING, 0));
    stage_close(&s);
}

static void test_what_runs_is_said_with_what_was_heard_of_who_owns_it(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_PEER_UP, .peer = 1});
    stage_message(&s, 1, (struct message){.type = MSG_WELCOME, .welcome = {.version = 1}});
    assert_int_equal(stage_sent(&s, 1, MSG_RUNNING, 0)->running.heard, 0);
    stage_message(
        &s, 1,
        (struct message){.type = MSG_OWNED, .owned = {.partitions = EVERY_PARTITION, .number = 7}});
    assert_int_equal(stage_sent(&s, 1, MSG_RUNNING, 0)->running.heard, 7);
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_DRAIN, .drain_ms = 1000});
    assert_int_equal(stage_sent(&s, 1, MSG_RUNNING, 0)->running.heard, 7);
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_orders_behind_a_move_gets_its_next_credit_a_moment_later),
        cmocka_unit_test(test_an_order_that_its_partition_has_overtaken_is_not_begun),
        cmocka_unit_test(test_who_claimed_last_is_the_owner_whoever_was_heard_last),
        cmocka_unit_test(test_an_owner_that_has_claimed_anew_is_told_all_again),
        cmocka_unit_test(test_what_runs_is_said_with_what_was_heard_of_who_owns_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
