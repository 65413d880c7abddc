#include "bcg/report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Two dishes, one of them new and without a cost, on a menu that has one of them. */
static struct doc *make_report(const char *menu_json)
{
    static const char csv[] = "date,dish,quantity,unit_price,unit_cost\n2026-01-01,Soup,2,5,1\n"
                              "2026-01-14,Soup,4,5,1\n2026-01-14,\"\"\"Odd\"\" dish\",1,2.5,\n";
    struct sales sales;
    struct sales_fault fault;
    struct matrix matrix;
    const struct matrix_options options = {NAN, NAN};
    assert_int_equal(sales_read(&sales, bytes_str(csv), NULL, &fault), ERR_OK);
    assert_int_equal(sales_sum(&sales, 7, &fault), ERR_OK);
    assert_int_equal(matrix_make(&matrix, &sales, &options), ERR_OK);
    struct doc *menu = NULL, *report;
    struct doc_fault doc_fault;
    if (menu_json != NULL) {
        assert_int_equal(doc_parse(bytes_str(menu_json), &menu, &doc_fault), ERR_OK);
    }
    const struct report_source source = {&sales, 7, menu != NULL ? doc_root(menu) : NULL};
    struct buf text = {0};
    report_write(&matrix, &source, &text);
    assert_int_equal(doc_parse(buf_bytes(&text), &report, &doc_fault), ERR_OK);
    buf_free(&text);
    if (menu != NULL) {
        doc_free(menu);
    }
    matrix_finish(&matrix);
    sales_finish(&sales);
    return report;
}

static void test_the_report_is_json_with_nulls_for_what_is_not_known(void **state)
{
    (void)state;
    struct doc *report = make_report(NULL);
    const struct doc_value *root = doc_root(report);
    const struct doc_value *odd = doc_at(doc_get(root, "dishes"), 1);
    assert_true(bytes_is(doc_string(doc_get(odd, "dish")), "\"Odd\" dish"));
    assert_non_null(doc_get(odd, "growth"));
    assert_int_equal(doc_kind(doc_get(odd, "growth")), JSON_NULL);
    assert_int_equal(doc_kind(doc_get(odd, "margin")), JSON_NULL);
    assert_int_equal(doc_kind(doc_get(odd, "on_menu")), JSON_NULL);
    assert_float_equal(doc_number(doc_get(odd, "share")), 0.111111, 1e-6);
    assert_true(bytes_is(doc_string(doc_get(doc_get(root, "window"), "first")), "2026-01-08"));
    assert_true(bytes_is(doc_string(doc_get(doc_get(root, "window"), "last")), "2026-01-14"));
    assert_true(bytes_is(doc_string(doc_get(doc_get(root, "method"), "kind")), "deterministic"));
    doc_free(report);
}

static void test_dishes_are_found_on_the_menu_in_spite_of_slips(void **state)
{
    (void)state;
    struct doc *report = make_report("[{\"name\":\"SOUP\",\"price\":5.5},{\"name\":\"Tea\"}]");
    const struct doc_value *dishes = doc_get(doc_root(report), "dishes");
    assert_true(doc_bool(doc_get(doc_at(dishes, 0), "on_menu")));
    assert_float_equal(doc_number(doc_get(doc_at(dishes, 0), "menu_price")), 5.5, 1e-6);
    assert_int_equal(doc_kind(doc_get(doc_at(dishes, 1), "on_menu")), JSON_FALSE);
    doc_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_report_is_json_with_nulls_for_what_is_not_known),
        cmocka_unit_test(test_dishes_are_found_on_the_menu_in_spite_of_slips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
