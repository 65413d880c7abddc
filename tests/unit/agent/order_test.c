/* Orders, slots and credits. */
#include "base/id.h"
#include "stage.h"

static uint32_t credit_of(const struct stage *s, peer_id peer)
{
    const struct message *m = stage_sent(s, peer, MSG_CREDIT, 0);
    return m != NULL ? m->credit.count : 0;
}

static void test_a_welcome_is_answered_by_what_runs_and_then_by_credit(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_PEER_UP, .peer = 1});
    const struct message *hello = stage_sent(&s, 1, MSG_HELLO, 0);
    assert_non_null(hello);
    assert_int_equal(hello->hello.role, ROLE_WORKER);
    assert_int_equal(hello->hello.slots, 2);
    assert_int_equal(hello->hello.function_count, 2);
    assert_null(stage_sent(&s, 1, MSG_CREDIT, 0));
    stage_message(&s, 1, (struct message){.type = MSG_WELCOME, .welcome = {.version = 1}});
    assert_int_equal(stage_count(&s, AGENT_FX_READY), 1);
    size_t running = 0;
    size_t credit = 0;
    for (size_t i = 0; i < s.fx.count; i++) {
        if (s.fx.items[i].kind == AGENT_FX_SEND) {
            running = s.fx.items[i].message->type == MSG_RUNNING ? i : running;
            credit = s.fx.items[i].message->type == MSG_CREDIT ? i : credit;
        }
    }
    assert_true(running > 0 && credit > running);
    assert_int_equal(credit_of(&s, 1), 2);
    stage_close(&s);
}

static void test_an_order_starts_at_once_where_a_slot_is_free(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    stage_send_order(&s, 1, stage_order("t", 0));
    const struct agent_effect *start = stage_find(&s, AGENT_FX_START);
    assert_non_null(start);
    assert_true(bytes_is(start->call.order->input.whole, "{\"n\":1}"));
    assert_true(bytes_is(start->call.order->ref.task_id, "t"));
    assert_int_equal(start->call.deadline, s.now.wall + 60000);
    assert_null(stage_sent(&s, 1, MSG_CREDIT, 0));
    stage_close(&s);
}

static void test_a_payload_is_handed_on_out_of_its_message_unless_it_has_to_wait(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    char frame[] = "[1,2]";
    struct step_order order = stage_order("t", 0);
    order.input.whole = bytes_str(frame);
    stage_send_order(&s, 1, order);
    const struct agent_effect *start = stage_find(&s, AGENT_FX_START);
    assert_ptr_equal(start->call.order->input.whole.ptr, frame);
    uint64_t first = start->call.number;
    order.ref.step = 1;
    order.alone = true;
    stage_send_order(&s, 1, order);
    assert_null(stage_find(&s, AGENT_FX_START));
    memset(frame, 'x', sizeof frame - 1); /* the next frame lies there now */
    stage_succeed(&s, first);
    start = stage_find(&s, AGENT_FX_START);
    assert_true(bytes_is(start->call.order->input.whole, "[1,2]"));
    assert_true(bytes_is(start->call.order->function, "f"));
    assert_true(bytes_is(start->call.order->idempotency_key, "key"));
    stage_close(&s);
}

static unsigned keeps;

static void keep_counted(const void *user, struct step_order *order, struct buf *out)
{
    keeps++;
    buf_add_str(out, user);
    buf_add_bytes(out, order->input.whole);
    order->input.whole = order->results.whole = order->progress_checkpoint = BYTES_NONE;
}

