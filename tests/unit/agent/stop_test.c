/* Time limits, cancels, drains, and coordinators that fall silent. */
#include "stage.h"

static uint64_t run_one(struct stage *s, const char *task, uint32_t timeout_ms)
{
    struct step_order order = stage_order(task, 0);
    order.timeout_ms = timeout_ms;
    stage_send_order(s, 1, order);
    return stage_started(s);
}

static void heard(struct stage *s)
{
    stage_message(s, 1, (struct message){.type = MSG_BEAT});
}

static void stop(struct stage *s, const char *task, enum stop_reason reason)
{
    struct message m = {.type = MSG_STOP};
    m.stop.ref = stage_order(task, 0).ref;
    m.stop.reason = reason;
    stage_message(s, 1, m);
}

static void test_a_time_limit_asks_then_kills_then_reports_a_timeout(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    uint64_t number = run_one(&s, "t", 1500);
    s.now.mono += 1499;
    heard(&s);
    assert_int_equal(stage_count(&s, AGENT_FX_STOP), 0);
    assert_int_equal(agent_next_deadline(s.agent), s.now.mono + 1);
    s.now.mono += 1;
    heard(&s);
    const struct agent_effect *e = stage_find(&s, AGENT_FX_STOP);
    assert_non_null(e);
    assert_int_equal(e->number, number);
    assert_false(e->kill);
    for (int i = 0; i < 9; i++) {
        s.now.mono += 500;
        heard(&s);
        assert_int_equal(stage_count(&s, AGENT_FX_STOP), 0);
    }
    s.now.mono += 500;
    heard(&s);
    e = stage_find(&s, AGENT_FX_STOP);
    assert_non_null(e);
    assert_true(e->kill);
    stage_fail(&s, number, "died by signal 9 (Killed)");
    const struct message *m = stage_sent(&s, 1, MSG_OUTCOME, 0);
    assert_non_null(m);
    assert_int_equal(m->outcome.code, CODE_STEP_TIMEOUT);
    assert_false(m->outcome.permanent);
    assert_true(bytes_is(m->outcome.message,
                         "ran past its time limit of 1.5 s\ndied by signal 9 (Killed)"));
    stage_close(&s);
}

static void test_a_result_within_the_grace_still_counts(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    uint64_t number = run_one(&s, "t", 100);
    s.now.mono += 100;
    heard(&s);
    assert_int_equal(stage_count(&s, AGENT_FX_STOP), 1);
    stage_succeed(&s, number);
    assert_true(stage_sent(&s, 1, MSG_OUTCOME, 0)->outcome.ok);
    stage_close(&s);
}

static void test_a_cancel_stops_what_runs_and_its_end_is_told(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    uint64_t number = run_one(&s, "t", 60000);
    stop(&s, "t", STOP_CANCELLED);
    assert_int_equal(stage_count(&s, AGENT_FX_STOP), 1);
    stop(&s, "t", STOP_CANCELLED);
    assert_int_equal(stage_count(&s, AGENT_FX_STOP), 0);
    stage_fail(&s, number, "died by signal 15 (Terminated)");
    assert_int_equal(stage_sent(&s, 1, MSG_OUTCOME, 0)->outcome.code, CODE_CANCELLED);
    assert_int_equal(agent_stats(s.agent).credits, 2);
    stage_close(&s);
}

static void test_what_waits_is_cancelled_without_ever_running(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    (void)run_one(&s, "t", 60000);
    struct step_order alone = stage_order("u", 0);
    alone.alone = true;
    stage_send_order(&s, 1, alone);
    assert_int_equal(agent_stats(s.agent).waiting, 1);
    stop(&s, "u", STOP_SUPERSEDED);
    assert_int_equal(stage_count(&s, AGENT_FX_STOP), 0);
    assert_int_equal(stage_sent(&s, 1, MSG_OUTCOME, 0)->outcome.code, CODE_CANCELLED);
    assert_int_equal(agent_stats(s.agent).waiting, 0);
    stage_close(&s);
}

/* It is of what is stored by then, and true whoever says it. */
static void test_a_stop_counts_whoever_owns_the_partition_by_now(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    (void)run_one(&s, "t", 60000);
    stage_join(&s, 2, EVERY_PARTITION);
    stop(&s, "t", STOP_CANCELLED);
    assert_int_equal(stage_count(&s, AGENT_FX_STOP), 1);
    stage_close(&s);
}

static void stop_as_elsewhere(struct stage *s, peer_id peer)
{
    struct message m = {.type = MSG_STOP};
    m.stop.ref = stage_order("t", 0).ref;
    m.stop.reason = STOP_SUPERSEDED;
    m.stop.elsewhere = true;
    stage_message(s, peer, m);
}

