#include "bcg/sales.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect_fault(const char *text, const char *said)
{
    struct sales s;
    struct sales_fault fault = {{0}};
    assert_int_equal(sales_read(&s, bytes_str(text), NULL, &fault), ERR_INVALID);
    if (strstr(fault.text, said) == NULL) {
        fail_msg("expected \"%s\" in \"%s\"", said, fault.text);
    }
    sales_finish(&s);
}

static void test_rows_are_summed_into_the_window_of_their_day(void **state)
{
    (void)state;
    struct sales s;
    struct sales_fault fault;
    const char *text = "date,dish,quantity,unit_price,unit_cost\n"
                       "2026-01-01,Soup,1,5.00,1.00\n"  /* before both windows */
                       "2026-01-02,Soup,2,5.00,1.00\n"  /* first day of the one before */
                       "2026-01-08,Soup,3,5.00,1.00\n"  /* its last day */
                       "2026-01-09,Soup,4,6.00,2.00\n"  /* first day of the last one */
                       "2026-01-15,Soup,5,6.00,2.00\n"; /* the file's last day */
    assert_int_equal(sales_read(&s, bytes_str(text), NULL, &fault), ERR_OK);
    assert_int_equal(sales_sum(&s, 7, &fault), ERR_OK);
    assert_int_equal(s.dish_count, 1);
    assert_float_equal(s.dishes[0].before.quantity, 5, 1e-6);
    assert_float_equal(s.dishes[0].before.revenue, 25, 1e-6);
    assert_float_equal(s.dishes[0].recent.quantity, 9, 1e-6);
    assert_float_equal(s.dishes[0].recent.revenue, 54, 1e-6);
    assert_float_equal(s.dishes[0].recent.cost, 18, 1e-6);
    assert_true(s.dishes[0].recent.cost_known);
    sales_finish(&s);
}

static void test_columns_may_stand_in_any_order_under_other_names(void **state)
{
    (void)state;
    struct sales s;
    struct sales_fault fault;
    const char *text = "Price, Item ,till,QTY,Date\n3.50,Tea,2,4,2026-02-01\n";
    assert_int_equal(sales_read(&s, bytes_str(text), NULL, &fault), ERR_OK);
    assert_string_equal(s.dishes[0].name, "Tea");
    assert_float_equal(s.rows[0].quantity, 4, 1e-6);
    assert_float_equal(s.rows[0].price, 3.5, 1e-6);
    assert_true(s.rows[0].cost < 0);
    sales_finish(&s);
}

static void test_one_row_without_cost_makes_the_cost_unknown(void **state)
{
    (void)state;
    struct sales s;
    struct sales_fault fault;
    const char *text = "date,dish,quantity,unit_price,unit_cost\n2026-01-01,A,1,5,1\n"
                       "2026-01-13,A,1,5,1\n2026-01-14,A,1,5,\n";
    assert_int_equal(sales_read(&s, bytes_str(text), NULL, &fault), ERR_OK);
    assert_int_equal(sales_sum(&s, 7, &fault), ERR_OK);
    assert_false(s.dishes[0].recent.cost_known);
    assert_true(s.dishes[0].before.cost_known);
    sales_finish(&s);
}

static void test_faults_name_the_line_and_what_is_wrong(void **state)
{
    (void)state;
    expect_fault("", "the file is empty");
    expect_fault("date,dish,unit_price\n", "no column \"quantity\"");
    expect_fault("date,dish,quantity,unit_price\n", "no rows behind the header");
    expect_fault("date,dish,quantity,unit_price\n2026-01-01,A,1,2\n2026-02-30,A,1,2\n",
                 "line 3: date \"2026-02-30\" is not a date");
    expect_fault("date,dish,quantity,unit_price\n2026-01-01,A,-1,2\n",
                 "line 2: quantity \"-1\" is not a number");
    expect_fault("date,dish,quantity,unit_price\n2026-01-01,A,1,nan\n", "unit_price \"nan\"");
    expect_fault("date,dish,quantity,unit_price\n2026-01-01,,1,2\n", "line 2: dish \"\"");
    expect_fault("date,dish,quantity,unit_price\n2026-01-01,A,1\n", "unit_price is missing");
    expect_fault("date,dish,quantity,unit_price\n\n\"A\n", "line 3: a quote is not closed");
}

static void test_two_windows_must_fit_into_the_file(void **state)
{
    (void)state;
    struct sales s;
    struct sales_fault fault;
    const char *text = "date,dish,quantity,unit_price\n2026-01-01,A,1,2\n2026-01-13,A,1,2\n";
    assert_int_equal(sales_read(&s, bytes_str(text), NULL, &fault), ERR_OK);
    assert_int_equal(sales_sum(&s, 7, &fault), ERR_INVALID);
    assert_string_equal(fault.text, "covers 13 days; comparing two windows of 7 days needs 14");
    sales_finish(&s);
}

static void test_days_are_counted_over_leap_years(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t day;
    } known[] = {{"1970-01-01", 0},     {"1972-02-29", 789},   {"2000-03-01", 11017},
                 {"2024-12-31", 20088}, {"2026-01-31", 20484}, {"9999-12-31", 2932896}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        int32_t day = -1;
        char back[11];
        assert_true(sales_parse_day(bytes_str(known[i].text), &day));
        assert_int_equal(day, known[i].day);
        sales_day_text(day, back);
        assert_string_equal(back, known[i].text);
    }
    int32_t unset = 7;
    assert_false(sales_parse_day(bytes_str("2025-02-29"), &unset));
    assert_false(sales_parse_day(bytes_str("2025-13-01"), &unset));
    assert_false(sales_parse_day(bytes_str("2025-1-01"), &unset));
    assert_false(sales_parse_day(bytes_str("1969-12-31"), &unset));
    assert_int_equal(unset, 7);
}

static void test_amounts_are_plain_decimals(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",    ".",          "1.",          ".5", "1,5",
                                        "1e3", "-1",         "+1",          " 1", "0x10",
                                        "inf", "1000000001", "1.0000000001"};
    double amount = -1;
    assert_true(sales_parse_amount(bytes_str("13.90"), &amount));
    assert_true(amount == 13.90);
    assert_true(sales_parse_amount(bytes_str("0"), &amount));
    assert_true(amount == 0);
    assert_true(sales_parse_amount(bytes_str("1000000000"), &amount));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (sales_parse_amount(bytes_str(wrong[i]), &amount)) {
            fail_msg("\"%s\" was taken for an amount", wrong[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_summed_into_the_window_of_their_day),
        cmocka_unit_test(test_columns_may_stand_in_any_order_under_other_names),
        cmocka_unit_test(test_one_row_without_cost_makes_the_cost_unknown),
        cmocka_unit_test(test_faults_name_the_line_and_what_is_wrong),
        cmocka_unit_test(test_two_windows_must_fit_into_the_file),
        cmocka_unit_test(test_days_are_counted_over_leap_years),
        cmocka_unit_test(test_amounts_are_plain_decimals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
