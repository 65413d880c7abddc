#include "bcg/dish_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static bool same(const char *a, const char *b)
{
    bool there = dish_name_same(bytes_str(a), bytes_str(b));
    assert_int_equal(there, dish_name_same(bytes_str(b), bytes_str(a)));
    return there;
}

static void test_case_and_punctuation_do_not_matter(void **state)
{
    (void)state;
    assert_true(same("Steak, Pepper Sauce", "STEAK PEPPER-SAUCE"));
    assert_true(same("Espresso", "espresso"));
}

static void test_a_slip_in_eight_letters_is_forgiven(void **state)
{
    (void)state;
    assert_true(same("Tiramisu", "Tiramlsu"));
    assert_true(same("Bruschetta al Pomodoro", "Bruschetta al Pornodoro"));
    assert_false(same("Tiramisu", "Tlramlsu"));
    assert_false(same("Tea", "Tee"));
}

static void test_other_dishes_and_empty_names_differ(void **state)
{
    (void)state;
    assert_false(same("Pizza Diavola", "Pizza Funghi"));
    assert_false(same("", ""));
    assert_false(same("...", "---"));
}

static void test_long_names_are_compared_up_to_the_bound(void **state)
{
    (void)state;
    char a[DISH_NAME_LETTERS_MAX * 2], b[DISH_NAME_LETTERS_MAX * 2];
    memset(a, 'x', sizeof a);
    memset(b, 'x', sizeof b);
    memset(b + DISH_NAME_LETTERS_MAX, 'y', DISH_NAME_LETTERS_MAX);
    assert_true(dish_name_same(bytes_of(a, sizeof a), bytes_of(b, sizeof b)));
    memset(b, 'z', DISH_NAME_LETTERS_MAX / 2);
    assert_false(dish_name_same(bytes_of(a, sizeof a), bytes_of(b, sizeof b)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_case_and_punctuation_do_not_matter),
        cmocka_unit_test(test_a_slip_in_eight_letters_is_forgiven),
        cmocka_unit_test(test_other_dishes_and_empty_names_differ),
        cmocka_unit_test(test_long_names_are_compared_up_to_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