/* The owner has our RUNNING, and may be about to stop the other one. */
static void test_that_another_worker_has_it_is_the_owners_to_say(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, 0);
    stage_join(&s, 2, 0);
    stage_owns(&s, 1, 4);
    (void)run_one(&s, "t", 60000);
    stage_owns(&s, 2, 5);
    stop_as_elsewhere(&s, 1);
    assert_int_equal(stage_count(&s, AGENT_FX_STOP), 0);
    stage_join(&s, 3, 0);
    stop_as_elsewhere(&s, 3);
    assert_int_equal(stage_count(&s, AGENT_FX_STOP), 0);
    stop_as_elsewhere(&s, 2);
    assert_int_equal(stage_count(&s, AGENT_FX_STOP), 1);
    stage_close(&s);
}

static void test_where_nobody_else_owns_it_anybody_may_say_so(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    (void)run_one(&s, "t", 60000);
    stage_message(&s, 1, (struct message){.type = MSG_OWNED, .owned = {.partitions = 0}});
    stop_as_elsewhere(&s, 1);
    assert_int_equal(stage_count(&s, AGENT_FX_STOP), 1);
    stage_close(&s);
}

/* They are told apart, so that no new owner takes what is being stopped for what runs. */
static void test_what_is_being_stopped_stands_behind_what_runs(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    uint64_t first = run_one(&s, "t", 60000);
    (void)run_one(&s, "u", 60000);
    stop(&s, "t", STOP_SUPERSEDED);
    for (int held = 0; held < 2; held++) {
        stage_event(&s, (struct agent_event){.kind = AGENT_EV_PEER_UP, .peer = 2});
        stage_message(&s, 2, (struct message){.type = MSG_WELCOME, .welcome = {.version = 1}});
        const struct message *claims = stage_sent(&s, 2, MSG_RUNNING, 0);
        assert_int_equal(claims->running.count, 2);
        assert_int_equal(claims->running.stopping, 1);
        assert_true(bytes_is(claims->running.refs[0].task_id, "u"));
        assert_true(bytes_is(claims->running.refs[1].task_id, "t"));
        stage_event(&s, (struct agent_event){.kind = AGENT_EV_PEER_DOWN, .peer = 2});
        if (held == 0) {
            stage_fail(&s, first, "died by signal 15 (Terminated)");
        }
    }
    stage_close(&s);
}

/* It has what every owner wants. */
static void test_what_is_done_before_it_is_stopped_is_claimed(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    uint64_t number = run_one(&s, "t", 60000);
    stop(&s, "t", STOP_SUPERSEDED);
    stage_succeed(&s, number);
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_PEER_UP, .peer = 2});
    stage_message(&s, 2, (struct message){.type = MSG_WELCOME, .welcome = {.version = 1}});
    const struct message *claims = stage_sent(&s, 2, MSG_RUNNING, 0);
    assert_int_equal(claims->running.count, 1);
    assert_int_equal(claims->running.stopping, 0);
    stage_close(&s);
}

static void test_a_stop_for_something_unknown_or_ended_does_nothing(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    stop(&s, "nobody", STOP_CANCELLED);
    assert_int_equal(s.fx.count, 0);
    stage_succeed(&s, run_one(&s, "t", 60000));
    stop(&s, "t", STOP_TASK_ENDED);
    assert_int_equal(stage_count(&s, AGENT_FX_STOP), 0);
    assert_int_equal(agent_stats(s.agent).held, 1); /* its acknowledgement is still to come */
    stage_close(&s);
}

static void test_a_drain_hands_back_what_waits_and_lets_finish_what_runs(void **state)
{
    (void)state;
    struct agent_config c = stage_config();
    c.slots = 3;
    struct stage s = stage_open(&c);
    stage_join(&s, 1, EVERY_PARTITION);
    uint64_t number = run_one(&s, "t", 60000);
    struct step_order alone = stage_order("u", 0);
    alone.alone = true;
    stage_send_order(&s, 1, alone);
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_DRAIN, .drain_ms = 10000});
    assert_non_null(stage_sent(&s, 1, MSG_DRAINING, 0));
    const struct message *claims = stage_sent(&s, 1, MSG_RUNNING, 0);
    assert_non_null(claims);
    assert_int_equal(claims->running.count, 1);
    assert_true(bytes_is(claims->running.refs[0].task_id, "t"));
    assert_int_equal(stage_count(&s, AGENT_FX_STOP), 0);
    stage_send_order(&s, 1, stage_order("late", 0)); /* it crossed our DRAINING */
    assert_int_equal(stage_count(&s, AGENT_FX_START) + stage_count(&s, AGENT_FX_DRAINED), 0);
    stage_succeed(&s, number);
    assert_int_equal(stage_count(&s, AGENT_FX_DRAINED), 0);
    assert_null(stage_sent(&s, 1, MSG_CREDIT, 0));
    stage_ack(&s, 1, number);
    assert_int_equal(stage_count(&s, AGENT_FX_DRAINED), 1);
    stage_close(&s);
}

