/* Two coordinators on one store: leases, takeovers, fences, the handing over at SIGTERM. Each has a
 * clock of its own, moved by the tests. */
#include <string.h>

#include "pair.h"

static void both(mono_ms ms)
{
    for (mono_ms done = 0; done < ms; done += 50) {
        stage_time(&a, 50);
        stage_time(&b, 50);
    }
}

static void test_a_lease_that_is_renewed_is_not_taken(void **state)
{
    (void)state;
    both(20000);
    assert_true(owns_all(&a));
    assert_int_equal(core_stats(b.core).partitions, 0);
}

static void test_a_dead_coordinators_tasks_go_on_within_four_seconds(void **state)
{
    (void)state;
    stage_start(&a, gateway_a, "t", TWO);
    stage_succeed(&a, worker_a, stage_order(&a, worker_a), "1");
    stage_order(&a, worker_a);
    both(2000);
    stage_time(&b, 2500);
    assert_int_equal(core_stats(b.core).partitions, 0);
    mono_ms waited = 250; /* the grace for claims, behind its answer that it runs nothing */
    for (; !owns_all(&b); waited += 10) {
        stage_time(&b, 10);
    }
    assert_true(waited <= 1500);
    stage_running(&b, worker_b, NULL, 0);
    stage_time(&b, 250);
    const struct step_order *o = stage_order(&b, worker_b);
    assert_true(bytes_is(o->name, "two"));
    assert_true(bytes_is(o->results.whole, "{\"one\":1}"));
    assert_int_equal(stage_status(&b, gateway_b, "t")->state, TASK_RUNNING);
}

static void test_times_keep_their_order_where_clocks_differ(void **state)
{
    (void)state;
    a.now.wall += 60000;
    stage_start(&a, gateway_a, "t", TWO);
    struct message m = stage_success(stage_order(&a, worker_a), "1");
    m.outcome.started_at = a.now.wall;
    stage_time(&a, 30);
    stage_send(&a, worker_a, &m);
    stage_leave(&a, worker_a);
    b_takes_over();
    stage_running(&b, worker_b, NULL, 0);
    stage_time(&b, 300);
    stage_succeed(&b, worker_b, stage_order(&b, worker_b), "2");
    const struct task_view *v = stage_status(&b, gateway_b, "t");
    assert_true(v->steps[0].started_at >= v->created_at);
    assert_true(v->steps[1].started_at >= v->steps[0].completed_at);
    assert_true(v->completed_at >= v->steps[1].completed_at);
}

static void test_retry_waits_survive_a_takeover(void **state)
{
    (void)state;
    stage_start(&a, gateway_a, "t", "[{\"name\":\"one\",\"function\":\"f\",\"max_retries\":9}]");
    for (int failures = 1; failures <= 4; failures++) {
        stage_fail(&a, worker_a, stage_order(&a, worker_a));
        stage_time(&a, failures < 4 ? (mono_ms)1101 << failures : 0);
    }
    b.now = a.now; /* 16 s to go */
    stage_time(&b, 10000);
    assert_true(owns_all(&b));
    stage_nothing(&b, worker_b, MSG_ORDER);
    stage_time(&b, 7700);
    assert_int_equal(stage_order(&b, worker_b)->ref.attempt, 5);
    assert_int_equal(stage_status(&b, gateway_b, "t")->steps[0].retry_count, 4);
}

static void test_a_coordinator_that_stood_still_past_its_lease_answers_nothing_from_memory(
    void **state)
{
    (void)state;
    stage_start(&a, gateway_a, "t", TWO);
    const struct step_order *o = stage_order(&a, worker_a);
    stage_time(&b, 6000);
    assert_true(owns_all(&b));
    a.now.mono += 6000;
    a.now.wall += 6000;
    const struct message *r = stage_task_request(&a, gateway_a, MSG_GET_STATUS, "t");
    assert_int_equal(r->type, MSG_REFUSED);
    assert_int_equal(r->refused.code, CODE_UNAVAILABLE);
    struct message m = stage_success(o, "1");
    stage_send(&a, worker_a, &m);
    stage_nothing(&a, worker_a, MSG_ACK);
    both(5000);
    assert_int_equal(core_stats(a.core).partitions, 0);
    assert_true(owns_all(&b));
}

