#include "conf/conf.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "program.h"

static struct conf *load_ini(const char *content)
{
    struct conf *c = load(&(struct given){.args = {"--config", file_create(content), NULL}});
    files_remove();
    return c;
}

static void test_spaces_comments_quotes_and_line_ends(void **state)
{
    (void)state;
    struct conf *c = load_ini("# a comment\r\n"
                              "  ; another = one\n"
                              "\n"
                              "\tport=1\r\n"
                              "listen = a b # c \n"
                              "redis_url = \" x=\"y\" \"");
    assert_int_equal(conf_int(c, "MARATHON_PORT"), 1);
    assert_string_equal(conf_text(c, "MARATHON_LISTEN"), "a b # c");
    assert_string_equal(conf_text(c, "REDIS_URL"), " x=\"y\" ");
    conf_free(c);
}

static void test_an_empty_file_sets_nothing(void **state)
{
    (void)state;
    struct conf *c = load_ini("");
    assert_int_equal(conf_int(c, "MARATHON_PORT"), 8000);
    conf_free(c);
}

static void test_sections_of_other_programs_are_passed_over(void **state)
{
    (void)state;
    struct conf *c = load_ini("port = 1\n"
                              "[marathon-worker]\n"
                              "port = 2\nslots = many\n"
                              "[ marathon-test ]\n"
                              "listen = here\n"
                              "[marathon]\n"
                              "whatever = 1\n");
    assert_int_equal(conf_int(c, "MARATHON_PORT"), 1);
    assert_string_equal(conf_text(c, "MARATHON_LISTEN"), "here");
    conf_free(c);
}

/* The message without the path in front of it. */
static const char *ini_fault(const char *content)
{
    const char *path = file_create(content);
    const char *message = load_fault(&(struct given){.args = {"--config", path, NULL}});
    assert_memory_equal(message, path, strlen(path));
    message += strlen(path);
    files_remove();
    return message;
}

static void test_faults_name_file_line_and_key(void **state)
{
    (void)state;
    assert_string_equal(ini_fault("port = 1\nprot = 2\n"),
                        ":2: unknown key \"prot\", did you mean port?, see --help");
    assert_string_equal(ini_fault("MARATHON_PORT = 2\n"),
                        ":1: unknown key \"MARATHON_PORT\", see --help");
    assert_string_equal(ini_fault("\n\nport = x\n"),
                        ":3 (port): \"x\" must be a whole number from 1 to 65535");
    assert_string_equal(ini_fault("port\n"), ":1: \"port\" is neither key = value nor [section]");
    assert_string_equal(ini_fault("= 5\n"), ":1: unknown key \"\", see --help");
    assert_string_equal(ini_fault("[database]\n"),
                        ":1: a section must be the name of a program: [marathon-test]");
    assert_string_equal(ini_fault("[marathon-test\n"),
                        ":1: a section must be the name of a program: [marathon-test]");
    assert_string_equal(ini_fault("[\n"),
                        ":1: a section must be the name of a program: [marathon-test]");
    assert_string_equal(ini_fault("listen_file = /nowhere\n"),
                        ":1 (listen_file): cannot open /nowhere: No such file or directory");
}

static void test_a_key_given_twice_is_refused(void **state)
{
    (void)state;
    const char *message = ini_fault("port = 1\n[marathon-test]\nport = 1\n");
    assert_non_null(strstr(message, ":3: key \"port\" is given twice, first at "));
    assert_string_equal(message + strlen(message) - 9, ":1 (port)");
}

static void test_a_file_over_its_bound_is_refused(void **state)
{
    (void)state;
    static char content[(256 << 10) + 2];
    memset(content, '#', sizeof content - 1);
    const char *path = file_create(content);
    const char *message = load_fault(&(struct given){.args = {"--config", path, NULL}});
    assert_non_null(strstr(message, " is larger than 262144 bytes"));
    files_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spaces_comments_quotes_and_line_ends),
        cmocka_unit_test(test_an_empty_file_sets_nothing),
        cmocka_unit_test(test_sections_of_other_programs_are_passed_over),
        cmocka_unit_test(test_faults_name_file_line_and_key),
        cmocka_unit_test(test_a_key_given_twice_is_refused),
        cmocka_unit_test(test_a_file_over_its_bound_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
