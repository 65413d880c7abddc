/* exec functions: what they are given, what they may answer, how they end, and what they leave
 * behind. */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "run/files.h"

static void run_sh(const char *script, enum code code, const char *part)
{
    struct bench *b = bench_open_sh(script);
    bench_assert_failed(bench_run(b, "f", NULL), code, part);
    bench_close(b);
}

static void test_the_envelope_is_on_stdin_and_the_value_on_stdout_is_the_result(void **state)
{
    (void)state;
    struct bench *b = bench_open("{\"functions\":{\"f\":{\"exec\":[\"cat\"]}}}");
    bench_assert_result(bench_run(b, "f", NULL),
                        "{\"task_id\":\"task-1\",\"step_id\":\"step_2\",\"name\":\"extract\","
                        "\"attempt\":1,\"idempotency_key\":\"key-1\",\"input\":{\"a\":1},"
                        "\"results\":{\"before\":[1,2]},\"progress_checkpoint\":null,"
                        "\"deadline\":\"2023-11-14T22:13:20.000Z\"}");
    bench_close(b);
}

static void test_an_order_that_had_to_wait_is_handed_the_same(void **state)
{
    (void)state;
    struct bench *b = bench_open("{\"functions\":{\"f\":{\"exec\":[\"cat\"]}}}");
    bench_run_both(b, "f", NULL);
    bench_run_both(b, "f", "");
    bench_close(b);
}

static void test_white_space_around_the_result_is_dropped(void **state)
{
    (void)state;
    struct bench *b = bench_open_sh("printf ' \\n [1, 2] \\n\\n'");
    bench_assert_result(bench_run(b, "f", NULL), "[1, 2]");
    bench_close(b);
}

static void test_a_function_need_not_read_its_input(void **state)
{
    (void)state;
    struct bench *b = bench_open_sh("exec <&-; echo 1");
    struct buf input = {0};
    buf_add_char(&input, '"');
    for (int i = 0; i < 200000; i++) {
        buf_add_char(&input, 'x');
    }
    buf_add_char(&input, '"');
    bench_assert_result(bench_run(b, "f", buf_cstr(&input)), "1");
    buf_free(&input);
    bench_close(b);
}

static void test_exit_statuses_say_whether_to_try_again(void **state)
{
    (void)state;
    run_sh("exit 1", CODE_FUNCTION_FAILED, "exit status 1");
    run_sh("exit 75", CODE_FUNCTION_FAILED, "exit status 75");
    run_sh("exit 65", CODE_FUNCTION_REJECTED, "exit status 65");
}

static void test_the_end_of_the_log_stands_behind_the_error(void **state)
{
    (void)state;
    run_sh("echo 'no such dish' >&2; exit 1", CODE_FUNCTION_FAILED, "exit status 1\nno such dish");
    run_sh("i=0; while [ $i -lt 2000 ]; do echo \"line $i\" >&2; i=$((i+1)); done; exit 1",
           CODE_FUNCTION_FAILED, "line 1999");
}

static void test_a_death_by_signal_is_a_crash(void **state)
{
    (void)state;
    run_sh("echo 'about to' >&2; kill -9 $$", CODE_FUNCTION_CRASHED, "signal 9 (Killed)\nabout to");
    run_sh("kill -SEGV $$", CODE_FUNCTION_CRASHED, "signal 11");
}

static void test_anything_but_one_json_value_is_bad_output(void **state)
{
    (void)state;
    run_sh(":", CODE_FUNCTION_BAD_OUTPUT, "no output");
    run_sh("echo hello", CODE_FUNCTION_BAD_OUTPUT, "not one JSON value");
    run_sh("echo 1 2", CODE_FUNCTION_BAD_OUTPUT, "at byte 2");
    run_sh("printf '\"\\377\"'", CODE_FUNCTION_BAD_OUTPUT, "not one JSON value");
    run_sh("echo '{\"a\":'", CODE_FUNCTION_BAD_OUTPUT, "not one JSON value");
}

