#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_it_grows_and_keeps_what_was_added(void **state)
{
    (void)state;
    struct buf b = {0};
    for (int i = 0; i < 1000; i++) {
        buf_addf(&b, "%03d", i % 1000);
    }
    assert_int_equal(b.len, 3000);
    assert_memory_equal(b.ptr + 999 * 3, "999", 3);
    assert_memory_equal(b.ptr, "000001002", 9);
    buf_free(&b);
    assert_null(b.ptr);
}

static void test_adding_nothing_to_an_empty_buffer_is_allowed(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_add(&b, NULL, 0);
    buf_add_bytes(&b, BYTES_NONE);
    buf_add_str(&b, "");
    buf_drop_front(&b, 0);
    buf_drop_front(&b, 10);
    assert_int_equal(b.len, 0);
    assert_non_null(buf_extend(&b, 0));
    assert_string_equal(buf_cstr(&b), "");
    buf_free(&b);
}

static void test_cstr_adds_a_nul_that_is_not_counted(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_add_str(&b, "ab");
    buf_add_char(&b, 'c');
    assert_string_equal(buf_cstr(&b), "abc");
    assert_int_equal(b.len, 3);
    buf_add_char(&b, 'd');
    assert_string_equal(buf_cstr(&b), "abcd");
    buf_free(&b);
}

static void test_drop_front_moves_the_rest(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_add_str(&b, "hello world");
    buf_drop_front(&b, 6);
    assert_true(bytes_is(buf_bytes(&b), "world"));
    buf_drop_front(&b, 5);
    assert_int_equal(b.len, 0);
    buf_free(&b);
}

static void test_clear_keeps_the_memory(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_reserve(&b, 5000);
    size_t cap = b.cap;
    buf_add_str(&b, "x");
    buf_clear(&b);
    assert_int_equal(b.len, 0);
    assert_int_equal(b.cap, cap);
    buf_free(&b);
}

static void test_trim_gives_back_what_is_not_used(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_trim(&b);
    buf_reserve(&b, 5000);
    buf_add_str(&b, "text");
    buf_trim(&b);
    assert_int_equal(b.cap, 4);
    assert_true(bytes_is(buf_bytes(&b), "text"));
    buf_add_str(&b, " and more");
    assert_true(bytes_is(buf_bytes(&b), "text and more"));
    buf_clear(&b);
    buf_trim(&b);
    assert_null(b.ptr);
}

static void test_a_number_is_added_in_decimal(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 9, 10, 99, 100, 1234567890, UINT64_MAX};
    struct buf b = {0};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        buf_add_uint(&b, numbers[i]);
        buf_add_char(&b, ' ');
    }
    assert_true(bytes_is(buf_bytes(&b), "0 9 10 99 100 1234567890 18446744073709551615 "));
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_grows_and_keeps_what_was_added),
        cmocka_unit_test(test_adding_nothing_to_an_empty_buffer_is_allowed),
        cmocka_unit_test(test_cstr_adds_a_nul_that_is_not_counted),
        cmocka_unit_test(test_drop_front_moves_the_rest),
        cmocka_unit_test(test_clear_keeps_the_memory),
        cmocka_unit_test(test_trim_gives_back_what_is_not_used),
        cmocka_unit_test(test_a_number_is_added_in_decimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