/* What is kept of an order is its runner's to take; what that leaves goes with the next event. */
static void test_the_keeper_is_asked_once_and_only_of_what_has_to_wait(void **state)
{
    (void)state;
    struct agent_config c = stage_config();
    c.keeper = (struct order_keeper){keep_counted, "kept "};
    struct stage s = stage_open(&c);
    keeps = 0;
    stage_join(&s, 1, EVERY_PARTITION);
    for (uint32_t i = 0; i < 4; i += 2) {
        struct step_order order = stage_order("t", i);
        stage_send_order(&s, 1, order);
        assert_null(stage_find(&s, AGENT_FX_START)->call.kept);
        order.ref.step = i + 1;
        order.alone = true;
        stage_send_order(&s, 1, order);
        assert_int_equal(keeps, i / 2 + 1);
        stage_succeed(&s, i + 1);
        const struct agent_effect *start = stage_find(&s, AGENT_FX_START);
        assert_true(bytes_is(buf_bytes(start->call.kept), "kept {\"n\":1}"));
        assert_int_equal(start->call.order->input.whole.len, 0);
        assert_true(bytes_is(start->call.order->name, "extract"));
        if (i == 0) { /* taken; the other one is left */
            buf_free(start->call.kept);
        }
        stage_succeed(&s, i + 2);
    }
    assert_int_equal(keeps, 2);
    stage_pass(&s, 1);
    stage_close(&s);
}

static void test_the_credit_comes_back_when_the_order_has_ended(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    stage_send_order(&s, 1, stage_order("t", 0));
    stage_succeed(&s, stage_started(&s));
    assert_non_null(stage_sent(&s, 1, MSG_OUTCOME, 0));
    assert_int_equal(credit_of(&s, 1), 1);
    stage_close(&s);
}

/* Its record expired while an old attempt was still being stopped: the numbers begin anew. */
static void test_an_order_of_an_id_that_is_used_again_begins_beside_an_old_one(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    struct step_order order = stage_order("t", 0);
    order.ref.token[0] = 1;
    stage_send_order(&s, 1, order);
    uint64_t old = stage_started(&s);
    struct message stop = {.type = MSG_STOP, .stop = {.ref = order.ref, .reason = STOP_CANCELLED}};
    stage_message(&s, 1, stop);
    assert_int_equal(stage_find(&s, AGENT_FX_STOP)->number, old);
    order.ref.token[0] = 2;
    stage_send_order(&s, 1, order);
    assert_true(stage_started(&s) != old);
    stage_message(&s, 1, stop); /* of the old one, again */
    assert_int_equal(stage_count(&s, AGENT_FX_STOP), 0);
    assert_int_equal(agent_stats(s.agent).duplicates_total, 0);
    stage_close(&s);
}

static void test_the_same_order_again_while_it_runs_is_not_run_twice(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    stage_send_order(&s, 1, stage_order("t", 0));
    stage_send_order(&s, 1, stage_order("t", 0));
    assert_int_equal(stage_count(&s, AGENT_FX_START), 0);
    assert_int_equal(agent_stats(s.agent).running, 1);
    assert_int_equal(agent_stats(s.agent).duplicates_total, 1);
    assert_int_equal(credit_of(&s, 1), 1); /* its credit was spent on nothing */
    stage_close(&s);
}

static void test_another_item_of_the_same_step_is_another_order(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    struct step_order order = stage_order("t", 0);
    order.ref.item = 1;
    stage_send_order(&s, 1, order);
    order.ref.item = 2;
    stage_send_order(&s, 1, order);
    assert_int_equal(agent_stats(s.agent).running, 2);
    assert_int_equal(agent_stats(s.agent).duplicates_total, 0);
    stage_close(&s);
}

static void test_the_same_order_after_its_end_is_answered_from_the_held_outcome(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    stage_send_order(&s, 1, stage_order("t", 0));
    stage_succeed(&s, stage_started(&s));
    stage_send_order(&s, 1, stage_order("t", 0));
    assert_int_equal(stage_count(&s, AGENT_FX_START), 0);
    const struct message *m = stage_sent(&s, 1, MSG_OUTCOME, 0);
    assert_non_null(m);
    assert_true(m->outcome.ok && bytes_is(m->outcome.result, "1"));
    stage_close(&s);
}

