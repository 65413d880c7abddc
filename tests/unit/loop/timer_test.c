#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/bytes.h"
#include "base/rng.h"
#include "loop/loop.h"

#define TIMERS_MAX 200

struct alarm {
    struct story *story;
    struct loop_timer *timer;
    mono_ms deadline;
    int number;
};

struct story {
    struct loop *loop;
    struct alarm alarms[TIMERS_MAX];
    int fired[TIMERS_MAX + 1];
    int count;
    int stop_at;
};

static void on_alarm(void *user)
{
    struct alarm *a = user;
    struct story *s = a->story;
    assert_true(loop_now(s->loop).mono >= a->deadline); /* never early */
    assert_true(s->count <= TIMERS_MAX);
    s->fired[s->count++] = a->number;
    if (s->count == s->stop_at) {
        loop_stop(s->loop);
    }
}

static struct story *story_begin(int count)
{
    struct story *s = mem_zalloc(sizeof *s);
    s->loop = loop_create();
    s->stop_at = count;
    for (int i = 0; i < count; i++) {
        s->alarms[i] = (struct alarm){.story = s, .number = i};
        s->alarms[i].timer = loop_timer_create(s->loop, on_alarm, &s->alarms[i]);
    }
    return s;
}

static void story_end(struct story *s)
{
    loop_destroy(s->loop); /* frees the timers too */
    free(s);
}

static void set(struct story *s, int number, mono_ms deadline)
{
    s->alarms[number].deadline = deadline;
    loop_timer_set(s->alarms[number].timer, deadline);
}

/* Within one turn, where time stands still: a deadline that passes before it is set would be moved
 * up, and the order would be another one than that of the deadlines. */
static void run_in_a_turn(struct story *s, loop_fn *fn)
{
    loop_timer_set(loop_timer_create(s->loop, fn, s), 0);
    loop_run(s->loop);
}

static void set_four(void *user)
{
    struct story *s = user;
    mono_ms now = loop_now(s->loop).mono;
    set(s, 0, now + 30);
    set(s, 1, now + 10);
    set(s, 2, now + 20);
    set(s, 3, now + 1);
}

static void test_timers_fire_in_the_order_of_their_deadlines(void **state)
{
    (void)state;
    struct story *s = story_begin(4);
    run_in_a_turn(s, set_four);
    const int expected[] = {3, 1, 2, 0};
    assert_memory_equal(s->fired, expected, sizeof expected);
    story_end(s);
}

static void test_equal_and_past_deadlines_fire_in_the_order_of_setting(void **state)
{
    (void)state;
    struct story *s = story_begin(4);
    set(s, 2, 0);
    set(s, 0, -5);
    set(s, 3, 0);
    set(s, 1, 0);
    set(s, 2, 0); /* set again: behind the others */
    loop_run(s->loop);
    const int expected[] = {0, 3, 1, 2};
    assert_memory_equal(s->fired, expected, sizeof expected);
    story_end(s);
}

static void shuffle(void *user)
{
    struct story *s = user;
    struct rng rng;
    rng_seed(&rng, 7);
    mono_ms now = loop_now(s->loop).mono;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < TIMERS_MAX; i++) {
            set(s, (int)rng_below(&rng, TIMERS_MAX), now + 1 + (mono_ms)rng_below(&rng, 50));
        }
    }
    s->stop_at = 0;
    for (int i = 0; i < TIMERS_MAX; i++) {
        if (i % 3 == 0) {
            set(s, i, NEVER_MS);
        } else if (s->alarms[i].deadline != 0) {
            s->stop_at++;
        }
    }
}

static void test_many_timers_set_moved_and_disarmed_at_random(void **state)
{
    (void)state;
    struct story *s = story_begin(TIMERS_MAX);
    run_in_a_turn(s, shuffle);
    assert_int_equal(s->count, s->stop_at);
    assert_true(s->count > TIMERS_MAX / 2);
    for (int i = 1; i < s->count; i++) {
        assert_true(s->alarms[s->fired[i - 1]].deadline <= s->alarms[s->fired[i]].deadline);
    }
    for (int i = 0; i < s->count; i++) {
        assert_int_not_equal(s->fired[i] % 3, 0);
    }
    story_end(s);
}

struct again {
    struct loop *loop;
    struct loop_timer *timer;
    struct loop_timer *other;
    int turns;
    int fired;
};

static void on_again(void *user)
{
    struct again *a = user;
    if (++a->fired == 1) {
        loop_timer_set(a->other, loop_now(a->loop).mono + 5); /* is not starved by it */
    }
    loop_timer_set(a->timer, 0); /* for ever: once a turn */
}

static void on_turn(void *user)
{
    struct again *a = user;
    a->turns++;
}

static void on_other(void *user)
{
    struct again *a = user;
    loop_stop(a->loop);
}

static void test_timer_set_in_its_own_callback_waits_for_the_next_turn(void **state)
{
    (void)state;
    struct again a = {.loop = loop_create()};
    a.timer = loop_timer_create(a.loop, on_again, &a);
    a.other = loop_timer_create(a.loop, on_other, &a);
    loop_on_turn_end(a.loop, on_turn, &a);
    loop_timer_set(a.timer, 0);
    loop_run(a.loop);
    assert_in_range(a.fired, 2, 1000000);
    assert_in_range(a.turns, a.fired - 1, a.fired + 2);
    loop_destroy(a.loop);
}

static void on_destroy_other(void *user)
{
    struct again *a = user;
    loop_timer_destroy(a->other);
    a->fired++;
    loop_stop(a->loop);
}

static void test_timer_may_be_destroyed_by_another_that_is_due_with_it(void **state)
{
    (void)state;
    struct again a = {.loop = loop_create()};
    a.timer = loop_timer_create(a.loop, on_destroy_other, &a);
    a.other = loop_timer_create(a.loop, on_again, &a);
    loop_timer_set(a.timer, 0);
    loop_timer_set(a.other, 0);
    loop_run(a.loop);
    assert_int_equal(a.fired, 1);
    loop_destroy(a.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_fire_in_the_order_of_their_deadlines),
        cmocka_unit_test(test_equal_and_past_deadlines_fire_in_the_order_of_setting),
        cmocka_unit_test(test_many_timers_set_moved_and_disarmed_at_random),
        cmocka_unit_test(test_timer_set_in_its_own_callback_waits_for_the_next_turn),
        cmocka_unit_test(test_timer_may_be_destroyed_by_another_that_is_due_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
