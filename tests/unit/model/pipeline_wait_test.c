#include "model/limits.h"
#include "model/pipeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WAIT_RULE                                                                                  \
    "wait must be {\"signal\": name, \"timeout\"?: seconds, \"default\"?: result}, {\"seconds\": " \
    "number} or {\"until\": \"2026-02-02T18:30:00Z\"}; a time may be an expression, \"${...}\""

static struct pipeline *parsed(const char *text)
{
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    if (pipeline_parse(bytes_str(text), &p, &fault) != ERR_OK) {
        fail_msg("%s: %s %s", text, fault.pointer, fault.detail);
    }
    return p;
}

static void test_all_kinds_of_waits_are_read_and_written(void **state)
{
    (void)state;
    static const char text[] =
        "[{\"name\":\"ok\",\"wait\":{\"signal\":\"approve\",\"timeout\":1.5,\"default\":{\"ok\":"
        "null}},"
        "\"needs\":[]},"
        "{\"name\":\"s\",\"wait\":{\"seconds\":172800},\"needs\":[\"ok\"]},"
        "{\"name\":\"u\",\"wait\":{\"until\":\"2026-02-02T18:30:00.000Z\"},\"needs\":[\"s\"]},"
        "{\"name\":\"e\",\"wait\":{\"signal\":\"approve\"},\"needs\":[\"u\"]}]";
    struct pipeline *p = parsed(text);
    assert_int_equal(p->wait_count, 4);
    const struct pipeline_step *s = p->steps;
    assert_int_equal(s[0].wait.kind, WAIT_SIGNAL);
    assert_string_equal(s[0].wait.signal, "approve");
    assert_int_equal(s[0].wait.ms, 1500);
    assert_true(bytes_is(s[0].wait.fallback, "{\"ok\":null}"));
    assert_string_equal(s[0].function, "");
    assert_int_equal(s[1].wait.kind, WAIT_SECONDS);
    assert_int_equal(s[1].wait.ms, 172800000);
    assert_int_equal(s[2].wait.kind, WAIT_UNTIL);
    assert_int_equal(s[2].wait.until, 1770057000000);
    assert_int_equal(s[3].wait.ms, 0);
    assert_int_equal(s[3].wait.fallback.len, 0);
    assert_true(bytes_is(p->source, text));
    pipeline_unref(p);
}

static void test_times_may_be_expressions(void **state)
{
    (void)state;
    static const char text[] =
        "[{\"name\":\"s\",\"wait\":{\"seconds\":\"${input.n * 60}\"},\"needs\":[]},"
        "{\"name\":\"u\",\"wait\":{\"until\":\"${steps.s.status == \\\"x\\\" ? input.a : "
        "input.b}\"},\"needs\":[\"s\"]},"
        "{\"name\":\"e\",\"wait\":{\"signal\":\"go\",\"timeout\":\"${input.n}\",\"default\":1},"
        "\"needs\":[\"u\"]}]";
    struct pipeline *p = parsed(text);
    for (uint32_t i = 0; i < 3; i++) {
        assert_non_null(p->steps[i].wait.end);
        assert_true(p->steps[i].resolves);
    }
    assert_int_equal(p->steps[1].wait.end->refs[0].step_index, 0);
    assert_true(bytes_is(p->source, text));
    pipeline_unref(p);
}

static void test_a_default_of_null_is_a_default(void **state)
{
    (void)state;
    struct pipeline *p =
        parsed("[{\"name\":\"ok\",\"wait\":{\"signal\":\"a\",\"timeout\":1,\"default\":null}}]");
    assert_true(bytes_is(p->steps[0].wait.fallback, "null"));
    pipeline_unref(p);
}

