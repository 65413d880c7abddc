/* Fan-out in definitions: for_each and what belongs to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "refused.h"

#define EACH(more) "[{\"name\":\"a\",\"function\":\"f\",\"for_each\":\"input.list\"" more "}]"

#define PARALLEL_RULE "max_parallel must be a whole number from 1 to 1024"
#define TOLERATE_RULE                                                                              \
    "tolerate must be a whole number of items from 0 to 10000, or a share of them from \"0%\" to " \
    "\"100%\""

static const struct refused bad_cases[] = {
    {EACH(",\"max_parallel\":0"), "/0/max_parallel", PARALLEL_RULE},
    {EACH(",\"max_parallel\":1025"), "/0/max_parallel", PARALLEL_RULE},
    {EACH(",\"max_parallel\":1.5"), "/0/max_parallel", PARALLEL_RULE},
    {EACH(",\"max_parallel\":\"all\""), "/0/max_parallel", PARALLEL_RULE},
    {EACH(",\"tolerate\":-1"), "/0/tolerate", TOLERATE_RULE},
    {EACH(",\"tolerate\":10001"), "/0/tolerate", TOLERATE_RULE},
    {EACH(",\"tolerate\":\"101%\""), "/0/tolerate", TOLERATE_RULE},
    {EACH(",\"tolerate\":\"10\""), "/0/tolerate", TOLERATE_RULE},
    {EACH(",\"tolerate\":\"%\""), "/0/tolerate", TOLERATE_RULE},
    {EACH(",\"tolerate\":true"), "/0/tolerate", TOLERATE_RULE},
    {"[{\"name\":\"a\",\"function\":\"f\",\"max_parallel\":3}]", "/0/max_parallel",
     "max_parallel applies to the items of a step: it needs for_each, an expression that gives "
     "their list"},
    {"[{\"name\":\"a\",\"function\":\"f\",\"tolerate\":3}]", "/0/tolerate",
     "tolerate applies to the items of a step: it needs for_each, an expression that gives their "
     "list"},
    {"[{\"name\":\"a\",\"function\":\"f\",\"for_each\":[1,2]}]", "/0/for_each",
     "for_each must be a string with an expression, such as \"input.count > 0\""},
    {"[{\"name\":\"a\",\"wait\":{\"seconds\":1},\"for_each\":\"input.list\"}]", "/0/for_each",
     "a step that waits runs no function: it cannot have for_each"},
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
        pipeline_parse(
            BYTES_LIT("[{\"name\":\"a\",\"function\":\"f\",\"for_each\":\"${input.list}\","
                      "\"max_parallel\":7,\"tolerate\":\"10%\",\"input\":{\"x\":\"${item}\"}},"
                      "{\"name\":\"b\",\"function\":\"f\",\"for_each\":\"steps.a.result\","
                      "\"tolerate\":2}]"),
            &p, &fault),
        ERR_OK);
    assert_int_equal(pipeline_parse(p->source, &again, &fault), ERR_OK);
    assert_true(bytes_eq(p->source, again->source));
    for (const struct pipeline *q = p;; q = again) {
        assert_true(q->steps[0].resolves);
        assert_true(bytes_is(q->steps[0].for_each->text, "input.list"));
        assert_int_equal(q->steps[0].max_parallel, 7);
        assert_int_equal(q->steps[0].tolerate, 10);
        assert_true(q->steps[0].tolerate_percent);
        assert_non_null(q->steps[0].input_template);
        assert_int_equal(q->steps[1].max_parallel, 64);
        assert_int_equal(q->steps[1].tolerate, 2);
        assert_false(q->steps[1].tolerate_percent);
        if (q == again) {
            break;
        }
    }
    pipeline_unref(p);
    pipeline_unref(again);
}

static void test_item_and_index_are_for_steps_with_items(void **state)
{
    (void)state;
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    assert_int_equal(pipeline_parse(BYTES_LIT("[{\"name\":\"a\",\"function\":\"f\","
                                              "\"input\":{\"x\":\"${item}\"}}]"),
                                    &p, &fault),
                     ERR_INVALID);
    assert_string_equal(fault.pointer, "/0/input/x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_ones_are_told_with_pointer_and_detail),
        cmocka_unit_test(test_they_are_read_and_written_again),
        cmocka_unit_test(test_item_and_index_are_for_steps_with_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
