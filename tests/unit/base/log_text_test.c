#include "base/log_text.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct log_options logfmt = {.role = "worker", .level = LOG_INFO};
static const struct log_options json = {.role = "worker", .level = LOG_INFO, .json = true};

static const char *build(const struct log_options *options, const char *pairs)
{
    static struct log_text line;
    log_text_build(&line, options, LOG_INFO, 0, "step_done", pairs);
    assert_in_range(line.len, 1, LOG_LINE_BYTES_MAX);
    assert_int_equal(line.text[line.len - 1], '\n');
    line.text[line.len - 1] = '\0';
    return line.text;
}

static void test_logfmt_is_the_pairs_behind_the_head(void **state)
{
    (void)state;
    assert_string_equal(build(&logfmt, "a=1 b=\"two words\""),
                        "1970-01-01T00:00:00.000Z info worker step_done a=1 b=\"two words\"");
    assert_string_equal(build(&logfmt, ""), "1970-01-01T00:00:00.000Z info worker step_done");
}

static void test_a_value_cannot_begin_a_new_line(void **state)
{
    (void)state;
    assert_string_equal(build(&logfmt, "a=x\n1970 error fake"),
                        "1970-01-01T00:00:00.000Z info worker step_done a=x 1970 error fake");
}

#define JSON_HEAD                                                                                  \
    "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"info\",\"role\":\"worker\","               \
    "\"event\":\"step_done\""

static void test_json_has_numbers_texts_and_words(void **state)
{
    (void)state;
    assert_string_equal(
        build(&json, "n=-12 f=0.5 z=007 ok=true id=\"12\" t=a.b big=1234567890123456 x"),
        JSON_HEAD ",\"n\":-12,\"f\":0.5,\"z\":\"007\",\"ok\":true,\"id\":\"12\",\"t\":\"a.b\","
                  "\"big\":\"1234567890123456\",\"x\":true}");
    assert_string_equal(build(&json, "p=1. q=- r="),
                        JSON_HEAD ",\"p\":\"1.\",\"q\":\"-\",\"r\":\"\"}");
}

static void test_json_keeps_the_escapes_of_quoted_values(void **state)
{
    (void)state;
    struct buf pairs = {0};
    buf_addf(&pairs, "error=%s path=%s", log_quote("say \"hi\"\n\\"), log_quote("a\\b"));
    assert_string_equal(build(&json, buf_cstr(&pairs)),
                        JSON_HEAD ",\"error\":\"say \\\"hi\\\"\\n\\\\\",\"path\":\"a\\\\b\"}");
    buf_free(&pairs);
}

static void test_json_stays_valid_whatever_the_pairs_hold(void **state)
{
    (void)state;
    assert_string_equal(build(&json, "a=b\"c\\d e=\xff f=\"\\q\x01\\"),
                        JSON_HEAD ",\"a\":\"b\\\"c\\\\d\",\"e\":\"\\ufffd\",\"f\":\"\\\\q \\\\\"}");
}

static void test_a_line_too_long_is_cut_and_marked(void **state)
{
    (void)state;
    char pairs[6000];
    memset(pairs, 'x', sizeof pairs);
    pairs[sizeof pairs - 1] = '\0';
    const char *line = build(&logfmt, pairs);
    assert_int_equal(strlen(line), LOG_LINE_BYTES_MAX - 1);
    assert_string_equal(line + strlen(line) - 4, "x...");
}

static void test_json_leaves_out_the_pairs_that_do_not_fit(void **state)
{
    (void)state;
    char pairs[6000];
    int len = snprintf(pairs, sizeof pairs, "small=1 large=");
    memset(pairs + len, 'x', 5000);
    pairs[len + 5000] = '\0';
    assert_string_equal(build(&json, pairs), JSON_HEAD ",\"small\":1}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logfmt_is_the_pairs_behind_the_head),
        cmocka_unit_test(test_a_value_cannot_begin_a_new_line),
        cmocka_unit_test(test_json_has_numbers_texts_and_words),
        cmocka_unit_test(test_json_keeps_the_escapes_of_quoted_values),
        cmocka_unit_test(test_json_stays_valid_whatever_the_pairs_hold),
        cmocka_unit_test(test_a_line_too_long_is_cut_and_marked),
        cmocka_unit_test(test_json_leaves_out_the_pairs_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
