#include "cli/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct text_style plain = {.colour = false};
static const struct text_style coloured = {.colour = true};

static void fits(const char *in, size_t columns, bool pad, const char *expected)
{
    struct buf out = {0};
    text_put_fit(&out, bytes_str(in), columns, pad);
    assert_string_equal(buf_cstr(&out), expected);
    buf_free(&out);
}

static void test_text_is_cut_at_a_code_point(void **state)
{
    (void)state;
    fits("abc", 5, false, "abc");
    fits("abc", 2, false, "ab");
    fits("aäb", 2, false, "aä");
    fits("ää", 1, false, "ä");
    fits("abc", 0, false, "");
    assert_int_equal(text_columns(bytes_str("aä▶")), 3);
}

static void test_text_is_padded_by_columns_not_bytes(void **state)
{
    (void)state;
    fits("ä", 3, true, "ä  ");
    fits("abc", 3, true, "abc");
}

static void test_controls_become_blanks(void **state)
{
    (void)state;
    fits("a\x1b[2Jb\r\nc\x7f", 20, false, "a [2Jb  c ");
    fits("a\xC2\x9B"
         "2Jb",
         20, false, "a 2Jb"); /* CSI as one C1 code point */
    fits("\xC2\xA0", 20, false, "\xC2\xA0");
}

static void test_colour_only_where_it_is_wanted(void **state)
{
    (void)state;
    struct buf out = {0};
    text_put_coloured(&out, &plain, TEXT_RED, "x");
    assert_string_equal(buf_cstr(&out), "x");
    buf_clear(&out);
    text_put_coloured(&out, &coloured, TEXT_RED, "x");
    assert_string_equal(buf_cstr(&out), "\x1b[31mx\x1b[0m");
    buf_free(&out);
}

static void amount(double n, const char *expected)
{
    struct buf out = {0};
    buf_add_str(&out, "=");
    text_put_amount(&out, n);
    assert_string_equal(buf_cstr(&out), expected);
    buf_free(&out);
}

static void test_the_last_line_is_the_last_that_says_something(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""}, {"\n", ""}, {"one", "one"}, {"one\ntwo", "two"}, {"one\r\ntwo\r\n\n", "two"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(bytes_is(text_last_line(bytes_str(cases[i][0])), cases[i][1]));
    }
}

static void test_amounts_have_no_exponent_and_no_noughts_at_the_end(void **state)
{
    (void)state;
    amount(0.00002, "=0.00002");
    amount(0.000000001, "=0.000000001");
    amount(1000000, "=1000000");
    amount(12.5, "=12.5");
    amount(0, "=0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_cut_at_a_code_point),
        cmocka_unit_test(test_text_is_padded_by_columns_not_bytes),
        cmocka_unit_test(test_controls_become_blanks),
        cmocka_unit_test(test_the_last_line_is_the_last_that_says_something),
        cmocka_unit_test(test_amounts_have_no_exponent_and_no_noughts_at_the_end),
        cmocka_unit_test(test_colour_only_where_it_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
