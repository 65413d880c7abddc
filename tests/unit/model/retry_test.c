#include "model/retry.h"

#include "model/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect_range(uint32_t failures, mono_ms middle)
{
    struct rng rng;
    mono_ms low = INT64_MAX, high = 0;
    rng_seed(&rng, failures);
    for (int i = 0; i < 20000; i++) {
        mono_ms wait = retry_wait_ms(&retry_policy_default, failures, &rng);
        low = wait < low ? wait : low;
        high = wait > high ? wait : high;
    }
    /* never outside of +-10 %, and nearly all of it is used */
    assert_in_range(low, middle * 900 / 1000, middle * 901 / 1000);
    assert_in_range(high, middle * 1099 / 1000, middle * 1100 / 1000);
}

static void test_waits_double_from_two_seconds(void **state)
{
    (void)state;
    expect_range(1, 2000);
    expect_range(2, 4000);
    expect_range(3, 8000);
    expect_range(4, 16000);
    expect_range(5, 32000);
}

static void test_waits_stop_growing_at_sixty_seconds_before_jitter(void **state)
{
    (void)state;
    expect_range(6, 60000);
    expect_range(7, 60000);
    expect_range(RETRIES_MAX, 60000);
    expect_range(UINT32_MAX, 60000);
}

static void test_the_first_death_waits_a_moment_and_the_second_two_seconds(void **state)
{
    (void)state;
    struct rng rng;
    mono_ms low = INT64_MAX, high = -1;
    rng_seed(&rng, 1);
    for (int i = 0; i < 20000; i++) {
        mono_ms first = redelivery_wait_ms(1, &rng);
        low = first < low ? first : low;
        high = first > high ? first : high;
        assert_in_range(redelivery_wait_ms(2, &rng), 1800, 2200);
    }
    assert_int_equal(low, 0);
    assert_int_equal(high, 50);
}

static void test_equal_seeds_wait_equally(void **state)
{
    (void)state;
    struct rng a, b;
    rng_seed(&a, 9);
    rng_seed(&b, 9);
    for (uint32_t n = 1; n < 10; n++) {
        assert_int_equal(retry_wait_ms(&retry_policy_default, n, &a),
                         retry_wait_ms(&retry_policy_default, n, &b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_double_from_two_seconds),
        cmocka_unit_test(test_waits_stop_growing_at_sixty_seconds_before_jitter),
        cmocka_unit_test(test_the_first_death_waits_a_moment_and_the_second_two_seconds),
        cmocka_unit_test(test_equal_seeds_wait_equally),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
