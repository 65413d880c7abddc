#include "base/clock.h"

#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Not time(): that is of the last tick, and behind. */
static int64_t wall_ms(void)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &t), 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void test_the_two_clocks_are_what_they_say(void **state)
{
    (void)state;
    int64_t before = wall_ms();
    struct moment a = clock_now();
    int64_t us = clock_mono_us();
    struct moment b = clock_now();
    int64_t after = wall_ms();
    assert_true(b.mono >= a.mono);
    assert_true(us / 1000 >= a.mono && us / 1000 <= b.mono);
    assert_true(before <= a.wall && a.wall <= b.wall && b.wall <= after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_two_clocks_are_what_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