static void test_bad_waits_are_refused_with_the_spot_and_what_is_right(void **state)
{
    (void)state;
    static const struct {
        const char *step, *pointer, *detail;
    } cases[] = {
        {"\"wait\":5", "/0/wait", WAIT_RULE},
        {"\"wait\":{}", "/0/wait", WAIT_RULE},
        {"\"wait\":null", "/0/wait", WAIT_RULE},
        {"\"wait\":{\"signal\":\"a\",\"seconds\":1}", "/0/wait", WAIT_RULE},
        {"\"wait\":{\"seconds\":1,\"until\":\"2026-02-02T18:30:00Z\"}", "/0/wait", WAIT_RULE},
        {"\"wait\":{\"seconds\":1,\"timeout\":1}", "/0/wait", WAIT_RULE},
        {"\"wait\":{\"until\":\"2026-02-02T18:30:00Z\",\"default\":1}", "/0/wait", WAIT_RULE},
        {"\"wait\":{\"for\":1}", "/0/wait/for", "unknown field \"for\"; " WAIT_RULE},
        {"\"wait\":{\"signal\":\"a b\"}", "/0/wait/signal",
         "the name of a signal must be a string of 1 to 128 of the characters A-Z a-z 0-9 _ . : -"},
        {"\"wait\":{\"signal\":7}", "/0/wait/signal",
         "the name of a signal must be a string of 1 to 128 of the characters A-Z a-z 0-9 _ . : -"},
        {"\"wait\":{\"signal\":\"a\",\"timeout\":0}", "/0/wait/timeout",
         "timeout must be a number of seconds from 0.001 to 31536000 (a year)"},
        {"\"wait\":{\"signal\":\"a\",\"timeout\":\"1h\"}", "/0/wait/timeout",
         "timeout must be a number of seconds from 0.001 to 31536000 (a year)"},
        {"\"wait\":{\"signal\":\"a\",\"default\":1}", "/0/wait/default",
         "default is the result after the timeout: it needs a timeout"},
        {"\"wait\":{\"seconds\":-1}", "/0/wait/seconds",
         "seconds must be a number from 0 to 31536000 (a year)"},
        {"\"wait\":{\"seconds\":31536001}", "/0/wait/seconds",
         "seconds must be a number from 0 to 31536000 (a year)"},
        {"\"wait\":{\"until\":\"tomorrow\"}", "/0/wait/until",
         "until must be a time as in RFC 3339: \"2026-02-02T18:30:00Z\""},
        {"\"wait\":{\"until\":5}", "/0/wait/until",
         "until must be a time as in RFC 3339: \"2026-02-02T18:30:00Z\""},
        {"\"wait\":{\"seconds\":1},\"function\":\"f\"", "/0/function",
         "a step that waits runs no function: it cannot have function"},
        {"\"wait\":{\"seconds\":1},\"timeout\":5", "/0/timeout",
         "a step that waits runs no function: it cannot have timeout"},
        {"\"wait\":{\"seconds\":1},\"max_retries\":5", "/0/max_retries",
         "a step that waits runs no function: it cannot have max_retries"},
        {"\"wait\":{\"seconds\":1},\"retryable\":true", "/0/retryable",
         "a step that waits runs no function: it cannot have retryable"},
        {"\"wait\":{\"seconds\":1},\"input\":{}", "/0/input",
         "a step that waits runs no function: it cannot have input"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf text = {0};
        struct pipeline *p = NULL;
        struct pipeline_fault fault = {0};
        buf_addf(&text, "[{\"name\":\"w\",%s}]", cases[i].step);
        assert_int_equal(pipeline_parse(buf_bytes(&text), &p, &fault), ERR_INVALID);
        assert_string_equal(fault.pointer, cases[i].pointer);
        assert_string_equal(fault.detail, cases[i].detail);
        buf_free(&text);
    }
}

static void test_a_wait_needs_a_name(void **state)
{
    (void)state;
    struct pipeline *p = NULL;
    struct pipeline_fault fault = {0};
    assert_int_equal(pipeline_parse(BYTES_LIT("[{\"wait\":{\"seconds\":1}}]"), &p, &fault),
                     ERR_INVALID);
    assert_string_equal(fault.pointer, "/0");
    assert_string_equal(
        fault.detail,
        "name is missing: it must be a string of 1 to 128 of the characters A-Z a-z 0-9 _ . : -");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_kinds_of_waits_are_read_and_written),
        cmocka_unit_test(test_a_default_of_null_is_a_default),
        cmocka_unit_test(test_bad_waits_are_refused_with_the_spot_and_what_is_right),
        cmocka_unit_test(test_a_wait_needs_a_name),
        cmocka_unit_test(test_times_may_be_expressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
