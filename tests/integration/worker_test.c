/* The whole marathon-worker before a coordinator of the test's own. */
#include "desk.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SH(name, script) "\"" name "\":{\"exec\":[\"/bin/sh\",\"-c\",\"" script "\"]}"
#define FILE_OF(entries) "{\"functions\":{" entries "}}"
#define MINUTE_MS        60000
/* Runs until the test lets it go, however long that takes. */
#define GATED                                                                                      \
    SH("gated", "echo $$ > p.new; mv p.new pid; until [ -e go ]; do sleep 0.02; done; echo 1")

static void let_go(const struct desk *d)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/go", d->folder);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
}

static void test_an_order_becomes_an_outcome(void **state)
{
    (void)state;
    struct desk *d = desk_open(&(struct desk_options){.functions = FILE_OF(SH("f", "cat"))});
    struct desk_task *echo = desk_order(d, "a", "echo", MINUTE_MS);
    struct desk_task *cat = desk_order(d, "b", "f", MINUTE_MS);
    desk_wait_outcome(d, echo, 1);
    desk_wait_outcome(d, cat, 1);
    assert_true(echo->outcome.ok && bytes_is(echo->outcome.result, "{\"seconds\":2}"));
    assert_true(cat->outcome.ok);
    assert_non_null(memmem(cat->outcome.result.ptr, cat->outcome.result.len, "\"task_id\":\"b\"",
                           strlen("\"task_id\":\"b\"")));
    desk_close(d);
}

static bool has_much_news(struct desk *d, void *user)
{
    (void)d;
    const struct desk_task *t = user;
    return t->outcomes > 0 || t->news >= 5;
}

static void test_progress_arrives_while_it_runs(void **state)
{
    (void)state;
    struct desk *d = desk_open(&(struct desk_options){.functions = FILE_OF("")});
    struct desk_task *t = NULL;
    static const char *const ids[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < 5 && (t == NULL || t->outcomes > 0); i++) {
        t = desk_order(d, ids[i], "sleep", MINUTE_MS); /* 2 s, which a busy machine may eat up */
        desk_until(d, has_much_news, t);
    }
    assert_int_equal(t->outcomes, 0);
    assert_true(t->fraction > 0 && t->fraction < 1);
    desk_wait_outcome(d, t, 1);
    assert_true(t->outcome.ok);
    assert_true(t->news <= 20);
    desk_close(d);
}

static void test_every_bad_end_is_a_typed_error_and_the_worker_goes_on(void **state)
{
    (void)state;
    static const struct {
        const char *function;
        enum code code;
        const char *part;
    } cases[] = {
        {"nothing", CODE_FUNCTION_BAD_OUTPUT, "no output"},
        {"two", CODE_FUNCTION_BAD_OUTPUT, "not one JSON value"},
        {"huge", CODE_RESULT_TOO_LARGE, "larger than"},
        {"permanent", CODE_FUNCTION_REJECTED, "exit status 65"},
        {"again", CODE_FUNCTION_FAILED, "exit status 75\nwait for it"},
        {"killed", CODE_FUNCTION_CRASHED, "signal 9"},
        {"absent", CODE_FUNCTION_UNAVAILABLE, "No such file"},
        {"unknown", CODE_FUNCTION_UNAVAILABLE, "does not offer"},
    };
    struct desk *d = desk_open(&(struct desk_options){
        .functions = FILE_OF(SH("nothing", ":") "," SH("two", "echo 1 2") "," SH(
            "huge",
            "head -c 100000000 "
            "/dev/zero") "," SH("permanent",
                                "exit 65") "," SH("again",
                                                  "echo wait "
                                                  "for it "
                                                  ">&2; exit "
                                                  "75") "," SH("killed",
                                                               "kill -9 $$") ",\"absent\":{"
                                                                             "\"exec\":["
                                                                             "\"./absent\"]}")});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct desk_task *t = desk_order(d, cases[i].function, cases[i].function, MINUTE_MS);
        desk_wait_outcome(d, t, 1);
        desk_assert_failed(t, cases[i].code, cases[i].part);
    }
    struct desk_task *t = desk_order(d, "well", "echo", MINUTE_MS);
    desk_wait_outcome(d, t, 1);
    assert_true(t->outcome.ok);
    desk_close(d);
}

