#include "crypto/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_all_bytes_there_and_back(void **state)
{
    (void)state;
    uint8_t data[256], back[256];
    char text[513];
    for (int i = 0; i < 256; i++) {
        data[i] = (uint8_t)i;
    }
    assert_ptr_equal(hex_encode(data, 256, text), text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text, "000102", 6);
    assert_string_equal(text + 508, "feff");
    assert_int_equal(hex_decode(bytes_str(text), back, 256), ERR_OK);
    assert_memory_equal(data, back, 256);
}

static void test_upper_case_is_read_too(void **state)
{
    (void)state;
    uint8_t data[2];
    assert_int_equal(hex_decode(BYTES_LIT("AbCd"), data, 2), ERR_OK);
    assert_int_equal(data[0], 0xab);
    assert_int_equal(data[1], 0xcd);
}

static void test_bad_text_is_refused_and_nothing_written(void **state)
{
    (void)state;
    uint8_t data[2] = {7, 7};
    assert_int_equal(hex_decode(BYTES_LIT("abc"), data, 2), ERR_INVALID);
    assert_int_equal(hex_decode(BYTES_LIT("abcde"), data, 2), ERR_INVALID);
    assert_int_equal(hex_decode(BYTES_LIT("abcg"), data, 2), ERR_INVALID);
    assert_int_equal(hex_decode(BYTES_LIT("ab/:"), data, 2), ERR_INVALID);
    assert_int_equal(hex_decode(BYTES_LIT("ab@`"), data, 2), ERR_INVALID);
    assert_int_equal(hex_decode(BYTES_NONE, data, 2), ERR_INVALID);
    assert_int_equal(data[0], 7);
    assert_int_equal(data[1], 7);
    assert_int_equal(hex_decode(BYTES_NONE, data, 0), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_bytes_there_and_back),
        cmocka_unit_test(test_upper_case_is_read_too),
        cmocka_unit_test(test_bad_text_is_refused_and_nothing_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
