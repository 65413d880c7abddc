#include "conf/conf.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "program.h"

static void expect_fault_of(const char *variable, const char *message)
{
    assert_string_equal(load_fault(&(struct given){.env = {variable, NULL}}), message);
}

static void test_numbers_outside_of_their_range(void **state)
{
    (void)state;
    static const char *const bad[] = {"0",    "65536", "-1",  "abc", "80x",
                                      "0x50", " 80",   "+80", "8e3", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char given[64], message[128];
        (void)snprintf(given, sizeof given, "MARATHON_PORT=%s", bad[i]);
        (void)snprintf(
            message, sizeof message,
            "environment variable MARATHON_PORT: \"%s\" must be a whole number from 1 to 65535",
            bad[i]);
        expect_fault_of(given, message);
    }
    expect_fault_of("MARATHON_OFFSET=x",
                    "environment variable MARATHON_OFFSET: \"x\" must be a whole number");
}

static void test_a_number_without_bounds_takes_any(void **state)
{
    (void)state;
    struct conf *c = load(&(struct given){.env = {"MARATHON_OFFSET=-9223372036854775808", NULL}});
    assert_true(conf_int(c, "MARATHON_OFFSET") == INT64_MIN);
    conf_free(c);
}

static void test_words_for_true_and_false(void **state)
{
    (void)state;
    static const char *const words[] = {"false", "true", "no", "yes", "off", "ON", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char given[64];
        (void)snprintf(given, sizeof given, "MARATHON_FAST=%s", words[i]);
        struct conf *c = load(&(struct given){.env = {given, NULL}});
        assert_int_equal(conf_bool(c, "MARATHON_FAST"), i % 2);
        conf_free(c);
    }
    expect_fault_of("MARATHON_FAST=maybe",
                    "environment variable MARATHON_FAST: \"maybe\" must be true or false");
}

static void test_a_choice_is_one_of_its_words(void **state)
{
    (void)state;
    static const char *const bad[] = {"red", "redis|memory", "auto|", "|", "Redis", "memoryx"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char given[64], message[128];
        (void)snprintf(given, sizeof given, "MARATHON_STORE=%s", bad[i]);
        (void)snprintf(
            message, sizeof message,
            "environment variable MARATHON_STORE: \"%s\" must be one of auto|redis|memory", bad[i]);
        expect_fault_of(given, message);
    }
    struct conf *c = load(&(struct given){.env = {"MARATHON_STORE=memory", NULL}});
    assert_string_equal(conf_text(c, "MARATHON_STORE"), "memory");
    conf_free(c);
}

static void test_secrets_do_not_show_in_messages(void **state)
{
    (void)state;
    expect_fault_of(
        "MARATHON_KEY_BYTES=hunter2",
        "environment variable MARATHON_KEY_BYTES: the value must be a whole number from 16 to 64");
}

static void expect_items(struct conf *c, size_t count, const char *const *expected)
{
    const char *const *items;
    assert_int_equal(conf_list(c, "MARATHON_FUNCTION", &items), count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(items[i], expected[i]);
    }
    conf_free(c);
}

static void test_lists_are_split_at_commas_and_trimmed(void **state)
{
    (void)state;
    expect_items(
        load(&(struct given){.env = {"MARATHON_FUNCTION= a, b=exec:/bin/x y ,,c ,", NULL}}), 3,
        (const char *const[]){"a", "b=exec:/bin/x y", "c"});
    expect_items(load(&(struct given){.env = {"MARATHON_FUNCTION=,", NULL}}), 0, NULL);
}

static void test_lists_grow_within_a_source_and_start_again_in_the_next(void **state)
{
    (void)state;
    const char *ini = file_create("function = a,b\nfunction = c\n");
    expect_items(load(&(struct given){.args = {"--config", ini, NULL}}), 3,
                 (const char *const[]){"a", "b", "c"});
    expect_items(
        load(&(struct given){.args = {"--config", ini, "--function=x", "--function", "y,z", NULL},
                             .env = {"MARATHON_FUNCTION=e", NULL}}),
        3, (const char *const[]){"x", "y", "z"});
    files_remove();
}

static void test_a_default_that_does_not_fit_is_told(void **state)
{
    (void)state;
    static const struct conf_entry entry = {
        .env = "MARATHON_N", .kind = CONF_INT, .fallback = "ten", .min = 1, .max = 2, .help = "n"};
    static const struct conf_program wrong = {
        .name = "x", .summary = "x", .entries = &entry, .entry_count = 1};
    char name[] = "x";
    char *argv[] = {name, NULL};
    struct conf *c;
    const char *message;
    assert_int_equal(conf_parse(&wrong, 1, argv, NULL, &c, &message), ERR_INVALID);
    assert_string_equal(message,
                        "default of MARATHON_N: \"ten\" must be a whole number from 1 to 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_outside_of_their_range),
        cmocka_unit_test(test_a_number_without_bounds_takes_any),
        cmocka_unit_test(test_words_for_true_and_false),
        cmocka_unit_test(test_a_choice_is_one_of_its_words),
        cmocka_unit_test(test_secrets_do_not_show_in_messages),
        cmocka_unit_test(test_lists_are_split_at_commas_and_trimmed),
        cmocka_unit_test(test_lists_grow_within_a_source_and_start_again_in_the_next),
        cmocka_unit_test(test_a_default_that_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
