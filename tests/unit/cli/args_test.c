#include "cli/args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct arg_option own[] = {
    {"steps", 0, "JSON", ""},
    {"watch", 'w', NULL, ""},
    {"count", 'n', "N", ""},
};
static const struct arg_option shared[] = {
    {"output", 'o', "FORM", ""},
    {"quiet", 'q', NULL, ""},
};
static const struct arg_tables tables = {own, 3, shared, 2};

static struct args parse_good(int argc, const char *const *argv)
{
    struct args a;
    struct buf message = {0};
    union {
        const char *const *in;
        char *const *out;
    } words = {.in = argv};
    assert_int_equal(args_parse(&tables, argc, words.out, &a, &message), ERR_OK);
    assert_int_equal(message.len, 0);
    return a;
}

static void parse_bad(const char *first, const char *second, const char *complaint)
{
    struct args a;
    struct buf message = {0};
    const char *const argv[] = {first, second};
    union {
        const char *const *in;
        char *const *out;
    } words = {.in = argv};
    assert_int_equal(args_parse(&tables, second != NULL ? 2 : 1, words.out, &a, &message),
                     ERR_INVALID);
    assert_string_equal(buf_cstr(&message), complaint);
    buf_free(&message);
}

static void test_options_and_operands_come_in_any_order(void **state)
{
    (void)state;
    const char *const argv[] = {"one", "--steps", "[]", "two", "-w", "-ojson", "--count=3"};
    struct args a = parse_good(7, argv);
    assert_int_equal(a.operand_count, 2);
    assert_string_equal(a.operands[0], "one");
    assert_string_equal(a.operands[1], "two");
    assert_string_equal(args_value(&a, "steps"), "[]");
    assert_string_equal(args_value(&a, "output"), "json");
    assert_string_equal(args_value(&a, "count"), "3");
    assert_true(args_has(&a, "watch"));
    assert_false(args_has(&a, "quiet"));
}

static void test_two_dashes_end_the_options_and_one_is_an_operand(void **state)
{
    (void)state;
    const char *const argv[] = {"-", "--", "--watch"};
    struct args a = parse_good(3, argv);
    assert_int_equal(a.operand_count, 2);
    assert_string_equal(a.operands[0], "-");
    assert_string_equal(a.operands[1], "--watch");
    assert_false(args_has(&a, "watch"));
}

static void test_a_value_may_look_like_an_option(void **state)
{
    (void)state;
    const char *const argv[] = {"--steps", "-", "--count", "-3"};
    struct args a = parse_good(4, argv);
    assert_string_equal(args_value(&a, "steps"), "-");
    assert_string_equal(args_value(&a, "count"), "-3");
}

static void test_the_last_of_a_repeated_option_wins_and_each_can_be_had(void **state)
{
    (void)state;
    const char *const argv[] = {"--steps", "a", "-q", "--steps=b"};
    struct args a = parse_good(4, argv);
    assert_string_equal(args_value(&a, "steps"), "b");
    assert_string_equal(args_value_at(&a, "steps", 0), "a");
    assert_string_equal(args_value_at(&a, "steps", 1), "b");
    assert_null(args_value_at(&a, "steps", 2));
}

static void test_what_is_wrong_is_named(void **state)
{
    (void)state;
    parse_bad("--nothing", NULL, "there is no option --nothing");
    parse_bad("--nothing=1", NULL, "there is no option --nothing=1");
    parse_bad("-x", NULL, "there is no option -x");
    parse_bad("--steps", NULL, "--steps needs a value: --steps JSON");
    parse_bad("-n", NULL, "-n needs a value: -n N");
    parse_bad("--watch=yes", NULL, "--watch takes no value");
    parse_bad("--step", "x", "there is no option --step");
}

static void test_too_many_words_are_refused(void **state)
{
    (void)state;
    const char *argv[ARGS_OPERANDS_MAX + 1];
    struct args a;
    struct buf message = {0};
    for (size_t i = 0; i <= ARGS_OPERANDS_MAX; i++) {
        argv[i] = "x";
    }
    union {
        const char **in;
        char *const *out;
    } words = {.in = argv};
    assert_int_equal(args_parse(&tables, ARGS_OPERANDS_MAX, words.out, &a, &message), ERR_OK);
    assert_int_equal(args_parse(&tables, ARGS_OPERANDS_MAX + 1, words.out, &a, &message),
                     ERR_INVALID);
    for (size_t i = 0; i <= ARGS_OPERANDS_MAX; i++) {
        argv[i] = "-q";
    }
    assert_int_equal(args_parse(&tables, ARGS_VALUES_MAX + 1, words.out, &a, &message),
                     ERR_INVALID);
    buf_free(&message);
}

static void number_is(const char *text, enum err expected, int64_t value)
{
    const char *const argv[] = {"--count", text};
    struct args a = parse_good(2, argv);
    struct buf message = {0};
    int64_t n = -1;
    assert_int_equal(args_number(&a, "count", (struct arg_range){0, 100}, &n, &message), expected);
    assert_int_equal(n, value);
    assert_true((message.len > 0) == (expected != ERR_OK));
    buf_free(&message);
}

static void test_numbers_are_whole_and_bounded(void **state)
{
    (void)state;
    number_is("0", ERR_OK, 0);
    number_is("100", ERR_OK, 100);
    number_is("101", ERR_INVALID, -1);
    number_is("-1", ERR_INVALID, -1);
    number_is("1x", ERR_INVALID, -1);
    number_is("", ERR_INVALID, -1);
    number_is("99999999999999999999", ERR_INVALID, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_and_operands_come_in_any_order),
        cmocka_unit_test(test_two_dashes_end_the_options_and_one_is_an_operand),
        cmocka_unit_test(test_a_value_may_look_like_an_option),
        cmocka_unit_test(test_the_last_of_a_repeated_option_wins_and_each_can_be_had),
        cmocka_unit_test(test_what_is_wrong_is_named),
        cmocka_unit_test(test_too_many_words_are_refused),
        cmocka_unit_test(test_numbers_are_whole_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
