#include "base/clock.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(unix_ms t, const char *text)
{
    char formatted[TIME_TEXT_BYTES];
    unix_ms parsed = -1;
    assert_string_equal(time_format(t, formatted), text);
    assert_int_equal(time_parse(bytes_str(text), &parsed), ERR_OK);
    assert_true(parsed == t);
}

static void test_known_moments_both_ways(void **state)
{
    (void)state;
    expect(0, "1970-01-01T00:00:00.000Z");
    expect(1770057000123, "2026-02-02T18:30:00.123Z");
    expect(951782400000, "2000-02-29T00:00:00.000Z");
    expect(1709251199999, "2024-02-29T23:59:59.999Z");
    expect(4107542400000, "2100-03-01T00:00:00.000Z");
    expect(-1, "1969-12-31T23:59:59.999Z");
    expect(-62135596800000, "0001-01-01T00:00:00.000Z");
    expect(253402300799999, "9999-12-31T23:59:59.999Z");
}

static void test_times_beyond_four_digits_of_year_are_clamped(void **state)
{
    (void)state;
    char text[TIME_TEXT_BYTES];
    assert_string_equal(time_format(INT64_MAX, text), "9999-12-31T23:59:59.999Z");
    assert_string_equal(time_format(INT64_MIN, text), "0001-01-01T00:00:00.000Z");
}

static void test_random_times_survive_the_way_there_and_back(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 1);
    for (int i = 0; i < 50000; i++) {
        char text[TIME_TEXT_BYTES];
        unix_ms t = (unix_ms)rng_below(&rng, 315537897600000) - 62135596800000;
        unix_ms parsed = 0;
        assert_int_equal(time_parse(bytes_str(time_format(t, text)), &parsed), ERR_OK);
        assert_true(parsed == t);
    }
}

static unix_ms parsed(const char *text)
{
    unix_ms t = -7;
    assert_int_equal(time_parse(bytes_str(text), &t), ERR_OK);
    return t;
}

static void test_offsets_fractions_and_lower_case(void **state)
{
    (void)state;
    assert_true(parsed("1970-01-01T01:00:00+01:00") == 0);
    assert_true(parsed("1969-12-31T19:30:00-04:30") == 0);
    assert_true(parsed("1970-01-01t00:00:00z") == 0);
    assert_true(parsed("1970-01-01T00:00:00.5Z") == 500);
    assert_true(parsed("1970-01-01T00:00:00.1239999999Z") == 123);
    assert_true(parsed("2016-12-31T23:59:60Z") == 1483228800000); /* a leap second */
}

static void test_everything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "1970",
                                      "1970-01-01",
                                      "1970-01-01T00:00:00",
                                      "1970-01-01 00:00:00Z",
                                      "1970-13-01T00:00:00Z",
                                      "1970-00-01T00:00:00Z",
                                      "1970-01-32T00:00:00Z",
                                      "1970-01-00T00:00:00Z",
                                      "1900-02-29T00:00:00Z",
                                      "2023-02-29T00:00:00Z",
                                      "1970-01-01T24:00:00Z",
                                      "1970-01-01T00:60:00Z",
                                      "1970-01-01T00:00:61Z",
                                      "1970-01-01T00:00:00.Z",
                                      "1970-01-01T00:00:00+0100",
                                      "1970-01-01T00:00:00+24:00",
                                      "1970-01-01T00:00:00+01:60",
                                      "1970-01-01T00:00:00Zx",
                                      "0000-01-01T00:00:00Z",
                                      "70-01-01T00:00:00Z",
                                      "-970-01-01T00:00:00Z",
                                      "1970-01-01T0 :00:00Z"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        unix_ms t = -7;
        assert_int_equal(time_parse(bytes_str(bad[i]), &t), ERR_INVALID);
        assert_true(t == -7);
    }
}

static void test_every_prefix_of_a_time_is_refused(void **state)
{
    (void)state;
    struct bytes whole = BYTES_LIT("2026-02-02T18:30:00.123+01:00");
    for (size_t len = 0; len < whole.len; len++) {
        unix_ms t = -7;
        assert_int_equal(time_parse(bytes_part(whole, 0, len), &t), ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_moments_both_ways),
        cmocka_unit_test(test_times_beyond_four_digits_of_year_are_clamped),
        cmocka_unit_test(test_random_times_survive_the_way_there_and_back),
        cmocka_unit_test(test_offsets_fractions_and_lower_case),
        cmocka_unit_test(test_everything_else_is_refused),
        cmocka_unit_test(test_every_prefix_of_a_time_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
