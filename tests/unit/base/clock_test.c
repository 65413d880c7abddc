#include "base/clock.h"

#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_the_two_clocks_are_what_they_say(void **state)
{
    (void)state;
    struct moment a = clock_now();
    int64_t us = clock_mono_us();
    struct moment b = clock_now();
    assert_true(b.mono >= a.mono);
    assert_true(us / 1000 >= a.mono && us / 1000 <= b.mono);
    int64_t seconds = (int64_t)time(NULL);
    assert_true(seconds - a.wall / 1000 >= 0 && seconds - a.wall / 1000 <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_two_clocks_are_what_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