static void test_a_fenced_write_drops_the_partition_and_what_waits_for_it(void **state)
{
    (void)state;
    stage_start(&a, gateway_a, "t", TWO);
    const struct step_order *o = stage_order(&a, worker_a);
    struct fence stolen = {.epoch = 99};
    store.owners[id_partition(BYTES_LIT("t"))].fence = stolen;
    struct message m = stage_success(o, "1");
    a.hold_store = true;
    stage_send(&a, worker_a, &m);
    assert_null(stage_task_request(&a, gateway_a, MSG_GET_STATUS, "t"));
    a.hold_store = false;
    stage_store_go(&a);
    stage_nothing(&a, worker_a, MSG_ACK);
    assert_int_equal(stage_take(&a, gateway_a, MSG_REFUSED)->refused.code, CODE_UNAVAILABLE);
    assert_int_equal(core_stats(a.core).tasks_live, 0);
    assert_int_equal(core_stats(a.core).fenced_total, 1);
    assert_int_equal(store_model_find(&store, BYTES_LIT("t"), 0)->version, 1);
}

static void test_a_stalled_store_moves_no_lease(void **state)
{
    (void)state;
    stage_start(&a, gateway_a, "t", ONE);
    stage_order(&a, worker_a);
    uint64_t epoch = store.owners[0].fence.epoch;
    a.hold_store = b.hold_store = true;
    both(5000);
    a.hold_store = b.hold_store = false;
    stage_store_go(&a);
    stage_store_go(&b);
    both(3000);
    assert_true(owns_all(&a));
    assert_true(store.owners[0].fence.epoch <= epoch + 1);
    assert_memory_equal(store.owners[0].fence.nonce, a.config.instance, NONCE_BYTES);
}

static void test_a_drained_coordinator_hands_over_at_once(void **state)
{
    (void)state;
    stage_start(&a, gateway_a, "t", ONE);
    struct attempt_ref ref = stage_order(&a, worker_a)->ref;
    stage_running(&b, worker_b, &ref, 1);
    stage_event(&a, &(struct event){.kind = EV_DRAIN});
    assert_true(a.drained);
    stage_time(&b, 251);
    assert_true(owns_all(&b));
    stage_time(&b, 1000);
    stage_nothing(&b, worker_b, MSG_ORDER);
    both(5000);
    assert_int_equal(core_stats(a.core).partitions, 0);
}

static void test_a_coordinator_that_hands_over_sends_out_nothing_more(void **state)
{
    (void)state;
    stage_start(&a, gateway_a, "t", ONE);
    const struct step_order *o = stage_order(&a, worker_a);
    stage_start(&a, gateway_a, "u", ONE);
    stage_order(&a, worker_a);
    stage_start(&a, gateway_a, "v", ONE);
    stage_order(&a, worker_a);
    stage_start(&a, gateway_a, "x", "[{\"name\":\"one\",\"function\":\"nobody\"}]");
    a.hold_store = true;
    stage_event(&a, &(struct event){.kind = EV_DRAIN});
    stage_worker(&a, "late", 4, "nobody,f");
    stage_nothing(&a, a.peers[a.peer_count - 1].id, MSG_ORDER);
    struct message m = stage_success(o, "1");
    stage_send(&a, worker_a, &m);
    a.hold_store = false;
    stage_store_go(&a);
    stage_nothing(&a, a.peers[a.peer_count - 1].id, MSG_ORDER);
    stage_nothing(&a, worker_a, MSG_ACK);
    assert_true(a.drained);
}

static void test_a_drain_in_the_middle_of_a_takeover_ends_too(void **state)
{
    (void)state;
    b.hold_store = true;
    stage_event(&a, &(struct event){.kind = EV_DRAIN});
    stage_time(&b, 251);
    assert_int_equal(b.op_count, 1); /* owners are read */
    stage_store_round(&b);
    assert_int_equal(b.op_count, PARTITION_COUNT); /* claims are on their way */
    stage_event(&b, &(struct event){.kind = EV_DRAIN});
    b.hold_store = false;
    stage_store_go(&b);
    stage_time(&b, 1000);
    assert_true(b.drained);
    assert_int_equal(core_stats(b.core).partitions, 0);
    assert_int_equal(store.owners[0].owner.len, 0);
}