static void test_a_hundred_megabytes_are_cut_off_while_they_are_read(void **state)
{
    (void)state;
    run_sh("head -c 100000000 /dev/zero; echo done > finished", CODE_RESULT_TOO_LARGE,
           "larger than 1048576 bytes");
    run_sh("yes", CODE_RESULT_TOO_LARGE, "larger than");
}

static void test_a_result_of_exactly_a_mebibyte_passes(void **state)
{
    (void)state;
    struct bench *b =
        bench_open_sh("printf '\"'; head -c 1048574 /dev/zero | tr '\\0' x; printf '\"\\n'");
    const struct bench_call *c = bench_run(b, "f", NULL);
    assert_true(c->result.ok);
    assert_int_equal(c->result.result.len, RESULT_BYTES_MAX);
    bench_close(b);
    run_sh("printf '\"'; head -c 1048575 /dev/zero | tr '\\0' x; printf '\"\\n'",
           CODE_RESULT_TOO_LARGE, "larger than");
}

static void test_what_cannot_be_started_is_unavailable(void **state)
{
    (void)state;
    struct bench *b = bench_open("{\"functions\":{\"f\":{\"exec\":[\"./nowhere\"]},"
                                 "\"u\":{\"exec\":[\"/etc/passwd\"]},"
                                 "\"g\":{\"exec\":[\"no-such-program-anywhere\"]},"
                                 "\"h\":{\"exec\":[\"true\"],\"cwd\":\"/no/such/folder\"}}}");
    bench_assert_failed(bench_run(b, "f", NULL), CODE_FUNCTION_UNAVAILABLE,
                        "exec: No such file or directory");
    bench_assert_failed(bench_run(b, "u", NULL), CODE_FUNCTION_UNAVAILABLE, "chmod +x");
    bench_assert_failed(bench_run(b, "g", NULL), CODE_FUNCTION_UNAVAILABLE,
                        "cannot start no-such-program-anywhere");
    bench_assert_failed(bench_run(b, "h", NULL), CODE_FUNCTION_UNAVAILABLE, "chdir: No such file");
    bench_close(b);
}

