/* Functions files: what they may say, and where they are told to be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/functions.h"

static void refused(const char *text, const char *pointer, const char *part)
{
    struct functions f = {0};
    struct functions_fault fault;
    functions_add_builtins(&f);
    enum err e = functions_parse(&f, bytes_str(text), "/etc", &fault);
    assert_true(e == ERR_INVALID || e == ERR_FULL);
    assert_string_equal(fault.pointer, pointer);
    if (strstr(fault.detail, part) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", part, fault.detail);
    }
    assert_int_equal(f.count, 4); /* the built-ins */
    functions_free(&f);
}

static void test_all_kinds_are_read(void **state)
{
    (void)state;
    struct functions f = {0};
    struct functions_fault fault;
    functions_add_builtins(&f);
    const char *text = "{\"functions\":{\"menu.extract\":{\"exec\":[\"./x.py\",\"--a\",\"\"],"
                       "\"env\":{\"K\":\"V\"},\"cwd\":\"data\"},"
                       "\"plain\":{\"exec\":[\"python3\",\"./y.py\"],\"cwd\":\"/abs\"},"
                       "\"bcg\":{\"plugin\":\"bcg.so\"},"
                       "\"score\":{\"http\":\"http://h:1/"
                       "run\",\"headers\":{\"X-K\":\"v\"},\"timeout_connect\":0.5}}}";
    assert_int_equal(functions_parse(&f, bytes_str(text), "/etc/m", &fault), ERR_OK);
    const struct function *x = functions_find(&f, BYTES_LIT("menu.extract"));
    assert_non_null(x);
    assert_int_equal(x->kind, FUNCTION_EXEC);
    assert_string_equal(x->argv[0], "/etc/m/./x.py");
    assert_string_equal(x->argv[1], "--a");
    assert_string_equal(x->argv[2], "");
    assert_null(x->argv[3]);
    assert_string_equal(x->env[0], "K=V");
    assert_string_equal(x->cwd, "/etc/m/data");
    const struct function *plain = functions_find(&f, BYTES_LIT("plain"));
    assert_string_equal(plain->argv[0], "python3");
    assert_string_equal(plain->argv[1], "./y.py");
    assert_string_equal(plain->cwd, "/abs");
    assert_string_equal(functions_find(&f, BYTES_LIT("bcg"))->path, "/etc/m/bcg.so");
    const struct function *score = functions_find(&f, BYTES_LIT("score"));
    assert_string_equal(score->url, "http://h:1/run");
    assert_string_equal(score->headers[0], "X-K: v");
    assert_int_equal(score->connect_ms, 500);
    assert_int_equal(functions_find(&f, BYTES_LIT("echo"))->kind, FUNCTION_BUILTIN);
    assert_null(functions_find(&f, BYTES_LIT("nobody")));
    functions_free(&f);
}

static void test_a_fault_is_told_with_its_place(void **state)
{
    (void)state;
    refused("{\"functions\":", "", "line 1");
    refused("[]", "", "expected an object");
    refused("{}", "/functions", "expected an object");
    refused("{\"functions\":{},\"x\":1}", "/x", "unknown field; known here: functions");
    refused("{\"functions\":{\"a b\":{\"exec\":[\"x\"]}}}", "/functions/a b", "name is");
    refused("{\"functions\":{\"a/b\":{\"exec\":[\"x\"]}}}", "/functions/a~1b", "name is");
    refused("{\"functions\":{\"f\":{}}}", "/functions/f", "one of exec, http and plugin");
    refused("{\"functions\":{\"f\":3}}", "/functions/f", "one of exec, http and plugin");
    refused("{\"functions\":{\"f\":{\"exec\":[\"x\"],\"plugin\":\"y\"}}}", "/functions/f",
            "one of");
    refused("{\"functions\":{\"echo\":{\"exec\":[\"x\"]}}}", "/functions/echo", "taken");
}

static void test_exec_is_checked_strictly(void **state)
{
    (void)state;
    refused("{\"functions\":{\"f\":{\"exec\":\"x\"}}}", "/functions/f/exec", "array");
    refused("{\"functions\":{\"f\":{\"exec\":[]}}}", "/functions/f/exec", "array of 1");
    refused("{\"functions\":{\"f\":{\"exec\":[\"x\",3]}}}", "/functions/f/exec/1", "string");
    refused("{\"functions\":{\"f\":{\"exec\":[\"\"]}}}", "/functions/f/exec/0", "the program");
    refused("{\"functions\":{\"f\":{\"exec\":[\"x\"],\"shell\":true}}}", "/functions/f/shell",
            "unknown field; known here: exec, env, cwd");
    refused("{\"functions\":{\"f\":{\"exec\":[\"x\"],\"env\":{\"A=B\":\"c\"}}}}",
            "/functions/f/env/A=B", "string");
    refused("{\"functions\":{\"f\":{\"exec\":[\"x\"],\"env\":{\"A\":1}}}}", "/functions/f/env/A",
            "string");
    refused("{\"functions\":{\"f\":{\"exec\":[\"x\"],\"cwd\":\"\"}}}", "/functions/f/cwd",
            "folder");
}

static void test_http_and_plugin_are_checked_strictly(void **state)
{
    (void)state;
    refused("{\"functions\":{\"f\":{\"http\":\"ftp://h/\"}}}", "/functions/f/http", "http://");
    refused("{\"functions\":{\"f\":{\"http\":\"http://h/\",\"timeout_connect\":0}}}",
            "/functions/f/timeout_connect", "seconds");
    refused("{\"functions\":{\"f\":{\"http\":\"http://h/\",\"headers\":{\"A\":\"x\\r\\ny\"}}}}",
            "/functions/f/headers/A", "without line breaks");
    refused("{\"functions\":{\"f\":{\"plugin\":7}}}", "/functions/f/plugin", "shared object");
    refused("{\"functions\":{\"f\":{\"plugin\":\"a.so\",\"env\":{}}}}", "/functions/f/env",
            "unknown field");
}

static void test_a_file_is_read_relative_to_its_own_folder(void **state)
{
    (void)state;
    char folder[] = "/tmp/marathon-functions-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char file[64];
    char program[80];
    (void)snprintf(file, sizeof file, "%s/f.json", folder);
    (void)snprintf(program, sizeof program, "%s/bin/x", folder);
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    (void)fputs("{\"functions\":{\"f\":{\"exec\":[\"bin/x\"]}}}", out);
    assert_int_equal(fclose(out), 0);
    struct functions f = {0};
    struct functions_fault fault;
    assert_int_equal(functions_load(&f, file, &fault), ERR_OK);
    assert_string_equal(f.items[0].argv[0], program);
    assert_int_equal(functions_load(&f, "/no/such/file", &fault), ERR_IO);
    assert_non_null(strstr(fault.detail, "No such file"));
    functions_free(&f);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void test_more_functions_than_the_bound_are_refused(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_add_str(&text, "{\"functions\":{");
    for (unsigned i = 0; i <= FUNCTIONS_MAX; i++) {
        buf_addf(&text, "%s\"f%u\":{\"exec\":[\"x\"]}", i > 0 ? "," : "", i);
    }
    buf_add_str(&text, "}}");
    refused(buf_cstr(&text), "/functions/f252", "at most 256");
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_kinds_are_read),
        cmocka_unit_test(test_a_fault_is_told_with_its_place),
        cmocka_unit_test(test_exec_is_checked_strictly),
        cmocka_unit_test(test_http_and_plugin_are_checked_strictly),
        cmocka_unit_test(test_a_file_is_read_relative_to_its_own_folder),
        cmocka_unit_test(test_more_functions_than_the_bound_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
