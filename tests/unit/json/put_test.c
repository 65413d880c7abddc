#include "json/scan.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect_quoted(struct bytes s, const char *expected)
{
    struct buf out = {0};
    json_put_string(&out, s);
    assert_string_equal(buf_cstr(&out), expected);
    assert_int_equal(json_check(buf_bytes(&out), NULL, NULL), ERR_OK);
    buf_free(&out);
}

static void test_strings_are_escaped(void **state)
{
    (void)state;
    expect_quoted(BYTES_NONE, "\"\"");
    expect_quoted(BYTES_LIT("plain / text"), "\"plain / text\"");
    expect_quoted(BYTES_LIT("\"\\\b\f\n\r\t"), "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
    expect_quoted(bytes_of("\0\x1f\x7f", 3), "\"\\u0000\\u001f\x7f\"");
    expect_quoted(BYTES_LIT("caf\xc3\xa9 \xf0\x9f\x98\x80"), "\"caf\xc3\xa9 \xf0\x9f\x98\x80\"");
}

static void test_malformed_utf8_becomes_the_replacement_character(void **state)
{
    (void)state;
    expect_quoted(BYTES_LIT("a\xff"
                            "b"),
                  "\"a\xef\xbf\xbd"
                  "b\"");
    expect_quoted(BYTES_LIT("\xc3"), "\"\xef\xbf\xbd\"");
    expect_quoted(BYTES_LIT("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void test_random_bytes_always_make_a_valid_string(void **state)
{
    (void)state;
    struct rng rng;
    struct buf out = {0};
    rng_seed(&rng, 2);
    for (int round = 0; round < 20000; round++) {
        uint8_t data[24];
        size_t len = rng_below(&rng, sizeof data + 1);
        for (size_t i = 0; i < len; i++) {
            data[i] = (uint8_t)rng_next(&rng);
        }
        buf_clear(&out);
        json_put_string(&out, bytes_of(data, len));
        assert_int_equal(json_check(buf_bytes(&out), NULL, NULL), ERR_OK);
    }
    buf_free(&out);
}

static void expect_written(double v, const char *expected)
{
    struct buf out = {0};
    json_put_number(&out, v);
    assert_string_equal(buf_cstr(&out), expected);
    buf_free(&out);
}

static void test_numbers_are_short(void **state)
{
    (void)state;
    expect_written(0, "0");
    expect_written(-0.0, "-0.0");
    expect_written(1, "1");
    expect_written(-12, "-12");
    expect_written(0.1, "0.1");
    expect_written(0.5, "0.5");
    expect_written(1.0 / 3, "0.333333333333333"
                            "3");
    expect_written(100000, "100000");
    expect_written(1e21, "1e+21");
    expect_written(5e-324, "4.94065645841247e-324");
    expect_written((double)NAN, "null");
    expect_written((double)INFINITY, "null");
    expect_written(-(double)INFINITY, "null");
}

static void test_random_numbers_read_back_exactly(void **state)
{
    (void)state;
    struct rng rng;
    struct buf out = {0};
    rng_seed(&rng, 4);
    for (int round = 0; round < 100000; round++) {
        uint64_t bits = rng_next(&rng);
        double v;
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v)) {
            continue;
        }
        buf_clear(&out);
        json_put_number(&out, v);
        assert_true(strtod(buf_cstr(&out), NULL) == v);
        assert_int_equal(json_check(buf_bytes(&out), NULL, NULL), ERR_OK);
    }
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_are_escaped),
        cmocka_unit_test(test_malformed_utf8_becomes_the_replacement_character),
        cmocka_unit_test(test_random_bytes_always_make_a_valid_string),
        cmocka_unit_test(test_numbers_are_short),
        cmocka_unit_test(test_random_numbers_read_back_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
