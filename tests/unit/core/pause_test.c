/* PAUSE and RESUME: no further step starts, what runs goes on, and time stands still. */
#define USUAL_SLOTS 4
#include "usual.h"

#define CHAIN "[{\"name\":\"a\",\"function\":\"f\"},{\"name\":\"b\",\"function\":\"f\"}]"
#define PAIR                                                                                       \
    "[{\"name\":\"a\",\"function\":\"f\"},{\"name\":\"b\",\"function\":\"f\",\"needs\":[]}]"

static void assert_done(const struct message *answer, enum task_state state)
{
    assert_non_null(answer);
    assert_string_equal(message_type_name(answer->type), "DONE");
    assert_int_equal(answer->done.state, state);
}

static void assert_refused(const struct message *answer, enum code code)
{
    assert_non_null(answer);
    assert_string_equal(message_type_name(answer->type), "REFUSED");
    assert_string_equal(code_info(answer->refused.code)->name, code_info(code)->name);
}

static void pause(void)
{
    assert_done(stage_task_request(&s, gateway, MSG_PAUSE, "t"), TASK_PAUSED);
}

static void test_what_runs_goes_on_and_nothing_else_starts(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", CHAIN);
    const struct step_order *a = stage_order(&s, worker);
    pause();
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].state, STEP_RUNNING);
    assert_int_equal(stage_succeed(&s, worker, a, "1"), VERDICT_APPLIED);
    stage_time(&s, 60000);
    stage_nothing(&s, worker, MSG_ORDER);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_PAUSED);
    assert_int_equal(v->steps[0].state, STEP_COMPLETED);
    assert_done(stage_task_request(&s, gateway, MSG_RESUME, "t"), TASK_RUNNING);
    stage_succeed(&s, worker, stage_order(&s, worker), "2");
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
}

static void test_the_last_step_completes_a_paused_task(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", PAIR);
    const struct step_order *a = stage_order(&s, worker);
    const struct step_order *b = stage_order(&s, worker);
    pause();
    stage_succeed(&s, worker, a, "1");
    stage_succeed(&s, worker, b, "2");
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
}

static void test_a_failed_attempt_waits_for_the_resume_and_for_its_moment(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", CHAIN);
    const struct step_order *a = stage_order(&s, worker);
    pause();
    stage_fail(&s, worker, a);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_PAUSED);
    stage_time(&s, 500);
    assert_done(stage_task_request(&s, gateway, MSG_RESUME, "t"), TASK_RUNNING);
    stage_nothing(&s, worker, MSG_ORDER); /* 2 s from its failure */
    stage_time(&s, 2500);
    assert_int_equal(stage_order(&s, worker)->ref.attempt, 2);
}

static void test_what_waits_for_a_worker_stays(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t",
                "[{\"name\":\"a\",\"function\":\"g\"}]"); /* nobody offers it yet */
    pause();
    peer_id other = stage_worker(&s, "v", 1, "g");
    stage_time(&s, 5000);
    stage_nothing(&s, other, MSG_ORDER);
    assert_done(stage_task_request(&s, gateway, MSG_RESUME, "t"), TASK_PENDING);
    stage_order(&s, other);
}

static void test_an_order_that_is_being_read_for_is_not_sent(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", CHAIN);
    const struct step_order *a = stage_order(&s, worker);
    s.hold_store = true;
    struct message done = stage_success(a, "1");
    stage_send(&s, worker, &done);
    stage_store_round(&s); /* the result is stored: the next step's input is being read */
    struct message m = {.type = MSG_PAUSE, .request = 77};
    m.task.task_id = BYTES_LIT("t");
    stage_send(&s, gateway, &m);
    s.hold_store = false;
    stage_store_go(&s);
    assert_done(stage_take(&s, gateway, MSG_DONE), TASK_PAUSED);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_done(stage_task_request(&s, gateway, MSG_RESUME, "t"), TASK_RUNNING);
    stage_order(&s, worker);
}

static void test_a_pause_does_not_count_as_running_time(void **state)
{
    (void)state;
    struct message m = stage_start_request("t", CHAIN);
    m.start.max_duration_s = 10;
    stage_ask(&s, gateway, &m);
    const struct step_order *a = stage_order(&s, worker);
    stage_time(&s, 6000);
    pause();
    stage_time(&s, 100000);
    stage_succeed(&s, worker, a, "1");
    assert_done(stage_task_request(&s, gateway, MSG_RESUME, "t"), TASK_RUNNING);
    stage_order(&s, worker);
    stage_time(&s, 3000);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_RUNNING);
    stage_time(&s, 2000);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_FAILED);
    assert_int_equal(v->error_code, CODE_TASK_TIMEOUT);
}

static void assert_second_attempt_has(uint32_t timeout_ms)
{
    const struct step_order *o = stage_order(&s, worker);
    assert_int_equal(o->ref.attempt, 2);
    assert_int_equal(o->timeout_ms, timeout_ms);
}

