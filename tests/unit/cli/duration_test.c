#include "cli/duration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static void text_is(int64_t ms, const char *exact, const char *clock)
{
    char text[DURATION_TEXT_BYTES];
    assert_string_equal(duration_text(ms, text), exact);
    assert_string_equal(duration_clock(ms, text), clock);
}

static void test_a_duration_has_at_most_two_units(void **state)
{
    (void)state;
    text_is(-5, "0ms", "0s");
    text_is(0, "0ms", "0s");
    text_is(999, "999ms", "0s");
    text_is(1000, "1.0s", "1s");
    text_is(59999, "59.9s", "59s");
    text_is(60000, "1m 00s", "1m 00s");
    text_is(3599999, "59m 59s", "59m 59s");
    text_is(3600000, "1h 00m", "1h 00m");
    text_is(86399999, "23h 59m", "23h 59m");
    text_is(86400000, "1d 00h", "1d 00h");
    text_is(INT64_MAX, "106751991167d 07h", "106751991167d 07h");
}

static void parsed_is(const char *text, int64_t expected)
{
    int64_t ms = -1;
    assert_int_equal(duration_parse(text, &ms), expected >= 0 ? ERR_OK : ERR_INVALID);
    assert_int_equal(ms, expected);
}

static void test_a_patience_is_read_with_its_unit(void **state)
{
    (void)state;
    parsed_is("0", 0);
    parsed_is("5", 5000);
    parsed_is("30s", 30000);
    parsed_is("2m", 120000);
    parsed_is("1h", 3600000);
    parsed_is("168h", 604800000);
    parsed_is("169h", -1);
    parsed_is("", -1);
    parsed_is("s", -1);
    parsed_is("-1", -1);
    parsed_is("1d", -1);
    parsed_is("1s ", -1);
    parsed_is("99999999999999999999s", -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_duration_has_at_most_two_units),
        cmocka_unit_test(test_a_patience_is_read_with_its_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
