#include "model/pipeline.h"

#include "model/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct pipeline *parsed(const char *text)
{
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    if (pipeline_parse(bytes_str(text), &p, &fault) != ERR_OK) {
        fail_msg("%s: %s %s", text, fault.pointer, fault.detail);
    }
    return p;
}

static void test_all_fields_are_read(void **state)
{
    (void)state;
    struct pipeline *p =
        parsed("{\"name\":\"full\",\"description\":\"All of it\",\"steps\":["
               "{\"name\":\"a\",\"function\":\"menu.extract\",\"description\":\"caf\\u00e9\","
               "\"timeout\":1.5,\"retryable\":false,\"max_retries\":7,\"needs\":[],"
               "\"input\":{ \"x\" : [ 1 ] }}]}");
    const struct pipeline_step *s = &p->steps[0];
    assert_string_equal(p->name, "full");
    assert_string_equal(p->description, "All of it");
    assert_int_equal(p->version, 0);
    assert_int_equal(p->step_count, 1);
    assert_string_equal(s->name, "a");
    assert_string_equal(s->function, "menu.extract");
    assert_string_equal(s->description, "caf\xc3\xa9");
    assert_int_equal(s->timeout_ms, 1500);
    assert_false(s->retryable);
    assert_int_equal(s->max_retries, 7);
    assert_true(bytes_is(s->input, "{\"x\":[1]}"));
    pipeline_unref(p);
}

static void test_absent_fields_have_their_defaults(void **state)
{
    (void)state;
    struct pipeline *p = parsed("[{\"function\":\"echo\"}]");
    const struct pipeline_step *s = &p->steps[0];
    assert_string_equal(p->name, "");
    assert_string_equal(p->description, "");
    assert_string_equal(s->name, "echo");
    assert_string_equal(s->description, "");
    assert_int_equal(s->timeout_ms, 600000);
    assert_true(s->retryable);
    assert_int_equal(s->max_retries, -1);
    assert_int_equal(s->input.len, 0);
    pipeline_unref(p);
}

static void test_the_smallest_and_largest_values(void **state)
{
    (void)state;
    struct pipeline *p = parsed(
        "[{\"name\":\"a\",\"function\":\"f\",\"timeout\":0.001,\"max_retries\":0},"
        "{\"name\":\"b\",\"function\":\"f\",\"timeout\":604800,\"max_retries\":100,\"input\":{}}]");
    assert_int_equal(p->steps[0].timeout_ms, 1);
    assert_int_equal(p->steps[0].max_retries, 0);
    assert_int_equal(p->steps[1].timeout_ms, 604800000);
    assert_int_equal(p->steps[1].max_retries, 100);
    assert_true(bytes_is(p->steps[1].input, "{}"));
    pipeline_unref(p);
}

struct bad_case {
    const char *text;
    const char *pointer;
    const char *detail;
};

#define RULE  "it must be a string of 1 to 128 of the characters A-Z a-z 0-9 _ . : -"
#define NAMED "{\"name\":\"p\",\"steps\":"
#define STEP  "{\"name\":\"a\",\"function\":\"f\""

