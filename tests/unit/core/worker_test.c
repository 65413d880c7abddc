/* Workers: what they run, how they come back, how they die. */
#include "usual.h"

#define ONE "[{\"name\":\"one\",\"function\":\"f\"}]"

/* The worker's connection is gone and stays so: dead after the grace. */
static void perish(peer_id worker)
{
    stage_leave(&s, worker);
    stage_time(&s, 199);
}

static void test_a_dead_workers_step_goes_to_another_at_once_and_spends_no_attempt(void **state)
{
    (void)state;
    peer_id first = stage_worker(&s, "first", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    const struct step_order *o = stage_order(&s, first);
    peer_id second = stage_worker(&s, "second", 1, "f");
    perish(first);
    stage_nothing(&s, second, MSG_ORDER);
    stage_time(&s, 1 + 51);
    const struct step_order *again = stage_order(&s, second);
    assert_int_equal(again->ref.attempt, 1);
    assert_int_equal(again->ref.delivery, 1);
    assert_true(bytes_eq(again->idempotency_key, o->idempotency_key));
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->steps[0].retry_count, 0);
    assert_int_equal(v->steps[0].deaths, 1);
}

static void test_a_worker_that_redials_within_the_grace_has_lost_nothing(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    const struct step_order *o = stage_order(&s, worker);
    stage_leave(&s, worker);
    stage_time(&s, 150);
    worker = stage_worker_hello(&s, "w", 1, "f");
    struct attempt_ref ref = o->ref;
    stage_running(&s, worker, &ref, 1);
    stage_time(&s, 1000);
    stage_nothing(&s, worker, MSG_ORDER);
    stage_nothing(&s, worker, MSG_STOP);
    assert_int_equal(stage_succeed(&s, worker, o, "1"), VERDICT_APPLIED);
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].deaths, 0);
}

/* A line that carries one direction only: its HELLO comes through, our WELCOME does not. */
static void test_a_worker_that_is_back_and_never_says_what_it_runs_is_dead(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    stage_order(&s, worker);
    peer_id second = stage_worker(&s, "second", 1, "f");
    stage_leave(&s, worker);
    stage_time(&s, 100);
    worker = stage_worker_hello(&s, "w", 1, "f");
    stage_time(&s, 499);
    stage_nothing(&s, second, MSG_ORDER);
    stage_time(&s, 1 + 51);
    assert_int_equal(stage_order(&s, second)->ref.delivery, 1);
    assert_true(s.peers[s.peer_count - 1].gone);
    assert_int_equal(s.peers[s.peer_count - 1].id, worker);
}

/* The id of a task that has expired is used again: run 1 again, and the same numbers throughout. */
static struct step_order use_again(peer_id worker, struct attempt_ref *ret_old)
{
    stage_start(&s, gateway, "t", ONE);
    *ret_old = stage_order(&s, worker)->ref;
    stage_task_request(&s, gateway, MSG_CANCEL, "t");
    assert_non_null(stage_take(&s, worker, MSG_STOP));
    stage_time(&s, 5);
    store_model_find(&store, BYTES_LIT("t"), s.now.mono)->expires_at = s.now.mono;
    stage_start(&s, gateway, "t", ONE);
    struct step_order o = *stage_order(&s, worker);
    assert_int_equal(o.ref.run, ret_old->run);
    return o;
}

static void test_an_expired_tasks_attempt_is_none_of_the_one_that_has_its_id(void **state)
{
    (void)state;
    struct attempt_ref refs[2];
    peer_id worker = stage_worker(&s, "w", 2, "f");
    struct step_order o = use_again(worker, &refs[1]);
    struct step_order old = o;
    old.ref = refs[1];
    refs[0] = o.ref;
    stage_leave(&s, worker);
    worker = stage_worker_hello(&s, "w", 2, "f");
    stage_running(&s, worker, refs, 2); /* the old one is still there */
    stage_credit(&s, worker, 1);
    assert_memory_equal(stage_take(&s, worker, MSG_STOP)->stop.ref.token, old.ref.token,
                        TOKEN_BYTES);
    stage_nothing(&s, worker, MSG_STOP);
    assert_int_equal(stage_succeed(&s, worker, &old, "1"), VERDICT_REJECTED);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].state, STEP_RUNNING);
    assert_int_equal(stage_succeed(&s, worker, &o, "2"), VERDICT_APPLIED);
}

