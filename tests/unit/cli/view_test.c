#include "cli/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "task_view.h"

#define TWO_STEPS                                                                                  \
    "{\"name\":\"a\",\"status\":\"pending\",\"max_retries\":3},{\"name\":\"b\",\"status\":"        \
    "\"pending\"}"

static void test_a_status_is_taken_whole(void **state)
{
    (void)state;
    struct view v =
        view_of("\"status\":\"running\",\"task_type\":\"p\",\"progress\":0.5,\"seq\":7,"
                "\"started_at\":\"" START_TEXT "\",\"completed_at\":null,\"error\":null",
                "{\"name\":\"a\",\"status\":\"completed\",\"progress\":1.0,\"duration_ms\":1203},"
                "{\"name\":\"b\",\"status\":\"pending\",\"retry_count\":2,\"max_retries\":3,"
                "\"retry_at\":\"" START_TEXT "\",\"error_message\":\"no\",\"duration_ms\":null}");
    assert_string_equal(v.state_text, "running");
    assert_string_equal(v.task_type, "p");
    assert_false(v.ended);
    assert_true(v.progress == 0.5);
    assert_int_equal(v.started_at, START_MS);
    assert_int_equal(v.completed_at, 0);
    assert_null(v.error);
    assert_int_equal(v.step_count, 2);
    assert_int_equal(v.steps[0].state, STEP_COMPLETED);
    assert_int_equal(v.steps[0].duration_ms, 1203);
    assert_int_equal(v.steps[1].retry_count, 2);
    assert_int_equal(v.steps[1].retry_at, START_MS);
    assert_string_equal(v.steps[1].error, "no");
    assert_int_equal(view_count(&v, STEP_COMPLETED), 1);
    assert_int_equal(view_count_retrying(&v), 1);
    view_free(&v);
}

static void test_what_is_no_status_changes_nothing(void **state)
{
    (void)state;
    struct view v = view_of("\"status\":\"running\"", TWO_STEPS);
    struct doc *d = status_doc("\"progress\":1", "");
    assert_int_equal(view_take_status(&v, doc_root(d)), ERR_INVALID);
    assert_int_equal(view_take_status(&v, NULL), ERR_INVALID);
    assert_string_equal(v.state_text, "running");
    assert_int_equal(v.step_count, 2);
    doc_free(d);
    view_free(&v);
}

static void test_an_unknown_state_of_the_future_is_shown_as_it_is(void **state)
{
    (void)state;
    struct view v = view_of("\"status\":\"budget_exceeded_and_a_long_name\",\"progress\":7",
                            "{\"name\":\"a\",\"status\":\"resting\"}");
    assert_string_equal(v.state_text, "budget_exceeded_and_a_l");
    assert_false(v.ended);
    assert_true(v.progress == 0);
    assert_int_equal(v.steps[0].state, STEP_PENDING);
    view_free(&v);
}

static void test_a_status_older_than_the_messages_is_not_taken(void **state)
{
    (void)state;
    struct view v = view_of("\"status\":\"running\",\"seq\":3", TWO_STEPS);
    struct doc *d = status_doc("\"status\":\"running\",\"seq\":3", TWO_STEPS);
    (void)view_feed(&v, "{\"type\":\"step_completed\",\"data\":{\"step\":\"a\"},\"seq\":4}",
                    START_MS);
    assert_int_equal(view_take_status(&v, doc_root(d)), ERR_CONFLICT);
    assert_int_equal(v.steps[0].state, STEP_COMPLETED);
    doc_free(d);
    view_free(&v);
}

static void test_a_wait_says_until_when(void **state)
{
    (void)state;
    struct view v =
        view_of("\"status\":\"waiting\"",
                "{\"name\":\"ok\",\"status\":\"pending\",\"waiting_for\":\"the signal approve\","
                "\"waiting_until\":\"" START_TEXT "\"},{\"name\":\"b\",\"status\":\"pending\","
                "\"waiting_for\":\"the signal b\"}");
    assert_string_equal(v.steps[0].waiting_for, "the signal approve, until " START_TEXT);
    assert_string_equal(v.steps[1].waiting_for, "the signal b");
    view_free(&v);
}

