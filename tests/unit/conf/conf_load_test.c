#include "conf/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "conf/log_settings.h"
#include "program.h"

struct ending {
    int status;
    char out[8192];
    char err[1024];
};

static void read_all(int fd, char *text, size_t size)
{
    size_t len = 0;
    for (ssize_t got; (got = read(fd, text + len, size - 1 - len)) > 0;) {
        len += (size_t)got;
    }
    text[len] = '\0';
    (void)close(fd);
}

/* conf_load in a child; a load that returns ends it with status 42. */
static struct ending run(const char *first, const char *second)
{
    int out[2], err[2];
    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(err), 0);
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char *argv[] = {mem_str("marathon-test"), mem_str(first), mem_str(second), NULL};
        (void)dup2(out[1], STDOUT_FILENO);
        (void)dup2(err[1], STDERR_FILENO);
        struct conf *c = conf_load(&program,
                                   first == NULL    ? 1
                                   : second == NULL ? 2
                                                    : 3,
                                   argv, "1.2.3 (abc)");
        conf_free(c);
        _exit(42);
    }
    (void)close(out[1]);
    (void)close(err[1]);
    struct ending ending;
    read_all(out[0], ending.out, sizeof ending.out);
    read_all(err[0], ending.err, sizeof ending.err);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    ending.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ending;
}

static void test_good_flags_return(void **state)
{
    (void)state;
    assert_int_equal(run("--port", "1").status, 42);
    assert_int_equal(run(NULL, NULL).status, 42);
}

static void test_version_and_help_end_with_0_even_beside_nonsense(void **state)
{
    (void)state;
    struct ending ending = run("--version", "--nonsense");
    assert_int_equal(ending.status, 0);
    assert_string_equal(ending.out, "marathon-test 1.2.3 (abc)\n");
    ending = run("--nonsense", "--help");
    assert_int_equal(ending.status, 0);
    assert_memory_equal(ending.out, "marathon-test: a program", 24);
    assert_string_equal(run("-h", NULL).out, ending.out);
}

static void test_print_config_ends_with_0(void **state)
{
    (void)state;
    struct ending ending = run("--print-config", "--port=5");
    assert_int_equal(ending.status, 0);
    assert_non_null(strstr(ending.out, "# flag --port\nport = 5\n"));
}

static void test_bad_input_ends_with_2_and_the_program_named(void **state)
{
    (void)state;
    struct ending ending = run("--port=0", "--print-config");
    assert_int_equal(ending.status, 2);
    assert_string_equal(
        ending.err, "marathon-test: flag --port: \"0\" must be a whole number from 1 to 65535\n");
    assert_string_equal(ending.out, "");
}

static void test_a_variable_that_is_nearly_one_of_ours_is_told_of(void **state)
{
    (void)state;
    char *argv[] = {mem_str("marathon-test"), NULL};
    char *envp[] = {mem_str("MARATHON_LISTN=a:1"),     mem_str("MARATHON_PORT=1"),
                    mem_str("MARATHON_STORE_FILE=/f"), mem_str("MARATHON_SOMEONE_ELSES=1"),
                    mem_str("ARATHON_PORT=1"),         NULL};
    struct log_options log = {.role = "test"};
    char text[1024] = "";
    int ends[2], was = dup(STDERR_FILENO);
    struct conf *c = conf_load(&program, 1, argv, "1");
    assert_int_equal(pipe(ends), 0);
    (void)dup2(ends[1], STDERR_FILENO);
    log_init(&log);
    conf_log_slips(c, envp);
    (void)dup2(was, STDERR_FILENO);
    (void)close(was);
    (void)close(ends[1]);
    read_all(ends[0], text, sizeof text);
    assert_non_null(strstr(text, "unknown_variable name=MARATHON_LISTN hint=\"it is ignored, did "
                                 "you mean MARATHON_LISTEN?\"\n"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* and of no other */
    conf_free(c);
    free(argv[0]);
    for (char **at = envp; *at != NULL; at++) {
        free(*at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_flags_return),
        cmocka_unit_test(test_version_and_help_end_with_0_even_beside_nonsense),
        cmocka_unit_test(test_print_config_ends_with_0),
        cmocka_unit_test(test_bad_input_ends_with_2_and_the_program_named),
        cmocka_unit_test(test_a_variable_that_is_nearly_one_of_ours_is_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
