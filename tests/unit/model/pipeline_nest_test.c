/* Steps that are pipelines: the graph that comes of them, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model/pipeline.h"

#define F(name, more) "{\"name\":\"" name "\",\"function\":\"f\"" more "}"
#define WITHIN(steps) "{\"name\":\"p\",\"pipeline\":{\"steps\":[" steps "]}}"

static struct pipeline *parsed(const char *text)
{
    struct pipeline *p = NULL;
    struct pipeline_fault fault = {.detail = ""};
    if (pipeline_parse(bytes_str(text), &p, &fault) != ERR_OK) {
        fail_msg("%s: %s", fault.pointer, fault.detail);
    }
    return p;
}

static void assert_needs(const struct pipeline *p, uint32_t step, const char *names)
{
    struct buf b = {0};
    for (uint32_t i = 0; i < p->steps[step].needs_count; i++) {
        buf_addf(&b, "%s%s", i > 0 ? " " : "", p->steps[p->steps[step].needs[i]].name);
    }
    assert_string_equal(buf_cstr(&b), names);
    buf_free(&b);
}

static void test_the_steps_of_a_pipeline_stand_before_it(void **state)
{
    (void)state;
    struct pipeline *p = parsed("[" F("a", "") "," WITHIN(
        F("x", "") "," F("y", "") "," F("z", ",\"needs\":[\"x\"]")) "," F("b", "") "]");
    assert_int_equal(p->step_count, 6);
    assert_string_equal(p->steps[1].name, "p/x");
    assert_string_equal(p->steps[4].name, "p");
    assert_needs(p, 1, "a");
    assert_needs(p, 2, "p/x");
    assert_needs(p, 3, "p/x");
    assert_needs(p, 4, "p/y p/z");
    assert_needs(p, 5, "p");
    assert_int_equal(p->named_count, 0);
    assert_int_equal(pipeline_find(p, BYTES_LIT("p/y")), 2);
    struct pipeline *again = parsed((const char *)p->source.ptr);
    assert_true(bytes_eq(p->source, again->source));
    assert_needs(again, 1, "a");
    pipeline_unref(p);
    pipeline_unref(again);
}

static void test_what_is_needed_around_reaches_the_innermost(void **state)
{
    (void)state;
    struct pipeline *p =
        parsed("[" F("a", "") "," WITHIN(WITHIN(F("x", "")) "," F("y", ",\"needs\":[]")) "]");
    assert_string_equal(p->steps[1].name, "p/p/x");
    assert_needs(p, 1, "a");
    assert_needs(p, 2, "p/p/x");
    assert_needs(p, 3, "a");
    assert_needs(p, 4, "p/p p/y");
    pipeline_unref(p);
}

static void test_a_named_pipeline_is_kept_by_name(void **state)
{
    (void)state;
    struct pipeline *p = parsed("[{\"name\":\"a\",\"pipeline\":\"other\"}]");
    assert_int_equal(p->named_count, 1);
    assert_int_equal(p->step_count, 1);
    assert_string_equal(p->steps[0].pipeline, "other");
    struct pipeline *again = parsed((const char *)p->source.ptr);
    assert_int_equal(again->named_count, 1);
    pipeline_unref(p);
    pipeline_unref(again);
}

static void test_a_condition_around_is_asked_by_each(void **state)
{
    (void)state;
    struct pipeline *p = parsed(
        "[{\"name\":\"p\",\"when\":\"input.go\",\"pipeline\":{\"steps\":[" F("x", "") "]}}]");
    assert_true(p->steps[0].resolves);
    pipeline_unref(p);
}

struct bad_case {
    const char *text;
    const char *pointer;
    const char *detail;
};

#define RULE "pipeline must be the name of a stored pipeline, or an inline one: {\"steps\": [...]}"

static const struct bad_case bad_cases[] = {
    {"[{\"name\":\"a\",\"pipeline\":5}]", "/0/pipeline", RULE},
    {"[{\"name\":\"a\",\"pipeline\":null}]", "/0/pipeline", RULE},
    {"[{\"name\":\"a\",\"pipeline\":\"no name\"}]", "/0/pipeline", RULE},
    {"[{\"name\":\"a\",\"pipeline\":[]}]", "/0/pipeline", RULE},
    {"[{\"name\":\"a\",\"pipeline\":{}}]", "/0/pipeline", RULE},
    {"[{\"name\":\"a\",\"pipeline\":{\"steps\":[]}}]", "/0/pipeline", RULE},
    {"[{\"name\":\"a\",\"pipeline\":{\"steps\":[" F("x", "") "],\"more\":1}}]", "/0/pipeline",
     RULE},
    {"[{\"name\":\"a\",\"pipeline\":{\"version\":-1,\"steps\":[" F("x", "") "]}}]", "/0/pipeline",
     RULE},
    {"[" F("a", ",\"pipeline\":\"b\"") "]", "/0/function",
     "a step that is a pipeline cannot have function: the steps inside it can"},
    {"[{\"name\":\"a\",\"pipeline\":\"b\",\"timeout\":5}]", "/0/timeout",
     "a step that is a pipeline cannot have timeout: the steps inside it can"},
    {"[" F("a", "") ",{\"name\":\"b\",\"pipeline\":\"c\",\"finally\":true}]", "/1/finally",
     "a step that is a pipeline cannot have finally: the steps inside it can"},
    {"[" WITHIN(F("x", "") "," F("x", "")) "]", "/0/pipeline/steps/1/name",
     "duplicate name \"p/x\", which step_0 has already; names must be unique"},
    {"[" WITHIN(F("x", ",\"timeout\":0")) "]", "/0/pipeline/steps/0/timeout",
     "timeout must be a number of seconds from 0.001 to 604800"},
    {"[" F("a", "") "," WITHIN(F("x", ",\"needs\":[\"a\"]")) "]", "/1/pipeline/steps/0/needs/0",
     "there is no step named \"a\""},
    {"[" F("a", "") "," WITHIN(F("x", ",\"when\":\"steps.a.result\"")) "]",
     "/1/pipeline/steps/0/when", "there is no step of this name\n  steps.a.result\n        ^"},
    {"[" WITHIN(F("x", "")) "," F("b", ",\"when\":\"steps.x.result\"") "]", "/1/when",
     "there is no step of this name\n  steps.x.result\n        ^"},
    {"[" WITHIN(F("x", "") "," F("y", ",\"finally\":true")) "]", "/0/pipeline/steps/1/finally",
     "a pipeline that is a step of another one cannot have finally steps"},
    {"[" WITHIN(F("x", ",\"needs\":[\"y\"]") "," F("y", ",\"needs\":[\"x\"]")) "]",
     "/0/pipeline/steps/0/needs", "the steps need each other in a cycle: p/x needs p/y needs p/x"},
    {"[" WITHIN(WITHIN(WITHIN(WITHIN(WITHIN(WITHIN(WITHIN(WITHIN(WITHIN(F("x", "")))))))))) "]",
     "/0/pipeline/steps/0/pipeline/steps/0/pipeline/steps/0/pipeline/steps/0/pipeline/steps/0/"
     "pipeline/steps/0/pipeline/steps/0/pipeline/steps/0/pipeline",
     "pipelines are nested in pipelines more than 8 levels deep"},
};

static void test_bad_pipelines_within_are_told_with_pointer_and_detail(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
        const struct bad_case *bad = &bad_cases[i];
        struct pipeline *p = NULL;
        struct pipeline_fault fault = {.detail = ""};
        if (pipeline_parse(bytes_str(bad->text), &p, &fault) == ERR_OK) {
            fail_msg("accepted: %s", bad->text);
        }
        assert_string_equal(fault.detail, bad->detail);
        assert_string_equal(fault.pointer, bad->pointer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_steps_of_a_pipeline_stand_before_it),
        cmocka_unit_test(test_what_is_needed_around_reaches_the_innermost),
        cmocka_unit_test(test_a_named_pipeline_is_kept_by_name),
        cmocka_unit_test(test_a_condition_around_is_asked_by_each),
        cmocka_unit_test(test_bad_pipelines_within_are_told_with_pointer_and_detail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
