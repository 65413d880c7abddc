/* Coordinators that share the partitions evenly: who joins gets its share, what moves goes on, and
 * it comes to rest. */
#include <stdio.h>
#include <string.h>

#include "stage.h"

#define ONE "[{\"name\":\"one\",\"function\":\"f\"}]"

static struct store_model store;
static struct stage cluster[3];

static int set_up(void **state)
{
    (void)state;
    stage_open(&cluster[0], &store, "a");
    return 0;
}

static void join(int i)
{
    const char *const names[] = {"a", "b", "c"};
    stage_open(&cluster[i], &store, names[i]);
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        if (cluster[i].core != NULL) {
            stage_close(&cluster[i]);
            cluster[i].core = NULL;
        }
    }
    store_model_free(&store);
    return 0;
}

static void pass(int count, mono_ms ms)
{
    for (mono_ms done = 0; done < ms; done += 25) {
        for (int i = 0; i < count; i++) {
            stage_time(&cluster[i], 25);
        }
    }
}

static uint64_t held(int i)
{
    return core_stats(cluster[i].core).partitions;
}

static int held_count(int i)
{
    return __builtin_popcountll(held(i));
}

static void test_a_newcomer_gets_half_without_anything_being_held_twice(void **state)
{
    (void)state;
    assert_int_equal(held_count(0), 64);
    join(1);
    pass(2, 2000);
    assert_int_equal(held_count(0), 32);
    assert_int_equal(held_count(1), 32);
    assert_int_equal(held(0) & held(1), 0);
}

/* The id of a task in one of these partitions. */
static const char *id_within(uint64_t partitions, char letter, char id[16])
{
    for (int i = 0;; i++) {
        snprintf(id, 16, "%c%d", letter, i);
        if ((partitions >> id_partition(bytes_str(id)) & 1) != 0) {
            return id;
        }
    }
}

/* Its order comes in two seconds, and is to run alone. */
static void start_that_killed_two(struct stage *s, peer_id gateway)
{
    char id[16];
    stage_start(s, gateway, id_within(held(0), 'a', id), ONE);
    const char *const dead[] = {"first", "second"};
    for (int i = 0; i < 2; i++) {
        stage_leave(s, stage_worker(s, dead[i], 1, "f"));
        pass(2, 275);
    }
}

/* It says that it has two of another owner's attempts; of the end of those it tells that one. */
static peer_id join_with_others(struct stage *s)
{
    char id[16];
    struct attempt_ref others[2] = {{.run = 1}, {.run = 1, .step = 1}};
    others[0].task_id = others[1].task_id = bytes_str(id_within(held(1), 'o', id));
    peer_id worker = stage_worker(s, "others", 2, "f");
    stage_running(s, worker, others, 2);
    return worker;
}

static void test_what_a_worker_has_of_others_does_not_make_it_busy(void **state)
{
    (void)state;
    join(1);
    pass(2, 2000);
    struct stage *s = &cluster[0];
    char id[16];
    peer_id gateway = stage_gateway(s);
    start_that_killed_two(s, gateway);
    peer_id idle = join_with_others(s);
    peer_id busy = stage_worker(s, "busy", 2, "f,g");
    stage_start(s, gateway, id_within(held(0), 'b', id), "[{\"name\":\"one\",\"function\":\"g\"}]");
    assert_false(stage_take(s, busy, MSG_ORDER)->order.alone);
    pass(2, 2300);
    assert_true(stage_take(s, idle, MSG_ORDER)->order.alone);
    stage_nothing(s, busy, MSG_ORDER);
}

static void test_but_one_that_has_nothing_comes_before_it(void **state)
{
    (void)state;
    join(1);
    pass(2, 2000);
    struct stage *s = &cluster[0];
    start_that_killed_two(s, stage_gateway(s));
    peer_id others = join_with_others(s);
    peer_id idle = stage_worker(s, "idle", 2, "f");
    pass(2, 2300);
    assert_true(stage_take(s, idle, MSG_ORDER)->order.alone);
    stage_nothing(s, others, MSG_ORDER);
}

static void test_three_share_and_come_to_rest(void **state)
{
    (void)state;
    join(1);
    join(2);
    pass(3, 5000);
    uint64_t before[3] = {held(0), held(1), held(2)};
    assert_true(before[0] != 0 && (before[0] | before[1] | before[2]) == UINT64_MAX);
    for (int i = 0; i < 3; i++) {
        assert_in_range(held_count(i), 21, 22);
    }
    pass(3, 10000);
    for (int i = 0; i < 3; i++) {
        assert_true(held(i) == before[i]);
    }
}

static void test_the_survivors_share_what_a_dead_one_held(void **state)
{
    (void)state;
    join(1);
    join(2);
    pass(3, 5000);
    stage_close(&cluster[2]);
    cluster[2].core = NULL;
    pass(2, 8000);
    assert_int_equal(held_count(0), 32);
    assert_int_equal(held_count(1), 32);
}

