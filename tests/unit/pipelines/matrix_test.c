#include "bcg/matrix.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct matrix_options defaults = {NAN, NAN};

/* One row per dish and window of 7 days; quantity 1, so that price is the revenue. */
static void read_sales(struct sales *s, const char *rows)
{
    struct sales_fault fault = {{0}};
    struct buf text = {0};
    buf_add_str(&text, "date,dish,quantity,unit_price,unit_cost\n");
    buf_add_str(&text, rows);
    if (sales_read(s, buf_bytes(&text), NULL, &fault) != ERR_OK ||
        sales_sum(s, 7, &fault) != ERR_OK) {
        fail_msg("%s", fault.text);
    }
    buf_free(&text);
}

static const struct matrix_dish *find(const struct matrix *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++) {
        if (strcmp(m->dishes[i].name, name) == 0) {
            return &m->dishes[i];
        }
    }
    fail_msg("no dish %s", name);
    return NULL;
}

static const char four_classes[] = "2026-01-01,star,1,100,50\n2026-01-14,star,1,200,50\n"
                                   "2026-01-01,cow,1,300,50\n2026-01-14,cow,1,300,90\n"
                                   "2026-01-01,question,1,20,5\n2026-01-14,question,1,60,15\n"
                                   "2026-01-01,dog,1,80,20\n2026-01-14,dog,1,40,30\n";

static void test_share_and_growth_decide_the_class(void **state)
{
    (void)state;
    struct sales s;
    struct matrix m;
    read_sales(&s, four_classes);
    assert_int_equal(matrix_make(&m, &s, &defaults), ERR_OK);
    assert_float_equal(m.share_threshold, 0.25, 1e-6);
    assert_float_equal(m.growth_threshold, (600.0 / 500 - 1), 1e-6);
    assert_int_equal(find(&m, "star")->class, BCG_STAR);
    assert_int_equal(find(&m, "cow")->class, BCG_CASH_COW);
    assert_int_equal(find(&m, "question")->class, BCG_QUESTION_MARK);
    assert_int_equal(find(&m, "dog")->class, BCG_DOG);
    for (enum bcg_class c = 0; c < BCG_CLASS_COUNT; c++) {
        assert_int_equal(m.of_class[c], 1);
    }
    matrix_finish(&m);
    sales_finish(&s);
}

static void test_numbers_of_a_dish_come_from_the_last_window(void **state)
{
    (void)state;
    struct sales s;
    struct matrix m;
    read_sales(&s, four_classes);
    assert_int_equal(matrix_make(&m, &s, &defaults), ERR_OK);
    const struct matrix_dish *star = find(&m, "star");
    assert_float_equal(star->share, (200.0 / 600), 1e-6);
    assert_float_equal(star->growth, 1.0, 1e-6);
    assert_float_equal(star->margin, 0.75, 1e-6);
    assert_float_equal(star->average_price, 200, 1e-6);
    assert_float_equal(m.margin, ((600.0 - 185) / 600), 1e-6);
    assert_string_equal(m.dishes[0].name, "cow"); /* the largest revenue first */
    assert_string_equal(m.dishes[3].name, "dog");
    matrix_finish(&m);
    sales_finish(&s);
}

static void test_given_thresholds_beat_the_menus_own(void **state)
{
    (void)state;
    struct sales s;
    struct matrix m;
    const struct matrix_options strict = {.share_threshold = 0.4, .growth_threshold = -0.5};
    read_sales(&s, four_classes);
    assert_int_equal(matrix_make(&m, &s, &strict), ERR_OK);
    assert_int_equal(find(&m, "star")->class, BCG_QUESTION_MARK);
    assert_int_equal(find(&m, "cow")->class, BCG_STAR);
    assert_int_equal(find(&m, "dog")->class, BCG_QUESTION_MARK); /* -0.5 is at the threshold */
    matrix_finish(&m);
    sales_finish(&s);
}

static void test_new_dish_counts_as_growing_and_a_gone_one_is_left_out(void **state)
{
    (void)state;
    struct sales s;
    struct matrix m;
    read_sales(&s, "2026-01-01,gone,1,10,1\n2026-01-08,old,1,90,1\n2026-01-21,old,1,90,1\n"
                   "2026-01-21,new,1,10,\n");
    assert_int_equal(matrix_make(&m, &s, &defaults), ERR_OK);
    assert_int_equal(m.count, 2);
    assert_int_equal(m.no_longer_sold, 1);
    assert_true(isnan(find(&m, "new")->growth));
    assert_true(isnan(find(&m, "new")->margin));
    assert_int_equal(find(&m, "new")->class, BCG_QUESTION_MARK);
    assert_int_equal(find(&m, "old")->class, BCG_CASH_COW);
    matrix_finish(&m);
    sales_finish(&s);
}

static void test_nothing_sold_in_the_last_window_is_an_error(void **state)
{
    (void)state;
    struct sales s;
    struct matrix m;
    read_sales(&s, "2026-01-01,A,1,10,1\n2026-01-14,A,0,10,1\n");
    assert_int_equal(matrix_make(&m, &s, &defaults), ERR_INVALID);
    sales_finish(&s);
}

static void test_each_class_and_margin_has_advice_of_its_own(void **state)
{
    (void)state;
    const char *seen[BCG_CLASS_COUNT * 2];
    size_t count = 0;
    for (enum bcg_class c = 0; c < BCG_CLASS_COUNT; c++) {
        for (int low = 0; low < 2; low++) {
            const char *advice = bcg_recommendation(c, low == 1);
            for (size_t i = 0; i < count; i++) {
                assert_string_not_equal(advice, seen[i]);
            }
            seen[count++] = advice;
        }
    }
    assert_string_equal(bcg_class_name(BCG_QUESTION_MARK), "question_mark");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_share_and_growth_decide_the_class),
        cmocka_unit_test(test_numbers_of_a_dish_come_from_the_last_window),
        cmocka_unit_test(test_given_thresholds_beat_the_menus_own),
        cmocka_unit_test(test_new_dish_counts_as_growing_and_a_gone_one_is_left_out),
        cmocka_unit_test(test_nothing_sold_in_the_last_window_is_an_error),
        cmocka_unit_test(test_each_class_and_margin_has_advice_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
