#include "base/err.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_every_error_has_a_text_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < ERR_COUNT; i++) {
        assert_non_null(err_text((enum err)i));
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(err_text((enum err)i), err_text((enum err)k));
        }
    }
    assert_string_equal(err_text((enum err)999), "unknown error");
}

static void test_die_says_why_and_aborts(void **state)
{
    (void)state;
    int out[2];
    assert_int_equal(pipe(out), 0);
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)dup2(out[1], STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        die("queue of %d", 5);
    }
    (void)close(out[1]);
    char text[64] = "";
    size_t len = 0;
    for (ssize_t got; (got = read(out[0], text + len, sizeof text - 1 - len)) > 0;) {
        len += (size_t)got;
    }
    (void)close(out[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_string_equal(text, "fatal: queue of 5\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_error_has_a_text_of_its_own),
        cmocka_unit_test(test_die_says_why_and_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
