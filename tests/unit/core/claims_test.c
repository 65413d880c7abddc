/* What workers say that they run when a partition has a new owner: nothing of it is sent out a
 * second time. Two coordinators on one store. */
#include <string.h>

#include "pair.h"

/* An attempt that was ordered of the worker by a. */
static struct attempt_ref begun_at_a(void)
{
    stage_start(&a, gateway_a, "t", ONE);
    return stage_order(&a, worker_a)->ref;
}

static void runs_still(void)
{
    assert_int_equal(stage_status(&b, gateway_b, "t")->steps[0].state, STEP_RUNNING);
}

/* Neither of them is given the attempt once more, for so long. */
static void ordered_of_none(peer_id idle, mono_ms ms)
{
    stage_time(&b, ms);
    stage_nothing(&b, idle, MSG_ORDER);
    stage_nothing(&b, worker_b, MSG_ORDER);
}

/* The worker says that it runs the attempt: that counts, though it comes late. */
static void claimed_late(peer_id worker, struct attempt_ref *ref, peer_id idle)
{
    stage_running(&b, worker, ref, 1);
    stage_time(&b, 2000);
    stage_nothing(&b, idle, MSG_ORDER);
    stage_nothing(&b, worker, MSG_ORDER);
    stage_nothing(&b, worker, MSG_STOP);
    runs_still();
}

static void test_what_a_worker_claims_is_not_sent_out_again_after_a_takeover(void **state)
{
    (void)state;
    stage_start(&a, gateway_a, "t", ONE);
    const struct step_order *o = stage_order(&a, worker_a);
    struct attempt_ref ref = o->ref;
    stage_running(&b, worker_b, &ref, 1);
    stage_time(&b, 6000);
    assert_true(owns_all(&b));
    stage_nothing(&b, worker_b, MSG_ORDER);
    stage_nothing(&b, worker_b, MSG_STOP);
    runs_still();
    assert_int_equal(stage_succeed(&b, worker_b, o, "1"), VERDICT_APPLIED);
    assert_int_equal(stage_status(&b, gateway_b, "t")->state, TASK_COMPLETED);
}

static void test_a_claim_within_the_grace_is_early_enough(void **state)
{
    (void)state;
    struct attempt_ref ref = begun_at_a();
    b_takes_over();
    stage_time(&b, 150);
    stage_running(&b, worker_b, &ref, 1);
    stage_time(&b, 2000);
    stage_nothing(&b, worker_b, MSG_ORDER);
}

/* A worker that runs nothing at b, which has just become the owner of everything. */
static peer_id idle_at_takeover(void)
{
    peer_id idle = stage_worker(&b, "idle", 1, "f");
    b_takes_over();
    stage_running(&b, idle, NULL, 0);
    return idle;
}

static void test_the_claim_of_a_worker_that_is_slow_to_answer_is_awaited(void **state)
{
    (void)state;
    struct attempt_ref ref = begun_at_a();
    peer_id idle = idle_at_takeover();
    /* Its process does not run, on a busy machine, or its loop does not. */
    ordered_of_none(idle, 1500);
    claimed_late(worker_b, &ref, idle);
}

static void test_the_claim_of_a_worker_that_comes_late_is_awaited(void **state)
{
    (void)state;
    struct attempt_ref ref = begun_at_a();
    peer_id idle = idle_at_takeover();
    stage_running(&b, worker_b, NULL, 0);
    stage_time(&b, 20);
    peer_id late = stage_worker_hello(&b, "late", 1, "f");
    stage_time(&b, 500);
    stage_nothing(&b, idle, MSG_ORDER);
    claimed_late(late, &ref, idle);
}

/* As it was written before the worker heard whose partitions they are. */
static void running_of_before(struct stage *s, peer_id worker)
{
    struct message m = {.type = MSG_RUNNING};
    stage_send(s, worker, &m);
}

static void test_what_a_worker_said_before_it_was_asked_is_no_answer(void **state)
{
    (void)state;
    struct attempt_ref ref = begun_at_a();
    peer_id idle = idle_at_takeover();
    running_of_before(&b, worker_b);
    ordered_of_none(idle, 1500);
    claimed_late(worker_b, &ref, idle);
}