static void test_another_delivery_of_the_same_step_is_another_attempt(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    stage_send_order(&s, 1, stage_order("t", 0));
    struct step_order again = stage_order("t", 0);
    again.ref.delivery = 1;
    stage_send_order(&s, 1, again);
    assert_int_equal(stage_count(&s, AGENT_FX_START), 1);
    assert_int_equal(agent_stats(s.agent).running, 2);
    stage_close(&s);
}

static void test_an_order_without_credit_closes_the_connection(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    for (uint32_t i = 0; i < 2; i++) {
        stage_send_order(&s, 1, stage_order("t", i));
    }
    stage_send_order(&s, 1, stage_order("t", 2));
    assert_int_equal(stage_count(&s, AGENT_FX_CLOSE), 1);
    assert_int_equal(stage_count(&s, AGENT_FX_START), 0);
    assert_int_equal(agent_stats(s.agent).running + agent_stats(s.agent).waiting, 2);
    stage_close(&s);
}

static void test_an_order_that_waits_too_long_for_a_slot_is_declined_and_not_asked_for_again(
    void **state)
{
    (void)state;
    struct agent_config config = stage_config();
    config.slots = 1; /* and two coordinators: each has a credit */
    config.coordinators = 2;
    struct stage s = stage_open(&config);
    uint64_t of_other = (uint64_t)1 << id_partition(BYTES_LIT("other"));
    stage_join(&s, 1, ~of_other);
    stage_join(&s, 2, of_other);
    stage_send_order(&s, 1, stage_order("long", 0));
    uint64_t number = stage_started(&s);
    stage_send_order(&s, 2, stage_order("other", 0));
    assert_int_equal(agent_stats(s.agent).waiting, 1);
    stage_pass(&s, AGENT_WAIT_MS - 1);
    assert_null(stage_sent(&s, 2, MSG_DECLINE, 0));
    stage_pass(&s, 1);
    const struct message *m = stage_sent(&s, 2, MSG_DECLINE, 0);
    assert_non_null(m);
    assert_true(bytes_is(m->decline.ref.task_id, "other"));
    assert_int_equal(agent_stats(s.agent).waiting, 0);
    assert_int_equal(agent_stats(s.agent).credits, 0); /* it would only wait here again */
    stage_succeed(&s, number);
    assert_int_equal(agent_stats(s.agent).credits, 2);
    stage_close(&s);
}

static void test_a_function_that_is_not_offered_fails_the_attempt_without_running(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    struct step_order order = stage_order("t", 0);
    order.function = BYTES_LIT("nobody");
    stage_send_order(&s, 1, order);
    assert_int_equal(stage_count(&s, AGENT_FX_START), 0);
    const struct message *m = stage_sent(&s, 1, MSG_OUTCOME, 0);
    assert_non_null(m);
    assert_false(m->outcome.ok);
    assert_int_equal(m->outcome.code, CODE_FUNCTION_UNAVAILABLE);
    stage_close(&s);
}

static void test_whoever_wants_to_be_alone_waits_for_an_empty_worker_and_is_not_overtaken(
    void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    stage_send_order(&s, 1, stage_order("t", 0));
    uint64_t first = stage_started(&s);
    struct step_order alone = stage_order("t", 1);
    alone.alone = true;
    stage_send_order(&s, 1, alone);
    assert_int_equal(stage_count(&s, AGENT_FX_START), 0);
    stage_succeed(&s, first);
    uint64_t second = stage_started(&s);
    assert_null(stage_sent(&s, 1, MSG_CREDIT, 0)); /* nothing may follow it here */
    stage_succeed(&s, second);
    assert_int_equal(credit_of(&s, 1), 2);
    stage_close(&s);
}

