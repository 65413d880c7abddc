#include "cli/pretty.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "json/scan.h"

static void lays_out(const char *json, const char *expected)
{
    struct buf out = {0};
    struct bytes value;
    assert_int_equal(json_check(bytes_str(json), &value, NULL), ERR_OK);
    pretty_write(&out, value);
    assert_string_equal(buf_cstr(&out), expected);
    buf_free(&out);
}

static void test_each_member_has_its_line(void **state)
{
    (void)state;
    lays_out("{\"a\":1,\"b\":[true,null]}",
             "{\n  \"a\": 1,\n  \"b\": [\n    true,\n    null\n  ]\n}");
}

static void test_white_space_of_the_source_is_replaced(void **state)
{
    (void)state;
    lays_out(" { \"a\" :\t1 ,\n \"b\" : 2 } ", "{\n  \"a\": 1,\n  \"b\": 2\n}");
}

static void test_empty_ones_stay_on_their_line(void **state)
{
    (void)state;
    lays_out("{}", "{}");
    lays_out("[ ]", "[]");
    lays_out("{\"a\":{ },\"b\":[]}", "{\n  \"a\": {},\n  \"b\": []\n}");
}

static void test_strings_and_numbers_are_untouched(void **state)
{
    (void)state;
    lays_out("[\"a: {b}, [\\\"c\\\\\\\" \",9007199254740993,1e400]",
             "[\n  \"a: {b}, [\\\"c\\\\\\\" \",\n  9007199254740993,\n  1e400\n]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_member_has_its_line),
        cmocka_unit_test(test_white_space_of_the_source_is_replaced),
        cmocka_unit_test(test_empty_ones_stay_on_their_line),
        cmocka_unit_test(test_strings_and_numbers_are_untouched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