static void test_who_connects_in_the_grace_says_what_it_runs_once_it_knows_the_owner(void **state)
{
    (void)state;
    struct attempt_ref ref = begun_at_a();
    peer_id idle = idle_at_takeover();
    stage_running(&b, worker_b, NULL, 0);
    peer_id late = stage_worker_hello(&b, "late", 1, "f");
    running_of_before(&b, late); /* its order came behind it */
    stage_time(&b, 1500);
    stage_nothing(&b, idle, MSG_ORDER);
    claimed_late(late, &ref, idle);
}

static void test_an_order_that_crosses_what_was_said_before_it_stays_when_the_partition_returns(
    void **state)
{
    (void)state;
    struct attempt_ref ref = begun_at_a();
    stage_store_lost(&a, false);
    stage_store_up(&a);
    running_of_before(&a, worker_a);
    stage_time(&a, 1000);
    stage_nothing(&a, worker_a, MSG_ORDER);
    stage_running(&a, worker_a, &ref, 1);
    stage_time(&a, 1000);
    stage_nothing(&a, worker_a, MSG_ORDER);
    stage_nothing(&a, worker_a, MSG_STOP);
}

static void test_a_resume_in_the_grace_sends_out_nothing_that_may_run(void **state)
{
    (void)state;
    struct attempt_ref ref = begun_at_a();
    stage_task_request(&a, gateway_a, MSG_PAUSE, "t");
    peer_id idle = idle_at_takeover();
    assert_int_equal(stage_task_request(&b, gateway_b, MSG_RESUME, "t")->type, MSG_DONE);
    ordered_of_none(idle, 1500);
    claimed_late(worker_b, &ref, idle);
}

/* The row of a change in the grace is on its way when that ends: what it lets run waits for it. */
static void test_a_resume_that_is_not_durable_when_the_grace_ends_lets_nothing_run(void **state)
{
    (void)state;
    stage_start(&a, gateway_a, "t", TWO);
    stage_task_request(&a, gateway_a, MSG_PAUSE, "t");
    stage_succeed(&a, worker_a, stage_order(&a, worker_a), "1");
    b_takes_over();
    stage_running(&b, worker_b, NULL, 0);
    b.hold_store = true;
    stage_task_request(&b, gateway_b, MSG_RESUME, "t");
    stage_time(&b, 400);
    assert_null(stage_poll(&b, gateway_b, MSG_DONE));
    stage_nothing(&b, worker_b, MSG_ORDER);
    for (size_t i = 0; i < b.op_count; i++) {
        assert_true(b.ops[i].read == NULL || b.ops[i].read->kind != READ_PARTS);
    }
    b.hold_store = false;
    stage_store_go(&b);
    assert_true(bytes_is(stage_order(&b, worker_b)->name, "two"));
}

/* It was declined to the owner in between, who gave it to another. */
static void test_what_a_worker_had_once_is_no_reason_to_stop_who_has_it_now(void **state)
{
    (void)state;
    struct attempt_ref ref = begun_at_a();
    stage_running(&b, worker_b, &ref, 1);
    peer_id other = stage_worker(&b, "other", 1, "f");
    b_takes_over();
    stage_running(&b, other, &ref, 1);
    stage_nothing(&b, other, MSG_STOP);
    stage_running(&b, worker_b, NULL, 0);
    stage_time(&b, 3000);
    stage_nothing(&b, other, MSG_STOP);
    stage_nothing(&b, other, MSG_ORDER);
    stage_nothing(&b, worker_b, MSG_ORDER);
    runs_still();
}