static void test_prefetch_is_granted_only_while_steps_are_quick(void **state)
{
    (void)state;
    struct agent_config c = stage_config();
    c.prefetch = 3;
    struct stage s = stage_open(&c);
    stage_join(&s, 1, EVERY_PARTITION);
    assert_int_equal(agent_stats(s.agent).credits, 2);
    for (uint32_t i = 0; i < 60; i++) {
        stage_send_order(&s, 1, stage_order("t", i));
        uint64_t number = stage_started(&s);
        s.now.mono += 1;
        stage_succeed(&s, number);
        stage_ack(&s, 1, number);
    }
    assert_int_equal(agent_stats(s.agent).credits, 5);
    for (uint32_t i = 100; i < 130; i++) {
        stage_send_order(&s, 1, stage_order("t", i));
        uint64_t number = stage_started(&s);
        s.now.mono += 900;
        stage_message(&s, 1, (struct message){.type = MSG_BEAT});
        stage_succeed(&s, number);
        stage_ack(&s, 1, number);
    }
    assert_int_equal(agent_stats(s.agent).credits, 2);
    stage_close(&s);
}

static void test_credits_are_shared_between_coordinators_and_lent_after_a_loss(void **state)
{
    (void)state;
    struct agent_config c = stage_config();
    c.coordinators = 2;
    c.slots = 4;
    struct stage s = stage_open(&c);
    stage_join(&s, 1, 0xffffffffu);
    assert_int_equal(agent_stats(s.agent).credits, 2);
    stage_join(&s, 2, 0xffffffff00000000u);
    assert_int_equal(agent_stats(s.agent).credits, 4);
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_PEER_DOWN, .peer = 2});
    assert_int_equal(agent_stats(s.agent).credits, 2);
    stage_pass(&s, 500);
    stage_message(&s, 1, (struct message){.type = MSG_BEAT});
    assert_int_equal(agent_stats(s.agent).credits, 2); /* it may be back in a moment */
    stage_pass(&s, 600);
    assert_int_equal(agent_stats(s.agent).credits, 4);
    stage_join(&s, 3, 0xffffffff00000000u);
    assert_true(agent_stats(s.agent).credits >= 5); /* what is lent must not starve it */
    assert_true(agent_stats(s.agent).credits <= 6);
    stage_close(&s);
}

static void test_outcomes_that_nobody_acknowledges_end_the_credit(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    uint32_t sent = 0;
    while (agent_stats(s.agent).credits > 0 && sent < 1000) {
        stage_send_order(&s, 1, stage_order("t", sent++));
        stage_succeed(&s, stage_started(&s));
    }
    assert_int_equal(agent_stats(s.agent).held, HELD_PER_SLOT_MAX * 2 + 1);
    stage_ack(&s, 1, 1);
    stage_ack(&s, 1, 2);
    assert_true(agent_stats(s.agent).credits > 0);
    stage_close(&s);
}

/* Each that joins gets a share while the others still have theirs: all in all no more than
 * coordinators believe in. */
static void test_all_that_is_held_or_may_still_be_sent_is_bounded(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    uint32_t most = (HELD_PER_SLOT_MAX + 1) * 2;
    stage_join(&s, 1, EVERY_PARTITION);
    for (uint32_t i = 0; i < HELD_PER_SLOT_MAX * 2 - 1; i++) {
        stage_send_order(&s, 1, stage_order("t", i));
        stage_succeed(&s, stage_started(&s));
    }
    for (peer_id peer = 2; peer < 9; peer++) {
        stage_join(&s, peer, 0);
        struct agent_stats now = agent_stats(s.agent);
        assert_true(now.held + now.credits <= most);
    }
    assert_int_equal(agent_stats(s.agent).held + agent_stats(s.agent).credits, most);
    stage_close(&s);
}