static void test_an_expired_tasks_order_that_is_declined_brings_no_other_back(void **state)
{
    (void)state;
    struct message decline = {.type = MSG_DECLINE};
    peer_id worker = stage_worker(&s, "w", 2, "f");
    struct step_order o = use_again(worker, &decline.decline.ref);
    stage_credit(&s, worker, 1);
    stage_send(&s, worker, &decline);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(stage_succeed(&s, worker, &o, "2"), VERDICT_APPLIED);
}

static void test_an_order_that_never_arrived_is_sent_again_and_counts_no_death(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    stage_order(&s, worker);
    stage_leave(&s, worker);
    worker = stage_worker(&s, "w", 1, "f");
    const struct step_order *o = stage_order(&s, worker);
    assert_int_equal(o->ref.delivery, 0);
    assert_int_equal(stage_succeed(&s, worker, o, "1"), VERDICT_APPLIED);
}

static void test_the_third_death_makes_a_dead_letter_that_recover_runs_again(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    char name[] = "w0";
    mono_ms waits[] = {0, 51, 2201};
    for (uint32_t deaths = 0; deaths < 3; deaths++) {
        name[1]++;
        peer_id worker = stage_worker(&s, name, 2, "f");
        stage_time(&s, waits[deaths]);
        const struct step_order *o = &stage_take(&s, worker, MSG_ORDER)->order;
        assert_int_equal(o->alone, deaths == 2);
        perish(worker);
        stage_time(&s, 1);
    }
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_FAILED);
    assert_int_equal(v->error_code, CODE_WORKER_DEATHS);
    assert_int_equal(v->steps[0].retry_count, 0);
    assert_true(v->can_recover);
    assert_int_equal(stage_recover(&s, gateway, "t", "", "")->done.state, TASK_RECOVERING);
    peer_id worker = stage_worker(&s, "fourth", 1, "f");
    const struct step_order *o = stage_order(&s, worker);
    assert_false(o->alone);
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].deaths, 0);
}

static void test_the_second_death_waits_two_seconds(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    perish(stage_worker(&s, "first", 1, "f"));
    stage_time(&s, 52);
    perish(stage_worker(&s, "second", 1, "f"));
    peer_id third = stage_worker(&s, "third", 1, "f");
    stage_time(&s, 1 + 1799);
    stage_nothing(&s, third, MSG_ORDER);
    stage_time(&s, 402);
    assert_true(stage_order(&s, third)->alone);
}

/* Two deaths of its step; the next order is to run alone. */
static void ordered_twice_to_the_dead(const char *task)
{
    stage_start(&s, gateway, task, ONE);
    perish(stage_worker(&s, "first", 1, "f"));
    stage_time(&s, 52);
    perish(stage_worker(&s, "second", 1, "f"));
    stage_time(&s, 1);
}

static void test_what_is_to_run_alone_goes_where_least_is_under_way(void **state)
{
    (void)state;
    ordered_twice_to_the_dead("t");
    const char *const names[] = {"u", "v", "w"};
    peer_id workers[] = {stage_worker(&s, "u", 4, "f"), stage_worker(&s, "v", 4, "f"),
                         stage_worker(&s, "w", 4, "f")};
    for (uint32_t i = 0; i < 8; i++) { /* three, two, three */
        char id[] = {names[i % 3][0], (char)('0' + i), '\0'};
        stage_start(&s, gateway, id, ONE);
    }
    stage_time(&s, 2202);
    uint32_t orders[3] = {0};
    int32_t alone_at = -1;
    for (int32_t i = 0; i < 3; i++) {
        for (const struct message *m; (m = stage_poll(&s, workers[i], MSG_ORDER)) != NULL;) {
            orders[i] += !m->order.alone;
            alone_at = m->order.alone ? i : alone_at;
        }
    }
    assert_int_equal(orders[0] + orders[1] + orders[2], 8);
    assert_in_range(alone_at, 0, 2);
    assert_int_equal(orders[alone_at], 2);
}