/* Who replaces b may keep the other one: then what b says is void. */
static void test_of_two_that_run_the_same_one_is_stopped_by_the_owners_word(void **state)
{
    (void)state;
    struct attempt_ref ref = begun_at_a();
    peer_id other = stage_worker(&b, "other", 1, "f");
    b_takes_over();
    stage_running(&b, worker_b, &ref, 1);
    stage_running(&b, other, &ref, 1);
    assert_true(stage_take(&b, other, MSG_STOP)->stop.elsewhere);
    stage_nothing(&b, worker_b, MSG_STOP);
    ref.delivery++;
    stage_running(&b, other, &ref, 1);
    assert_false(stage_take(&b, other, MSG_STOP)->stop.elsewhere);
}

static void test_who_owns_what_is_told_with_the_epoch_of_its_claim(void **state)
{
    (void)state;
    assert_int_equal(stage_take(&b, worker_b, MSG_OWNED)->owned.epoch_count, 0);
    b_takes_over();
    stage_time(&b, 100);
    const struct message *m = stage_take(&b, worker_b, MSG_OWNED);
    assert_int_equal(m->owned.epoch_count, PARTITION_COUNT);
    assert_int_equal(m->owned.epochs[PARTITION_COUNT - 1].epoch, 2);
    peer_id late = stage_worker(&b, "late", 1, "f");
    m = stage_take(&b, late, MSG_OWNED);
    assert_int_equal(m->owned.epoch_count, PARTITION_COUNT);
    assert_int_equal(m->owned.epochs[0].epoch, 2);
}

static void test_a_coordinator_that_stood_still_in_the_grace_reads_the_claims_first(void **state)
{
    (void)state;
    struct attempt_ref ref = begun_at_a();
    peer_id idle = idle_at_takeover();
    b.now.mono += 2100;
    b.now.wall += 2100;
    stage_event(&b, &(struct event){.kind = EV_TIME});
    stage_nothing(&b, idle, MSG_ORDER);
    stage_nothing(&b, worker_b, MSG_ORDER);
    claimed_late(worker_b, &ref, idle);
}

/* Answers what the store was asked, but for the tasks of one partition. False: it was not asked for
 * those of any. */
static bool all_but_one_loaded(struct stage *s)
{
    struct stage_op late = {0};
    for (size_t i = s->op_count; i-- > 0 && late.read == NULL;) {
        if (s->ops[i].read != NULL && s->ops[i].read->kind == READ_LIVE) {
            late = s->ops[i];
            memmove(&s->ops[i], &s->ops[i + 1], (--s->op_count - i) * sizeof *s->ops);
        }
    }
    stage_store_round(s);
    if (late.read == NULL) {
        return false;
    }
    MEM_GROW(s->ops, s->op_count, s->op_cap);
    s->ops[s->op_count++] = late;
    return true;
}

/* What is owned is told when all of it is there, or after a while; then the process stood still. */
static void test_nobody_is_passed_over_who_was_not_asked(void **state)
{
    (void)state;
    struct attempt_ref ref = begun_at_a();
    peer_id idle = stage_worker(&b, "idle", 1, "f");
    b.hold_store = true;
    do {
        stage_time(&b, 10);
    } while (!all_but_one_loaded(&b));
    assert_int_equal(__builtin_popcountll(core_stats(b.core).partitions), 63);
    b.now.mono += 260;
    b.now.wall += 260;
    stage_event(&b, &(struct event){.kind = EV_TIME});
    stage_running(&b, idle, NULL, 0);
    b.hold_store = false;
    stage_store_go(&b);
    ordered_of_none(idle, 100);
    claimed_late(worker_b, &ref, idle);
}

static void test_a_worker_that_beats_and_never_answers_holds_nobody_up(void **state)
{
    (void)state;
    stage_start(&a, gateway_a, "t", ONE);
    peer_id idle = idle_at_takeover();
    ordered_of_none(idle, 1900);
    stage_time(&b, 200);
    assert_true(stage_poll(&b, idle, MSG_ORDER) != NULL ||
                stage_poll(&b, worker_b, MSG_ORDER) != NULL);
}