/* Started and stopped again by a rolling restart: what was handed over to it is nobody's. */
static void test_what_one_that_died_had_asked_for_is_not_left_alone(void **state)
{
    (void)state;
    join(1);
    while (held_count(0) == 64) { /* it has asked, and is given */
        stage_time(&cluster[1], 25);
        stage_time(&cluster[0], 25);
        assert_int_equal(held_count(1), 0);
    }
    stage_close(&cluster[1]);
    cluster[1].core = NULL;
    pass(1, 400);
    assert_int_equal(held_count(0), 32);
    pass(1, 1000);
    assert_int_equal(held_count(0), 64);
}

static void test_a_running_step_of_a_partition_that_moves_is_not_sent_out_again(void **state)
{
    (void)state;
    peer_id gateway = stage_gateway(&cluster[0]);
    peer_id worker = stage_worker(&cluster[0], "w", 64, "f");
    struct attempt_ref refs[8];
    struct step_order orders[8];
    const char *const ids[] = {"t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"};
    for (int i = 0; i < 8; i++) {
        stage_start(&cluster[0], gateway, ids[i], ONE);
        orders[i] = *stage_order(&cluster[0], worker);
        refs[i] = orders[i].ref;
    }
    join(1);
    peer_id same_worker = stage_worker(&cluster[1], "w", 64, "f");
    stage_running(&cluster[1], same_worker, refs, 8);
    pass(2, 3000);
    stage_nothing(&cluster[0], worker, MSG_ORDER);
    stage_nothing(&cluster[1], same_worker, MSG_ORDER);
    int moved = 0;
    for (int i = 0; i < 8; i++) {
        bool at_new = (held(1) >> id_partition(bytes_str(ids[i])) & 1) != 0;
        struct stage *owner = &cluster[at_new];
        moved += at_new;
        assert_int_equal(stage_succeed(owner, at_new ? same_worker : worker, &orders[i], "1"),
                         VERDICT_APPLIED);
    }
    assert_in_range(moved, 1, 7);
}

static void test_a_standby_asks_for_nothing(void **state)
{
    (void)state;
    stage_prepare(&cluster[1], &store, "b");
    cluster[1].config.standby = true;
    stage_begin(&cluster[1]);
    pass(2, 5000);
    assert_int_equal(held_count(0), 64);
    assert_int_equal(held_count(1), 0);
}

static void assert_members(struct stage *s, peer_id peer, const char *first, const char *second)
{
    const struct message *m = stage_take(s, peer, MSG_MEMBERS);
    assert_int_equal(m->members.count, second != NULL ? 2 : 1);
    assert_true(bytes_is(m->members.urls[0], first));
    assert_true(second == NULL || bytes_is(m->members.urls[1], second));
}

static void test_peers_are_told_where_the_owners_are_and_of_each_change(void **state)
{
    (void)state;
    stage_close(&cluster[0]);
    store_model_free(&store);
    peer_id silent = 0;
    stage_open(&cluster[0], &store, "without"); /* it says no URL */
    silent = stage_gateway(&cluster[0]);
    stage_nothing(&cluster[0], silent, MSG_MEMBERS);
    stage_close(&cluster[0]);
    store_model_free(&store);
    stage_open(&cluster[0], &store, "a tcp://a:1");
    stage_time(&cluster[0], 500);
    peer_id gateway = stage_gateway(&cluster[0]);
    assert_members(&cluster[0], gateway, "tcp://a:1", NULL);
    stage_open(&cluster[1], &store, "b tcp://b:1");
    pass(2, 3000);
    assert_members(&cluster[0], gateway, "tcp://a:1", "tcp://b:1");
    peer_id worker = stage_worker_hello(&cluster[1], "w", 1, "f");
    assert_members(&cluster[1], worker, "tcp://a:1", "tcp://b:1");
    stage_nothing(&cluster[0], gateway, MSG_MEMBERS); /* told once */
    stage_close(&cluster[1]);
    cluster[1].core = NULL;
    pass(1, 6000);
    assert_members(&cluster[0], gateway, "tcp://a:1", NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_newcomer_gets_half_without_anything_being_held_twice),
        TEST(test_what_a_worker_has_of_others_does_not_make_it_busy),
        TEST(test_but_one_that_has_nothing_comes_before_it),
        TEST(test_three_share_and_come_to_rest),
        TEST(test_the_survivors_share_what_a_dead_one_held),
        TEST(test_what_one_that_died_had_asked_for_is_not_left_alone),
        TEST(test_a_running_step_of_a_partition_that_moves_is_not_sent_out_again),
        TEST(test_a_standby_asks_for_nothing),
        TEST(test_peers_are_told_where_the_owners_are_and_of_each_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
