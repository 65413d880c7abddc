/* Tokens and money: read exactly, added exactly, bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "model/usage_groups.h"

static void test_numbers_are_read_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned digits;
        bool good;
        uint64_t value;
    } cases[] = {
        {"0", 9, true, 0},
        {"1", 9, true, 1000000000},
        {"0.01", 9, true, 10000000},
        {"0.1", 9, true, 100000000},
        {"0.30000000000000004", 9, true, 300000000}, /* 0.1 + 0.2 of a careless adder */
        {"1.5e-7", 9, true, 150},
        {"0.0000000004", 9, true, 0},
        {"0.0000000005", 9, true, 1},
        {"12.3456789015", 9, true, 12345678902},
        {"1e3", 0, true, 1000},
        {"12.0", 0, true, 12},
        {"0.00e99999", 9, true, 0},
        {"10000", 9, true, 10000000000000},
        {"10000.000000001", 9, false, 0},
        {"1e99999", 9, false, 0},
        {"99999999999999999999999999999999999999999999999999", 0, false, 0},
        {"-1", 9, false, 0},
        {"-0.5", 9, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t value = 0;
        bool good =
            number_scaled(bytes_str(cases[i].text), cases[i].digits, USAGE_COST_NANO_MAX, &value);
        if (good != cases[i].good || value != cases[i].value) {
            fail_msg("%s: %d %llu", cases[i].text, good, (unsigned long long)value);
        }
    }
}

static void test_dollars_are_written_as_they_were_read(void **state)
{
    (void)state;
    static const char *const texts[] = {"0", "1", "0.01", "0.000000001", "12.3456789", "9999.5"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf out = {0};
        uint64_t nano = 0;
        assert_true(number_scaled(bytes_str(texts[i]), 9, USAGE_COST_NANO_MAX, &nano));
        usd_put(&out, nano);
        assert_string_equal(buf_cstr(&out), texts[i]);
        buf_free(&out);
    }
}

static void test_a_report_is_read_or_refused(void **state)
{
    (void)state;
    struct buf text = {0};
    struct usage_part p;
    assert_true(usage_read(BYTES_LIT("{\"model\":\"m\\u0041\\n\",\"input_tokens\":10,"
                                     "\"output_tokens\":2,\"cost_usd\":0.5,\"more\":[]}"),
                           &text, &p));
    assert_true(bytes_is(p.model, "mA?"));
    assert_int_equal(p.sum.input_tokens, 10);
    assert_int_equal(p.sum.output_tokens, 2);
    assert_int_equal(p.sum.cost_nano, 500000000);
    assert_true(usage_read(BYTES_LIT("{\"cost_usd\":1}"), &text, &p));
    assert_true(bytes_is(p.model, "unknown"));
    static const char *const bad[] = {"{\"cost_usd\":-1}",        "{\"cost_usd\":\"1\"}",
                                      "{\"input_tokens\":-1}",    "{\"input_tokens\":1e13}",
                                      "{\"output_tokens\":true}", "{\"model\":7}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(usage_read(bytes_str(bad[i]), &text, &p));
    }
    buf_free(&text);
}

static void test_the_sum_of_many_small_costs_is_exact(void **state)
{
    (void)state;
    struct usage u = {0};
    struct usage_sum cent = {0, 0, 10000000};
    for (int i = 0; i < 1000; i++) {
        usage_add(&u, BYTES_LIT("m"), &cent);
    }
    struct buf out = {0};
    usd_put(&out, usage_total(&u).cost_nano);
    assert_string_equal(buf_cstr(&out), "10");
    buf_free(&out);
    usage_free(&u);
}

static void test_models_have_a_bound_and_nothing_is_lost_by_it(void **state)
{
    (void)state;
    struct usage u = {0};
    struct usage_sum one = {1, 2, 3};
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%d", i);
        usage_add(&u, bytes_str(name), &one);
    }
    assert_int_equal(u.count, USAGE_MODELS_MAX);
    assert_true(bytes_is(u.parts[USAGE_MODELS_MAX - 1].model, USAGE_OTHER));
    struct usage_sum total = usage_total(&u);
    assert_int_equal(total.input_tokens, 100);
    assert_int_equal(total.cost_nano, 300);
    usage_free(&u);
}