static void test_a_list_that_crossed_with_the_end_of_what_it_names_counts_nothing(void **state)
{
    (void)state;
    struct attempt_ref ref = begun_at_a();
    struct step_order ordered = {.ref = ref};
    assert_int_equal(stage_succeed(&a, worker_a, &ordered, "1"), VERDICT_APPLIED);
    stage_running(&a, worker_a, &ref, 1);
    assert_int_equal(stage_take(&a, worker_a, MSG_STOP)->stop.reason, STOP_TASK_ENDED);
    assert_int_equal(core_stats(a.core).steps_running, 0);
    stage_stopping(&a, worker_a, &ref);
    assert_int_equal(core_stats(a.core).steps_running, 0);
}

static void test_an_order_given_back_to_another_owner_is_sent_again_when_the_partition_returns(
    void **state)
{
    (void)state;
    stage_start(&a, gateway_a, "t", ONE);
    struct attempt_ref first = stage_order(&a, worker_a)->ref;
    stage_store_lost(&a, false); /* meanwhile the worker declined it to whoever had the partition */
    stage_store_up(&a);
    stage_running(&a, worker_a, NULL, 0);
    stage_time(&a, 1000);
    struct attempt_ref again = stage_order(&a, worker_a)->ref;
    assert_int_equal(again.delivery, first.delivery);
}

/* It was out of touch once, and is stopping for the other, when its owner dies. */
static void test_a_worker_that_stops_an_attempt_leaves_it_to_the_one_that_runs_it(void **state)
{
    (void)state;
    struct attempt_ref ref = begun_at_a();
    peer_id other = stage_worker(&b, "other", 1, "f");
    b_takes_over();
    stage_stopping(&b, worker_b, &ref);
    claimed_late(other, &ref, worker_b);
    struct step_order o = {.ref = ref};
    struct message stopped = stage_failure(&o, CODE_CANCELLED, false);
    stage_send(&b, worker_b, &stopped);
    assert_int_equal(stage_take(&b, worker_b, MSG_ACK)->ack.verdict, VERDICT_LATE);
    runs_still();
    assert_int_equal(stage_succeed(&b, other, &o, "1"), VERDICT_APPLIED);
}

/* That it runs it was said before the partition was b's: of that a worker may think better. */
static void test_what_a_worker_had_and_stops_by_now_is_for_another(void **state)
{
    (void)state;
    struct attempt_ref ref = begun_at_a();
    stage_running(&b, worker_b, &ref, 1);
    peer_id other = stage_worker(&b, "other", 1, "f");
    b_takes_over();
    runs_still();
    stage_stopping(&b, worker_b, &ref);
    claimed_late(other, &ref, worker_b);
}

static void test_what_a_worker_had_stopped_before_the_takeover_is_for_another(void **state)
{
    (void)state;
    struct attempt_ref ref = begun_at_a();
    stage_stopping(&b, worker_b, &ref);
    peer_id other = stage_worker(&b, "other", 1, "f");
    b_takes_over();
    assert_int_equal(stage_status(&b, gateway_b, "t")->steps[0].state, STEP_PENDING);
    claimed_late(other, &ref, worker_b);
}

/* Another had it at a, whose STOP was on its way while b heard that it goes on. */
static void test_what_the_owner_before_has_stopped_is_sent_out_again_and_counts_nothing(
    void **state)
{
    (void)state;
    struct attempt_ref ref = begun_at_a();
    b_takes_over();
    stage_running(&b, worker_b, &ref, 1);
    runs_still();
    struct step_order o = {.ref = ref};
    struct message stopped = stage_failure(&o, CODE_CANCELLED, false);
    stage_send(&b, worker_b, &stopped);
    assert_int_equal(stage_take(&b, worker_b, MSG_ACK)->ack.verdict, VERDICT_LATE);
    stage_time(&b, 500); /* another might say that it runs it */
    const struct step_order *again = stage_order(&b, worker_b);
    assert_int_equal(again->ref.delivery, ref.delivery);
    assert_int_equal(again->ref.attempt, ref.attempt);
    assert_int_equal(stage_succeed(&b, worker_b, again, "1"), VERDICT_APPLIED);
    const struct task_view *v = stage_status(&b, gateway_b, "t");
    assert_int_equal(v->steps[0].retry_count, 0);
    assert_int_equal(v->steps[0].deaths, 0);
}

