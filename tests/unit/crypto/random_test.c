#include "crypto/random.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_large_requests_are_filled_to_the_end(void **state)
{
    (void)state;
    static uint8_t data[4096];
    unsigned zeros = 0;
    random_bytes(data, sizeof data);
    for (size_t i = 0; i < sizeof data; i++) {
        zeros += data[i] == 0 ? 1 : 0;
    }
    assert_true(zeros < 64); /* 16 are expected */
}

static void test_two_draws_differ(void **state)
{
    (void)state;
    assert_true(random_u64() != random_u64());
}

static void test_no_byte_behind_the_end_is_touched(void **state)
{
    (void)state;
    uint8_t data[8] = {0};
    random_bytes(data, 0);
    assert_int_equal(data[0], 0);
    random_bytes(data, 4);
    assert_int_equal(data[4] | data[5] | data[6] | data[7], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large_requests_are_filled_to_the_end),
        cmocka_unit_test(test_two_draws_differ),
        cmocka_unit_test(test_no_byte_behind_the_end_is_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
