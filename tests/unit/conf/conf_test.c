#include "conf/conf.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "program.h"

static char *variable(const char *name, const char *value)
{
    static char text[8][600];
    static unsigned next;
    char *at = text[next++ % 8];
    (void)snprintf(at, 600, "%s=%s", name, value);
    return at;
}

static void test_without_anything_the_defaults_hold(void **state)
{
    (void)state;
    const char *const *items;
    struct conf *c = load(&(struct given){.args = {NULL}});
    assert_string_equal(conf_text(c, "MARATHON_LISTEN"), "127.0.0.1:8000");
    assert_int_equal(conf_int(c, "MARATHON_PORT"), 8000);
    assert_false(conf_bool(c, "MARATHON_FAST"));
    assert_string_equal(conf_text(c, "MARATHON_STORE"), "auto");
    assert_int_equal(conf_list(c, "MARATHON_FUNCTION", &items), 0);
    assert_string_equal(conf_text(c, "REDIS_URL"), "");
    assert_int_equal(conf_int(c, "MARATHON_KEY_BYTES"), 0);
    conf_free(c);
    conf_free(NULL);
}

static void test_flag_beats_environment_beats_file_beats_default(void **state)
{
    (void)state;
    const char *ini = file_create("port = 1001\nstore = redis\nfast = yes\n");
    struct conf *c =
        load(&(struct given){.args = {"--config", ini, "--port=1003", NULL},
                             .env = {"MARATHON_PORT=1002", "MARATHON_STORE=memory", NULL}});
    assert_int_equal(conf_int(c, "MARATHON_PORT"), 1003);
    assert_string_equal(conf_text(c, "MARATHON_STORE"), "memory");
    assert_true(conf_bool(c, "MARATHON_FAST"));
    assert_string_equal(conf_text(c, "MARATHON_LISTEN"), "127.0.0.1:8000");
    conf_free(c);
    files_remove();
}

static void test_the_file_is_named_by_the_environment_too_and_the_flag_wins(void **state)
{
    (void)state;
    const char *one = file_create("port = 1\n");
    const char *two = file_create("port = 2\n");
    struct conf *c = load(&(struct given){.env = {variable("MARATHON_CONFIG", one), NULL}});
    assert_int_equal(conf_int(c, "MARATHON_PORT"), 1);
    conf_free(c);
    c = load(&(struct given){.args = {"--config", two, NULL},
                             .env = {variable("MARATHON_CONFIG", one), NULL}});
    assert_int_equal(conf_int(c, "MARATHON_PORT"), 2);
    conf_free(c);
    files_remove();
}

static void test_every_setting_can_come_from_a_file_of_its_own(void **state)
{
    (void)state;
    const char *secret = file_create("redis://:pass@host\n");
    const char *two_newlines = file_create("a\n\n");
    const char *port = file_create("99\n");
    const char *ini_line = NULL;
    char line[600];
    (void)snprintf(line, sizeof line, "listen_file = %s\n", two_newlines);
    ini_line = file_create(line);
    struct conf *c = load(&(struct given){.args = {"--port-file", port, "--config", ini_line, NULL},
                                          .env = {variable("REDIS_URL_FILE", secret), NULL}});
    assert_string_equal(conf_text(c, "REDIS_URL"), "redis://:pass@host");
    assert_string_equal(conf_text(c, "MARATHON_LISTEN"), "a\n"); /* one newline is dropped */
    assert_int_equal(conf_int(c, "MARATHON_PORT"), 99);
    conf_free(c);
    files_remove();
}

static void test_an_entry_whose_own_name_ends_with_file_is_no_path(void **state)
{
    (void)state;
    struct conf *c =
        load(&(struct given){.env = {"MARATHON_LOG_FILE=/nowhere/x", "MARATHON_LOG=y", NULL}});
    assert_string_equal(conf_text(c, "MARATHON_LOG_FILE"), "/nowhere/x");
    assert_string_equal(conf_text(c, "MARATHON_LOG"), "y");
    conf_free(c);
}

static void test_an_empty_variable_counts_as_not_set(void **state)
{
    (void)state;
    struct conf *c = load(&(struct given){.env = {"MARATHON_PORT=", "MARATHON_PORT_FILE=", NULL}});
    assert_int_equal(conf_int(c, "MARATHON_PORT"), 8000);
    conf_free(c);
}

static void test_variables_of_other_programs_are_passed_over(void **state)
{
    (void)state;
    struct conf *c = load(
        &(struct given){.env = {"MARATHON_SOMETHING=1", "MARATHON_PORTX=2", "PATH=/bin", NULL}});
    assert_int_equal(conf_int(c, "MARATHON_PORT"), 8000);
    conf_free(c);
}

static void test_a_value_and_its_file_at_once_are_refused(void **state)
{
    (void)state;
    assert_string_equal(
        load_fault(&(struct given){.env = {"REDIS_URL=a", "REDIS_URL_FILE=/nowhere", NULL}}),
        "environment variable REDIS_URL and environment variable REDIS_URL_FILE are both given; "
        "give one of them");
    assert_string_equal(
        load_fault(&(struct given){.args = {"--port-file=/nowhere", "--port=1", NULL}}),
        "flag --port-file: cannot open /nowhere: No such file or directory");
}

static void test_a_file_that_cannot_be_used_is_named(void **state)
{
    (void)state;
    assert_string_equal(
        load_fault(&(struct given){.env = {"REDIS_URL_FILE=/nowhere/secret", NULL}}),
        "environment variable REDIS_URL_FILE: cannot open /nowhere/secret: No such file or "
        "directory");
    assert_string_equal(load_fault(&(struct given){.env = {"MARATHON_CONFIG=/nowhere/ini", NULL}}),
                        "--config: cannot open /nowhere/ini: No such file or directory");
    assert_string_equal(load_fault(&(struct given){.env = {"MARATHON_CONFIG=/", NULL}}),
                        "--config: cannot read /: Is a directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_anything_the_defaults_hold),
        cmocka_unit_test(test_flag_beats_environment_beats_file_beats_default),
        cmocka_unit_test(test_the_file_is_named_by_the_environment_too_and_the_flag_wins),
        cmocka_unit_test(test_every_setting_can_come_from_a_file_of_its_own),
        cmocka_unit_test(test_an_entry_whose_own_name_ends_with_file_is_no_path),
        cmocka_unit_test(test_an_empty_variable_counts_as_not_set),
        cmocka_unit_test(test_variables_of_other_programs_are_passed_over),
        cmocka_unit_test(test_a_value_and_its_file_at_once_are_refused),
        cmocka_unit_test(test_a_file_that_cannot_be_used_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