static void test_without_recovery_a_takeover_fails_what_had_begun(void **state)
{
    (void)state;
    stage_close(&b);
    stage_prepare(&b, &store, "b");
    b.config.recovery_enabled = false;
    stage_begin(&b);
    gateway_b = stage_gateway(&b);
    stage_start(&a, gateway_a, "t", TWO);
    stage_succeed(&a, worker_a, stage_order(&a, worker_a), "1");
    stage_time(&b, 6000);
    const struct task_view *v = stage_status(&b, gateway_b, "t");
    assert_int_equal(v->state, TASK_FAILED);
    assert_int_equal(v->error_code, CODE_RECOVERY_DISABLED);
    assert_false(v->can_recover);
    assert_int_equal(stage_recover(&b, gateway_b, "t", "", "")->refused.code,
                     CODE_NOTHING_TO_RECOVER);
}

/* Its claims are durable, and nothing that comes of them: they are its own when it comes back.
 * rounds: 1 where its tasks were not read, 2 where they were and their rows are lost. */
static void lose_store_in_a_takeover(struct stage *s, int rounds)
{
    s->hold_store = true;
    while (s->op_count < PARTITION_COUNT) {
        stage_store_round(s);
        stage_time(s, 250);
    }
    for (int i = 0; i < rounds; i++) {
        stage_store_round(s);
    }
    stage_store_lost(s, false);
    stage_store_up(s);
}

static void fails_though_its_store_is_lost(int rounds)
{
    stage_close(&b);
    stage_prepare(&b, &store, "b");
    b.config.recovery_enabled = false;
    stage_begin(&b);
    gateway_b = stage_gateway(&b);
    stage_start(&a, gateway_a, "t", TWO);
    stage_succeed(&a, worker_a, stage_order(&a, worker_a), "1");
    lose_store_in_a_takeover(&b, rounds);
    stage_time(&b, 2000);
    assert_true(owns_all(&b));
    assert_int_equal(stage_status(&b, gateway_b, "t")->error_code, CODE_RECOVERY_DISABLED);
}

static void test_a_takeover_whose_tasks_could_not_be_read_is_one_all_the_same(void **state)
{
    (void)state;
    fails_though_its_store_is_lost(1);
}

static void test_a_takeover_is_one_until_what_it_means_is_stored(void **state)
{
    (void)state;
    fails_though_its_store_is_lost(2);
    /* That is all: what begins here goes on when its store is away once more. */
    peer_id worker = stage_worker(&b, "x", 2, "f");
    stage_start(&b, gateway_b, "u", TWO);
    stage_succeed(&b, worker, stage_order(&b, worker), "1");
    stage_store_lost(&b, false);
    stage_store_up(&b);
    stage_time(&b, 2000);
    assert_int_equal(stage_status(&b, gateway_b, "u")->error_code, CODE_NONE);
}

static void test_without_recovery_a_takeover_that_was_not_done_is_not_handed_over(void **state)
{
    (void)state;
    stage_close(&b);
    stage_prepare(&b, &store, "b");
    b.config.recovery_enabled = false;
    stage_begin(&b);
    b.hold_store = true;
    while (b.op_count < PARTITION_COUNT) {
        stage_store_round(&b);
        stage_time(&b, 250);
    }
    stage_store_first(&b, PARTITION_COUNT / 2); /* the claims of the others are on their way */
    stage_event(&b, &(struct event){.kind = EV_DRAIN});
    b.hold_store = false;
    stage_store_go(&b);
    stage_time(&b, 1000);
    assert_true(b.drained);
    for (int i = 0; i < PARTITION_COUNT; i++) {
        assert_true(store.owners[i].owner.len > 0);
    }
}

