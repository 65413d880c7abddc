/* Wait steps and signals: no worker is held, the first signal wins, an early one is kept, and all
 * of it outlives its coordinator. */
#include <stdio.h>

#define USUAL_SLOTS 4
#include "usual.h"

#define APPROVAL                                                                                   \
    "[{\"name\":\"a\",\"function\":\"f\"},"                                                        \
    "{\"name\":\"ok\",\"wait\":{\"signal\":\"approve\",\"timeout\":100,\"default\":{\"ok\":0}}},"  \
    "{\"name\":\"b\",\"function\":\"f\"}]"
#define ENDLESS "[{\"name\":\"ok\",\"wait\":{\"signal\":\"approve\"}}]"
#define STRICT  "[{\"name\":\"ok\",\"wait\":{\"signal\":\"approve\",\"timeout\":100}}]"
#define SECONDS "[{\"name\":\"w\",\"wait\":{\"seconds\":10}}]"

static const struct message *give(const char *name, const char *data, uint64_t key)
{
    struct message m = {.type = MSG_SIGNAL};
    m.signal.task_id = BYTES_LIT("t");
    m.signal.name = bytes_str(name);
    m.signal.data = bytes_str(data);
    m.signal.key = key;
    m.signal.deed.actor = BYTES_LIT("ann");
    return stage_ask(&s, gateway, &m);
}

static void assert_given(const struct message *answer, bool kept)
{
    assert_non_null(answer);
    assert_string_equal(message_type_name(answer->type), "SIGNALLED");
    assert_int_equal(answer->signalled.kept, kept);
}

static void assert_refused(const struct message *answer, enum code code)
{
    assert_non_null(answer);
    assert_string_equal(message_type_name(answer->type), "REFUSED");
    assert_string_equal(code_info(answer->refused.code)->name, code_info(code)->name);
}

static const struct task_view *status(void)
{
    return stage_status(&s, gateway, "t");
}

static void take_over(void)
{
    unix_ms wall = s.now.wall;
    stage_close(&s);
    stage_open(&s, &store, "b");
    s.now.wall = wall;    /* two hosts with one clock */
    stage_time(&s, 5000); /* until the other's lease has run out */
    gateway = stage_gateway(&s);
    worker = stage_worker(&s, "v", 4, "f");
}

static void test_a_signal_is_the_result_of_the_step_that_waits_for_it(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", APPROVAL);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    const struct task_view *v = status();
    assert_int_equal(v->state, TASK_WAITING);
    assert_int_equal(v->steps[1].state, STEP_PENDING);
    assert_true(bytes_is(v->steps[1].waiting_for, "the signal approve"));
    assert_int_equal(v->steps[1].waiting_until, s.now.wall + 100000);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_given(give("approve", "{\"ok\":1}", 5), false);
    const struct step_order *b = stage_order(&s, worker);
    assert_true(bytes_is(b->results.whole, "{\"a\":1,\"ok\":{\"ok\":1}}"));
    assert_int_equal(status()->state, TASK_RUNNING);
    stage_succeed(&s, worker, b, "2");
    assert_int_equal(status()->state, TASK_COMPLETED);
}

static void test_the_first_signal_wins_and_its_repetition_is_the_same(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", APPROVAL);
    assert_given(give("approve", "1", 5), true);
    assert_refused(give("approve", "2", 6), CODE_SIGNAL_TAKEN);
    assert_given(give("approve", "1", 5), true);
    stage_succeed(&s, worker, stage_order(&s, worker), "0");
    const struct step_order *b = stage_order(&s, worker);
    assert_true(bytes_is(b->results.whole, "{\"a\":0,\"ok\":1}"));
    assert_given(give("approve", "1", 5), false);
    assert_refused(give("approve", "2", 6), CODE_SIGNAL_TAKEN);
}

