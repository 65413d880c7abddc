#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/rng.h"
#include "wire/frame.h"

/* The check values of RFC 3720, B.4. */
static void test_known_values(void **state)
{
    (void)state;
    uint8_t data[32] = {0};
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(0, data, sizeof data), 0x8a9136aa);
    memset(data, 0xff, sizeof data);
    assert_int_equal(crc32c(0, data, sizeof data), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++) {
        data[i] = i;
    }
    assert_int_equal(crc32c(0, data, sizeof data), 0x46dd794e);
    assert_int_equal(crc32c(0, data, 0), 0);
}

static void test_hardware_and_table_agree_at_every_length_and_alignment(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 1);
    uint8_t data[300];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)rng_next(&rng);
    }
    for (size_t from = 0; from < 9; from++) {
        for (size_t n = 0; n + from <= sizeof data; n++) {
            assert_int_equal(crc32c(7, data + from, n), crc32c_portable(7, data + from, n));
        }
    }
}

static void test_parts_give_the_sum_of_the_whole(void **state)
{
    (void)state;
    const char *text = "all work and no play";
    for (size_t cut = 0; cut <= 20; cut++) {
        assert_int_equal(crc32c(crc32c(0, text, cut), text + cut, 20 - cut), crc32c(0, text, 20));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_hardware_and_table_agree_at_every_length_and_alignment),
        cmocka_unit_test(test_parts_give_the_sum_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