static void test_what_a_drain_has_to_stop_is_handed_back_and_not_failed(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    uint64_t number = run_one(&s, "t", 60000);
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_DRAIN, .drain_ms = 700});
    s.now.mono += 700;
    heard(&s);
    assert_false(stage_find(&s, AGENT_FX_STOP)->kill);
    s.now.mono += AGENT_DRAIN_GRACE_MS;
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_TIME});
    assert_true(stage_find(&s, AGENT_FX_STOP)->kill);
    heard(&s);
    stage_fail(&s, number, "died by signal 9 (Killed)");
    assert_null(stage_sent(&s, 1, MSG_OUTCOME, 0));
    assert_int_equal(stage_sent(&s, 1, MSG_RUNNING, 0)->running.count, 0);
    assert_int_equal(stage_count(&s, AGENT_FX_DRAINED), 1);
    stage_close(&s);
}

static void test_a_drain_ends_even_where_nobody_acknowledges(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    stage_succeed(&s, run_one(&s, "t", 60000));
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_PEER_DOWN, .peer = 1});
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_DRAIN, .drain_ms = 1000});
    assert_int_equal(stage_count(&s, AGENT_FX_DRAINED), 0);
    for (int i = 0; i < 10 && stage_count(&s, AGENT_FX_DRAINED) == 0; i++) {
        mono_ms next = agent_next_deadline(s.agent);
        assert_in_range(next, s.now.mono + 1, s.now.mono + 5000);
        stage_pass(&s, next - s.now.mono);
    }
    assert_int_equal(stage_count(&s, AGENT_FX_DRAINED), 1);
    assert_int_equal(agent_next_deadline(s.agent), NEVER_MS);
    stage_close(&s);
}

static void test_a_silent_coordinator_is_given_up_and_a_talking_one_is_not(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, 1);
    stage_join(&s, 2, 2);
    for (int i = 0; i < 3; i++) {
        s.now.mono += 500;
        heard(&s);
    }
    s.now.mono += 500;
    heard(&s);
    assert_int_equal(stage_count(&s, AGENT_FX_CLOSE), 1);
    assert_int_equal(stage_find(&s, AGENT_FX_CLOSE)->peer, 2);
    assert_int_equal(stage_find(&s, AGENT_FX_CLOSE)->retry_ms, 0);
    stage_close(&s);
}

static void test_a_coordinator_whose_loop_hangs_is_silent_whatever_its_beats_say(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, 1);
    struct message beat = {.type = MSG_BEAT, .beat = {.loop_age_ms = AGENT_PEER_STALL_MS + 1}};
    for (int i = 0; i < 4; i++) {
        s.now.mono += 500;
        stage_message(&s, 1, beat);
    }
    assert_int_equal(stage_count(&s, AGENT_FX_CLOSE), 1);
    stage_close(&s);
}

static void test_a_worker_that_stood_still_judges_nobody_before_it_has_heard_again(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, 1);
    stage_pass(&s, 60000);
    assert_int_equal(stage_count(&s, AGENT_FX_CLOSE), 0);
    stage_pass(&s, 900);
    stage_pass(&s, 900);
    assert_int_equal(stage_count(&s, AGENT_FX_CLOSE), 0);
    stage_pass(&s, 200);
    assert_int_equal(stage_count(&s, AGENT_FX_CLOSE), 1);
    stage_close(&s);
}

static void test_a_refusal_closes_with_a_pause_and_nothing_is_said_before_a_welcome(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_PEER_UP, .peer = 1});
    stage_send_order(&s, 1, stage_order("t", 0));
    assert_int_equal(s.fx.count, 0);
    struct message no = {.type = MSG_WELCOME, .welcome = {.reason = BYTES_LIT("too old")}};
    stage_message(&s, 1, no);
    const struct agent_effect *e = stage_find(&s, AGENT_FX_CLOSE);
    assert_non_null(e);
    assert_int_equal(e->retry_ms, AGENT_REFUSED_MS);
    assert_non_null(strstr(stage_find(&s, AGENT_FX_LOG)->text, "too old"));
    assert_null(stage_sent(&s, 1, MSG_RUNNING, 0));
    stage_message(&s, 1, (struct message){.type = MSG_WELCOME, .welcome = {.version = 1}});
    assert_int_equal(s.fx.count, 0); /* it is as good as gone */
    stage_close(&s);
}

/* An attempt runs that may give no news for two seconds. */
static struct stage stage_with_silence(uint64_t *ret_number)
{
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    struct step_order order = stage_order("t", 0);
    order.progress_timeout_ms = 2000;
    stage_send_order(&s, 1, order);
    *ret_number = stage_started(&s);
    return s;
}

