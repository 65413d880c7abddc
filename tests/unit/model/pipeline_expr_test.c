/* Expressions in definitions: what is accepted, and how faults are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model/pipeline.h"

#define A    "{\"name\":\"a\",\"function\":\"f\"}"
#define B(x) "[" A ",{\"name\":\"b\",\"function\":\"f\"," x "}]"
/* c does not come before b */
#define ABC(x)                                                                                     \
    "[" A ",{\"name\":\"b\",\"function\":\"f\",\"needs\":[\"a\"]," x                               \
    "},{\"name\":\"c\",\"function\":\"f\",\"needs\":[]}]"

static void test_conditions_and_templates_are_kept(void **state)
{
    (void)state;
    struct pipeline *p = NULL, *again = NULL;
    struct pipeline_fault fault;
    assert_int_equal(
        pipeline_parse(BYTES_LIT(B("\"when\":\"${ steps.a.result.ok }\",\"input\":{\"x\":\"a\"}")),
                       &p, &fault),
        ERR_OK);
    assert_true(p->steps[1].resolves && !p->steps[0].resolves);
    assert_true(bytes_is(p->steps[1].when->text, " steps.a.result.ok "));
    assert_int_equal(p->steps[1].when->refs[0].step_index, 0);
    assert_null(p->steps[1].input_template);
    assert_int_equal(pipeline_parse(p->source, &again, &fault), ERR_OK);
    assert_true(bytes_eq(p->source, again->source));
    pipeline_unref(p);
    pipeline_unref(again);
}

static void test_an_input_with_expressions_is_a_template(void **state)
{
    (void)state;
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    assert_int_equal(
        pipeline_parse(BYTES_LIT(B("\"input\":{\"x\":[\"${steps.a.result}\"]}")), &p, &fault),
        ERR_OK);
    assert_non_null(p->steps[1].input_template);
    assert_true(bytes_is(p->steps[1].input, "{\"x\":[\"${steps.a.result}\"]}"));
    pipeline_unref(p);
}

static void test_any_ancestor_may_be_read(void **state)
{
    (void)state;
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    assert_int_equal(pipeline_parse(BYTES_LIT("[" A ",{\"name\":\"b-1\",\"function\":\"f\"},"
                                              "{\"name\":\"c\",\"function\":\"f\",\"when\":"
                                              "\"steps.a.result == steps['b-1'].result\"}]"),
                                    &p, &fault),
                     ERR_OK);
    assert_int_equal(p->steps[2].when->refs[1].step_index, 1);
    pipeline_unref(p);
}

struct bad_case {
    const char *text;
    const char *pointer;
    const char *detail;
};

#define NOT_BEFORE                                                                                 \
    "this step does not run before: add it to the \"needs\" of this step, or of one that it needs"
#define NO_VALUE "expected a value: a literal, input, steps.<name>, item, index or task"