static void test_a_key_is_of_one_signal(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t",
                "[{\"name\":\"x\",\"wait\":{\"signal\":\"approve\"}},"
                "{\"name\":\"y\",\"wait\":{\"signal\":\"deny\"}}]");
    assert_given(give("approve", "1", 5), false);
    assert_refused(give("approve", "2", 5), CODE_IDEMPOTENCY_MISMATCH);
    assert_refused(give("deny", "1", 5), CODE_IDEMPOTENCY_MISMATCH);
    take_over();
    assert_given(give("approve", "1", 5), false);
    assert_refused(give("approve", "2", 5), CODE_IDEMPOTENCY_MISMATCH);
    assert_given(give("deny", "2", 6), false);
}

static void test_a_signal_is_repeated_safely_after_the_end(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ENDLESS);
    assert_given(give("approve", "1", 5), false);
    assert_int_equal(status()->state, TASK_COMPLETED);
    assert_given(give("approve", "1", 5), false);
    assert_refused(give("approve", "2", 5), CODE_IDEMPOTENCY_MISMATCH);
    assert_refused(give("approve", "1", 6), CODE_TASK_ENDED);
    take_over(); /* only its record is left */
    const struct message *again = give("approve", "1", 5);
    assert_given(again, false);
    assert_int_equal(again->signalled.state, TASK_COMPLETED);
    assert_true(bytes_is(again->signalled.step, "ok"));
    assert_refused(give("approve", "2", 5), CODE_IDEMPOTENCY_MISMATCH);
    assert_refused(give("approve", "1", 6), CODE_TASK_ENDED);
}

static void test_an_early_signal_survives_a_takeover(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", APPROVAL);
    assert_given(give("approve", "\"early\"", 5), true);
    take_over();
    stage_succeed(&s, worker, stage_order(&s, worker), "0");
    assert_true(bytes_is(stage_order(&s, worker)->results.whole, "{\"a\":0,\"ok\":\"early\"}"));
}

static void test_at_the_timeout_the_default_is_the_result(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", APPROVAL);
    stage_succeed(&s, worker, stage_order(&s, worker), "0");
    stage_time(&s, 99000);
    stage_nothing(&s, worker, MSG_ORDER);
    stage_time(&s, 1500);
    assert_true(bytes_is(stage_order(&s, worker)->results.whole, "{\"a\":0,\"ok\":{\"ok\":0}}"));
}

static void test_without_a_default_the_timeout_fails_the_step(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", STRICT);
    stage_time(&s, 101000);
    const struct task_view *v = status();
    assert_int_equal(v->state, TASK_FAILED);
    assert_int_equal(v->error_code, CODE_WAIT_TIMEOUT);
    assert_true(bytes_is(v->error, "the signal approve did not come within 100 s"));
    assert_int_equal(v->steps[0].state, STEP_FAILED);
    assert_refused(give("approve", "1", 5), CODE_TASK_ENDED);
    assert_int_equal(stage_recover(&s, gateway, "t", "", "")->done.state, TASK_RECOVERING);
    assert_int_equal(status()->state, TASK_WAITING);
    assert_given(give("approve", "1", 6), false);
    assert_int_equal(status()->state, TASK_COMPLETED);
}

static void test_what_waits_does_not_count_as_running_time(void **state)
{
    (void)state;
    struct message m = stage_start_request("t", ENDLESS);
    m.start.max_duration_s = 10;
    stage_ask(&s, gateway, &m);
    stage_time(&s, 1000000);
    assert_int_equal(status()->state, TASK_WAITING);
    assert_given(give("approve", "1", 5), false);
    assert_int_equal(status()->state, TASK_COMPLETED);
}

static void test_the_rest_of_a_wait_is_kept_over_a_takeover(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", SECONDS);
    assert_int_equal(status()->state, TASK_WAITING);
    stage_time(&s, 2000);
    take_over(); /* 5 s */
    assert_int_equal(status()->state, TASK_WAITING);
    stage_time(&s, 2000);
    assert_int_equal(status()->state, TASK_WAITING);
    stage_time(&s, 2000);
    assert_int_equal(status()->state, TASK_COMPLETED);
}

