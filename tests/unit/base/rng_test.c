#include "base/rng.h"

#include <stddef.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Simulator seeds must mean the same for ever. Values of xoshiro256** seeded by splitmix64 with 42.
 */
static void test_a_known_sequence(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 42);
    assert_true(rng_next(&r) == 0x15780b2e0c2ec716u);
    assert_true(rng_next(&r) == 0x6104d9866d113a7eu);
}

static void test_equal_seeds_agree_and_others_differ(void **state)
{
    (void)state;
    struct rng a, b, c;
    rng_seed(&a, 0);
    rng_seed(&b, 0);
    rng_seed(&c, 1);
    int same = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t v = rng_next(&a);
        assert_true(v == rng_next(&b));
        same += v == rng_next(&c) ? 1 : 0;
    }
    assert_int_equal(same, 0);
}

static void test_below_is_even_and_in_range(void **state)
{
    (void)state;
    struct rng r;
    unsigned counts[10] = {0};
    rng_seed(&r, 5);
    for (int i = 0; i < 100000; i++) {
        uint64_t v = rng_below(&r, 10);
        assert_true(v < 10);
        counts[v]++;
    }
    for (int i = 0; i < 10; i++) {
        assert_in_range(counts[i], 9500, 10500);
    }
    assert_int_equal(rng_below(&r, 1), 0);
    assert_true(rng_below(&r, UINT64_MAX) < UINT64_MAX);
}

static void test_unit_stays_below_one(void **state)
{
    (void)state;
    struct rng r;
    double sum = 0;
    rng_seed(&r, 6);
    for (int i = 0; i < 100000; i++) {
        double v = rng_unit(&r);
        assert_true(v >= 0 && v < 1);
        sum += v;
    }
    assert_true(sum > 49000 && sum < 51000);
}

static void test_jitter_fills_its_range_and_never_leaves_it(void **state)
{
    (void)state;
    struct rng r;
    int64_t low = INT64_MAX, high = INT64_MIN;
    rng_seed(&r, 8);
    for (int i = 0; i < 100000; i++) {
        int64_t v = rng_jitter(&r, 2000, 0.1);
        low = v < low ? v : low;
        high = v > high ? v : high;
    }
    assert_in_range(low, 1800, 1802);
    assert_in_range(high, 2198, 2200);
    assert_int_equal(rng_jitter(&r, 0, 0.1), 0);
    assert_int_equal(rng_jitter(&r, 77, 0), 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_known_sequence),
        cmocka_unit_test(test_equal_seeds_agree_and_others_differ),
        cmocka_unit_test(test_below_is_even_and_in_range),
        cmocka_unit_test(test_unit_stays_below_one),
        cmocka_unit_test(test_jitter_fills_its_range_and_never_leaves_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