static void test_a_pause_counts_for_no_timeout_total(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t",
                "[{\"name\":\"a\",\"function\":\"f\",\"timeout_total\":10,"
                "\"retry\":{\"initial\":4,\"jitter\":0}}]");
    const struct step_order *a = stage_order(&s, worker);
    stage_time(&s, 1000);
    stage_fail(&s, worker, a);
    stage_time(&s, 2000);
    pause(); /* 3 s are spent, and half of the wait */
    stage_time(&s, 60000);
    assert_done(stage_task_request(&s, gateway, MSG_RESUME, "t"), TASK_RUNNING);
    assert_second_attempt_has(7000);
}

static void test_an_attempt_that_fails_in_a_pause_has_its_time_left_after_it(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t",
                "[{\"name\":\"a\",\"function\":\"f\",\"timeout_total\":10,"
                "\"retry\":{\"initial\":4,\"jitter\":0}}]");
    const struct step_order *a = stage_order(&s, worker);
    pause();
    stage_time(&s, 1000);
    stage_fail(&s, worker, a);
    stage_time(&s, 60000);
    assert_done(stage_task_request(&s, gateway, MSG_RESUME, "t"), TASK_RUNNING);
    assert_second_attempt_has(9000);
    stage_leave(&s, worker); /* it is READY again, and the rest of its time passes */
    stage_time(&s, 9001);
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].error_code, CODE_STEP_TIMEOUT_TOTAL);
}

static void test_a_pause_survives_a_takeover(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", CHAIN);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_order(&s, worker);
    pause();
    stage_close(&s);
    stage_open(&s, &store, "b");
    stage_time(&s, 5000); /* until the other's lease has run out */
    gateway = stage_gateway(&s);
    worker = stage_worker(&s, "v", 4, "f");
    stage_time(&s, 10000);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_PAUSED);
    assert_done(stage_task_request(&s, gateway, MSG_RESUME, "t"), TASK_RUNNING);
    stage_succeed(&s, worker, stage_order(&s, worker), "2");
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
}

static void test_a_paused_task_can_be_cancelled(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", CHAIN);
    stage_order(&s, worker);
    pause();
    assert_done(stage_task_request(&s, gateway, MSG_CANCEL, "t"), TASK_CANCELLED);
    assert_int_equal(stage_take(&s, worker, MSG_STOP)->stop.reason, STOP_CANCELLED);
}

static void test_what_cannot_be_paused_or_resumed_is_refused(void **state)
{
    (void)state;
    assert_refused(stage_task_request(&s, gateway, MSG_PAUSE, "t"), CODE_TASK_NOT_FOUND);
    stage_start(&s, gateway, "t", PAIR);
    const struct message *r = stage_task_request(&s, gateway, MSG_RESUME, "t");
    assert_refused(r, CODE_NOT_PAUSED);
    assert_true(
        bytes_is(r->refused.detail, "the task is running; only a paused one can be resumed"));
    pause();
    pause(); /* again: the first answer may have been lost */
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_succeed(&s, worker, stage_order(&s, worker), "2");
    assert_refused(stage_task_request(&s, gateway, MSG_PAUSE, "t"), CODE_TASK_ENDED);
    assert_refused(stage_task_request(&s, gateway, MSG_RESUME, "t"), CODE_TASK_ENDED);
}

static void test_who_and_why_are_in_the_events(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", CHAIN);
    struct message m = {.type = MSG_PAUSE};
    m.task.task_id = BYTES_LIT("t");
    m.task.deed = (struct deed){BYTES_LIT("ann"), BYTES_LIT("lunch")};
    stage_ask(&s, gateway, &m);
    m = (struct message){.type = MSG_GET_HISTORY};
    m.get_history.task_id = BYTES_LIT("t");
    const struct message *r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->type, MSG_EVENTS);
    const struct task_event *e = &r->events.events[r->events.count - 1];
    assert_int_equal(e->type, EVENT_TASK_PAUSED);
    assert_int_equal(e->state, TASK_PAUSED);
    assert_true(bytes_is(e->deed.actor, "ann") && bytes_is(e->deed.reason, "lunch"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(test_what_runs_goes_on_and_nothing_else_starts),
        CASE(test_the_last_step_completes_a_paused_task),
        CASE(test_a_failed_attempt_waits_for_the_resume_and_for_its_moment),
        CASE(test_what_waits_for_a_worker_stays),
        CASE(test_an_order_that_is_being_read_for_is_not_sent),
        CASE(test_a_pause_does_not_count_as_running_time),
        CASE(test_a_pause_counts_for_no_timeout_total),
        CASE(test_an_attempt_that_fails_in_a_pause_has_its_time_left_after_it),
        CASE(test_a_pause_survives_a_takeover),
        CASE(test_a_paused_task_can_be_cancelled),
        CASE(test_what_cannot_be_paused_or_resumed_is_refused),
        CASE(test_who_and_why_are_in_the_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
