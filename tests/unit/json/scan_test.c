#include "json/scan.h"

#include <stdlib.h>

#include "base/rng.h"
#include "json/doc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_valid_texts_are_accepted(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{}",
        "[]",
        "\"\"",
        "0",
        "-0",
        "1",
        "-1",
        "10",
        "0.5",
        "-0.5",
        "1e5",
        "1E5",
        "1e+5",
        "1e-5",
        "0e0",
        "0.0e0",
        "123456789012345678901234567890",
        "1e400",
        "-1e-400",
        "true",
        "false",
        "null",
        " 1 ",
        "\t\r\n1\n",
        "[1,2]",
        "[ 1 , 2 ]",
        "{\"a\":1}",
        "{ \"a\" : 1 , \"b\" : [ ] }",
        "{\"\":0}",
        "{\"a\":1,\"a\":2}",
        "[[],[[]],{}]",
        "{\"a\":{\"b\":{\"c\":null}}}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u0000\"",
        "\"\\u00e9\"",
        "\"\\uD83D\\uDE00\"",
        "\"\\ud800\\udc00\"",
        "\"\\udbff\\udfff\"",
        "\"\\ud7ff\"",
        "\"\\ue000\"",
        "\"\\uffff\"",
        "\"\x7f\"",
        "\"\xc2\x80\"",
        "\"\xdf\xbf\"",
        "\"\xe0\xa0\x80\"",
        "\"\xed\x9f\xbf\"",
        "\"\xee\x80\x80\"",
        "\"\xef\xbf\xbf\"",
        "\"\xf0\x90\x80\x80\"",
        "\"\xf4\x8f\xbf\xbf\"",
        "\"/\"",
        "\"a\\u0022b\"",
        "[\"12345678\",\"1234567890123456\",\"123456789012345\\n\"]"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct json_fault fault;
        if (json_check(bytes_str(good[i]), NULL, &fault) != ERR_OK) {
            fail_msg("%s: %s at %zu", good[i], fault.reason, fault.offset);
        }
    }
}

struct bad_case {
    const char *text;
    size_t offset;
    const char *reason;
};