static void test_a_function_killed_from_outside_is_a_crash(void **state)
{
    (void)state;
    struct desk *d = desk_open(&(struct desk_options){
        .functions = FILE_OF(SH("f", "echo $$ > p.new; mv p.new pid; exec sleep 1000"))});
    struct desk_task *t = desk_order(d, "a", "f", MINUTE_MS);
    assert_int_equal(kill(desk_wait_pid(d, "pid"), SIGKILL), 0);
    desk_wait_outcome(d, t, 1);
    desk_assert_failed(t, CODE_FUNCTION_CRASHED, "signal 9");
    desk_close(d);
}

static void test_what_hangs_is_killed_at_its_time_limit_with_its_grandchildren(void **state)
{
    (void)state;
    struct desk *d = desk_open(&(struct desk_options){
        .functions = FILE_OF(SH("f", "trap '' TERM; sh -c 'trap : TERM; sleep 1000 & echo $! > "
                                     "p.new; mv p.new pid; while :; do wait; done' & "
                                     "setsid sleep 1000 & echo $! > q.new; mv q.new away; "
                                     "while :; do wait; done"))});
    struct desk_task *t = desk_order(d, "a", "f", 3000); /* it has its traps by then */
    pid_t grandchild = desk_wait_pid(d, "pid");
    pid_t away = desk_wait_pid(d, "away");
    desk_wait_outcome(d, t, 1);
    desk_assert_failed(t, CODE_STEP_TIMEOUT, "time limit of 3 s");
    assert_true(t->ended_at - t->ordered_at >= 3950); /* 3 s and the grace of 1 s */
    desk_wait_gone(d, grandchild);
    desk_wait_gone(d, away);
    desk_close(d);
}

static void test_a_cancel_ends_what_runs_at_once(void **state)
{
    (void)state;
    struct desk *d = desk_open(&(struct desk_options){
        .functions = FILE_OF(SH("f", "echo $$ > p.new; mv p.new pid; exec sleep 1000"))});
    struct desk_task *t = desk_order(d, "a", "f", MINUTE_MS);
    pid_t pid = desk_wait_pid(d, "pid");
    desk_stop(d, "a");
    desk_wait_outcome(d, t, 1);
    desk_assert_failed(t, CODE_CANCELLED, "stopped");
    desk_wait_gone(d, pid);
    desk_close(d);
}

static void test_a_cut_connection_stops_nothing_and_what_runs_is_claimed(void **state)
{
    (void)state;
    struct desk *d = desk_open(&(struct desk_options){.functions = FILE_OF(GATED)});
    struct desk_task *t = desk_order(d, "a", "gated", MINUTE_MS);
    (void)desk_wait_pid(d, "pid");
    desk_reconnect(d);
    assert_int_equal(d->claims, 1);
    assert_int_equal(t->outcomes, 0);
    let_go(d);
    desk_wait_outcome(d, t, 1);
    assert_true(t->outcome.ok);
    desk_close(d);
}

static void test_an_outcome_without_an_answer_is_told_again_and_over_a_new_connection(void **state)
{
    (void)state;
    struct desk *d = desk_open(&(struct desk_options){.functions = FILE_OF("")});
    d->acknowledges = false;
    struct desk_task *t = desk_order(d, "a", "echo", MINUTE_MS);
    desk_wait_outcome(d, t, 2);
    unsigned before = t->outcomes;
    desk_reconnect(d);
    assert_int_equal(d->claims, 1);
    desk_wait_outcome(d, t, before + 1);
    struct step_order again = desk_order_of("a", "echo", MINUTE_MS);
    before = t->outcomes;
    desk_send_order(d, &again); /* answered from what is held */
    desk_wait_outcome(d, t, before + 1);
    d->acknowledges = true;
    desk_wait_outcome(d, t, before + 2);
    desk_reconnect(d);
    assert_int_equal(d->claims, 0);
    desk_close(d);
}

