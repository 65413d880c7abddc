#include "conf/conf_build.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "program.h"

static char *printed_help(void)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    conf_print_help(&program, out);
    (void)fclose(out);
    return text;
}

static char *printed_values(const struct given *given)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    struct conf *c = load(given);
    assert_non_null(out);
    conf_print_values(c, out);
    (void)fclose(out);
    conf_free(c);
    return text;
}

static void test_help_has_every_entry_under_its_heading(void **state)
{
    (void)state;
    char *text = printed_help();
    static const char *const parts[] = {
        "marathon-test: a program for tests\n",
        "\nNetwork\n  --listen TEXT\n      where to listen (default 127.0.0.1:8000; "
        "MARATHON_LISTEN)\n",
        "  --port N\n      the port; a whole number from 1 to 65535 (default 8000; "
        "MARATHON_PORT)\n",
        "  --fast[=true|false]\n",
        "  --store auto|redis|memory\n",
        "  --function A,B,...\n      functions (no default; MARATHON_FUNCTION)\n",
        "\nSecrets\n  --redis-url TEXT\n",
        "  --key-size N\n",
        "  --config FILE\n",
        "  --print-config\n",
        "\nExamples:\n  marathon-test --fast\n"};
    const char *at = text;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        at = strstr(at, parts[i]); /* in this order */
        if (at == NULL) {
            fail_msg("not in order or not there: %s\n%s", parts[i], text);
        }
    }
    free(text);
}

static void test_values_are_told_with_where_they_came_from(void **state)
{
    (void)state;
    char *text = printed_values(
        &(struct given){.args = {"--listen= x", "--function=a", "--function=b", NULL},
                        .env = {"MARATHON_PORT=80", "REDIS_URL=redis://:pass@h", NULL}});
    static const char *const parts[] = {"# flag --listen\nlisten = \" x\"\n",
                                        "# environment variable MARATHON_PORT\nport = 80\n",
                                        "# default\nfast = false\n",
                                        "# flag --function\nfunction = a,b\n",
                                        "# environment variable REDIS_URL\nredis_url = ***\n",
                                        "# default\n# key_bytes =\n",
                                        "# default\nlog_file =\n"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strstr(text, parts[i]) == NULL) {
            fail_msg("not there: %s\n%s", parts[i], text);
        }
    }
    assert_null(strstr(text, "pass"));
    free(text);
}

static void test_password_in_a_url_is_not_told(void **state)
{
    (void)state;
    static const char *const urls[][2] = {
        {"redis://ann:sesame@h:1/0", "redis://ann:***@h:1/0"},
        {"redis://:sesame@h", "redis://:***@h"},
        {"redis://ann:se@same@h/a@b", "redis://ann:***@h/a@b"},
        {"redis://ann:@h:1", "redis://ann:@h:1"},
        {"unix:///run/a:b@c", "unix:///run/a:b@c"},
        {"a:b@c", "a:b@c"},
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        char flag[100], line[100];
        snprintf(flag, sizeof flag, "--listen=%s", urls[i][0]);
        snprintf(line, sizeof line, "\nlisten = %s\n", urls[i][1]);
        char *text = printed_values(&(struct given){.args = {flag, NULL}});
        if (strstr(text, line) == NULL) {
            fail_msg("not there: %s\n%s", line, text);
        }
        free(text);
    }
}

static void test_what_is_printed_can_be_read_again(void **state)
{
    (void)state;
    char *first =
        printed_values(&(struct given){.args = {"--listen= x \"", "--function=a,b c", "--fast",
                                                "--store=memory", "--offset=-3", NULL}});
    const char *path = file_create(first);
    struct conf *c = load(&(struct given){.args = {"--config", path, NULL}});
    const char *const *items;
    assert_string_equal(conf_text(c, "MARATHON_LISTEN"), " x \"");
    assert_int_equal(conf_list(c, "MARATHON_FUNCTION", &items), 2);
    assert_string_equal(items[1], "b c");
    assert_true(conf_bool(c, "MARATHON_FAST"));
    assert_string_equal(conf_text(c, "MARATHON_STORE"), "memory");
    assert_int_equal(conf_int(c, "MARATHON_OFFSET"), -3);
    conf_free(c);
    files_remove();
    free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_has_every_entry_under_its_heading),
        cmocka_unit_test(test_values_are_told_with_where_they_came_from),
        cmocka_unit_test(test_password_in_a_url_is_not_told),
        cmocka_unit_test(test_what_is_printed_can_be_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