/* No descriptors left, no memory: it holds its slot for the wait of an order that finds none. */
static void test_what_could_not_be_begun_is_handed_back_and_no_outcome(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    stage_send_order(&s, 1, stage_order("t", 0));
    uint64_t number = stage_started(&s);
    struct attempt_result r = {.code = CODE_FUNCTION_UNAVAILABLE,
                               .message = BYTES_LIT("cannot start f: Too many open files"),
                               .not_begun = true};
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_ENDED, .number = number, .result = &r});
    assert_null(stage_sent(&s, 1, MSG_OUTCOME, 0));
    assert_null(stage_sent(&s, 1, MSG_DECLINE, 0));
    assert_int_equal(agent_stats(s.agent).running, 1);
    stage_pass(&s, AGENT_WAIT_MS + 1);
    assert_non_null(stage_sent(&s, 1, MSG_DECLINE, 0));
    assert_null(stage_sent(&s, 1, MSG_OUTCOME, 0));
    assert_int_equal(agent_stats(s.agent).running, 0);
    assert_int_equal(agent_stats(s.agent).held, 0);
    assert_int_equal(agent_stats(s.agent).credits, 2);
    stage_close(&s);
}

static void test_the_credit_for_all_that_ended_in_a_turn_is_told_once_at_its_end(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    uint64_t numbers[2];
    for (uint32_t i = 0; i < 2; i++) {
        stage_send_order(&s, 1, stage_order("t", i));
        numbers[i] = stage_started(&s);
    }
    const struct attempt_result r = {.ok = true, .result = BYTES_LIT("1")};
    for (int i = 0; i < 2; i++) {
        stage_event(&s,
                    (struct agent_event){
                        .kind = AGENT_EV_ENDED, .number = numbers[i], .result = &r, .more = true});
        assert_non_null(stage_sent(&s, 1, MSG_OUTCOME, 0));
        assert_null(stage_sent(&s, 1, MSG_CREDIT, 0));
    }
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_TIME});
    assert_int_equal(credit_of(&s, 1), 2);
    assert_null(stage_sent(&s, 1, MSG_CREDIT, 1));
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_welcome_is_answered_by_what_runs_and_then_by_credit),
        cmocka_unit_test(test_an_order_starts_at_once_where_a_slot_is_free),
        cmocka_unit_test(test_the_keeper_is_asked_once_and_only_of_what_has_to_wait),
        cmocka_unit_test(test_a_payload_is_handed_on_out_of_its_message_unless_it_has_to_wait),
        cmocka_unit_test(test_the_credit_comes_back_when_the_order_has_ended),
        cmocka_unit_test(test_the_credit_for_all_that_ended_in_a_turn_is_told_once_at_its_end),
        cmocka_unit_test(test_an_order_of_an_id_that_is_used_again_begins_beside_an_old_one),
        cmocka_unit_test(test_the_same_order_again_while_it_runs_is_not_run_twice),
        cmocka_unit_test(test_another_item_of_the_same_step_is_another_order),
        cmocka_unit_test(test_the_same_order_after_its_end_is_answered_from_the_held_outcome),
        cmocka_unit_test(test_another_delivery_of_the_same_step_is_another_attempt),
        cmocka_unit_test(test_an_order_without_credit_closes_the_connection),
        cmocka_unit_test(
            test_an_order_that_waits_too_long_for_a_slot_is_declined_and_not_asked_for_again),
        cmocka_unit_test(test_a_function_that_is_not_offered_fails_the_attempt_without_running),
        cmocka_unit_test(
            test_whoever_wants_to_be_alone_waits_for_an_empty_worker_and_is_not_overtaken),
        cmocka_unit_test(test_prefetch_is_granted_only_while_steps_are_quick),
        cmocka_unit_test(test_credits_are_shared_between_coordinators_and_lent_after_a_loss),
        cmocka_unit_test(test_outcomes_that_nobody_acknowledges_end_the_credit),
        cmocka_unit_test(test_what_could_not_be_begun_is_handed_back_and_no_outcome),
        cmocka_unit_test(test_all_that_is_held_or_may_still_be_sent_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
