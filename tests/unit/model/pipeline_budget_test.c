/* budget of a pipeline, cost of a step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "refused.h"

#define BUDGET(text)                                                                               \
    "{\"name\":\"p\",\"budget\":" text ",\"steps\":[{\"name\":\"a\",\"function\":\"f\"}]}"
#define COST(text) "[{\"name\":\"a\",\"function\":\"f\",\"cost\":" text "}]"

#define DOLLARS       "cost_usd must be a number of dollars from 0.000000001 to 1000000000"
#define TOKENS        "tokens must be a whole number from 1 to 1000000000000000"
#define STEPS         "steps must be a whole number from 1 to 1000000000"
#define BUDGET_OBJECT "budget must be an object with one or more of cost_usd, tokens and steps"
#define COST_OBJECT   "cost must be an object with one or more of cost_usd and tokens"

static const struct refused bad_cases[] = {
    {BUDGET("5"), "/budget", BUDGET_OBJECT},
    {BUDGET("[]"), "/budget", BUDGET_OBJECT},
    {BUDGET("{}"), "/budget", BUDGET_OBJECT},
    {BUDGET("null"), "/budget", BUDGET_OBJECT},
    {BUDGET("{\"cost_usd\":0}"), "/budget/cost_usd", DOLLARS},
    {BUDGET("{\"cost_usd\":-1}"), "/budget/cost_usd", DOLLARS},
    {BUDGET("{\"cost_usd\":\"1\"}"), "/budget/cost_usd", DOLLARS},
    {BUDGET("{\"cost_usd\":0.0000000001}"), "/budget/cost_usd", DOLLARS},
    {BUDGET("{\"cost_usd\":1000000000.1}"), "/budget/cost_usd", DOLLARS},
    {BUDGET("{\"tokens\":0}"), "/budget/tokens", TOKENS},
    {BUDGET("{\"tokens\":1.5}"), "/budget/tokens", TOKENS},
    {BUDGET("{\"tokens\":1e16}"), "/budget/tokens", TOKENS},
    {BUDGET("{\"tokens\":true}"), "/budget/tokens", TOKENS},
    {BUDGET("{\"steps\":0}"), "/budget/steps", STEPS},
    {BUDGET("{\"steps\":-3}"), "/budget/steps", STEPS},
    {BUDGET("{\"steps\":2000000000}"), "/budget/steps", STEPS},
    {BUDGET("{\"cost\":1}"), "/budget/cost",
     "unknown field \"cost\"; a budget has cost_usd, tokens and steps"},
    {COST("0.01"), "/0/cost", COST_OBJECT},
    {COST("{}"), "/0/cost", COST_OBJECT},
    {COST("{\"cost_usd\":-0.01}"), "/0/cost/cost_usd", DOLLARS},
    {COST("{\"tokens\":0}"), "/0/cost/tokens", TOKENS},
    {COST("{\"steps\":1}"), "/0/cost/steps",
     "unknown field \"steps\"; a cost has cost_usd and tokens"},
    {"[{\"name\":\"a\",\"wait\":{\"seconds\":1},\"cost\":{\"tokens\":1}}]", "/0/cost",
     "a step that waits runs no function: it cannot have cost"},
    {"[{\"name\":\"a\",\"pipeline\":\"b\",\"cost\":{\"tokens\":1}}]", "/0/cost",
     "a step that is a pipeline cannot have cost: the steps inside it can"},
};

static void test_bad_ones_are_told_with_pointer_and_detail(void **state)
{
    (void)state;
    assert_refused(bad_cases, sizeof bad_cases / sizeof bad_cases[0]);
}

static void test_they_are_read_and_written_again(void **state)
{
    (void)state;
    static const char text[] =
        "{\"name\":\"p\",\"budget\":{\"cost_usd\":0.5,\"tokens\":1e3,\"steps\":7},\"steps\":["
        "{\"name\":\"a\",\"function\":\"f\",\"cost\":{\"cost_usd\":0.01,\"tokens\":20}}]}";
    struct pipeline *p = NULL, *again = NULL;
    struct pipeline_fault fault;
    assert_int_equal(pipeline_parse(bytes_str(text), &p, &fault), ERR_OK);
    assert_int_equal(p->budget.cost_nano, 500000000);
    assert_int_equal(p->budget.tokens, 1000);
    assert_int_equal(p->budget.steps, 7);
    assert_int_equal(p->steps[0].cost.cost_nano, 10000000);
    assert_int_equal(p->steps[0].cost.tokens, 20);
    assert_non_null(strstr((const char *)p->source.ptr,
                           "\"budget\":{\"cost_usd\":0.5,\"tokens\":1000,\"steps\":7},\"steps\":"));
    assert_int_equal(pipeline_parse(p->source, &again, &fault), ERR_OK);
    assert_true(bytes_eq(p->source, again->source));
    pipeline_unref(p);
    pipeline_unref(again);
}

static void test_how_much_of_a_budget_is_spent(void **state)
{
    (void)state;
    const struct budget b = {.cost_nano = 1000, .steps = 3};
    const struct budget none = {0};
    assert_int_equal(budget_percent(&b, &(struct budget){799, 1000000, 0}), 79);
    assert_int_equal(budget_percent(&b, &(struct budget){800, 0, 2}), 80);
    assert_int_equal(budget_percent(&b, &(struct budget){999, 0, 2}), 99);
    assert_int_equal(budget_percent(&b, &(struct budget){0, 0, 3}), 100);
    assert_int_equal(budget_percent(&b, &(struct budget){5000, 0, 0}), 100);
    assert_int_equal(budget_percent(&none, &(struct budget){5000, 1, 1}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_ones_are_told_with_pointer_and_detail),
        cmocka_unit_test(test_they_are_read_and_written_again),
        cmocka_unit_test(test_how_much_of_a_budget_is_spent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