static void test_messages_move_a_task_from_start_to_end(void **state)
{
    (void)state;
    struct view v;
    view_init(&v, "t1");
    assert_int_equal(
        view_feed(&v,
                  "{\"type\":\"initial_state\",\"state\":{\"status\":\"pending\",\"steps\":"
                  "[" TWO_STEPS "]},\"seq\":0}",
                  START_MS),
        VIEW_CHANGED);
    assert_int_equal(v.step_count, 2);
    assert_int_equal(
        view_feed(&v,
                  "{\"type\":\"progress_update\",\"data\":{\"progress\":0.1,\"status\":\"running\","
                  "\"current_step\":\"a\",\"step_index\":1,\"message\":\"half\"},\"timestamp\":"
                  "\"" START_TEXT "\",\"seq\":1}",
                  START_MS),
        VIEW_CHANGED);
    assert_int_equal(v.steps[0].state, STEP_RUNNING);
    assert_int_equal(v.started_at, START_MS);
    assert_string_equal(v.message, "half");
    assert_int_equal(
        view_feed(&v,
                  "{\"type\":\"step_completed\",\"data\":{\"progress\":0.5,\"step\":\"a\"},"
                  "\"timestamp\":\"2026-02-02T18:30:02Z\",\"seq\":2}",
                  START_MS + 2000),
        VIEW_CHANGED);
    assert_int_equal(v.steps[0].state, STEP_COMPLETED);
    assert_int_equal(v.steps[0].duration_ms, 2000);
    assert_int_equal(
        view_feed(&v,
                  "{\"type\":\"task_complete\",\"data\":{\"status\":\"completed\"},\"timestamp\":"
                  "\"2026-02-02T18:30:04Z\",\"seq\":3}",
                  START_MS + 4000),
        VIEW_FINAL);
    assert_true(v.ended);
    assert_int_equal(v.end, TASK_COMPLETED);
    assert_int_equal(view_count(&v, STEP_COMPLETED), 2);
    assert_int_equal(view_elapsed_ms(&v, START_MS + 99000), 4000);
    view_free(&v);
}

static void test_a_retry_waits_and_news_of_its_attempt_end_the_wait(void **state)
{
    (void)state;
    struct view v = view_of("\"status\":\"running\"", TWO_STEPS);
    (void)view_feed(&v,
                    "{\"type\":\"step_retry\",\"data\":{\"step\":\"a\",\"attempt\":1,\"error\":"
                    "\"no\",\"retry_at\":"
                    "\"2026-02-02T18:30:02Z\"},\"timestamp\":\"" START_TEXT "\",\"seq\":1}",
                    START_MS);
    assert_int_equal(v.steps[0].state, STEP_PENDING);
    assert_int_equal(v.steps[0].retry_at, START_MS + 2000);
    assert_int_equal(v.steps[0].retry_count, 1);
    assert_string_equal(v.steps[0].error, "no");
    static const char progress[] =
        "{\"type\":\"progress_update\",\"data\":{\"progress\":0,\"status\":\"running\",\"current_"
        "step\":\"a\","
        "\"step_index\":1},\"timestamp\":\"2026-02-02T18:30:0%dZ\",\"seq\":2}";
    struct buf early = {0}, late = {0};
    buf_addf(&early, progress, 1);
    buf_addf(&late, progress, 2);
    (void)view_feed(&v, buf_cstr(&early), START_MS + 1000);
    assert_int_equal(v.steps[0].state, STEP_PENDING);
    (void)view_feed(&v, buf_cstr(&late), START_MS + 2000);
    assert_int_equal(v.steps[0].state, STEP_RUNNING);
    assert_int_equal(v.steps[0].retry_at, 0);
    buf_free(&early);
    buf_free(&late);
    view_free(&v);
}