struct beats {
    unsigned from;
    uint32_t age_ms;
};

static bool enough_beats(struct desk *d, void *user)
{
    const struct beats *b = user;
    return d->beats >= b->from && d->loop_age_ms >= b->age_ms;
}

static void log_drain(struct desk *d)
{
    char bytes[4096];
    assert_int_equal(fcntl(d->log, F_SETFL, O_NONBLOCK), 0);
    while (read(d->log, bytes, sizeof bytes) > 0) {
    }
}

static bool told_with_log(struct desk *d, void *user)
{
    log_drain(d);
    return ((const struct desk_task *)user)->outcomes > 0;
}

static void test_beats_go_on_while_the_loop_stands_still_and_tell_its_age(void **state)
{
    (void)state;
    struct desk *d = desk_open(
        &(struct desk_options){.functions = FILE_OF(""), .slots = "64", .log_pipe = true});
    struct desk_task *t = NULL;
    for (int i = 0; i < 30;
         i++) { /* each writes to a log that nobody reads: the loop soon waits for it */
        char id[16] = {'t', (char)('A' + i), '\0'};
        t = desk_order(d, id, "fail", MINUTE_MS);
    }
    struct beats stalled = {d->beats + 4, 1500};
    desk_until(d, enough_beats, &stalled); /* each tells how long the loop has stood still */
    assert_int_equal(t->outcomes, 0);
    desk_until(d, told_with_log, t);
    desk_close(d);
}

/* The longest time between two beats while four functions flood their logs. */
static mono_ms flood_gap_ms(void)
{
    struct desk *d = desk_open(&(struct desk_options){.functions = FILE_OF(SH("f", "yes >&2"))});
    struct desk_task *t = NULL;
    static const char *const ids[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < 4; i++) {
        t = desk_order(d, ids[i], "f", 2000);
    }
    desk_wait_outcome(d, t, 1);
    desk_assert_failed(t, CODE_STEP_TIMEOUT, "y\ny");
    mono_ms gap = d->beats >= 3 ? d->beat_gap_ms : INT64_MAX;
    desk_close(d);
    return gap;
}

static void test_four_functions_that_flood_their_logs_delay_no_beat(void **state)
{
    (void)state;
    mono_ms least = flood_gap_ms(); /* a busy machine may hold beats up, but not each time */
    for (int i = 0; i < 5 && least >= 1500; i++) {
        mono_ms gap = flood_gap_ms();
        least = gap < least ? gap : least;
    }
    assert_true(least < 1500);
}

static bool is_draining(struct desk *d, void *user)
{
    (void)user;
    return d->draining;
}

static void test_sigterm_lets_finish_what_runs_and_exits_with_0(void **state)
{
    (void)state;
    struct desk *d = desk_open(&(struct desk_options){.functions = FILE_OF(GATED)});
    struct desk_task *t = desk_order(d, "a", "gated", MINUTE_MS);
    (void)desk_wait_pid(d, "pid");
    desk_signal(d, SIGTERM);
    desk_until(d, is_draining, NULL);
    assert_int_equal(t->outcomes, 0);
    let_go(d);
    int status = desk_wait_exit(d);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    desk_wait_outcome(d, t, 1);
    assert_true(t->outcome.ok);
    desk_close(d);
}

static void test_what_outlasts_the_drain_is_handed_back_and_killed(void **state)
{
    (void)state;
    struct desk *d = desk_open(&(struct desk_options){
        .functions = FILE_OF(SH("f", "echo $$ > p.new; mv p.new pid; exec sleep 1000")),
        .drain_s = "1"});
    struct desk_task *t = desk_order(d, "a", "f", MINUTE_MS);
    pid_t pid = desk_wait_pid(d, "pid");
    desk_signal(d, SIGTERM);
    int status = desk_wait_exit(d);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(t->outcomes, 0);
    assert_int_equal(d->claims, 0);
    desk_wait_gone(d, pid);
    desk_close(d);
}