static const struct bad_case bad[] = {
    {"", 0, "expected a value"},
    {"  ", 2, "expected a value"},
    {"{", 1, "the JSON text ends too early"},
    {"[", 1, "the JSON text ends too early"},
    {"[1", 2, "the JSON text ends too early"},
    {"[1,", 3, "the JSON text ends too early"},
    {"{\"a\"", 4, "expected ':'"},
    {"{\"a\":", 5, "the JSON text ends too early"},
    {"{\"a\":1", 6, "the JSON text ends too early"},
    {"]", 0, "expected a value"},
    {"}", 0, "expected a value"},
    {"[}", 1, "expected a value"},
    {"{]", 1, "expected a key in quotes"},
    {"[1}", 2, "expected ',' or ']'"},
    {"{\"a\":1]", 6, "expected ',' or '}'"},
    {"[1 2]", 3, "expected ',' or ']'"},
    {"[1,]", 3, "expected a value"},
    {"[,1]", 1, "expected a value"},
    {"{,}", 1, "expected a key in quotes"},
    {"{\"a\":1,}", 7, "expected a key in quotes"},
    {"{a:1}", 1, "expected a key in quotes"},
    {"{1:1}", 1, "expected a key in quotes"},
    {"{\"a\" 1}", 5, "expected ':'"},
    {"{\"a\":}", 5, "expected a value"},
    {"1 2", 2, "extra text after the value"},
    {"{}{}", 2, "extra text after the value"},
    {"null,", 4, "extra text after the value"},
    {"tru", 0, "expected a value (the only words are true, false and null)"},
    {"True", 0, "expected a value"},
    {"nul", 0, "expected a value (the only words are true, false and null)"},
    {"truex", 4, "extra text after the value"},
    {"NaN", 0, "expected a value"},
    {"Infinity", 0, "expected a value"},
    {"-", 1, "expected a digit"},
    {"-x", 1, "expected a digit"},
    {"+1", 0, "expected a value"},
    {".5", 0, "expected a value"},
    {"01", 1, "a number cannot start with 0 followed by another digit"},
    {"-01", 2, "a number cannot start with 0 followed by another digit"},
    {"1.", 2, "expected a digit after the decimal point"},
    {"1.e5", 2, "expected a digit after the decimal point"},
    {"1e", 2, "expected a digit in the exponent"},
    {"1e+", 3, "expected a digit in the exponent"},
    {"0x10", 1, "extra text after the value"},
    {"1_000", 1, "extra text after the value"},
    {"'a'", 0, "expected a value"},
    {"\"a", 2, "the text ends inside a string"},
    {"\"a\\", 3, "the text ends inside a string"},
    {"\"a\\\"", 4, "the text ends inside a string"},
    {"\"\\x41\"", 1, "unknown escape in a string"},
    {"\"\\'\"", 1, "unknown escape in a string"},
    {"\"\\U0041\"", 1, "unknown escape in a string"},
    {"\"\\u12\"", 5, "expected four hex digits"},
    {"\"\\u12g4\"", 5, "expected four hex digits"},
    {"\"\\u", 3, "expected four hex digits"},
    {"\"\\ud800\"", 1, "lone surrogate in a \\u escape"},
    {"\"\\udc00\"", 1, "lone surrogate in a \\u escape"},
    {"\"\\udfff\"", 1, "lone surrogate in a \\u escape"},
    {"\"\\udc00\\udc00\"", 1, "lone surrogate in a \\u escape"},
    {"\"\\ud800x\"", 1, "lone surrogate in a \\u escape"},
    {"\"\\ud800\\n\"", 1, "lone surrogate in a \\u escape"},
    {"\"\\ud800\\ud800\"", 1, "lone surrogate in a \\u escape"},
    {"\"\\ud800\\u0041\"", 1, "lone surrogate in a \\u escape"},
    {"\"\\ud800\\u00", 11, "expected four hex digits"},
    {"\"a\tb\"", 2, "control character in a string, it must be escaped"},
    {"\"a\nb\"", 2, "control character in a string, it must be escaped"},
    {"\"01234567\x1f\"", 9, "control character in a string, it must be escaped"},
    {"\"\x80\"", 1, "malformed UTF-8"},
    {"\"\xbf\"", 1, "malformed UTF-8"},
    {"\"\xc0\xaf\"", 1, "malformed UTF-8"},         /* overlong */
    {"\"\xc1\xbf\"", 1, "malformed UTF-8"},         /* overlong */
    {"\"\xe0\x9f\xbf\"", 1, "malformed UTF-8"},     /* overlong */
    {"\"\xf0\x8f\xbf\xbf\"", 1, "malformed UTF-8"}, /* overlong */
    {"\"\xed\xa0\x80\"", 1, "malformed UTF-8"},     /* a surrogate */
    {"\"\xed\xbf\xbf\"", 1, "malformed UTF-8"},     /* a surrogate */
    {"\"\xf4\x90\x80\x80\"", 1, "malformed UTF-8"}, /* above U+10FFFF */
    {"\"\xf5\x80\x80\x80\"", 1, "malformed UTF-8"},
    {"\"\xff\"", 1, "malformed UTF-8"},
    {"\"\xc2\"", 1, "malformed UTF-8"},
    {"\"\xe2\x82\"", 1, "malformed UTF-8"},
    {"\"12345678\xf0\x9f\x98\"", 9, "malformed UTF-8"},
    {"\xef\xbb\xbf{}", 0, "expected a value"}, /* a byte order mark */
    {"\xc2\xa0"
     "1",
     0, "expected a value"}, /* not JSON's white space */
    {"\f1", 0, "expected a value"},
    {"// x\n1", 0, "expected a value"},
    {"[1]//", 3, "extra text after the value"},
};

static void test_invalid_texts_are_refused_with_place_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct json_fault fault = {0};
        struct bytes value = BYTES_NONE;
        if (json_check(bytes_str(bad[i].text), &value, &fault) == ERR_OK) {
            fail_msg("accepted: %s", bad[i].text);
        }
        if (fault.offset != bad[i].offset || strcmp(fault.reason, bad[i].reason) != 0) {
            fail_msg("%s: told %zu %s", bad[i].text, fault.offset, fault.reason);
        }
        assert_null(value.ptr);
    }
}

static void test_nul_bytes_are_no_white_space_and_no_end(void **state)
{
    (void)state;
    assert_int_equal(json_check(bytes_of("1\0", 2), NULL, NULL), ERR_INVALID);
    assert_int_equal(json_check(bytes_of("\0", 1), NULL, NULL), ERR_INVALID);
    assert_int_equal(json_check(bytes_of("\"a\0b\"", 5), NULL, NULL), ERR_INVALID);
    assert_int_equal(json_check(bytes_of("[1,\0]", 5), NULL, NULL), ERR_INVALID);
}

static void test_the_value_is_told_without_the_space_around_it(void **state)
{
    (void)state;
    struct bytes value;
    assert_int_equal(json_check(BYTES_LIT(" \n [ 1 ] \t"), &value, NULL), ERR_OK);
    assert_true(bytes_is(value, "[ 1 ]"));
    assert_int_equal(json_check(BYTES_LIT("-1.5e3"), &value, NULL), ERR_OK);
    assert_true(bytes_is(value, "-1.5e3"));
}