static const struct bad_case bad_cases[] = {
    {B("\"when\":true"), "/1/when",
     "when must be a string with an expression, such as \"input.count > 0\""},
    {B("\"when\":null"), "/1/when",
     "when must be a string with an expression, such as \"input.count > 0\""},
    {B("\"when\":\"\""), "/1/when",
     "the expression ends, but a value is expected\n"
     "  \n"
     "  ^"},
    {B("\"when\":\"${input.a} && true\""), "/1/when",
     "when must be one expression and nothing else"},
    {B("\"when\":\"${input.a\""), "/1/when",
     "the expression does not end: expected '}'\n  input.a\n         ^"},
    {B("\"when\":\"input.a = 1\""), "/1/when",
     "= is not an operator; use == to compare\n"
     "  input.a = 1\n"
     "          ^"},
    {B("\"when\":\"input.a and input.b\""), "/1/when",
     "expected an operator or the end of the expression\n  input.a and input.b\n          ^"},
    {B("\"when\":\"inputs.a\""), "/1/when",
     "there is no \"inputs\"; an expression begins with input, steps.<name>, item, index or "
     "task\n  inputs.a\n  ^"},
    {B("\"when\":\"item.ok\""), "/1/when",
     "item and index exist only in a step with for_each\n"
     "  item.ok\n"
     "  ^"},
    {B("\"when\":\"steps.x.result\""), "/1/when",
     "there is no step of this name\n  steps.x.result\n        ^"},
    {B("\"when\":\"steps.b.result\""), "/1/when",
     "a step cannot use its own result\n"
     "  steps.b.result\n"
     "        ^"},
    {B("\"when\":\"steps.a.output\""), "/1/when",
     "a step has .result, .status, .error and .attempts\n"
     "  steps.a.output\n"
     "          ^"},
    {B("\"when\":\"steps.a\""), "/1/when",
     "a step has .result, .status, .error and .attempts\n"
     "  steps.a\n"
     "         ^"},
    {B("\"when\":\"steps[a].result\""), "/1/when",
     "expected the name of a step, as a string\n  steps[a].result\n        ^"},
    {B("\"when\":\"steps == null\""), "/1/when",
     "expected the name of a step: steps.<name> or steps[\"<name>\"]\n  steps == null\n        ^"},
    {B("\"when\":\"input.l.map(x, x)\""), "/1/when",
     "there is no function \"map\"; the functions are has, size, string, int and double, and on "
     "strings .contains and .startsWith\n"
     "  input.l.map(x, x)\n"
     "          ^"},
    {B("\"when\":\"startsWith(input.a, 'x')\""), "/1/when",
     "startsWith is called as text.startsWith(part)\n  startsWith(input.a, 'x')\n  ^"},
    {B("\"when\":\"has(input)\""), "/1/when",
     "has() needs a member of a map, as in has(input.name)\n"
     "  has(input)\n"
     "  ^"},
    {B("\"when\":\"(1 == 1\""), "/1/when",
     "expected ')' to close the '(' before it\n  (1 == 1\n         ^"},
    {B("\"when\":\"input.a == 'x\""), "/1/when",
     "the string has no closing quote\n"
     "  input.a == 'x\n"
     "               ^"},
    {B("\"when\":\"'\\\\q' == ''\""), "/1/when",
     "unknown escape; these exist: \\n"
     " \\t \\r \\\\ \\\" \\' \\xHH \\uHHHH \\UHHHHHHHH \\ooo and others of CEL's\n"
     "  '\\q' == ''\n"
     "    ^"},
    {B("\"when\":\"input.n > 99999999999999999999\""), "/1/when",
     "this number does not fit in 64 bits\n"
     "  input.n > 99999999999999999999\n" /* where it ends */
     "                                ^"},
    {ABC("\"when\":\"steps.c.result\""), "/1/when", NOT_BEFORE "\n  steps.c.result\n        ^"},
    {ABC("\"input\":{\"l\":[1,\"${steps.c.result}\"]}"), "/1/input/l/1",
     NOT_BEFORE "\n  steps.c.result\n        ^"},
    {B("\"input\":{\"x\":\"${}\"}"), "/1/input/x", NO_VALUE "\n  }\n  ^"},
    {B("\"input\":{\"x\":{\"y/z\":\"a ${input.\"}}"), "/1/input/x/y~1z",
     "expected the name of a member; write other names as [\"...\"]\n"
     "  input.\n"
     "        ^"},
    {B("\"input\":{\"x\":\"${steps.nope.result}\"}"), "/1/input/x",
     "there is no step of this name\n  steps.nope.result\n        ^"},
    {B("\"input\":{\"${input.k}\":1}"), "/1/input/${input.k}",
     "a key contains ${, but only values may contain expressions"},
    {B("\"input\":{\"x\":\"${index}\"}"), "/1/input/x",
     "item and index exist only in a step with for_each\n"
     "  index}\n"
     "  ^"},
    {B("\"input\":\"${steps.a.result}\""), "/1/input", "input must be an object, not a string"},
};

static void test_bad_expressions_are_told_with_pointer_and_caret(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
        const struct bad_case *bad = &bad_cases[i];
        struct pipeline *p = NULL;
        struct pipeline_fault fault;
        if (pipeline_parse(bytes_str(bad->text), &p, &fault) != ERR_INVALID) {
            fail_msg("accepted: %s", bad->text);
        }
        assert_string_equal(fault.detail, bad->detail);
        assert_string_equal(fault.pointer, bad->pointer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions_and_templates_are_kept),
        cmocka_unit_test(test_an_input_with_expressions_is_a_template),
        cmocka_unit_test(test_any_ancestor_may_be_read),
        cmocka_unit_test(test_bad_expressions_are_told_with_pointer_and_caret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