static const struct bad_case bad_cases[] = {
    /* the definition as a whole */
    {"", "", "not valid JSON at line 1, column 1: expected a value"},
    {"{\"name\":\n 'x'}", "", "not valid JSON at line 2, column 2: expected a value"},
    {"{\"name\":\"a\",\"name\":\"b\",\"steps\":[]}", "",
     "not valid JSON at line 1, column 19: duplicate object key near '\"name\"'"},
    {"null", "", "a definition must be a pipeline object or an array of steps, not null"},
    {"\"steps\"", "", "a definition must be a pipeline object or an array of steps, not a string"},
    {"7", "", "a definition must be a pipeline object or an array of steps, not a number"},
    {"true", "", "a definition must be a pipeline object or an array of steps, not true or false"},
    {"[]", "", "steps must be an array of 1 to 5000 steps, not an empty one"},
    {"{}", "", "name is missing: " RULE},
    {"{\"steps\":[" STEP "}]}", "", "name is missing: " RULE},
    {"{\"name\":\"p\"}", "", "steps is missing: it must be an array of steps"},
    {NAMED "[]}", "/steps", "steps must be an array of 1 to 5000 steps, not an empty one"},
    {NAMED "{}}", "/steps", "steps must be an array of 1 to 5000 steps, not an object"},
    {NAMED "null}", "/steps", "steps must be an array of 1 to 5000 steps, not null"},
    {NAMED "\"a\"}", "/steps", "steps must be an array of 1 to 5000 steps, not a string"},
    {"{\"name\":1,\"steps\":[]}", "/name", "not the name of a pipeline: " RULE},
    {"{\"name\":\"\",\"steps\":[]}", "/name", "not the name of a pipeline: " RULE},
    {"{\"name\":\"a b\",\"steps\":[]}", "/name", "not the name of a pipeline: " RULE},
    {"{\"name\":\"a/b\",\"steps\":[]}", "/name", "not the name of a pipeline: " RULE},
    {"{\"name\":\"a\\u0000\",\"steps\":[]}", "/name", "not the name of a pipeline: " RULE},
    {"{\"name\":\"p\",\"description\":5,\"steps\":[]}", "/description",
     "description must be a string"},
    {"{\"name\":\"p\",\"description\":\"x\\u0000y\",\"steps\":[]}", "/description",
     "description must not contain U+0000"},
    {"{\"name\":\"p\",\"Steps\":[]}", "/Steps",
     "unknown field \"Steps\"; a pipeline has name, description, priority, concurrency, "
     "rate_limit, requires, budget and steps"},
    {"{\"name\":\"p\",\"a/b~c\":1,\"steps\":[]}", "/a~1b~0c",
     "unknown field \"a/b~c\"; a pipeline has name, description, priority, concurrency, "
     "rate_limit, requires, budget and steps"},
    /* a step */
    {NAMED "[" STEP "},5]}", "/steps/1", "a step must be an object, not a number"},
    {"[[]]", "/0", "a step must be an object, not an array"},
    {"[null]", "/0", "a step must be an object, not null"},
    {NAMED "[{\"function\":\"f\"}]}", "/steps/0", "name is missing: " RULE},
    {NAMED "[{\"name\":\"a\"}]}", "/steps/0", "function is missing: " RULE},
    {"[{}]", "/0", "function is missing: " RULE},
    {"[{\"name\":\"a\",\"function\":null}]", "/0/function", "not the name of a function: " RULE},
    {"[{\"name\":\"a\",\"function\":\"rm -rf\"}]", "/0/function",
     "not the name of a function: " RULE},
    {"[{\"name\":null,\"function\":\"f\"}]", "/0/name", "not the name of a step: " RULE},
    {"[{\"name\":\"caf\xc3\xa9\",\"function\":\"f\"}]", "/0/name", "not the name of a step: " RULE},
    {NAMED "[" STEP "}," STEP "}]}", "/steps/1/name",
     "duplicate name \"a\", which step_0 has already; names must be unique"},
    {"[{\"function\":\"f\"},{\"function\":\"f\"}]", "/1",
     "without a name it gets that of its function, \"f\", which step_0 has already; names must be "
     "unique"},
    {"[" STEP ",\"description\":[]}]", "/0/description", "description must be a string"},
    {"[" STEP ",\"timeout\":0}]", "/0/timeout",
     "timeout must be a number of seconds from 0.001 to 604800"},
    {"[" STEP ",\"timeout\":-1}]", "/0/timeout",
     "timeout must be a number of seconds from 0.001 to 604800"},
    {"[" STEP ",\"timeout\":1e-9}]", "/0/timeout",
     "timeout must be a number of seconds from 0.001 to 604800"},
    {"[" STEP ",\"timeout\":604800.1}]", "/0/timeout",
     "timeout must be a number of seconds from 0.001 to 604800"},
    {"[" STEP ",\"timeout\":\"60\"}]", "/0/timeout",
     "timeout must be a number of seconds from 0.001 to 604800"},
    {"[" STEP ",\"timeout\":null}]", "/0/timeout",
     "timeout must be a number of seconds from 0.001 to 604800"},
    {"[" STEP ",\"retryable\":1}]", "/0/retryable",
     "retryable must be true or false, not a number"},
    {"[" STEP ",\"retryable\":\"yes\"}]", "/0/retryable",
     "retryable must be true or false, not a string"},
    {"[" STEP ",\"max_retries\":-1}]", "/0/max_retries",
     "max_retries must be a whole number from 0 to 100"},
    {"[" STEP ",\"max_retries\":101}]", "/0/max_retries",
     "max_retries must be a whole number from 0 to 100"},
    {"[" STEP ",\"max_retries\":1.5}]", "/0/max_retries",
     "max_retries must be a whole number from 0 to 100"},
    {"[" STEP ",\"max_retries\":\"3\"}]", "/0/max_retries",
     "max_retries must be a whole number from 0 to 100"},
    {"[" STEP ",\"input\":[]}]", "/0/input", "input must be an object, not an array"},
    {"[" STEP ",\"input\":null}]", "/0/input", "input must be an object, not null"},
};

static void test_bad_definitions_are_told_with_pointer_and_detail(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
        const struct bad_case *bad = &bad_cases[i];
        struct pipeline *p = NULL;
        struct pipeline_fault fault;
        if (pipeline_parse(bytes_str(bad->text), &p, &fault) != ERR_INVALID) {
            fail_msg("accepted: %s", bad->text);
        }
        assert_null(p);
        if (strcmp(fault.pointer, bad->pointer) != 0 || strcmp(fault.detail, bad->detail) != 0) {
            fail_msg("%s: told %s %s", bad->text, fault.pointer, fault.detail);
        }
    }
}

static void expect_too_large(struct buf *text, const char *pointer, const char *detail)
{
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    assert_int_equal(pipeline_parse(buf_bytes(text), &p, &fault), ERR_TOO_LARGE);
    assert_string_equal(fault.pointer, pointer);
    assert_string_equal(fault.detail, detail);
    buf_free(text);
}

static void add_repeated(struct buf *text, char c, size_t count)
{
    memset(buf_extend(text, count), c, count);
}

