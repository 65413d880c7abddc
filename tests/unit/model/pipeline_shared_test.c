/* Concurrency and rate limits in definitions: read, refused, written. */
#include "refused.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define A          "{\"name\":\"a\",\"function\":\"f\""
#define CON(text)  "[" A ",\"concurrency\":" text "}]"
#define RATE(text) "[" A ",\"rate_limit\":" text "}]"
#define TOP(...)   "{\"name\":\"p\"," __VA_ARGS__ ",\"steps\":[" A "}]}"

#define CON_RULE "concurrency must be {\"key\": string, \"limit\": number}"
#define RATE_RULE                                                                                  \
    "rate_limit must be {\"key\": string, \"per_second\": number} or {\"key\": string, "           \
    "\"per_minute\": number}"
#define KEY_RULE                                                                                   \
    "key must be a string of 1 to 256 bytes without control characters: steps with the same key "  \
    "share the limit"
#define COUNT_RULE "limit must be a whole number from 1 to 100000"

static const struct refused bad_cases[] = {
    {CON("4"), "/0/concurrency", CON_RULE},
    {CON("[]"), "/0/concurrency", CON_RULE},
    {CON("{\"key\":\"k\"}"), "/0/concurrency/limit", COUNT_RULE},
    {CON("{\"key\":\"k\",\"limit\":0}"), "/0/concurrency/limit", COUNT_RULE},
    {CON("{\"key\":\"k\",\"limit\":1.5}"), "/0/concurrency/limit", COUNT_RULE},
    {CON("{\"key\":\"k\",\"limit\":\"2\"}"), "/0/concurrency/limit", COUNT_RULE},
    {CON("{\"key\":\"k\",\"limit\":100001}"), "/0/concurrency/limit", COUNT_RULE},
    {CON("{\"limit\":1}"), "/0/concurrency/key", KEY_RULE},
    {CON("{\"key\":\"\",\"limit\":1}"), "/0/concurrency/key", KEY_RULE},
    {CON("{\"key\":7,\"limit\":1}"), "/0/concurrency/key", KEY_RULE},
    {CON("{\"key\":\"a\\nb\",\"limit\":1}"), "/0/concurrency/key", KEY_RULE},
    {CON("{\"key\":\"k\",\"limit\":1,\"max\":2}"), "/0/concurrency/max",
     "unknown field \"max\"; concurrency has key and limit"},
    {CON("{\"key\":\"k\",\"per_second\":1}"), "/0/concurrency/per_second",
     "unknown field \"per_second\"; concurrency has key and limit"},
    {RATE("10"), "/0/rate_limit", RATE_RULE},
    {RATE("{\"key\":\"k\"}"), "/0/rate_limit",
     "rate_limit must have only one of per_second and per_minute"},
    {RATE("{\"key\":\"k\",\"per_second\":1,\"per_minute\":2}"), "/0/rate_limit",
     "rate_limit must have only one of per_second and per_minute"},
    {RATE("{\"key\":\"k\",\"per_second\":0}"), "/0/rate_limit/per_second",
     "per_second must be a whole number from 1 to 10000"},
    {RATE("{\"key\":\"k\",\"per_minute\":10001}"), "/0/rate_limit/per_minute",
     "per_minute must be a whole number from 1 to 10000"},
    {RATE("{\"key\":null,\"per_minute\":1}"), "/0/rate_limit/key", KEY_RULE},
    {RATE("{\"key\":\"k\",\"limit\":1}"), "/0/rate_limit/limit",
     "unknown field \"limit\"; rate_limit has key, per_second and per_minute"},
    {"[{\"name\":\"w\",\"wait\":{\"seconds\":1},\"concurrency\":{\"key\":\"k\",\"limit\":1}}]",
     "/0/concurrency", "a step that waits runs no function: it cannot have concurrency"},
    {"[{\"name\":\"n\",\"pipeline\":\"other\",\"rate_limit\":{\"key\":\"k\",\"per_second\":1}}]",
     "/0/rate_limit", "a step that is a pipeline cannot have rate_limit: the steps inside it can"},
    {TOP("\"concurrency\":true"), "/concurrency", CON_RULE},
    {TOP("\"concurrency\":{\"key\":\"\",\"limit\":1}"), "/concurrency/key", KEY_RULE},
    {TOP("\"rate_limit\":{\"key\":\"k\",\"per_second\":-1}"), "/rate_limit/per_second",
     "per_second must be a whole number from 1 to 10000"},
};

static void test_bad_ones_are_told_with_pointer_and_detail(void **state)
{
    (void)state;
    assert_refused(bad_cases, sizeof bad_cases / sizeof bad_cases[0]);
}

static void expect_fault(const char *text, const char *pointer, const char *begins)
{
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    assert_int_equal(pipeline_parse(bytes_str(text), &p, &fault), ERR_INVALID);
    assert_string_equal(fault.pointer, pointer);
    assert_memory_equal(fault.detail, begins, strlen(begins));
}

static void test_keys_with_bad_expressions_are_told_at_their_place(void **state)
{
    (void)state;
    expect_fault(CON("{\"key\":\"x-${input.}\",\"limit\":1}"), "/0/concurrency/key", "");
    expect_fault(CON("{\"key\":\"${steps.b.result}\",\"limit\":1}"), "/0/concurrency/key",
                 "there is no step of this name");
    expect_fault(RATE("{\"key\":\"${item}\",\"per_second\":1}"), "/0/rate_limit/key", "");
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

static void test_a_pipelines_limits_are_those_of_its_functions_that_say_none(void **state)
{
    (void)state;
    struct pipeline *p = parse(BYTES_LIT(
        "{\"name\":\"p\",\"concurrency\":{\"key\":\"tenant-${input.tenant}\",\"limit\":3},"
        "\"rate_limit\":{\"key\":\"api\",\"per_minute\":90},\"steps\":["
        "{\"name\":\"a\",\"function\":\"f\"},"
        "{\"name\":\"b\",\"function\":\"f\",\"concurrency\":null,\"rate_limit\":null},"
        "{\"name\":\"c\",\"function\":\"f\",\"concurrency\":{\"key\":\"c\",\"limit\":1},"
        "\"rate_limit\":{\"key\":\"c\",\"per_second\":2}},"
        "{\"name\":\"d\",\"wait\":{\"seconds\":1}}]}"));
    struct pipeline *again = parse(p->source);
    assert_true(bytes_eq(again->source, p->source));
    for (int i = 0; i < 2; i++) {
        const struct pipeline_step *s = i == 0 ? p->steps : again->steps;
        assert_string_equal(s[0].concurrency.key, "tenant-${input.tenant}");
        assert_non_null(s[0].concurrency.template);
        assert_int_equal(s[0].concurrency.count, 3);
        assert_true(s[0].keyed && s[0].resolves);
        assert_string_equal(s[0].rate.key, "api");
        assert_true(s[0].rate.per_minute);
        assert_int_equal(s[0].rate.count, 90);
        assert_null(s[1].concurrency.key);
        assert_null(s[1].rate.key);
        assert_false(s[1].resolves);
        assert_string_equal(s[2].concurrency.key, "c");
        assert_false(s[2].keyed);
        assert_false(s[2].rate.per_minute);
        assert_null(s[3].concurrency.key);
    }
    pipeline_unref(p);
    pipeline_unref(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_ones_are_told_with_pointer_and_detail),
        cmocka_unit_test(test_keys_with_bad_expressions_are_told_at_their_place),
        cmocka_unit_test(test_a_pipelines_limits_are_those_of_its_functions_that_say_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