static void test_without_checkpoints_a_takeover_begins_at_the_first_step(void **state)
{
    (void)state;
    struct message m = stage_start_request("t", TWO);
    m.start.enable_checkpoints = false;
    assert_int_equal(stage_ask(&a, gateway_a, &m)->type, MSG_STARTED);
    const struct step_order *old = stage_order(&a, worker_a);
    stage_succeed(&a, worker_a, old, "1");
    const struct step_order *two = stage_order(&a, worker_a);
    struct attempt_ref ref = two->ref;
    b_takes_over();
    stage_running(&b, worker_b, &ref, 1);
    stage_time(&b, 500);
    assert_int_equal(stage_take(&b, worker_b, MSG_STOP)->stop.ref.step, 1);
    const struct step_order *o = stage_order(&b, worker_b);
    assert_true(bytes_is(o->name, "one"));
    assert_int_equal(stage_succeed(&b, worker_b, two, "2"), VERDICT_LATE);
    assert_int_equal(stage_succeed(&b, worker_b, o, "11"), VERDICT_APPLIED);
    assert_true(bytes_is(stage_order(&b, worker_b)->results.whole, "{\"one\":11}"));
}

/* A gateway's own key is kept for a moment from the admission on, a client's for a day from the end
 * on; also where another coordinator than the one that admitted it ends it. */
static void test_a_gateways_own_key_goes_soon(void **state)
{
    (void)state;
    const char *const ids[] = {"own", "clients"};
    for (int i = 0; i < 2; i++) {
        struct message start =
            stage_start_request(ids[i], "[{\"name\":\"one\",\"function\":\"g\"}]");
        uint8_t key[32] = {(uint8_t)(i + 1)};
        start.start.idempotency_key = bytes_of(key, sizeof key);
        start.start.body_hash = bytes_of(key, sizeof key);
        start.start.own_key = i == 0;
        stage_send(&a, gateway_a, &start);
    }
    stage_time(&b, 10000);
    assert_true(owns_all(&b));
    peer_id worker = stage_worker(&b, "x", 2, "g");
    for (int i = 0; i < 2; i++) {
        stage_succeed(&b, worker, stage_order(&b, worker), "1");
    }
    const struct stored_task *own = store_model_find(&store, BYTES_LIT("own"), b.now.mono);
    const struct stored_task *other = store_model_find(&store, BYTES_LIT("clients"), b.now.mono);
    assert_true(own->ended && own->keyed && other->ended && other->keyed);
    assert_int_equal(own->idempotency_ttl_s, 60);
    assert_true(own->key_brief && !other->key_brief);
    assert_int_equal(other->idempotency_ttl_s, 86400);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        PAIR_TEST(test_a_lease_that_is_renewed_is_not_taken),
        PAIR_TEST(test_a_dead_coordinators_tasks_go_on_within_four_seconds),
        PAIR_TEST(test_times_keep_their_order_where_clocks_differ),
        PAIR_TEST(test_retry_waits_survive_a_takeover),
        PAIR_TEST(test_a_coordinator_that_stood_still_past_its_lease_answers_nothing_from_memory),
        PAIR_TEST(test_a_fenced_write_drops_the_partition_and_what_waits_for_it),
        PAIR_TEST(test_a_stalled_store_moves_no_lease),
        PAIR_TEST(test_a_drained_coordinator_hands_over_at_once),
        PAIR_TEST(test_a_coordinator_that_hands_over_sends_out_nothing_more),
        PAIR_TEST(test_a_drain_in_the_middle_of_a_takeover_ends_too),
        PAIR_TEST(test_a_gateways_own_key_goes_soon),
        PAIR_TEST(test_without_recovery_a_takeover_fails_what_had_begun),
        PAIR_TEST(test_a_takeover_whose_tasks_could_not_be_read_is_one_all_the_same),
        PAIR_TEST(test_without_recovery_a_takeover_that_was_not_done_is_not_handed_over),
        PAIR_TEST(test_a_takeover_is_one_until_what_it_means_is_stored),
        PAIR_TEST(test_without_checkpoints_a_takeover_begins_at_the_first_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
