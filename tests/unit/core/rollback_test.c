/* A store that comes back with older data: seen, told, and survived. */
#include <string.h>

#include "stage.h"

#define TWO "[{\"name\":\"one\",\"function\":\"f\"},{\"name\":\"two\",\"function\":\"f\"}]"

static struct store_model store;
static struct stage s;
static peer_id gateway, worker;
static partition_id mine; /* of the task t */

static int set_up(void **state)
{
    (void)state;
    mine = id_partition(BYTES_LIT("t"));
    stage_open(&s, &store, "a");
    gateway = stage_gateway(&s);
    worker = stage_worker(&s, "w", 1, "f");
    stage_time(&s, 3000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stage_close(&s);
    store_model_free(&store);
    return 0;
}

static uint64_t rollbacks(void)
{
    return core_stats(s.core).rollbacks_total;
}

static void assert_serves(void)
{
    stage_time(&s, 6000);
    assert_true(core_stats(s.core).partitions == UINT64_MAX);
    stage_start(&s, gateway, "after", "[{\"name\":\"one\",\"function\":\"f\"}]");
}

static void test_a_store_that_only_was_away_is_no_alarm(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", TWO);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_store_lost(&s, true);
    stage_store_up(&s);
    assert_serves();
    assert_int_equal(rollbacks(), 0);
}

static void test_an_older_heartbeat_is_seen_and_the_next_epoch_is_beyond_all(void **state)
{
    (void)state;
    uint64_t epoch = store.owners[mine].fence.epoch;
    store.owners[mine].beat -= 2;
    stage_time(&s, 1000);
    assert_int_equal(rollbacks(), 1);
    assert_true(store.owners[mine].fence.epoch > epoch);
    assert_serves();
    assert_int_equal(rollbacks(), 1);
}

static void test_what_was_only_seen_of_others_counts_too(void **state)
{
    (void)state;
    store.owners[mine].fence = (struct fence){.epoch = 99}; /* another has it by now */
    stage_time(&s, 1000);
    assert_int_equal(store.owners[mine].fence.epoch, 99);
    store.owners[mine].exists = false; /* a copy of long ago */
    store.owners[mine].fence = (struct fence){0};
    assert_serves();
    assert_true(store.owners[mine].fence.epoch > 99);
}

static void test_an_older_owner_after_the_stores_return_is_seen(void **state)
{
    (void)state;
    stage_store_lost(&s, true); /* it is claimed anew: the epoch rises */
    stage_store_up(&s);
    stage_time(&s, 3000);
    uint64_t epoch = store.owners[mine].fence.epoch;
    stage_store_lost(&s, true);
    store.owners[mine].fence.epoch--;
    memset(store.owners[mine].fence.nonce, 0x77, NONCE_BYTES);
    stage_store_up(&s);
    assert_serves();
    assert_int_equal(rollbacks(), 1);
    assert_true(store.owners[mine].fence.epoch > epoch);
}

static void test_a_store_that_is_empty_is_seen(void **state)
{
    (void)state;
    stage_store_lost(&s, true);
    for (int i = 0; i < PARTITION_COUNT; i++) {
        store.owners[i].exists = false;
    }
    stage_store_up(&s);
    assert_serves();
    assert_int_equal(rollbacks(), PARTITION_COUNT);
}

static void test_a_lost_acknowledged_row_is_seen_though_the_owner_is_the_same(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", TWO);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_store_lost(&s, true);
    store_model_find(&store, BYTES_LIT("t"), s.now.mono)->version--;
    stage_store_up(&s);
    stage_time(&s, 1000);
    assert_int_equal(rollbacks(), 1);
}

/* "t" has ended; what its last row has said is all that is known. Its record expires, and the id is
 * admitted anew by a row whose answer never comes. */
static void begin_anew_after_expiry(mono_ms clock_set_back_ms)
{
    store_model_find(&store, BYTES_LIT("t"), s.now.mono)->expires_at = s.now.mono;
    s.hold_store = true;
    s.now.wall -= clock_set_back_ms;
    struct message m = stage_start_request("t", TWO);
    m.request = ++s.next_request;
    stage_send(&s, gateway, &m);
    stage_store_lost(&s, true); /* it was admitted, and nobody heard of it */
    s.hold_store = false;
    stage_store_up(&s);
    stage_time(&s, 1000);
    assert_int_equal(stage_status(&s, gateway, "t")->seq, 1);
    assert_int_equal(rollbacks(), 0);
}

static void test_an_id_that_is_used_again_after_its_record_expired_is_no_alarm(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", TWO);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_task_request(&s, gateway, MSG_CANCEL, "t"); /* the last that is acknowledged */
    stage_time(&s, 5);
    begin_anew_after_expiry(0);
}

static void test_nor_is_one_whose_clock_was_set_back_meanwhile(void **state)
{
    (void)state;
    for (int run = 1; run <= 2; run++) {
        stage_start(&s, gateway, "t", TWO);
        (void)stage_order(&s, worker);
        stage_task_request(&s, gateway, MSG_CANCEL, "t");
        stage_time(&s, 5);
    }
    begin_anew_after_expiry(30000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_store_that_only_was_away_is_no_alarm),
        TEST(test_an_older_heartbeat_is_seen_and_the_next_epoch_is_beyond_all),
        TEST(test_what_was_only_seen_of_others_counts_too),
        TEST(test_an_older_owner_after_the_stores_return_is_seen),
        TEST(test_a_store_that_is_empty_is_seen),
        TEST(test_an_id_that_is_used_again_after_its_record_expired_is_no_alarm),
        TEST(test_nor_is_one_whose_clock_was_set_back_meanwhile),
        TEST(test_a_lost_acknowledged_row_is_seen_though_the_owner_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