static void test_a_silent_worker_is_dead_and_its_late_success_still_counts(void **state)
{
    (void)state;
    peer_id silent = stage_worker(&s, "silent", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    const struct step_order *o = stage_order(&s, silent);
    stage_mute(&s, silent);
    stage_time(&s, 3000);
    peer_id other = stage_worker(&s, "other", 1, "f");
    const struct step_order *again = stage_order(&s, other);
    peer_id back = stage_worker_hello(&s, "silent", 1, "f");
    struct attempt_ref ref = o->ref;
    stage_running(&s, back, &ref, 1);
    assert_int_equal(stage_take(&s, back, MSG_STOP)->stop.reason, STOP_SUPERSEDED);
    assert_int_equal(stage_succeed(&s, back, o, "1"), VERDICT_APPLIED);
    assert_int_equal(stage_take(&s, other, MSG_STOP)->stop.reason, STOP_SUPERSEDED);
    assert_int_equal(stage_succeed(&s, other, again, "2"), VERDICT_LATE);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
}

static void test_a_loop_that_stood_still_judges_nobody(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    s.now.mono += 60000;
    s.now.wall += 60000;
    stage_event(&s, &(struct event){.kind = EV_TIME});
    stage_time(&s, 1000);
    stage_start(&s, gateway, "t", ONE);
    stage_order(&s, worker);
}

static void test_a_draining_worker_gets_nothing(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    struct message m = {.type = MSG_DRAINING};
    stage_send(&s, worker, &m);
    stage_start(&s, gateway, "t", ONE);
    stage_nothing(&s, worker, MSG_ORDER);
    peer_id other = stage_worker(&s, "other", 1, "f");
    stage_order(&s, other);
}

static void test_a_drained_workers_steps_go_elsewhere_without_a_death(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    stage_order(&s, worker);
    struct message m = {.type = MSG_DRAINING};
    stage_send(&s, worker, &m);
    peer_id other = stage_worker(&s, "other", 1, "f");
    stage_running(&s, worker, NULL, 0); /* it gave the attempt up */
    assert_int_equal(stage_order(&s, other)->ref.delivery, 0);
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].deaths, 0);
}

static void test_a_rejected_outcome_does_not_make_the_run_forgotten(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    const struct step_order *o = stage_order(&s, worker);
    struct message forged = stage_success(o, "666");
    forged.outcome.ref.token[0] ^= 1;
    stage_send(&s, worker, &forged);
    assert_int_equal(stage_take(&s, worker, MSG_ACK)->ack.verdict, VERDICT_REJECTED);
    peer_id other = stage_worker(&s, "other", 1, "f");
    perish(worker);
    stage_time(&s, 60);
    assert_int_equal(stage_order(&s, other)->ref.delivery, 1);
}

static void test_a_claim_is_stopped_when_the_end_is_durable_and_not_before(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    struct attempt_ref ref = stage_order(&s, worker)->ref;
    stage_leave(&s, worker);
    s.hold_store = true;
    assert_null(stage_task_request(&s, gateway, MSG_CANCEL, "t"));
    worker = stage_worker_hello(&s, "w", 1, "f");
    stage_running(&s, worker, &ref, 1);
    stage_nothing(&s, worker, MSG_STOP);
    s.hold_store = false;
    stage_store_go(&s);
    assert_int_equal(stage_take(&s, worker, MSG_STOP)->stop.reason, STOP_TASK_ENDED);
}

static void test_workers_are_shown_even_where_one_dies_in_the_same_turn(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "a_worker", 3, "f,g");
    stage_leave(&s, worker);
    s.now.mono += 200; /* its grace ends in the turn of the question */
    struct message m = {.type = MSG_GET_WORKERS};
    const struct message *r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->workers.count, 1);
    assert_true(bytes_is(r->workers.items[0].worker_id, "a_worker"));
    assert_true(bytes_is(r->workers.items[0].software, "0.1.0 (abcdef0)"));
    assert_true(bytes_is(r->workers.items[0].state, "silent"));
    assert_int_equal(r->workers.items[0].function_count, 2);
    assert_int_equal(stage_ask(&s, gateway, &m)->workers.count, 0);
}

/* It says again what it runs when we gain a partition; an order of ours may be on its way to it. */
static void test_an_order_that_crosses_a_later_running_is_not_lost(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 2, "f");
    stage_start(&s, gateway, "t", ONE);
    const struct step_order *o = stage_order(&s, worker);
    stage_running(&s, worker, NULL, 0);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].state, STEP_RUNNING);
    assert_int_equal(stage_succeed(&s, worker, o, "1"), VERDICT_APPLIED);
}

/* Claimed from what it said before; declined to another coordinator in the meantime. */
static void test_a_claim_that_the_worker_no_longer_lists_is_sent_out_again(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    struct attempt_ref ref = stage_take(&s, worker, MSG_ORDER)->order.ref;
    stage_running(&s, worker, &ref, 1);
    peer_id other = stage_worker(&s, "v", 1, "f");
    stage_nothing(&s, other, MSG_ORDER);
    stage_running(&s, worker, NULL, 0);
    assert_int_equal(stage_order(&s, other)->ref.delivery, 0);
}