/* `depth` nested containers of changing kinds around a 1. */
static void nest(struct buf *out, unsigned depth, const char *kinds)
{
    size_t kind_count = strlen(kinds);
    buf_clear(out);
    for (unsigned i = 0; i < depth; i++) {
        buf_add_str(out, kinds[i % kind_count] == '[' ? "[" : "{\"k\":");
    }
    buf_add_char(out, '1');
    for (unsigned i = depth; i-- > 0;) {
        buf_add_char(out, kinds[i % kind_count] == '[' ? ']' : '}');
    }
}

static void test_64_levels_are_allowed_and_65_are_not(void **state)
{
    (void)state;
    static const char *const kinds[] = {"[", "{", "[{", "[[{", "{[{{["};
    struct buf text = {0};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct json_fault fault;
        nest(&text, 64, kinds[i]);
        assert_int_equal(json_check(buf_bytes(&text), NULL, NULL), ERR_OK);
        nest(&text, 65, kinds[i]);
        assert_int_equal(json_check(buf_bytes(&text), NULL, &fault), ERR_INVALID);
        assert_string_equal(fault.reason, "nested deeper than 64");
    }
    buf_free(&text);
}

static void test_a_million_brackets_cost_no_stack(void **state)
{
    (void)state;
    char *text = malloc(1 << 20);
    struct json_fault fault;
    assert_non_null(text);
    memset(text, '[', 1 << 20);
    assert_int_equal(json_check(bytes_of(text, 1 << 20), NULL, &fault), ERR_INVALID);
    assert_int_equal(fault.offset, 64);
    free(text);
}

/* Each byte value at each place of a word, so that the fast path is seen to stop for the same bytes
 * as the slow one. */
static void test_every_byte_at_every_place_of_a_string(void **state)
{
    (void)state;
    char text[34];
    for (int c = 0; c < 256; c++) {
        for (size_t place = 1; place < 33; place++) {
            memset(text, 'x', sizeof text);
            text[0] = text[33] = '"';
            text[place] = (char)c;
            bool plain = c >= 0x20 && c < 0x80 && c != '\\';
            bool closes = c == '"'; /* more text behind the value */
            enum err expected = plain && !closes ? ERR_OK : ERR_INVALID;
            assert_int_equal(json_check(bytes_of(text, sizeof text), NULL, NULL), expected);
        }
    }
}

/* Texts made of JSON's pieces: whatever doc_parse (jansson behind it) accepts must agree with what
 * json_check says. The other way round jansson may refuse duplicate keys and numbers out of range
 * only. */
static void test_random_texts_agree_with_the_document_parser(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "{",    "}",    "[", "]",           ",",       ":",   "\"a\"", "\"b\"", "1", "-0.5",
        "true", "null", " ", "\"\\u00e9\"", "{\"a\":", "[1,", "\"",    "\\",    "0", "e1"};
    struct rng rng;
    struct buf text = {0};
    unsigned accepted = 0;
    rng_seed(&rng, 11);
    for (int round = 0; round < 100000; round++) {
        buf_clear(&text);
        for (uint64_t n = rng_below(&rng, 8) + 1; n > 0; n--) {
            buf_add_str(&text, pieces[rng_below(&rng, sizeof pieces / sizeof pieces[0])]);
        }
        struct doc *d = NULL;
        struct doc_fault fault;
        enum err mine = json_check(buf_bytes(&text), NULL, NULL);
        enum err other = doc_parse(buf_bytes(&text), &d, &fault);
        if (mine == ERR_OK && other != ERR_OK) {
            assert_non_null(strstr(fault.reason, "duplicate object key"));
        }
        accepted += mine == ERR_OK ? 1 : 0;
        doc_free(d);
    }
    assert_in_range(accepted, 1000, 100000); /* or the test tests nothing */
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid_texts_are_accepted),
        cmocka_unit_test(test_invalid_texts_are_refused_with_place_and_reason),
        cmocka_unit_test(test_nul_bytes_are_no_white_space_and_no_end),
        cmocka_unit_test(test_the_value_is_told_without_the_space_around_it),
        cmocka_unit_test(test_64_levels_are_allowed_and_65_are_not),
        cmocka_unit_test(test_a_million_brackets_cost_no_stack),
        cmocka_unit_test(test_every_byte_at_every_place_of_a_string),
        cmocka_unit_test(test_random_texts_agree_with_the_document_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
