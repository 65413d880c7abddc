#include "base/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void test_each_value_lands_at_the_first_bound_not_below_it(void **state)
{
    (void)state;
    struct histogram h = {0};
    histogram_add_us(&h, -5); /* a clock that was asked twice */
    histogram_add_us(&h, 500);
    histogram_add_us(&h, 501);
    histogram_add_us(&h, INT64_C(86400) * 1000000);
    histogram_add_us(&h, INT64_C(86400) * 1000000 + 1);
    assert_int_equal(h.counts[0], 2);
    assert_int_equal(h.counts[1], 1);
    assert_int_equal(h.counts[HISTOGRAM_BOUNDS - 1], 1);
    assert_int_equal(h.counts[HISTOGRAM_BOUNDS], 1);
    assert_int_equal(h.sum_us, 500 + 501 + 2 * UINT64_C(86400000000) + 1);
}

static void test_bounds_rise(void **state)
{
    (void)state;
    for (size_t i = 1; i < HISTOGRAM_BOUNDS; i++) {
        assert_true(histogram_bound_s(i) > histogram_bound_s(i - 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_value_lands_at_the_first_bound_not_below_it),
        cmocka_unit_test(test_bounds_rise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
