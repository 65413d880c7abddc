/* Priority and labels in definitions: read, refused, written. */
#include "refused.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define A        "{\"name\":\"a\",\"function\":\"f\""
#define TOP(...) "{\"name\":\"p\"," __VA_ARGS__ ",\"steps\":[" A "}]}"

#define REQUIRES_RULE                                                                              \
    "requires must be an object of at most 32 labels that the worker must have, such as "          \
    "{\"gpu\": "                                                                                   \
    "\"true\"}"
#define VALUE_RULE                                                                                 \
    "the value of a label must be a string of 1 to 64 of A-Z a-z 0-9 _ . : -, such as \"true\": "  \
    "the worker's must be equal"
#define NAME_RULE "the name of a label must be 1 to 64 of A-Z a-z 0-9 _ . : -"

static const struct refused bad_cases[] = {
    {"[" A ",\"requires\":[\"gpu\"]}]", "/0/requires", REQUIRES_RULE},
    {"[" A ",\"requires\":\"gpu=true\"}]", "/0/requires", REQUIRES_RULE},
    {"[" A ",\"requires\":null}]", "/0/requires", REQUIRES_RULE},
    {"[" A ",\"requires\":{\"gpu\":true}}]", "/0/requires/gpu", VALUE_RULE},
    {"[" A ",\"requires\":{\"gpu\":\"\"}}]", "/0/requires/gpu", VALUE_RULE},
    {"[" A ",\"requires\":{\"gpu\":\"a b\"}}]", "/0/requires/gpu", VALUE_RULE},
    {"[" A ",\"requires\":{\"a/b\":\"c\"}}]", "/0/requires/a~1b", NAME_RULE},
    {"[" A ",\"requires\":{\"\":\"c\"}}]", "/0/requires/", NAME_RULE},
    {"[{\"name\":\"w\",\"wait\":{\"seconds\":1},\"requires\":{\"a\":\"b\"}}]", "/0/requires",
     "a step that waits runs no function: it cannot have requires"},
    {"[{\"name\":\"n\",\"pipeline\":\"other\",\"requires\":{\"a\":\"b\"}}]", "/0/requires",
     "a step that is a pipeline cannot have requires: the steps inside it can"},
    {TOP("\"requires\":{\"gpu\":1}"), "/requires/gpu", VALUE_RULE},
    {TOP("\"requires\":true"), "/requires", REQUIRES_RULE},
    {TOP("\"priority\":11"), "/priority", "priority must be a whole number from -10 to 10"},
    {TOP("\"priority\":0.5"), "/priority", "priority must be a whole number from -10 to 10"},
    {TOP("\"priority\":\"high\""), "/priority", "priority must be a whole number from -10 to 10"},
    {TOP("\"priority\":null"), "/priority", "priority must be a whole number from -10 to 10"},
};

static void test_bad_ones_are_told_with_pointer_and_detail(void **state)
{
    (void)state;
    assert_refused(bad_cases, sizeof bad_cases / sizeof bad_cases[0]);
}

static struct pipeline *parse(struct bytes text)
{
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    if (pipeline_parse(text, &p, &fault) != ERR_OK) {
        fail_msg("%s: %s", fault.pointer, fault.detail);
    }
    return p;
}

static void test_a_pipelines_labels_are_those_of_its_functions_that_say_none(void **state)
{
    (void)state;
    struct pipeline *p = parse(BYTES_LIT(
        "{\"name\":\"p\",\"priority\":-3,\"requires\":{\"zone\":\"b\",\"gpu\":\"true\"},\"steps\":["
        "{\"name\":\"a\",\"function\":\"f\"},"
        "{\"name\":\"b\",\"function\":\"f\",\"requires\":{}},"
        "{\"name\":\"c\",\"function\":\"f\",\"requires\":{\"x\":\"1\"}},"
        "{\"name\":\"d\",\"wait\":{\"seconds\":1}},"
        "{\"name\":\"e\",\"pipeline\":{\"steps\":[{\"name\":\"f\",\"function\":\"f\"}]}}]}"));
    assert_int_equal(p->priority, -3);
    assert_string_equal(p->steps[0].requires, "gpu=true,zone=b");
    assert_string_equal(p->steps[1].requires, "");
    assert_string_equal(p->steps[2].requires, "x=1");
    assert_string_equal(p->steps[3].requires, "");
    assert_string_equal(p->steps[4].requires, "gpu=true,zone=b"); /* e/f */
    assert_string_equal(p->steps[5].requires, "");
    struct pipeline *again = parse(p->source);
    assert_true(bytes_eq(again->source, p->source));
    assert_int_equal(again->priority, -3);
    for (uint32_t i = 0; i < p->step_count; i++) {
        assert_string_equal(again->steps[i].requires, p->steps[i].requires);
    }
    pipeline_unref(p);
    pipeline_unref(again);
}

static void test_the_order_of_labels_makes_no_other_pipeline(void **state)
{
    (void)state;
    struct pipeline *p = parse(BYTES_LIT("[" A ",\"requires\":{\"a\":\"1\",\"b\":\"2\"}}]"));
    struct pipeline *q = parse(BYTES_LIT("[" A ",\"requires\":{\"b\":\"2\",\"a\":\"1\"}}]"));
    assert_memory_equal(&p->hash, &q->hash, sizeof p->hash);
    pipeline_unref(p);
    pipeline_unref(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_ones_are_told_with_pointer_and_detail),
        cmocka_unit_test(test_a_pipelines_labels_are_those_of_its_functions_that_say_none),
        cmocka_unit_test(test_the_order_of_labels_makes_no_other_pipeline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
