#include "conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "program.h"

static void expect_fault_of(const char *first, const char *second, const char *message)
{
    assert_string_equal(load_fault(&(struct given){.args = {first, second, NULL}}), message);
}

static void test_values_stand_behind_an_equals_sign_or_next(void **state)
{
    (void)state;
    struct conf *c = load(&(struct given){
        .args = {"--port=1", "--listen", "a=b", "--redis-url", "", "--key-size", "16", NULL}});
    assert_int_equal(conf_int(c, "MARATHON_PORT"), 1);
    assert_string_equal(conf_text(c, "MARATHON_LISTEN"), "a=b");
    assert_string_equal(conf_text(c, "REDIS_URL"), "");
    assert_int_equal(conf_int(c, "MARATHON_KEY_BYTES"), 16);
    conf_free(c);
}

static void test_the_last_of_equal_flags_wins(void **state)
{
    (void)state;
    struct conf *c = load(&(struct given){.args = {"--port=1", "--port=2", NULL}});
    assert_int_equal(conf_int(c, "MARATHON_PORT"), 2);
    conf_free(c);
}

static void test_a_negative_number_is_a_value(void **state)
{
    (void)state;
    struct conf *c = load(&(struct given){.args = {"--offset", "-5", NULL}});
    assert_int_equal(conf_int(c, "MARATHON_OFFSET"), -5);
    conf_free(c);
}

static void test_a_switch_takes_no_next_argument(void **state)
{
    (void)state;
    struct conf *c = load(&(struct given){.args = {"--fast", "--port", "1", NULL}});
    assert_true(conf_bool(c, "MARATHON_FAST"));
    assert_int_equal(conf_int(c, "MARATHON_PORT"), 1);
    conf_free(c);
    c = load(&(struct given){.args = {"--fast=no", NULL}, .env = {"MARATHON_FAST=1", NULL}});
    assert_false(conf_bool(c, "MARATHON_FAST"));
    conf_free(c);
    c = load(&(struct given){.args = {"--no-fast", NULL}, .env = {"MARATHON_FAST=1", NULL}});
    assert_false(conf_bool(c, "MARATHON_FAST"));
    conf_free(c);
    expect_fault_of("--fast", "true",
                    "unexpected argument \"true\"; marathon-test takes flags only, see --help");
}

static void test_unknown_flags_get_a_suggestion_where_one_is_near(void **state)
{
    (void)state;
    expect_fault_of("--prot=1", NULL, "unknown flag --prot, did you mean --port?, see --help");
    expect_fault_of("--redis_url=x", NULL,
                    "unknown flag --redis_url, did you mean --redis-url?, see --help");
    expect_fault_of("--nonsense", NULL, "unknown flag --nonsense, see --help");
    expect_fault_of("--key-bytes=16", NULL,
                    "unknown flag --key-bytes, see --help"); /* its flag is key-size */
    expect_fault_of("--no-port", NULL, "unknown flag --no-port, see --help");
    expect_fault_of("--no-fast=true", NULL, "unknown flag --no-fast, see --help");
}

static void test_a_flag_without_its_value(void **state)
{
    (void)state;
    expect_fault_of("--port", NULL, "flag --port needs a value: --port=VALUE");
    expect_fault_of("--listen", "--fast", "flag --listen needs a value: --listen=VALUE");
    expect_fault_of("--config", NULL, "flag --config needs a value: --config=VALUE");
    expect_fault_of("--port=", NULL, "flag --port: \"\" must be a whole number from 1 to 65535");
}

static void test_other_arguments_are_refused(void **state)
{
    (void)state;
    expect_fault_of("start", NULL,
                    "unexpected argument \"start\"; marathon-test takes flags only, see --help");
    expect_fault_of("-p", "1",
                    "unexpected argument \"-p\"; marathon-test takes flags only, see --help");
    expect_fault_of("--", NULL,
                    "unexpected argument \"--\"; marathon-test takes flags only, see --help");
    expect_fault_of("--=x", NULL,
                    "unexpected argument \"--=x\"; marathon-test takes flags only, see --help");
    expect_fault_of("", NULL,
                    "unexpected argument \"\"; marathon-test takes flags only, see --help");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_stand_behind_an_equals_sign_or_next),
        cmocka_unit_test(test_the_last_of_equal_flags_wins),
        cmocka_unit_test(test_a_negative_number_is_a_value),
        cmocka_unit_test(test_a_switch_takes_no_next_argument),
        cmocka_unit_test(test_unknown_flags_get_a_suggestion_where_one_is_near),
        cmocka_unit_test(test_a_flag_without_its_value),
        cmocka_unit_test(test_other_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