/* At each number of descriptors there is one of: no pipe, no room in the child, all well. */
static void test_want_of_descriptors_is_no_failure_of_the_function(void **state)
{
    (void)state;
    struct bench *b = bench_open_sh("ulimit -n > limit; echo 1");
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int free_fd = dup(0);
    (void)close(free_fd);
    bool first_failed = false;
    bool ok = false;
    for (rlim_t more = 0; more < 40 && !ok; more++) {
        struct rlimit few = {(rlim_t)free_fd + more, limit.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        const struct bench_call *c = bench_run(b, "f", NULL);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        ok = c->result.ok;
        first_failed = first_failed || (more == 0 && !ok);
        if (!ok) {
            bench_assert_failed(c, CODE_FUNCTION_UNAVAILABLE, strerror(EMFILE));
            assert_true(c->result.not_begun);
        }
    }
    assert_true(first_failed && ok);
    bench_close(b);
}

static void test_functions_have_the_limit_that_the_worker_was_started_with(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit few = {100, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    struct files_limit f = files_raise(20);
    assert_int_equal(f.wanted, 20 * FILES_PER_SLOT + FILES_OTHER);
    assert_int_equal(f.got, f.wanted);
    struct bench *b = bench_open_sh("ulimit -n");
    bench_assert_result(bench_run(b, "f", NULL), "100");
    bench_close(b);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void test_news_come_from_descriptor_3_and_nonsense_there_is_ignored(void **state)
{
    (void)state;
    struct bench *b = bench_open_sh(
        "echo '{\"progress\":0.4,\"message\":\"gr\\u00fcn\"}' >&3; echo nonsense >&3;"
        "echo '{\"checkpoint\":{\"page\":3}}' >&3; printf '{\"progress\":0.9}' >&3; echo 1");
    const struct bench_call *c = bench_run(b, "f", NULL);
    bench_assert_result(c, "1");
    assert_int_equal(c->news, 3);
    assert_float_equal(c->fraction, 0.9, 1e-9);
    assert_string_equal(c->message, "grün");
    assert_string_equal(c->checkpoint, "{\"page\":3}");
    bench_close(b);
}

static void test_the_environment_has_the_attempt_and_none_of_our_secrets(void **state)
{
    (void)state;
    struct bench *b = bench_open(
        "{\"functions\":{\"f\":{\"env\":{\"COLOUR\":\"red\",\"LANG\":\"C\"},\"exec\":[\"sh\",\"-"
        "c\","
        "\"env | grep -q -i secret && exit 65; "
        "echo \\\"[\\\\\\\"$MARATHON_TASK_ID $MARATHON_STEP $MARATHON_STEP_ID $MARATHON_ATTEMPT "
        "$MARATHON_IDEMPOTENCY_KEY $MARATHON_DATA_DIR $COLOUR $LANG\\\\\\\"]\\\"\"]}}}");
    bench_assert_result(bench_run(b, "f", NULL), "[\"task-1 extract step_2 1 key-1 /data red C\"]");
    bench_close(b);
}

static void test_nothing_but_0_to_3_is_open_and_signals_are_normal(void **state)
{
    (void)state;
    struct bench *b = bench_open_sh(
        "fds=$(echo /proc/self/fd/*); ignored=$(grep SigIgn /proc/self/status | cut -f2);"
        "blocked=$(grep SigBlk /proc/self/status | cut -f2); echo \"\\\"$ignored $blocked "
        "$fds\\\"\"");
    int leaky = dup2(STDERR_FILENO, 30); /* a library's, without close-on-exec */
    assert_int_equal(leaky, 30);
    const struct bench_call *c = bench_run(b, "f", NULL);
    (void)close(leaky);
    assert_true(c->result.ok);
    const char *text = (const char *)c->result.result.ptr;
    assert_non_null(strstr(text, "0000000000000000 0000000000000000 "));
    assert_non_null(strstr(text, "/proc/self/fd/3"));
    for (int fd = 11; fd < 40; fd++) { /* the shell itself may use 4 to 10 */
        char path[32];
        (void)snprintf(path, sizeof path, "fd/%d", fd);
        assert_null(strstr(text, path));
    }
    bench_close(b);
}

static void test_a_stop_ends_the_whole_group(void **state)
{
    (void)state;
    struct bench *b = bench_open_sh("sleep 1000 & echo $! > child.new; mv child.new child; wait");
    uint64_t number = bench_start(b, "f", NULL);
    pid_t child = bench_wait_pid(b, "child");
    runners_stop(b->runners, number, false);
    bench_wait(b);
    bench_assert_failed(&b->calls[number], CODE_FUNCTION_CRASHED, "signal 15");
    bench_wait_gone(b, child);
    bench_close(b);
}

static void test_who_ignores_the_stop_is_killed_with_its_children(void **state)
{
    (void)state;
    struct bench *b = bench_open_sh(
        "trap '' TERM; sh -c 'while :; do sleep 1000; done' & echo $! > c.new; mv c.new child;"
        "while :; do sleep 1000; done");
    uint64_t number = bench_start(b, "f", NULL);
    pid_t child = bench_wait_pid(b, "child");
    runners_stop(b->runners, number, false);
    runners_stop(b->runners, number, true);
    bench_wait(b);
    bench_assert_failed(&b->calls[number], CODE_FUNCTION_CRASHED, "signal 9");
    bench_wait_gone(b, child);
    bench_close(b);
}

static void test_children_that_hold_the_output_open_do_not_delay_the_end(void **state)
{
    (void)state;
    struct bench *b = bench_open_sh("sleep 1000 & echo $! > child.new; mv child.new child; echo 1");
    const struct bench_call *c = bench_run(b, "f", NULL);
    bench_assert_result(c, "1");
    assert_true(c->took_ms < 10000);
    bench_wait_gone(b, bench_wait_pid(b, "child"));
    bench_close(b);
}

static void test_who_left_the_group_is_found_and_killed_after_the_end(void **state)
{
    (void)state;
    struct bench *b = bench_open_sh(
        "setsid sh -c 'setsid sleep 1000 & echo $! > c.new; mv c.new child; exec sleep 1000' &"
        "while [ ! -e child ]; do sleep 0.01; done; echo 1");
    const struct bench_call *c = bench_run(b, "f", NULL);
    bench_assert_result(c, "1");
    bench_wait_gone(b, bench_wait_pid(b, "child"));
    bench_close(b);
}

static void test_a_group_ends_with_its_leader_while_others_run(void **state)
{
    (void)state;
    struct bench *b = bench_open("{\"functions\":{\"long\":{\"exec\":[\"sleep\",\"1000\"]},"
                                 "\"f\":{\"exec\":[\"sh\",\"-c\",\"env -i sleep 1000 & "
                                 "echo $! > c.new; mv c.new child; echo 1\"]}}}");
    uint64_t longer = bench_start(b, "long", NULL);
    uint64_t number = bench_start(b, "f", NULL);
    pid_t child = bench_wait_pid(b, "child");
    bench_wait_gone(b, child); /* it carries no mark: only its group gives it away */
    assert_false(b->calls[longer].ended);
    runners_stop(b->runners, longer, true);
    bench_wait(b);
    bench_assert_result(&b->calls[number], "1");
    bench_close(b);
}

static void test_many_run_at_once_and_none_is_confused_with_another(void **state)
{
    (void)state;
    struct bench *b = bench_open_sh("cat");
    for (int i = 1; i <= 40; i++) {
        char input[32];
        (void)snprintf(input, sizeof input, "{\"n\":%d}", i);
        (void)bench_start(b, "f", input);
    }
    bench_wait(b);
    for (int i = 1; i <= 40; i++) {
        char part[32];
        (void)snprintf(part, sizeof part, "\"input\":{\"n\":%d}", i);
        assert_true(b->calls[i].result.ok);
        assert_non_null(strstr((const char *)b->calls[i].result.result.ptr, part));
    }
    bench_close(b);
}

static void test_an_envelope_over_its_bound_is_refused(void **state)
{
    (void)state;
    struct bench *b = bench_open_sh("echo 1");
    struct buf results = {0};
    buf_add_str(&results, "{\"a\":\"");
    memset(buf_extend(&results, ENVELOPE_BYTES_MAX), 'x', ENVELOPE_BYTES_MAX);
    buf_add_str(&results, "\"}");
    struct step_order order = bench_order("f", NULL);
    order.results.whole = buf_bytes(&results);
    uint64_t number = bench_start_order(b, &order);
    b->waiting = true;
    uint64_t waited = bench_start_order(b, &order);
    bench_wait(b);
    bench_assert_failed(&b->calls[number], CODE_INPUT_TOO_LARGE, "3145728");
    bench_assert_failed(&b->calls[waited], CODE_INPUT_TOO_LARGE, "3145728");
    buf_free(&results);
    bench_close(b);
}

#define SAY "echo '{\"error\":{\"code\":\"BUSY\",\"message\":\"too busy\","

static void test_a_function_says_what_its_failure_is(void **state)
{
    (void)state;
    struct bench *b = bench_open_sh(SAY "\"retry_after\":2.5}}' >&3; exit 1");
    const struct bench_call *c = bench_run(b, "f", NULL);
    bench_assert_failed(c, CODE_FUNCTION_FAILED, "too busy\nexit status 1");
    assert_true(bytes_is(c->result.function_code, "BUSY"));
    assert_int_equal(c->result.retry_after_ms, 2500);
    assert_false(c->result.permanent);
    bench_close(b);
    b = bench_open_sh(SAY "\"retryable\":false}}' >&3; exit 75");
    bench_assert_failed(bench_run(b, "f", NULL), CODE_FUNCTION_REJECTED,
                        "too busy\nexit status 75");
    bench_close(b);
    b = bench_open_sh(SAY "\"retryable\":true}}' >&3; exit 65");
    bench_assert_failed(bench_run(b, "f", NULL), CODE_FUNCTION_FAILED, "too busy\nexit status 65");
    bench_close(b);
    b = bench_open_sh(SAY "\"retryable\":true}}' >&3; echo 7"); /* and did not fail */
    bench_assert_result(bench_run(b, "f", NULL), "7");
    bench_close(b);
    b = bench_open_sh(SAY "\"retryable\":true}}' >&3");
    bench_assert_failed(bench_run(b, "f", NULL), CODE_FUNCTION_FAILED, "too busy\nno output");
    bench_close(b);
}

static void test_what_is_said_and_written_to_stderr_stands_there_once(void **state)
{
    (void)state;
    struct bench *b = bench_open_sh(SAY "\"retry_after\":1}}' >&3; echo one >&2; "
                                        "echo too busy >&2; exit 75");
    assert_true(bytes_is(bench_run(b, "f", NULL)->result.message, "too busy\nexit status 75\none"));
    bench_close(b);
    b = bench_open_sh(SAY "\"retry_after\":1}}' >&3; echo not too busy >&2; exit 75");
    assert_true(bytes_is(bench_run(b, "f", NULL)->result.message,
                         "too busy\nexit status 75\nnot too busy"));
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_function_says_what_its_failure_is),
        cmocka_unit_test(test_what_is_said_and_written_to_stderr_stands_there_once),
        cmocka_unit_test(test_the_envelope_is_on_stdin_and_the_value_on_stdout_is_the_result),
        cmocka_unit_test(test_an_order_that_had_to_wait_is_handed_the_same),
        cmocka_unit_test(test_white_space_around_the_result_is_dropped),
        cmocka_unit_test(test_a_function_need_not_read_its_input),
        cmocka_unit_test(test_exit_statuses_say_whether_to_try_again),
        cmocka_unit_test(test_the_end_of_the_log_stands_behind_the_error),
        cmocka_unit_test(test_a_death_by_signal_is_a_crash),
        cmocka_unit_test(test_anything_but_one_json_value_is_bad_output),
        cmocka_unit_test(test_a_hundred_megabytes_are_cut_off_while_they_are_read),
        cmocka_unit_test(test_a_result_of_exactly_a_mebibyte_passes),
        cmocka_unit_test(test_what_cannot_be_started_is_unavailable),
        cmocka_unit_test(test_want_of_descriptors_is_no_failure_of_the_function),
        cmocka_unit_test(test_functions_have_the_limit_that_the_worker_was_started_with),
        cmocka_unit_test(test_news_come_from_descriptor_3_and_nonsense_there_is_ignored),
        cmocka_unit_test(test_the_environment_has_the_attempt_and_none_of_our_secrets),
        cmocka_unit_test(test_nothing_but_0_to_3_is_open_and_signals_are_normal),
        cmocka_unit_test(test_a_stop_ends_the_whole_group),
        cmocka_unit_test(test_who_ignores_the_stop_is_killed_with_its_children),
        cmocka_unit_test(test_children_that_hold_the_output_open_do_not_delay_the_end),
        cmocka_unit_test(test_who_left_the_group_is_found_and_killed_after_the_end),
        cmocka_unit_test(test_a_group_ends_with_its_leader_while_others_run),
        cmocka_unit_test(test_many_run_at_once_and_none_is_confused_with_another),
        cmocka_unit_test(test_an_envelope_over_its_bound_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
