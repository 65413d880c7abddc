#include "json/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct bytes checked(const char *text)
{
    struct bytes value;
    assert_int_equal(json_check(bytes_str(text), &value, NULL), ERR_OK);
    return value;
}

/* The members as "key=value|key=value|". */
static const char *walked(const char *text)
{
    static struct buf out;
    buf_free(&out);
    struct bytes key, value;
    for (struct json_walk w = json_walk(checked(text)); json_next(&w, &key, &value);) {
        buf_add_bytes(&out, key);
        buf_add_char(&out, '=');
        buf_add_bytes(&out, value);
        buf_add_char(&out, '|');
    }
    return buf_cstr(&out);
}

static void test_kinds(void **state)
{
    (void)state;
    assert_int_equal(json_kind_of(checked("{}")), JSON_OBJECT);
    assert_int_equal(json_kind_of(checked("[]")), JSON_ARRAY);
    assert_int_equal(json_kind_of(checked("\"\"")), JSON_STRING);
    assert_int_equal(json_kind_of(checked("-1")), JSON_NUMBER);
    assert_int_equal(json_kind_of(checked("0")), JSON_NUMBER);
    assert_int_equal(json_kind_of(checked("true")), JSON_TRUE);
    assert_int_equal(json_kind_of(checked("false")), JSON_FALSE);
    assert_int_equal(json_kind_of(checked("null")), JSON_NULL);
    assert_int_equal(json_kind_of(BYTES_NONE), JSON_NULL);
}

static void test_members_come_in_order_with_raw_keys(void **state)
{
    (void)state;
    assert_string_equal(walked("{\"a\":1,\"\\u0062\":[1,{\"x\":\"]}\"}],\"\":\"\\\"\"}"),
                        "a=1|\\u0062=[1,{\"x\":\"]}\"}]|=\"\\\"\"|");
    assert_string_equal(walked(" { \"a\" : { } ,\n\"b\" : null } "), "a={ }|b=null|");
    assert_string_equal(walked("{}"), "");
    assert_string_equal(walked("{ \n }"), "");
}

static void test_elements_come_in_order_with_empty_keys(void **state)
{
    (void)state;
    assert_string_equal(walked("[1,-2.5e+3 , \"a,b\",[\"]\"],{\"k\":[]},true]"),
                        "=1|=-2.5e+3|=\"a,b\"|=[\"]\"]|={\"k\":[]}|=true|");
    assert_string_equal(walked("[]"), "");
    assert_string_equal(walked("[[[]]]"), "=[[]]|");
    assert_string_equal(walked("[\"\\\\\",\"\\\\\\\"\"]"), "=\"\\\\\"|=\"\\\\\\\"\"|");
}

static void test_other_kinds_have_no_members(void **state)
{
    (void)state;
    assert_string_equal(walked("\"{}\""), "");
    assert_string_equal(walked("12"), "");
    struct bytes key, value;
    struct json_walk w = json_walk(BYTES_NONE);
    assert_false(json_next(&w, &key, &value));
}

static void test_a_member_is_found_by_its_unescaped_key_and_the_last_one_wins(void **state)
{
    (void)state;
    struct bytes object =
        checked("{\"a\":1,\"\\u0062\":2,\"a\":[3],\"n\\\\\":4,\"\":5,\"x\":{\"y\":6}}");
    assert_true(bytes_is(json_member(object, "a"), "[3]"));
    assert_true(bytes_is(json_member(object, "b"), "2"));
    assert_true(bytes_is(json_member(object, "n\\"), "4"));
    assert_true(bytes_is(json_member(object, ""), "5"));
    assert_int_equal(json_member(object, "y").len, 0); /* not of the inner one */
    assert_int_equal(json_member(object, "\\u0062").len, 0);
    assert_int_equal(json_member(checked("[1]"), "").len, 0);
}

static void test_several_members_are_found_in_one_walk(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "none", "b"};
    struct bytes members[3] = {BYTES_LIT("old"), BYTES_LIT("old"), BYTES_LIT("old")};
    json_members(checked("{\"b\":1,\"a\":2,\"\\u0062\":3}"), names, 3, members);
    assert_true(bytes_is(members[0], "2"));
    assert_int_equal(members[1].len, 0);
    assert_true(bytes_is(members[2], "3"));
    json_members(checked("[1,2]"), names, 3, members);
    assert_int_equal(members[0].len + members[1].len + members[2].len, 0);
}