static void test_a_duration_does_not_care_for_jumps_of_the_wall_clock(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", SECONDS);
    s.now.wall += 3600000;
    stage_time(&s, 5000);
    assert_int_equal(status()->state, TASK_WAITING);
    s.now.wall -= 7200000;
    stage_time(&s, 4900);
    assert_int_equal(status()->state, TASK_WAITING);
    stage_time(&s, 200);
    assert_int_equal(status()->state, TASK_COMPLETED);
}

static void start_until(mono_ms ms)
{
    char steps[128], at[TIME_TEXT_BYTES];
    (void)snprintf(steps, sizeof steps, "[{\"name\":\"w\",\"wait\":{\"until\":\"%s\"}}]",
                   time_format(s.now.wall + ms, at));
    stage_start(&s, gateway, "t", steps);
}

static void test_a_moment_is_of_the_wall_clock(void **state)
{
    (void)state;
    start_until(100000);
    stage_time(&s, 50000);
    s.now.wall -= 30000; /* set back: it waits longer */
    stage_time(&s, 60000);
    assert_int_equal(status()->state, TASK_WAITING);
    s.now.wall += 60000; /* set forward: it is past */
    stage_time(&s, 100);
    assert_int_equal(status()->state, TASK_COMPLETED);
}

static void test_a_moment_that_has_passed_is_no_wait(void **state)
{
    (void)state;
    start_until(-1000);
    stage_time(&s, 50);
    assert_int_equal(status()->state, TASK_COMPLETED);
}

static void test_a_wait_that_has_begun_goes_on_in_a_pause(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", APPROVAL);
    stage_succeed(&s, worker, stage_order(&s, worker), "0");
    stage_task_request(&s, gateway, MSG_PAUSE, "t");
    assert_int_equal(status()->state, TASK_PAUSED);
    take_over();
    assert_given(give("approve", "1", 5), false);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(status()->state, TASK_PAUSED);
    stage_task_request(&s, gateway, MSG_RESUME, "t");
    stage_succeed(&s, worker, stage_order(&s, worker), "2");
    assert_int_equal(status()->state, TASK_COMPLETED);
}

/* Requests are served while workers may still say what they run: nothing has been made ready yet.
 */
static void test_a_wait_that_has_begun_goes_on_where_the_resume_comes_early_in_a_takeover(
    void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", SECONDS);
    stage_task_request(&s, gateway, MSG_PAUSE, "t");
    stage_close(&s);
    stage_open(&s, &store, "b");
    gateway = stage_gateway(&s);
    enum message_type answer = MSG_REFUSED;
    for (int i = 0; i < 1000 && answer != MSG_DONE; i++) {
        stage_time(&s, 10);
        answer = stage_task_request(&s, gateway, MSG_RESUME, "t")->type;
    }
    assert_int_equal(answer, MSG_DONE);
    assert_int_equal(status()->state, TASK_WAITING);
    stage_time(&s, 10000);
    assert_int_equal(status()->state, TASK_COMPLETED);
}

static void test_a_pause_before_the_turn_of_a_wait_keeps_it_from_beginning(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", APPROVAL);
    const struct step_order *a = stage_order(&s, worker);
    stage_task_request(&s, gateway, MSG_PAUSE, "t");
    stage_succeed(&s, worker, a, "0");
    stage_time(&s, 200000);
    stage_task_request(&s, gateway, MSG_RESUME, "t");
    assert_int_equal(status()->state, TASK_WAITING);
    assert_int_equal(status()->steps[1].waiting_until, s.now.wall + 100000);
}