static void test_an_attempt_that_was_stopped_is_ordered_again_and_counts_as_nothing(void **state)
{
    (void)state;
    peer_id w = stage_worker(&s, "w", 4, "f");
    stage_start(&s, gateway, "t", "[{\"name\":\"a\",\"function\":\"f\"}]");
    struct message m = stage_failure(stage_order(&s, w), CODE_CANCELLED, false);
    stage_send(&s, w, &m);
    assert_int_equal(stage_take(&s, w, MSG_ACK)->ack.verdict, VERDICT_LATE);
    const struct step_order *again = stage_order(&s, w);
    assert_int_equal(again->ref.attempt, 1);
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].retry_count, 0);
    assert_int_equal(stage_succeed(&s, w, again, "1"), VERDICT_APPLIED);
}

static void test_a_declined_order_goes_to_another_worker_and_counts_as_nothing(void **state)
{
    (void)state;
    peer_id busy = stage_worker(&s, "busy", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    const struct step_order *o = &stage_take(&s, busy, MSG_ORDER)->order;
    peer_id free_one = stage_worker(&s, "free", 1, "f");
    struct message m = {.type = MSG_DECLINE};
    m.decline.ref = o->ref;
    stage_send(&s, busy, &m);
    const struct step_order *again = stage_order(&s, free_one);
    assert_int_equal(again->ref.attempt, 1);
    assert_int_equal(again->ref.delivery, 0);
    stage_send(&s, busy, &m); /* said twice: it is another's now */
    stage_nothing(&s, busy, MSG_ORDER);
    assert_int_equal(stage_succeed(&s, free_one, again, "1"), VERDICT_APPLIED);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->steps[0].retry_count, 0);
    assert_int_equal(v->steps[0].deaths, 0);
}

static void test_a_worker_that_grants_too_much_is_closed(void **state)
{
    (void)state;
    peer_id worker = stage_worker_hello(&s, "w", 1, "f");
    stage_credit(&s, worker, 1); /* before RUNNING */
    assert_true(s.peers[s.peer_count - 1].gone);
    worker = stage_worker(&s, "v", 1, "f");
    stage_credit(&s, worker, 100);
    assert_true(s.peers[s.peer_count - 1].gone);
}

/* After a store that stood still: bounds on both sides are one. */
static void test_a_worker_may_claim_all_that_it_can_hold(void **state)
{
    (void)state;
    peer_id worker = stage_worker_hello(&s, "w", SLOTS_MAX, "f");
    uint32_t most = ATTEMPTS_PER_WORKER_MAX;
    struct attempt_ref *refs = arena_alloc(&s.arena, (most + 1) * sizeof *refs);
    for (uint32_t i = 0; i <= most; i++) {
        refs[i] = (struct attempt_ref){.task_id = BYTES_LIT("t"), .run = 1, .item = i};
    }
    stage_running(&s, worker, refs, most);
    assert_false(s.peers[s.peer_count - 1].gone);
    stage_running(&s, worker, refs, most + 1);
    assert_true(s.peers[s.peer_count - 1].gone);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_dead_workers_step_goes_to_another_at_once_and_spends_no_attempt),
        TEST(test_a_worker_that_redials_within_the_grace_has_lost_nothing),
        TEST(test_a_worker_that_is_back_and_never_says_what_it_runs_is_dead),
        TEST(test_an_expired_tasks_attempt_is_none_of_the_one_that_has_its_id),
        TEST(test_an_expired_tasks_order_that_is_declined_brings_no_other_back),
        TEST(test_an_order_that_never_arrived_is_sent_again_and_counts_no_death),
        TEST(test_the_third_death_makes_a_dead_letter_that_recover_runs_again),
        TEST(test_the_second_death_waits_two_seconds),
        TEST(test_what_is_to_run_alone_goes_where_least_is_under_way),
        TEST(test_a_silent_worker_is_dead_and_its_late_success_still_counts),
        TEST(test_a_loop_that_stood_still_judges_nobody),
        TEST(test_a_draining_worker_gets_nothing),
        TEST(test_a_drained_workers_steps_go_elsewhere_without_a_death),
        TEST(test_a_rejected_outcome_does_not_make_the_run_forgotten),
        TEST(test_a_claim_is_stopped_when_the_end_is_durable_and_not_before),
        TEST(test_workers_are_shown_even_where_one_dies_in_the_same_turn),
        TEST(test_an_order_that_crosses_a_later_running_is_not_lost),
        TEST(test_a_claim_that_the_worker_no_longer_lists_is_sent_out_again),
        TEST(test_an_attempt_that_was_stopped_is_ordered_again_and_counts_as_nothing),
        TEST(test_a_declined_order_goes_to_another_worker_and_counts_as_nothing),
        TEST(test_a_worker_that_grants_too_much_is_closed),
        TEST(test_a_worker_may_claim_all_that_it_can_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