static void test_and_in_none_where_there_is_an_index(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "none", "b"};
    struct bytes members[3] = {BYTES_LIT("old"), BYTES_LIT("old"), BYTES_LIT("old")};
    struct json_index x = {0};
    json_index_members(&x, names, 3, members);
    assert_int_equal(members[0].len + members[1].len + members[2].len, 0);
    const char *text = " {\"b\":1,\"a\":[{\"b\":4}],\"\\u0062\":3,\"c\":{\"none\":5}} ";
    assert_int_equal(json_check_index(bytes_str(text), 3, &x, NULL), ERR_OK);
    json_index_members(&x, names, 3, members);
    assert_true(bytes_is(members[0], "[{\"b\":4}]"));
    assert_int_equal(members[1].len, 0);
    assert_true(bytes_is(members[2], "3"));
    assert_int_equal(json_check_index(BYTES_LIT("[1,2]"), 1, &x, NULL), ERR_OK);
    json_index_members(&x, names, 3, members);
    assert_int_equal(members[0].len + members[1].len + members[2].len, 0);
    json_index_free(&x);
}

static void test_a_quote_ends_a_string_behind_an_even_number_of_backslashes(void **state)
{
    (void)state;
    assert_string_equal(walked("[\"a\\\"b\",1]"), "=\"a\\\"b\"|=1|");
    assert_string_equal(walked("[\"a\\\\\",1]"), "=\"a\\\\\"|=1|");
    assert_string_equal(walked("[\"\\\\\\\"\\\"\",1]"), "=\"\\\\\\\"\\\"\"|=1|");
    assert_string_equal(walked("{\"\\\"\":{\"\\\\\":\"}\"},\"b\":2}"),
                        "\\\"={\"\\\\\":\"}\"}|b=2|");
}

static void test_depth_is_of_containers_in_containers(void **state)
{
    (void)state;
    assert_int_equal(json_depth(checked("\"[[[\"")), 0);
    assert_int_equal(json_depth(checked("-1.5")), 0);
    assert_int_equal(json_depth(checked("[]")), 1);
    assert_int_equal(json_depth(checked("[[],{}]")), 2);
    assert_int_equal(json_depth(checked("{\"a\":[1,{\"[\":\"\\\"[[\"}],\"b\":[[]]}")), 3);
    assert_int_equal(json_depth(checked("[[[[]]],[[[[]]]],[]]")), 5);
}

static void test_a_number_is_read_whatever_its_length(void **state)
{
    (void)state;
    char digits[200];
    memset(digits, '3', sizeof digits - 1);
    digits[1] = '.';
    digits[sizeof digits - 1] = '\0';
    assert_true(json_number(bytes_str(digits)) == 10.0 / 3);
    assert_true(json_number(BYTES_LIT("-2.5e1")) == -25);
    char tail[120] = "1";
    memset(tail + 1, '0', 100);
    memcpy(tail + 101, "e-100", 6);
    assert_true(json_number(bytes_str(tail)) == 1); /* read to its end */
    assert_true(json_number(BYTES_NONE) == 0);
}

static void test_duplicate_keys_of_the_top_level_are_told(void **state)
{
    (void)state;
    assert_int_equal(json_duplicate_key(checked("{\"a\":{\"x\":1,\"x\":2},\"b\":1}")).len, 0);
    assert_true(bytes_is(json_duplicate_key(checked("{\"a\":1,\"b\":2,\"a\":3,\"b\":4}")), "a"));
    assert_true(bytes_is(json_duplicate_key(checked("{\"a\":1,\"\\u0061\":2}")), "\\u0061"));
    assert_true(bytes_is(json_duplicate_key(checked("{\"\\u0061\":1,\"b\\n\":0,\"a\":2}")), "a"));
    assert_int_equal(json_duplicate_key(checked("[1,1]")).len, 0);
    assert_int_equal(json_duplicate_key(checked("{}")).len, 0);
}

static void expect_unquoted(const char *value, const char *expected, size_t len)
{
    struct buf out = {0};
    buf_add_char(&out, '>'); /* appended, not replaced */
    json_unquote(checked(value), &out);
    assert_int_equal(out.len, len + 1);
    assert_memory_equal(out.ptr + 1, expected, len);
    buf_free(&out);
}

