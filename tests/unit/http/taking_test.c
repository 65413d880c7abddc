/* Whoever takes what is there lives, however slow its network is; who holds room for long by taking
 * next to nothing does not. */
#include "http/taking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define STALL_MS 10000
#define SWEEP_MS 500
#define HOUR_MS  3600000

/* One that takes so many bytes each so often. Returns when it is closed, or the end. */
static mono_ms lives(uint64_t bytes, mono_ms each_ms, mono_ms end)
{
    struct taking t = {0};
    for (mono_ms now = SWEEP_MS; now < end; now += SWEEP_MS) {
        struct taking_moment m = {
            .now = now, .wanted = 1, .taken = (uint64_t)(now / each_ms) * bytes};
        if (!taking_goes_on(&t, m, STALL_MS)) {
            return now;
        }
    }
    return end;
}

static void test_one_that_takes_nothing_is_closed_within_its_time(void **state)
{
    (void)state;
    mono_ms closed = lives(0, 1, HOUR_MS);
    assert_true(closed > STALL_MS / 2 && closed <= STALL_MS);
    closed = lives(100000, STALL_MS, HOUR_MS);
    assert_true(closed <= STALL_MS);
}

static void test_one_that_takes_a_byte_at_a_time_is_closed_within_three_times_that(void **state)
{
    (void)state;
    mono_ms closed = lives(1, 7000, HOUR_MS);
    assert_true(closed > 2 * STALL_MS && closed <= 3 * STALL_MS + SWEEP_MS);
    assert_int_equal(lives(1000, 1000, HOUR_MS), closed);
}

static void test_one_of_the_slowest_network_lives(void **state)
{
    (void)state;
    assert_int_equal(lives(1130, 1000, HOUR_MS), HOUR_MS); /* GPRS, CS-1 */
    assert_int_equal(lives(7000, 5000, HOUR_MS), HOUR_MS); /* in bursts */
}

static void test_what_it_took_long_ago_buys_no_time(void **state)
{
    (void)state;
    struct taking t = {0};
    uint64_t taken = 1u << 30;
    mono_ms now = SWEEP_MS;
    while (taking_goes_on(&t, (struct taking_moment){now, 1, taken}, STALL_MS)) {
        now += SWEEP_MS;
        taken += now < 60000 ? 100000 : 1;
        assert_true(now < 60000 + 2 * 3 * STALL_MS);
    }
    assert_true(now > 60000);
}

static void test_who_has_taken_all_may_take_its_time_until_there_is_more(void **state)
{
    (void)state;
    struct taking t = {0};
    for (mono_ms now = SWEEP_MS; now < HOUR_MS; now += SWEEP_MS) {
        /* For a moment every five seconds something waits. */
        mono_ms wanted = now % 5000 == 0 ? now - 1 : 0;
        assert_true(taking_goes_on(&t, (struct taking_moment){now, wanted, 0}, STALL_MS));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_that_takes_nothing_is_closed_within_its_time),
        cmocka_unit_test(test_one_that_takes_a_byte_at_a_time_is_closed_within_three_times_that),
        cmocka_unit_test(test_one_of_the_slowest_network_lives),
        cmocka_unit_test(test_what_it_took_long_ago_buys_no_time),
        cmocka_unit_test(test_who_has_taken_all_may_take_its_time_until_there_is_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