static void test_told_again_or_out_of_order_nothing_is_new(void **state)
{
    (void)state;
    struct usage u = {0};
    struct usage_sum more;
    const struct usage_part first = {BYTES_LIT("m"), {10, 1, 100}};
    const struct usage_part second = {BYTES_LIT("m"), {15, 1, 250}};
    assert_true(usage_raise(&u, &first, &more));
    assert_false(usage_raise(&u, &first, &more));
    assert_true(usage_raise(&u, &second, &more));
    assert_int_equal(more.input_tokens, 5);
    assert_int_equal(more.output_tokens, 0);
    assert_int_equal(more.cost_nano, 150);
    assert_false(usage_raise(&u, &first, &more));
    usage_free(&u);
}

static void add(struct usage_groups *g, int32_t day, const char *model, const char *type,
                uint64_t cost)
{
    const struct usage_group row = {day, bytes_str(model), bytes_str(type), {1, 0, cost}};
    usage_groups_add(g, &row);
}

static void test_groups_tell_apart_what_was_asked_for(void **state)
{
    (void)state;
    static const uint32_t rows[] = {[0] = 1,
                                    [USAGE_BY_MODEL] = 2,
                                    [USAGE_BY_TASK_TYPE] = 2,
                                    [USAGE_BY_MODEL | USAGE_BY_TASK_TYPE] = 3,
                                    [USAGE_BY_DAY] = 2,
                                    [USAGE_BY_DAY | USAGE_BY_MODEL] = 3,
                                    [USAGE_BY_DAY | USAGE_BY_TASK_TYPE] = 4,
                                    [USAGE_BY_ALL] = 4};
    for (uint32_t by = 0; by <= USAGE_BY_ALL; by++) {
        struct usage_groups g = {.by = by};
        add(&g, 20000, "b", "t", 1);
        add(&g, 20000, "b", "u", 10);
        add(&g, 20001, "a", "t", 100);
        add(&g, 20001, "b", "u", 1000);
        add(&g, 20001, "b", "u", 10000);
        usage_groups_sort(&g);
        assert_int_equal(g.count, rows[by]);
        uint64_t total = 0;
        for (uint32_t i = 0; i < g.count; i++) {
            total += g.rows[i].sum.cost_nano;
        }
        assert_int_equal(total, 11111);
        if (by == USAGE_BY_MODEL) {
            assert_true(bytes_is(g.rows[0].model, "a"));
            assert_int_equal(g.rows[1].sum.cost_nano, 11011);
        }
        usage_groups_free(&g);
    }
}

static void test_groups_have_a_bound_and_nothing_is_lost_by_it(void **state)
{
    (void)state;
    struct usage_groups g = {.by = USAGE_BY_MODEL};
    for (uint32_t i = 0; i < 2 * USAGE_GROUPS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%u", i);
        add(&g, 1, name, "t", 1);
    }
    usage_groups_sort(&g);
    assert_true(g.cut);
    assert_int_equal(g.count, USAGE_GROUPS_MAX);
    assert_int_equal(g.rows[g.count - 1].sum.cost_nano, USAGE_GROUPS_MAX + 1);
    usage_groups_free(&g);
}

static void test_days(void **state)
{
    (void)state;
    char text[DAY_TEXT_BYTES];
    int32_t day = 0;
    assert_int_equal(day_parse(BYTES_LIT("2026-11-27"), &day), ERR_OK);
    assert_string_equal(day_format(day, text), "2026-11-27");
    assert_string_equal(day_format(0, text), "1970-01-01");
    assert_int_equal(day_parse(BYTES_LIT("2026-02-30"), &day), ERR_INVALID);
    assert_int_equal(day_parse(BYTES_LIT("2026-1-1"), &day), ERR_INVALID);
    assert_int_equal(day_parse(BYTES_LIT("yesterday!"), &day), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_read_exactly),
        cmocka_unit_test(test_dollars_are_written_as_they_were_read),
        cmocka_unit_test(test_a_report_is_read_or_refused),
        cmocka_unit_test(test_the_sum_of_many_small_costs_is_exact),
        cmocka_unit_test(test_models_have_a_bound_and_nothing_is_lost_by_it),
        cmocka_unit_test(test_told_again_or_out_of_order_nothing_is_new),
        cmocka_unit_test(test_groups_tell_apart_what_was_asked_for),
        cmocka_unit_test(test_groups_have_a_bound_and_nothing_is_lost_by_it),
        cmocka_unit_test(test_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