static void test_strings_are_decoded(void **state)
{
    (void)state;
    expect_unquoted("\"\"", "", 0);
    expect_unquoted("\"plain\"", "plain", 5);
    expect_unquoted("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
    expect_unquoted("\"a\\u0000b\"", "a\0b", 3);
    expect_unquoted("\"\\u00E9\\u20ac\\uD83D\\uDE00\"", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9);
    expect_unquoted("\"\\uffff\\ud7ff\"", "\xef\xbf\xbf\xed\x9f\xbf", 6);
}

/* What is in the index, as "depth:key=value|". */
static void indexed(const struct json_index *x, uint32_t node, int depth, struct buf *out)
{
    buf_addf(out, "%d:", depth);
    buf_add_bytes(out, x->nodes[node].key);
    buf_add_char(out, '=');
    buf_add_bytes(out, x->nodes[node].value);
    buf_add_char(out, '|');
    for (uint32_t i = node + 1; i < x->nodes[node].next; i = x->nodes[i].next) {
        indexed(x, i, depth + 1, out);
    }
}

static const char *index_of(const char *text, unsigned depth)
{
    static struct buf out;
    struct json_index x = {0};
    buf_free(&out);
    assert_int_equal(json_check_index(bytes_str(text), depth, &x, NULL), ERR_OK);
    indexed(&x, 0, 0, &out);
    json_index_free(&x);
    return buf_cstr(&out);
}

static void test_the_index_goes_as_deep_as_was_asked(void **state)
{
    (void)state;
    const char *text = " {\"a\":[1,{\"b\":2}, 3] , \"c\":{}} ";
    const char *whole = "0:={\"a\":[1,{\"b\":2}, 3] , \"c\":{}}|";
    struct buf want = {0};
    buf_addf(&want, "%s", whole);
    assert_string_equal(index_of(text, 0), buf_cstr(&want));
    buf_clear(&want);
    buf_addf(&want, "%s1:a=[1,{\"b\":2}, 3]|1:c={}|", whole);
    assert_string_equal(index_of(text, 1), buf_cstr(&want));
    buf_clear(&want);
    buf_addf(&want, "%s1:a=[1,{\"b\":2}, 3]|2:=1|2:={\"b\":2}|2:=3|1:c={}|", whole);
    assert_string_equal(index_of(text, 2), buf_cstr(&want));
    buf_clear(&want);
    buf_addf(&want, "%s1:a=[1,{\"b\":2}, 3]|2:=1|2:={\"b\":2}|3:b=2|2:=3|1:c={}|", whole);
    assert_string_equal(index_of(text, 3), buf_cstr(&want));
    buf_free(&want);
    assert_string_equal(index_of("7", 3), "0:=7|");
}

static void test_a_text_that_is_refused_has_no_index(void **state)
{
    (void)state;
    struct json_index x = {0};
    struct json_fault fault;
    assert_int_equal(json_check_index(BYTES_LIT("{\"a\":[1,2"), 3, &x, &fault), ERR_INVALID);
    assert_int_equal(x.count, 0);
    assert_int_equal(fault.offset, 9);
    assert_int_equal(json_check_index(BYTES_NONE, 3, &x, &fault), ERR_INVALID);
    assert_int_equal(json_check_index(BYTES_LIT("[1]"), 3, &x, &fault), ERR_OK);
    assert_int_equal(x.count, 2);
    json_index_free(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_the_index_goes_as_deep_as_was_asked),
        cmocka_unit_test(test_a_text_that_is_refused_has_no_index),
        cmocka_unit_test(test_members_come_in_order_with_raw_keys),
        cmocka_unit_test(test_elements_come_in_order_with_empty_keys),
        cmocka_unit_test(test_other_kinds_have_no_members),
        cmocka_unit_test(test_a_member_is_found_by_its_unescaped_key_and_the_last_one_wins),
        cmocka_unit_test(test_several_members_are_found_in_one_walk),
        cmocka_unit_test(test_and_in_none_where_there_is_an_index),
        cmocka_unit_test(test_a_quote_ends_a_string_behind_an_even_number_of_backslashes),
        cmocka_unit_test(test_depth_is_of_containers_in_containers),
        cmocka_unit_test(test_a_number_is_read_whatever_its_length),
        cmocka_unit_test(test_duplicate_keys_of_the_top_level_are_told),
        cmocka_unit_test(test_strings_are_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