static void test_steps_beside_a_wait_run(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t",
                "[{\"name\":\"ok\",\"wait\":{\"signal\":\"approve\"}},"
                "{\"name\":\"a\",\"function\":\"f\",\"needs\":[]}]");
    const struct step_order *a = stage_order(&s, worker);
    assert_int_equal(status()->state, TASK_RUNNING);
    stage_succeed(&s, worker, a, "1");
    assert_int_equal(status()->state, TASK_WAITING);
    assert_given(give("approve", "1", 5), false);
    assert_int_equal(status()->state, TASK_COMPLETED);
}

static void test_a_signal_is_for_who_waits_and_not_for_who_may(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t",
                "[{\"name\":\"a\",\"function\":\"f\"},"
                "{\"name\":\"later\",\"wait\":{\"signal\":\"approve\"}},"
                "{\"name\":\"now\",\"wait\":{\"signal\":\"approve\"},\"needs\":[]}]");
    assert_given(give("approve", "1", 5), false);
    assert_int_equal(status()->steps[2].state, STEP_COMPLETED);
    assert_given(give("approve", "2", 6), true);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    assert_int_equal(status()->state, TASK_COMPLETED);
}

static void test_a_kept_signal_is_not_lost_with_a_step_that_is_skipped(void **state)
{
    (void)state;
    struct message m = stage_start_request(
        "t", "[{\"name\":\"a\",\"function\":\"f\"},"
             "{\"name\":\"x\",\"wait\":{\"signal\":\"approve\"},\"when\":\"input.x\"},"
             "{\"name\":\"y\",\"wait\":{\"signal\":\"approve\"},\"when\":\"!input.x\"}]");
    m.start.input = BYTES_LIT("{\"x\":false}");
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
    assert_given(give("approve", "7", 5), true);
    take_over();
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    const struct task_view *v = status();
    assert_int_equal(v->state, TASK_COMPLETED);
    assert_int_equal(v->steps[1].state, STEP_SKIPPED);
    assert_int_equal(v->steps[2].state, STEP_COMPLETED);
    const struct message *again = give("approve", "7", 5);
    assert_given(again, false);
    assert_true(bytes_is(again->signalled.step, "y"));
}

static void test_what_no_step_waits_for_is_refused_with_the_names_there_are(void **state)
{
    (void)state;
    assert_refused(give("approve", "1", 5), CODE_TASK_NOT_FOUND);
    stage_start(&s, gateway, "t", APPROVAL);
    const struct message *r = give("aprove", "1", 5);
    assert_refused(r, CODE_UNKNOWN_SIGNAL);
    assert_true(bytes_is(
        r->refused.detail,
        "no step of this task waits for a signal with this name; its steps wait for approve"));
    assert_true(bytes_is(r->refused.pointer, "/name"));
}

static void test_a_task_that_waits_can_be_cancelled_and_recovered(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ENDLESS);
    stage_task_request(&s, gateway, MSG_CANCEL, "t");
    assert_int_equal(status()->state, TASK_CANCELLED);
    stage_recover(&s, gateway, "t", "", "");
    assert_int_equal(status()->state, TASK_WAITING);
    assert_given(give("approve", "7", 5), false);
    assert_int_equal(status()->state, TASK_COMPLETED);
}

static void test_a_time_may_be_an_expression(void **state)
{
    (void)state;
    struct message m = stage_start_request(
        "t", "[{\"name\":\"w\",\"wait\":{\"seconds\":\"${input.minutes * 60}\"}},"
             "{\"name\":\"u\",\"wait\":{\"until\":\"${input.at}\"}},"
             "{\"name\":\"s\",\"wait\":{\"signal\":\"go\",\"timeout\":"
             "\"${double(input.minutes) * 10.0}\"}}]");
    char at[TIME_TEXT_BYTES], input[100];
    (void)snprintf(input, sizeof input, "{\"minutes\":2,\"at\":\"%s\"}",
                   time_format(s.now.wall + 300000, at));
    m.start.input = bytes_str(input);
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
    unix_ms begun = s.now.wall;
    assert_int_equal(status()->steps[0].waiting_until, begun + 120000);
    take_over(); /* not found out anew: it is stored */
    assert_int_equal(status()->steps[0].waiting_until, begun + 120000);
    stage_time(&s, 120000);
    assert_int_equal(status()->steps[0].state, STEP_COMPLETED);
    assert_int_equal(status()->steps[1].waiting_until, begun + 300000);
    stage_time(&s, 180001);
    assert_int_equal(status()->steps[1].state, STEP_COMPLETED);
    assert_true(status()->steps[2].waiting_until > 0);
    stage_time(&s, 20001);
    assert_int_equal(status()->error_code, CODE_WAIT_TIMEOUT);
}