static void test_failure_and_cancellation_are_final(void **state)
{
    (void)state;
    struct view v = view_of("\"status\":\"running\"", TWO_STEPS);
    assert_int_equal(
        view_feed(&v,
                  "{\"type\":\"task_error\",\"data\":{\"error\":\"boom\",\"step\":\"b\","
                  "\"can_recover\":true},\"seq\":9}",
                  START_MS),
        VIEW_FINAL);
    assert_int_equal(v.end, TASK_FAILED);
    assert_string_equal(v.error, "boom");
    assert_true(v.can_recover);
    assert_int_equal(v.steps[1].state, STEP_FAILED);
    view_free(&v);
    v = view_of("\"status\":\"running\"", "{\"name\":\"a\",\"status\":\"running\"}");
    assert_int_equal(view_feed(&v, "{\"type\":\"task_cancelled\",\"data\":{},\"seq\":9}", START_MS),
                     VIEW_FINAL);
    assert_int_equal(v.end, TASK_CANCELLED);
    assert_int_equal(v.steps[0].state, STEP_CANCELLED);
    view_free(&v);
}

static void test_unknown_messages_are_passed_over(void **state)
{
    (void)state;
    struct view v = view_of("\"status\":\"running\"", TWO_STEPS);
    assert_int_equal(view_feed(&v, "{\"type\":\"confetti\",\"data\":{}}", START_MS), VIEW_NOTHING);
    assert_int_equal(view_feed(&v, "[]", START_MS), VIEW_NOTHING);
    assert_int_equal(view_feed(&v, "{\"type\":7}", START_MS), VIEW_NOTHING);
    assert_int_equal(
        view_feed(&v, "{\"type\":\"step_retry\",\"data\":{\"step\":\"zzz\"}}", START_MS),
        VIEW_CHANGED);
    assert_int_equal(view_count(&v, STEP_PENDING), 2);
    view_free(&v);
}

static void test_times_are_those_of_the_server(void **state)
{
    (void)state;
    struct view v = view_of(
        "\"status\":\"running\",\"progress\":0.25,\"started_at\":\"" START_TEXT "\"", TWO_STEPS);
    unix_ms ours = START_MS - 3600000; /* our clock is an hour behind */
    (void)view_feed(
        &v,
        "{\"type\":\"progress_update\",\"data\":{\"progress\":0.25,\"status\":\"running\"},"
        "\"timestamp\":\"2026-02-02T18:30:10Z\",\"seq\":1}",
        ours + 10000);
    assert_int_equal(view_elapsed_ms(&v, ours + 10000), 10000);
    assert_int_equal(view_remaining_ms(&v, ours + 10000), 30000);
    view_free(&v);
}

static void test_no_end_is_foretold_from_too_little(void **state)
{
    (void)state;
    struct view v = view_of(
        "\"status\":\"running\",\"progress\":0.01,\"started_at\":\"" START_TEXT "\"", TWO_STEPS);
    assert_int_equal(view_remaining_ms(&v, START_MS + 1000), -1);
    view_free(&v);
    v = view_of("\"status\":\"running\",\"progress\":0,\"started_at\":\"" START_TEXT
                "\",\"estimated_completion\":\"2026-02-02T18:30:09Z\"",
                TWO_STEPS);
    assert_int_equal(view_remaining_ms(&v, START_MS + 1000), 8000);
    view_free(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_status_is_taken_whole),
        cmocka_unit_test(test_what_is_no_status_changes_nothing),
        cmocka_unit_test(test_an_unknown_state_of_the_future_is_shown_as_it_is),
        cmocka_unit_test(test_a_status_older_than_the_messages_is_not_taken),
        cmocka_unit_test(test_a_wait_says_until_when),
        cmocka_unit_test(test_messages_move_a_task_from_start_to_end),
        cmocka_unit_test(test_a_retry_waits_and_news_of_its_attempt_end_the_wait),
        cmocka_unit_test(test_failure_and_cancellation_are_final),
        cmocka_unit_test(test_unknown_messages_are_passed_over),
        cmocka_unit_test(test_times_are_those_of_the_server),
        cmocka_unit_test(test_no_end_is_foretold_from_too_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
