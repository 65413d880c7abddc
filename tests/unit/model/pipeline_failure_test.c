/* on_failure and finally in definitions: read, refused, written. */
#include "model/limits.h"
#include "refused.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define A "{\"name\":\"a\",\"function\":\"f\""
#define Z "{\"name\":\"z\",\"function\":\"f\",\"finally\":true"

#define RULE                                                                                       \
    "on_failure must be \"fail\" (the task fails; the default), \"skip\" (what depends on the "    \
    "step is skipped) or {\"continue\": <the result to go on with>}"

static const struct refused bad_cases[] = {
    {"[" A ",\"on_failure\":\"retry\"}]", "/0/on_failure", RULE},
    {"[" A ",\"on_failure\":null}]", "/0/on_failure", RULE},
    {"[" A ",\"on_failure\":true}]", "/0/on_failure", RULE},
    {"[" A ",\"on_failure\":[\"skip\"]}]", "/0/on_failure", RULE},
    {"[" A ",\"on_failure\":{}}]", "/0/on_failure", RULE},
    {"[" A ",\"on_failure\":{\"result\":1}}]", "/0/on_failure", RULE},
    {"[" A ",\"on_failure\":{\"continue\":1,\"skip\":true}}]", "/0/on_failure", RULE},
    {"[" A "}," Z ",\"finally\":1}]", "",
     "not valid JSON at line 1, column 81: duplicate object key near '\"finally\"'"},
    {"[" A ",\"finally\":\"yes\"}]", "/0/finally", "finally must be true or false, not a string"},
    {"[" Z "}]", "/0/finally",
     "a finally step runs after all other steps, and there are none before it"},
    {"[" A "}," Z ",\"needs\":[\"a\"]}]", "/1/needs",
     "a finally step cannot have needs: it runs after all other steps"},
    {"[" A "}," Z ",\"needs\":[]}]", "/1/needs",
     "a finally step cannot have needs: it runs after all other steps"},
    {"[" A "}," Z "},{\"name\":\"b\",\"function\":\"f\"}]", "/2",
     "it comes after \"z\", which is a finally step: these must be last in the list"},
    {"[" A ",\"needs\":[\"z\"]}," Z "}]", "/0/needs/0",
     "a finally step runs last, so no step can need \"z\""},
};

static void test_bad_ones_are_told_with_pointer_and_detail(void **state)
{
    (void)state;
    assert_refused(bad_cases, sizeof bad_cases / sizeof bad_cases[0]);
}

static void test_they_are_read_and_written_again(void **state)
{
    (void)state;
    struct pipeline *p = NULL, *again = NULL;
    struct pipeline_fault fault;
    assert_int_equal(
        pipeline_parse(BYTES_LIT("[" A ",\"on_failure\":{ \"continue\" : [ 1 ] },\"input\":{}},"
                                 "{\"name\":\"b\",\"function\":\"f\",\"on_failure\":\"skip\"},"
                                 "{\"name\":\"c\",\"function\":\"f\",\"on_failure\":\"fail\"}," Z
                                 "},{\"name\":\"y\",\"function\":\"f\",\"finally\":true}]"),
                       &p, &fault),
        ERR_OK);
    assert_int_equal(pipeline_parse(p->source, &again, &fault), ERR_OK);
    assert_true(bytes_eq(p->source, again->source));
    for (const struct pipeline *q = p;; q = again) {
        assert_int_equal(q->steps[0].on_failure, ON_FAILURE_CONTINUE);
        assert_true(bytes_is(q->steps[0].failure_result, "[1]"));
        assert_true(bytes_is(q->steps[0].input, "{}"));
        assert_int_equal(q->steps[1].on_failure, ON_FAILURE_SKIP);
        assert_int_equal(q->steps[2].on_failure, ON_FAILURE_FAIL);
        assert_true(q->steps[3].finally && q->steps[4].finally && !q->steps[2].finally);
        assert_int_equal(q->steps[3].needs_count, 3); /* all that are none */
        assert_int_equal(q->steps[4].needs_count, 3);
        assert_int_equal(q->steps[0].feeds_count, 3);
        if (q == again) {
            break;
        }
    }
    pipeline_unref(p);
    pipeline_unref(again);
}

static void test_16_finally_steps_are_allowed_and_17_are_not(void **state)
{
    (void)state;
    struct buf text = {0};
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    buf_add_str(&text, "[" A "}");
    for (int i = 0; i < 16; i++) {
        buf_addf(&text, ",{\"name\":\"z%d\",\"function\":\"f\",\"finally\":true}", i);
    }
    size_t len = text.len;
    buf_add_char(&text, ']');
    assert_int_equal(pipeline_parse(buf_bytes(&text), &p, &fault), ERR_OK);
    pipeline_unref(p);
    text.len = len;
    buf_add_str(&text, "," Z "}]");
    assert_int_equal(pipeline_parse(buf_bytes(&text), &p, &fault), ERR_TOO_LARGE);
    assert_string_equal(fault.pointer, "/17/finally");
    assert_string_equal(fault.detail, "more than 16 finally steps");
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_ones_are_told_with_pointer_and_detail),
        cmocka_unit_test(test_they_are_read_and_written_again),
        cmocka_unit_test(test_16_finally_steps_are_allowed_and_17_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