static bool time_is_over(struct desk *d, void *user)
{
    (void)d;
    return clock_now().mono >= *(const mono_ms *)user;
}

static void log_fill(struct desk *d)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/fd/2", (int)d->worker);
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    while (write(fd, "\n", 1) == 1) {
    }
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(close(fd), 0);
}

static bool ended_with_log(struct desk *d, void *user)
{
    (void)user;
    log_drain(d);
    return d->exited;
}

/* While a line of the log holds the loop up, the agent's next deadline passes, and the signal that
 * ends an idle worker comes: one turn has both. */
static void test_a_drain_that_ends_in_a_turn_with_a_deadline_ends_once(void **state)
{
    (void)state;
    struct desk *d = desk_open(&(struct desk_options){.functions = FILE_OF(""), .log_pipe = true});
    d->acknowledges = false;
    struct desk_task *t = desk_order(d, "a", "echo", MINUTE_MS);
    desk_wait_outcome(d, t, 1);
    log_drain(d);
    log_fill(d);
    desk_answer(d, t, VERDICT_REJECTED);     /* is worth a line */
    mono_ms later = clock_now().mono + 1000; /* the agent's longest sleep is half of that */
    desk_until(d, time_is_over, &later);
    desk_signal(d, SIGTERM);
    desk_until(d, ended_with_log, NULL);
    assert_true(WIFEXITED(d->status) && WEXITSTATUS(d->status) == 0);
    desk_close(d);
}

static void test_a_killed_worker_takes_its_functions_along_grandchildren_too(void **state)
{
    (void)state;
    struct desk *d = desk_open(&(struct desk_options){
        .functions = FILE_OF(SH("f", "setsid sleep 1000 & echo $! > p.new; mv p.new away; sleep "
                                     "1000 & echo $! > q.new; mv q.new child; wait"))});
    (void)desk_order(d, "a", "f", MINUTE_MS);
    pid_t away = desk_wait_pid(d, "away");
    pid_t child = desk_wait_pid(d, "child");
    desk_signal(d, SIGKILL);
    (void)desk_wait_exit(d);
    desk_wait_gone(d, away);
    desk_wait_gone(d, child);
    desk_close(d);
}

static void test_a_refused_worker_comes_back_after_a_pause(void **state)
{
    (void)state;
    mono_ms began = clock_now().mono;
    struct desk *d = desk_open(&(struct desk_options){.functions = FILE_OF(""), .refusals = 1});
    assert_true(clock_now().mono - began >= 4500);
    assert_int_equal(d->hellos, 2);
    desk_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_order_becomes_an_outcome),
        cmocka_unit_test(test_progress_arrives_while_it_runs),
        cmocka_unit_test(test_every_bad_end_is_a_typed_error_and_the_worker_goes_on),
        cmocka_unit_test(test_a_function_killed_from_outside_is_a_crash),
        cmocka_unit_test(test_what_hangs_is_killed_at_its_time_limit_with_its_grandchildren),
        cmocka_unit_test(test_a_cancel_ends_what_runs_at_once),
        cmocka_unit_test(test_a_cut_connection_stops_nothing_and_what_runs_is_claimed),
        cmocka_unit_test(test_an_outcome_without_an_answer_is_told_again_and_over_a_new_connection),
        cmocka_unit_test(test_beats_go_on_while_the_loop_stands_still_and_tell_its_age),
        cmocka_unit_test(test_four_functions_that_flood_their_logs_delay_no_beat),
        cmocka_unit_test(test_sigterm_lets_finish_what_runs_and_exits_with_0),
        cmocka_unit_test(test_what_outlasts_the_drain_is_handed_back_and_killed),
        cmocka_unit_test(test_a_drain_that_ends_in_a_turn_with_a_deadline_ends_once),
        cmocka_unit_test(test_a_killed_worker_takes_its_functions_along_grandchildren_too),
        cmocka_unit_test(test_a_refused_worker_comes_back_after_a_pause),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    _exit(failed); /* nng's exit handlers can hang */
}
