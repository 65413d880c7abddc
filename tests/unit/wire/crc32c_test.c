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

static void fill(uint8_t *data, size_t n)
{
    struct rng rng;
    rng_seed(&rng, 1);
    for (size_t i = 0; i < n; i++) {
        data[i] = (uint8_t)rng_next(&rng);
    }
}

static void test_hardware_and_table_agree_at_every_length_and_alignment(void **state)
{
    (void)state;
    static uint8_t data[8 + 4096 + 1];
    fill(data, sizeof data);
    for (size_t from = 0; from <= 8; from++) {
        uint32_t plain = 7;
        for (size_t n = 0; n <= 4096; n++) {
            assert_int_equal(crc32c(7, data + from, n), plain);
            plain = crc32c_portable(plain, data + from + n, 1);
        }
    }
}

static void test_parts_give_the_sum_of_the_whole(void **state)
{
    (void)state;
    static uint8_t data[4096];
    fill(data, sizeof data);
    uint32_t whole = crc32c_portable(0, data, sizeof data);
    for (size_t cut = 0; cut <= sizeof data; cut++) {
        uint32_t first = crc32c(0, data, cut);
        assert_int_equal(crc32c(first, data + cut, sizeof data - cut), whole);
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
