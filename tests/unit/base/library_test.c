#include "base/library.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct table {
    int unused;
    size_t (*length)(const char *text);
};

static const struct library_symbol symbols[] = {{"strlen", offsetof(struct table, length)}};

static void test_a_library_fills_the_table_of_who_needs_it(void **state)
{
    (void)state;
    const struct library l = {"libc.so.6", "counting", symbols, 1};
    struct table table = {.unused = 7};
    library_load(&l, &table);
    assert_int_equal(table.length("four"), 4);
    assert_int_equal(table.unused, 7);
}

static void expect_end(const struct library *l, const char *part)
{
    int out[2];
    assert_int_equal(pipe(out), 0);
    pid_t child = fork();
    if (child == 0) {
        struct table table;
        (void)dup2(out[1], STDERR_FILENO);
        library_load(l, &table);
        _exit(0);
    }
    (void)close(out[1]);
    char text[512] = "";
    size_t len = 0;
    for (ssize_t got; (got = read(out[0], text + len, sizeof text - 1 - len)) > 0;) {
        len += (size_t)got;
    }
    (void)close(out[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 78);
    assert_non_null(strstr(text, part));
}

static void test_one_that_is_not_installed_is_named_with_what_needs_it(void **state)
{
    (void)state;
    const struct library l = {"libmarathon-nowhere.so.1", "counting", symbols, 1};
    expect_end(&l, "counting cannot be without libmarathon-nowhere.so.1: ");
}

static void test_a_function_that_a_library_lacks_is_named(void **state)
{
    (void)state;
    static const struct library_symbol wrong[] = {{"strlen", offsetof(struct table, length)},
                                                  {"no_such_function", 0}};
    const struct library l = {"libc.so.6", "counting", wrong, 2};
    expect_end(&l, "no_such_function");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_library_fills_the_table_of_who_needs_it),
        cmocka_unit_test(test_one_that_is_not_installed_is_named_with_what_needs_it),
        cmocka_unit_test(test_a_function_that_a_library_lacks_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