static void assert_bad_time(const char *wait, const char *why)
{
    char steps[300];
    (void)snprintf(steps, sizeof steps, "[{\"name\":\"w\",\"wait\":{%s}}]", wait);
    struct message m = stage_start_request("t", steps);
    m.start.input = BYTES_LIT("{\"n\":-1,\"text\":\"soon\",\"big\":1e300}");
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
    const struct task_view *v = status();
    assert_int_equal(v->state, TASK_FAILED);
    assert_int_equal(v->error_code, CODE_EXPRESSION_ERROR);
    if (!bytes_is(v->error, why)) {
        fail_msg("%.*s", (int)v->error.len, (const char *)v->error.ptr);
    }
}

static void test_what_is_no_time_fails_the_step_and_says_what_would_be_right(void **state)
{
    (void)state;
    assert_bad_time("\"seconds\":\"${input.n}\"",
                    "step \"w\", /wait/seconds: its value is -1, but must be a number of seconds "
                    "from 0 to 31536000 (a year)");
    assert_bad_time("\"seconds\":\"${input.big}\"",
                    "step \"w\", /wait/seconds: its value is 1e300, but must be a number of "
                    "seconds from 0 to 31536000 (a year)");
    assert_bad_time(
        "\"signal\":\"go\",\"timeout\":\"${0}\"",
        "step \"w\", /wait/timeout: its value is 0, but must be a number of seconds from "
        "0.001 to 31536000 (a year)");
    assert_bad_time(
        "\"until\":\"${input.text}\"",
        "step \"w\", /wait/until: its value is \"soon\", but must be a time as in RFC 3339");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(test_a_signal_is_the_result_of_the_step_that_waits_for_it),
        CASE(test_the_first_signal_wins_and_its_repetition_is_the_same),
        CASE(test_a_key_is_of_one_signal),
        CASE(test_a_signal_is_for_who_waits_and_not_for_who_may),
        CASE(test_a_kept_signal_is_not_lost_with_a_step_that_is_skipped),
        CASE(test_a_signal_is_repeated_safely_after_the_end),
        CASE(test_an_early_signal_survives_a_takeover),
        CASE(test_at_the_timeout_the_default_is_the_result),
        CASE(test_without_a_default_the_timeout_fails_the_step),
        CASE(test_what_waits_does_not_count_as_running_time),
        CASE(test_the_rest_of_a_wait_is_kept_over_a_takeover),
        CASE(test_a_duration_does_not_care_for_jumps_of_the_wall_clock),
        CASE(test_a_moment_is_of_the_wall_clock),
        CASE(test_a_moment_that_has_passed_is_no_wait),
        CASE(test_a_wait_that_has_begun_goes_on_in_a_pause),
        CASE(test_a_wait_that_has_begun_goes_on_where_the_resume_comes_early_in_a_takeover),
        CASE(test_a_pause_before_the_turn_of_a_wait_keeps_it_from_beginning),
        CASE(test_steps_beside_a_wait_run),
        CASE(test_what_no_step_waits_for_is_refused_with_the_names_there_are),
        CASE(test_a_task_that_waits_can_be_cancelled_and_recovered),
        CASE(test_a_time_may_be_an_expression),
        CASE(test_what_is_no_time_fails_the_step_and_says_what_would_be_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
