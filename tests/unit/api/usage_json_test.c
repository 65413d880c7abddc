/* GET /usage: its query, and the sums of all coordinators. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/usage_json.h"
#include "json/scan.h"

#define TODAY 20784 /* 2026-11-27 */

static bool parse(const char *a, const char *b, struct usage_request *r, struct problem *p)
{
    struct bytes args[] = {bytes_str(a), bytes_str(b)};
    struct query q = {args, 2};
    return usage_query_parse(&q, TODAY, r, p);
}

static void test_without_arguments_it_is_one_sum_of_thirty_days(void **state)
{
    (void)state;
    struct usage_request r;
    struct problem p;
    assert_true(parse("", "", &r, &p));
    assert_int_equal(r.by, 0);
    assert_int_equal(r.last_day, TODAY);
    assert_int_equal(r.first_day, TODAY - 29);
}

static void test_any_combination_can_be_asked_for(void **state)
{
    (void)state;
    struct usage_request r;
    struct problem p;
    assert_true(parse("group_by=model,task_type,day", "since=2026-11-01", &r, &p));
    assert_int_equal(r.by, USAGE_BY_ALL);
    assert_int_equal(r.first_day, TODAY - 26);
    assert_true(parse("group_by=day", "until=2026-11-01", &r, &p));
    assert_int_equal(r.by, USAGE_BY_DAY);
    assert_int_equal(r.last_day, TODAY - 26);
    assert_int_equal(r.first_day, TODAY - 26 - 29);
}

static void test_bad_queries_are_told_what_would_be_right(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b, *detail;
    } cases[] = {
        {"group_by=modell", "", "any of model, task_type and day, each once, separated by commas"},
        {"group_by=day,day", "", "any of model, task_type and day, each once, separated by commas"},
        {"group_by=day,,model", "",
         "any of model, task_type and day, each once, separated by commas"},
        {"since=yesterday", "", "`since` must be a day such as 2026-11-27"},
        {"until=2026-02-30", "", "`until` must be a day such as 2026-11-27"},
        {"since=2026-11-27", "until=2026-11-26", "`since` must be a day not after `until`"},
        {"since=2026-01-01", "", "`since` must be at most 92 days before `until`"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct usage_request r;
        struct problem p;
        assert_false(parse(cases[i].a, cases[i].b, &r, &p));
        assert_int_equal(p.code, CODE_INVALID_FIELD);
        if (strstr(p.detail, cases[i].detail) == NULL) {
            fail_msg("%s: %s", cases[i].a, p.detail);
        }
    }
}

static void test_the_answers_of_all_coordinators_are_added_up(void **state)
{
    (void)state;
    struct usage_group x[] = {{TODAY, BYTES_LIT("m"), BYTES_LIT("t"), {10, 1, 10000000}},
                              {TODAY, BYTES_LIT("n"), BYTES_LIT("t"), {1, 0, 5}}};
    struct usage_group y[] = {{TODAY, BYTES_LIT("m"), BYTES_LIT("t"), {20, 2, 20000000}}};
    struct message a = {.type = MSG_USAGE}, b = {.type = MSG_USAGE};
    a.usage.rows = x;
    a.usage.count = 2;
    b.usage.rows = y;
    b.usage.count = 1;
    const struct message *both[] = {&a, &b};
    const struct usage_request r = {USAGE_BY_ALL, TODAY - 1, TODAY};
    struct buf out = {0};
    usage_render(both, 2, &r, &out);
    assert_string_equal(
        buf_cstr(&out),
        "{\"group_by\":[\"day\",\"task_type\",\"model\"],\"items\":["
        "{\"day\":\"2026-11-27\",\"task_type\":\"t\",\"model\":\"m\",\"input_tokens\":30,"
        "\"output_tokens\":3,\"cost_usd\":0.03},"
        "{\"day\":\"2026-11-27\",\"task_type\":\"t\",\"model\":\"n\",\"input_tokens\":1,"
        "\"output_tokens\":0,\"cost_usd\":0.000000005}],"
        "\"total\":{\"input_tokens\":31,\"output_tokens\":3,\"cost_usd\":0.030000005},"
        "\"since\":\"2026-11-26\",\"until\":\"2026-11-27\",\"truncated\":false}");
    buf_clear(&out);
    const struct usage_request sum = {0, TODAY, TODAY};
    usage_render(both, 2, &sum, &out);
    assert_int_equal(json_check(buf_bytes(&out), NULL, NULL), ERR_OK);
    assert_non_null(strstr(buf_cstr(&out), "\"items\":[{\"input_tokens\":31,"));
    buf_free(&out);
}

static void test_a_budget_in_dollars_names_the_models_that_say_no_cost(void **state)
{
    (void)state;
    struct usage_part used[] = {{BYTES_LIT("a"), {10, 0, 0}},
                                {BYTES_LIT("b"), {10, 0, 500000000}},
                                {BYTES_LIT("c"), {0, 0, 0}},
                                {BYTES_LIT("d"), {0, 1, 0}}};
    struct task_view v = {.usage = used, .usage_count = 4, .budget = {.cost_nano = USD_NANO}};
    struct buf out = {0};
    budget_member_put(&out, &v);
    assert_string_equal(buf_cstr(&out), ",\"budget\":{\"cost_usd\":1,\"spent\":{\"cost_usd\":0.5},"
                                        "\"without_cost\":[\"a\",\"d\"]}");
    buf_clear(&out);
    v.usage++;         /* without the first ... */
    v.usage_count = 2; /* ... and the last */
    budget_member_put(&out, &v);
    assert_string_equal(buf_cstr(&out),
                        ",\"budget\":{\"cost_usd\":1,\"spent\":{\"cost_usd\":0.5}}");
    buf_clear(&out);
    v = (struct task_view){.usage = used, .usage_count = 4, .budget = {.tokens = 100}};
    budget_member_put(&out, &v); /* it holds them */
    assert_string_equal(buf_cstr(&out), ",\"budget\":{\"tokens\":100,\"spent\":{\"tokens\":21}}");
    buf_free(&out);
}

static void test_what_was_used_names_the_models_that_say_no_cost(void **state)
{
    (void)state;
    struct usage_part used[] = {{BYTES_LIT("a"), {10, 0, 0}}, {BYTES_LIT("b"), {1, 0, USD_NANO}}};
    struct buf out = {0};
    usage_member_put(&out, used, 2);
    assert_string_equal(buf_cstr(&out),
                        ",\"usage\":{\"input_tokens\":11,\"output_tokens\":0,\"cost_usd\":1,"
                        "\"models\":[{\"model\":\"a\",\"input_tokens\":10,\"output_tokens\":0,"
                        "\"cost_usd\":0},{\"model\":\"b\",\"input_tokens\":1,"
                        "\"output_tokens\":0,\"cost_usd\":1}],\"without_cost\":[\"a\"]}");
    buf_clear(&out);
    usage_member_put(&out, &used[1], 1);
    assert_int_equal(buf_cstr(&out)[out.len - 2], ']'); /* the models' */
    assert_null(strstr(buf_cstr(&out), "without_cost"));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_arguments_it_is_one_sum_of_thirty_days),
        cmocka_unit_test(test_any_combination_can_be_asked_for),
        cmocka_unit_test(test_bad_queries_are_told_what_would_be_right),
        cmocka_unit_test(test_what_was_used_names_the_models_that_say_no_cost),
        cmocka_unit_test(test_a_budget_in_dollars_names_the_models_that_say_no_cost),
        cmocka_unit_test(test_the_answers_of_all_coordinators_are_added_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