static void test_a_silent_attempt_is_stopped_and_one_with_news_is_not(void **state)
{
    (void)state;
    uint64_t number;
    struct stage s = stage_with_silence(&number);
    struct attempt_news news = {.fraction = 0.1};
    for (int i = 0; i < 5; i++) {
        s.now.mono += 1900;
        stage_event(&s,
                    (struct agent_event){.kind = AGENT_EV_NEWS, .number = number, .news = &news});
        assert_int_equal(stage_count(&s, AGENT_FX_STOP), 0);
    }
    for (int i = 0; i < 4; i++) {
        s.now.mono += 499;
        heard(&s);
        assert_int_equal(stage_count(&s, AGENT_FX_STOP), 0);
    }
    s.now.mono += 4;
    heard(&s);
    assert_int_equal(stage_count(&s, AGENT_FX_STOP), 1);
    stage_fail(&s, number, "died by signal 15 (Terminated)");
    const struct message *m = stage_sent(&s, 1, MSG_OUTCOME, 0);
    assert_non_null(m);
    assert_int_equal(m->outcome.code, CODE_PROGRESS_TIMEOUT);
    assert_true(bytes_is(m->outcome.message, "reported nothing for 2 s\n"
                                             "died by signal 15 (Terminated)"));
    stage_close(&s);
}

/* There is nothing else to wake for; that is no stall. */
static void test_a_silent_function_is_stopped_in_time_without_a_coordinator(void **state)
{
    (void)state;
    uint64_t number;
    struct stage s = stage_with_silence(&number);
    mono_ms began = s.now.mono;
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_PEER_DOWN, .peer = 1});
    const struct agent_effect *stop = NULL;
    while (stop == NULL && s.now.mono < began + 10000) {
        stage_pass(&s, agent_next_deadline(s.agent) - s.now.mono);
        stop = stage_find(&s, AGENT_FX_STOP);
    }
    assert_non_null(stop);
    assert_int_equal(stop->number, number);
    assert_int_equal(s.now.mono - began, 2000);
    stage_close(&s);
}

static void test_what_was_said_while_the_worker_stood_still_is_heard_first(void **state)
{
    (void)state;
    uint64_t number;
    struct stage s = stage_with_silence(&number);
    stage_pass(&s, 500);
    stage_pass(&s, 30000); /* timers come before what lies in the pipe */
    assert_int_equal(stage_count(&s, AGENT_FX_STOP), 0);
    assert_true(agent_next_deadline(s.agent) > s.now.mono);
    stage_pass(&s, 1000);
    assert_int_equal(stage_count(&s, AGENT_FX_STOP), 0);
    stage_pass(&s, 500); /* its two seconds beside those are over */
    const struct agent_effect *e = stage_find(&s, AGENT_FX_STOP);
    assert_non_null(e);
    assert_int_equal(e->number, number);
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_silent_function_is_stopped_in_time_without_a_coordinator),
        cmocka_unit_test(test_what_was_said_while_the_worker_stood_still_is_heard_first),
        cmocka_unit_test(test_a_silent_attempt_is_stopped_and_one_with_news_is_not),
        cmocka_unit_test(test_a_time_limit_asks_then_kills_then_reports_a_timeout),
        cmocka_unit_test(test_a_result_within_the_grace_still_counts),
        cmocka_unit_test(test_a_cancel_stops_what_runs_and_its_end_is_told),
        cmocka_unit_test(test_what_waits_is_cancelled_without_ever_running),
        cmocka_unit_test(test_a_stop_counts_whoever_owns_the_partition_by_now),
        cmocka_unit_test(test_that_another_worker_has_it_is_the_owners_to_say),
        cmocka_unit_test(test_where_nobody_else_owns_it_anybody_may_say_so),
        cmocka_unit_test(test_what_is_being_stopped_stands_behind_what_runs),
        cmocka_unit_test(test_what_is_done_before_it_is_stopped_is_claimed),
        cmocka_unit_test(test_a_stop_for_something_unknown_or_ended_does_nothing),
        cmocka_unit_test(test_a_drain_hands_back_what_waits_and_lets_finish_what_runs),
        cmocka_unit_test(test_what_a_drain_has_to_stop_is_handed_back_and_not_failed),
        cmocka_unit_test(test_a_drain_ends_even_where_nobody_acknowledges),
        cmocka_unit_test(test_a_silent_coordinator_is_given_up_and_a_talking_one_is_not),
        cmocka_unit_test(test_a_coordinator_whose_loop_hangs_is_silent_whatever_its_beats_say),
        cmocka_unit_test(test_a_worker_that_stood_still_judges_nobody_before_it_has_heard_again),
        cmocka_unit_test(test_a_refusal_closes_with_a_pause_and_nothing_is_said_before_a_welcome),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