static void test_5000_steps_are_allowed_and_5001_are_not(void **state)
{
    (void)state;
    struct pipeline_fault fault;
    struct pipeline *p;
    struct buf text = {0};
    buf_add_str(&text, NAMED "[");
    for (int i = 0; i < 5000; i++) {
        buf_addf(&text, "%s{\"name\":\"s%d\",\"function\":\"f\"}", i > 0 ? "," : "", i);
    }
    size_t len = text.len;
    buf_add_str(&text, "]}");
    assert_int_equal(pipeline_parse(buf_bytes(&text), &p, &fault), ERR_OK);
    assert_int_equal(p->step_count, 5000);
    pipeline_unref(p);
    text.len = len;
    buf_add_str(&text, ",{\"name\":\"last\",\"function\":\"f\"}]}");
    expect_too_large(&text, "/steps", "steps has 5001 entries, at most 5000 are allowed");
}

static void test_over_long_texts(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_add_str(&text, "{\"name\":\"p\",\"description\":\"");
    add_repeated(&text, 'x', DESCRIPTION_BYTES_MAX + 1);
    buf_add_str(&text, "\",\"steps\":[" STEP "}]}");
    expect_too_large(&text, "/description", "description is longer than 1024 bytes");

    buf_add_str(&text, "[" STEP ",\"description\":\"");
    add_repeated(&text, 'x', DESCRIPTION_BYTES_MAX + 1);
    buf_add_str(&text, "\"}]");
    expect_too_large(&text, "/0/description", "description is longer than 1024 bytes");

    buf_add_str(&text, "[" STEP ",\"input\":{\"x\":\"");
    add_repeated(&text, 'x', INPUT_BYTES_MAX);
    buf_add_str(&text, "\"}}]");
    expect_too_large(&text, "/0/input",
                     "input is larger than 262144 bytes; put larger data in files");
}

static void test_names_of_128_bytes_are_allowed_and_129_are_not(void **state)
{
    (void)state;
    for (size_t len = 128; len <= 129; len++) {
        struct pipeline *p = NULL;
        struct pipeline_fault fault;
        struct buf text = {0};
        buf_add_str(&text, "[{\"function\":\"");
        add_repeated(&text, 'x', len);
        buf_add_str(&text, "\"}]");
        assert_int_equal(pipeline_parse(buf_bytes(&text), &p, &fault),
                         len == 128 ? ERR_OK : ERR_INVALID);
        pipeline_unref(p);
        buf_free(&text);
    }
}

static void test_a_definition_that_would_not_fit_a_frame(void **state)
{
    (void)state;
    struct buf text = {0};
    for (int i = 0; i < 16; i++) {
        buf_addf(&text, "%s{\"name\":\"s%d\",\"function\":\"f\",\"input\":{\"x\":\"",
                 i > 0 ? "," : "[", i);
        add_repeated(&text, 'x', INPUT_BYTES_MAX - 100);
        buf_add_str(&text, "\"}}");
    }
    buf_add_char(&text, ']');
    expect_too_large(&text, "", "the definition is larger than 3145728 bytes");
}

static void test_an_unknown_field_is_told_with_those_there_are(void **state)
{
    (void)state;
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    assert_int_equal(pipeline_parse(BYTES_LIT(NAMED "[" STEP ",\"timeuot\":1}]}"), &p, &fault),
                     ERR_INVALID);
    assert_string_equal(fault.pointer, "/steps/0/timeuot");
    const char *begins = "unknown field \"timeuot\"; a step has name, function, description, ";
    assert_memory_equal(fault.detail, begins, strlen(begins));
    const char *last = strstr(fault.detail, " and "); /* the list is whole */
    assert_non_null(last);
    assert_true(strlen(last) > strlen(" and "));
}

static void test_a_long_unknown_field_is_cut_in_the_fault(void **state)
{
    (void)state;
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    struct buf text = {0};
    buf_add_str(&text, "[" STEP ",\"");
    add_repeated(&text, '~', 1000);
    buf_add_str(&text, "\":1}]");
    assert_int_equal(pipeline_parse(buf_bytes(&text), &p, &fault), ERR_INVALID);
    assert_memory_equal(fault.pointer, "/0/~0~0", 7);
    assert_true(strlen(fault.pointer) < 110);
    assert_non_null(strstr(fault.detail, "\"; a step has name, "));
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_fields_are_read),
        cmocka_unit_test(test_absent_fields_have_their_defaults),
        cmocka_unit_test(test_the_smallest_and_largest_values),
        cmocka_unit_test(test_bad_definitions_are_told_with_pointer_and_detail),
        cmocka_unit_test(test_5000_steps_are_allowed_and_5001_are_not),
        cmocka_unit_test(test_over_long_texts),
        cmocka_unit_test(test_names_of_128_bytes_are_allowed_and_129_are_not),
        cmocka_unit_test(test_a_definition_that_would_not_fit_a_frame),
        cmocka_unit_test(test_an_unknown_field_is_told_with_those_there_are),
        cmocka_unit_test(test_a_long_unknown_field_is_cut_in_the_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