static void test_what_is_only_being_stopped_is_sent_out_again(void **state)
{
    (void)state;
    struct attempt_ref ref = begun_at_a();
    peer_id idle = idle_at_takeover();
    stage_stopping(&b, worker_b, &ref);
    stage_time(&b, 500);
    assert_true(stage_poll(&b, idle, MSG_ORDER) != NULL ||
                stage_poll(&b, worker_b, MSG_ORDER) != NULL);
}

/* Sim seed 21088: only the auditor found it again. */
static void test_an_item_that_comes_back_in_the_grace_is_ordered_behind_it(void **state)
{
    (void)state;
    stage_start(&a, gateway_a, "t",
                "[{\"name\":\"one\",\"function\":\"f\"},{\"name\":\"each\",\"function\":\"f\","
                "\"for_each\":\"${['x']}\"}]");
    const struct step_order *one = stage_order(&a, worker_a);
    struct attempt_ref ref = one->ref;
    b_takes_over();
    stage_running(&b, worker_b, &ref, 1);
    assert_int_equal(stage_succeed(&b, worker_b, one, "1"), VERDICT_APPLIED);
    struct message m = {.type = MSG_DECLINE};
    m.decline.ref = stage_order(&b, worker_b)->ref;
    assert_int_equal(m.decline.ref.item, 1);
    stage_send(&b, worker_b, &m);
    stage_nothing(&b, worker_b, MSG_ORDER); /* till the grace is over */
    stage_time(&b, 300);
    assert_int_equal(stage_order(&b, worker_b)->ref.item, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(test_what_a_worker_claims_is_not_sent_out_again_after_a_takeover),
        PAIR_TEST(test_a_claim_within_the_grace_is_early_enough),
        PAIR_TEST(test_the_claim_of_a_worker_that_is_slow_to_answer_is_awaited),
        PAIR_TEST(test_the_claim_of_a_worker_that_comes_late_is_awaited),
        PAIR_TEST(test_a_list_that_crossed_with_the_end_of_what_it_names_counts_nothing),
        PAIR_TEST(test_nobody_is_passed_over_who_was_not_asked),
        PAIR_TEST(test_a_worker_that_beats_and_never_answers_holds_nobody_up),
        PAIR_TEST(
            test_an_order_given_back_to_another_owner_is_sent_again_when_the_partition_returns),
        PAIR_TEST(test_what_a_worker_said_before_it_was_asked_is_no_answer),
        PAIR_TEST(test_who_connects_in_the_grace_says_what_it_runs_once_it_knows_the_owner),
        PAIR_TEST(
            test_an_order_that_crosses_what_was_said_before_it_stays_when_the_partition_returns),
        PAIR_TEST(test_a_resume_in_the_grace_sends_out_nothing_that_may_run),
        PAIR_TEST(test_a_resume_that_is_not_durable_when_the_grace_ends_lets_nothing_run),
        PAIR_TEST(test_what_a_worker_had_once_is_no_reason_to_stop_who_has_it_now),
        PAIR_TEST(test_of_two_that_run_the_same_one_is_stopped_by_the_owners_word),
        PAIR_TEST(test_who_owns_what_is_told_with_the_epoch_of_its_claim),
        PAIR_TEST(test_a_coordinator_that_stood_still_in_the_grace_reads_the_claims_first),
        PAIR_TEST(test_a_worker_that_stops_an_attempt_leaves_it_to_the_one_that_runs_it),
        PAIR_TEST(test_what_a_worker_had_and_stops_by_now_is_for_another),
        PAIR_TEST(test_what_a_worker_had_stopped_before_the_takeover_is_for_another),
        PAIR_TEST(test_what_the_owner_before_has_stopped_is_sent_out_again_and_counts_nothing),
        PAIR_TEST(test_what_is_only_being_stopped_is_sent_out_again),
        PAIR_TEST(test_an_item_that_comes_back_in_the_grace_is_ordered_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
