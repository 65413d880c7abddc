#include "api/event_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sample_task.h"

static void assert_event(const struct task_event *e, const char *text)
{
    struct buf out = {0};
    event_render(BYTES_LIT("t1"), e, &out);
    assert_string_equal(buf_cstr(&out), text);
    buf_free(&out);
}

static void test_progress_has_the_members_that_clients_rely_on(void **state)
{
    (void)state;
    struct task_event e = {.seq = 17,
                           .type = EVENT_PROGRESS,
                           .at = 1770057120000,
                           .state = TASK_RUNNING,
                           .progress = 0.5,
                           .step = 1,
                           .step_name = BYTES_LIT("analyze_bcg"),
                           .total_steps = 4};
    assert_event(
        &e, "{\"type\":\"progress_update\",\"data\":{\"task_id\":\"t1\",\"status\":\"running\","
            "\"progress\":0.5,\"current_step\":\"analyze_bcg\",\"step_index\":2,"
            "\"total_steps\":4},\"timestamp\":\"2026-02-02T18:32:00.000Z\",\"seq\":17}");
}

static void test_a_step_that_is_done_shows_the_end_of_its_log(void **state)
{
    (void)state;
    struct task_event e = {.seq = 4,
                           .type = EVENT_STEP_COMPLETED,
                           .at = 1770057120000,
                           .state = TASK_RUNNING,
                           .progress = 0.5,
                           .step_name = BYTES_LIT("x"),
                           .total_steps = 2,
                           .message = BYTES_LIT("page 1\npage 2")};
    assert_event(&e, "{\"type\":\"step_completed\",\"data\":{\"task_id\":\"t1\","
                     "\"status\":\"running\",\"progress\":0.5,\"current_step\":\"x\","
                     "\"step_index\":1,\"total_steps\":2,\"step\":\"x\",\"step_id\":\"step_0\","
                     "\"log\":\"page 1\\npage 2\"},"
                     "\"timestamp\":\"2026-02-02T18:32:00.000Z\",\"seq\":4}");
    e.code = CODE_FUNCTION_FAILED; /* its on_failure gave the result: the text is the error */
    struct buf out = {0};
    event_render(BYTES_LIT("t1"), &e, &out);
    assert_null(strstr(buf_cstr(&out), "\"log\""));
    assert_non_null(strstr(buf_cstr(&out), "\"error\":\"page 1"));
    buf_free(&out);
}

static void test_a_retry_says_when_and_why(void **state)
{
    (void)state;
    struct task_event e = {.seq = 3,
                           .type = EVENT_STEP_RETRY,
                           .at = 1770057120000,
                           .state = TASK_RUNNING,
                           .step = 2,
                           .step_name = BYTES_LIT("x"),
                           .attempt = 1,
                           .retry_at = 1770057122000,
                           .code = CODE_FUNCTION_FAILED,
                           .message = BYTES_LIT("exit 1\n")};
    assert_event(&e, "{\"type\":\"step_retry\",\"data\":{\"task_id\":\"t1\",\"status\":\"running\","
                     "\"step\":\"x\",\"step_id\":\"step_2\",\"attempt\":1,\"error\":\"exit 1\\n\","
                     "\"code\":\"FUNCTION_FAILED\",\"retry_at\":\"2026-02-02T18:32:02.000Z\"},"
                     "\"timestamp\":\"2026-02-02T18:32:00.000Z\",\"seq\":3}");
}

static void test_an_error_says_the_step_and_whether_it_can_recover(void **state)
{
    (void)state;
    struct task_event e = {.seq = 9,
                           .type = EVENT_TASK_ERROR,
                           .at = 1770057120000,
                           .state = TASK_FAILED,
                           .step_name = BYTES_LIT("x"),
                           .code = CODE_STEP_TIMEOUT,
                           .message = BYTES_LIT("too slow"),
                           .can_recover = true};
    assert_event(&e, "{\"type\":\"task_error\",\"data\":{\"task_id\":\"t1\",\"status\":\"failed\","
                     "\"error\":\"too slow\",\"code\":\"STEP_TIMEOUT\",\"step\":\"x\","
                     "\"can_recover\":true},\"timestamp\":\"2026-02-02T18:32:00.000Z\",\"seq\":9}");
}

static void test_a_budget_that_is_spent_is_told_with_what_was_spent(void **state)
{
    (void)state;
    struct task_event e = {.seq = 9,
                           .type = EVENT_BUDGET_EXCEEDED,
                           .at = 1770057120000,
                           .state = TASK_BUDGET_EXCEEDED,
                           .message = BYTES_LIT("{\"cost_usd\":0.5}"),
                           .usage = {10, 2, 510000000}};
    assert_event(&e,
                 "{\"type\":\"budget_exceeded\",\"data\":{\"task_id\":\"t1\",\"status\":"
                 "\"budget_exceeded\",\"budget\":{\"cost_usd\":0.5},\"usage\":{\"input_tokens\":10,"
                 "\"output_tokens\":2,\"cost_usd\":0.51}},\"timestamp\":"
                 "\"2026-02-02T18:32:00.000Z\",\"seq\":9}");
}

static void test_every_type_gives_one_line_of_json(void **state)
{
    (void)state;
    for (int type = 0; type <= EVENT_TYPE_COUNT; type++) {
        struct task_event e = {.seq = 1, .type = (enum event_type)type};
        struct buf out = {0};
        struct doc *d = NULL;
        struct doc_fault fault;
        event_render(BYTES_LIT("t1"), &e, &out);
        assert_int_equal(doc_parse(buf_bytes(&out), &d, &fault), ERR_OK);
        assert_true(memchr(out.ptr, '\n', out.len) == NULL);
        assert_int_equal(doc_int(doc_get(doc_root(d), "seq")), 1);
        doc_free(d);
        buf_free(&out);
    }
}

static void test_the_initial_state_stands_before_the_messages_that_follow(void **state)
{
    (void)state;
    struct sample_task t;
    struct body_plan plan = {0};
    sample_init(&t, 2);
    initial_state_render(&t.view, &plan);
    struct doc *d = sample_parse(&t, &plan);
    assert_true(bytes_is(doc_string(doc_get(doc_root(d), "type")), "initial_state"));
    assert_int_equal(doc_int(doc_get(doc_root(d), "seq")), 7);
    assert_int_equal(doc_int(doc_get(doc_get(doc_root(d), "state"), "seq")), 7);
    doc_free(d);

    t.view.state = TASK_CANCELLED; /* its final message, 7, is still to come */
    initial_state_render(&t.view, &plan);
    d = sample_parse(&t, &plan);
    assert_int_equal(doc_int(doc_get(doc_root(d), "seq")), 6);
    assert_int_equal(doc_int(doc_get(doc_get(doc_root(d), "state"), "seq")), 7);
    doc_free(d);
    sample_free(&t);
}

static struct doc * final(const struct sample_task *t)
{
    struct body_plan plan = {0};
    final_render(&t->view, &plan);
    return sample_parse(t, &plan);
}

static void test_the_final_message_is_made_from_the_state(void **state)
{
    (void)state;
    struct sample_task t;
    sample_init(&t, 1);
    sample_complete(&t, 0, "{\"a\":1}");
    t.view.state = TASK_COMPLETED;
    t.view.completed_at = 1770057120000;
    struct doc *d = final(&t);
    const struct doc_value *data = doc_get(doc_root(d), "data");
    assert_true(bytes_is(doc_string(doc_get(doc_root(d), "type")), "task_complete"));
    assert_int_equal(doc_int(doc_get(doc_root(d), "seq")), 7);
    assert_int_equal(doc_int(doc_get(data, "total_steps")), 1);
    assert_int_equal(doc_int(doc_get(doc_get(doc_get(data, "results"), "s0"), "a")), 1);
    doc_free(d);

    t.view.state = TASK_FAILED;
    t.view.error = BYTES_LIT("e");
    t.view.error_step = BYTES_LIT("s0");
    d = final(&t);
    data = doc_get(doc_root(d), "data");
    assert_true(bytes_is(doc_string(doc_get(doc_root(d), "type")), "task_error"));
    assert_true(bytes_is(doc_string(doc_get(data, "step")), "s0"));
    doc_free(d);

    t.view.state = TASK_CANCELLED;
    d = final(&t);
    assert_true(bytes_is(doc_string(doc_get(doc_root(d), "type")), "task_cancelled"));
    doc_free(d);
    sample_free(&t);
}

static void test_a_checkpoint_is_told_itself_or_by_its_size(void **state)
{
    (void)state;
    struct task_event e = {.seq = 9,
                           .type = EVENT_STEP_CHECKPOINT,
                           .at = 1770057120000,
                           .state = TASK_RUNNING,
                           .progress = 0.5,
                           .step = 1,
                           .step_name = BYTES_LIT("count"),
                           .total_steps = 2,
                           .attempt = 1,
                           .checkpoint_bytes = 7,
                           .checkpoint = BYTES_LIT("{\"n\":1}")};
    assert_event(&e, "{\"type\":\"step_checkpoint\",\"data\":{\"task_id\":\"t1\",\"status\":"
                     "\"running\",\"progress\":0.5,\"current_step\":\"count\",\"step_index\":2,"
                     "\"total_steps\":2,\"step\":\"count\",\"step_id\":\"step_1\",\"attempt\":1,"
                     "\"progress_checkpoint\":{\"n\":1},\"progress_checkpoint_bytes\":7},"
                     "\"timestamp\":\"2026-02-02T18:32:00.000Z\",\"seq\":9}");
    e.checkpoint = BYTES_NONE;
    e.checkpoint_bytes = 5000;
    assert_event(&e, "{\"type\":\"step_checkpoint\",\"data\":{\"task_id\":\"t1\",\"status\":"
                     "\"running\",\"progress\":0.5,\"current_step\":\"count\",\"step_index\":2,"
                     "\"total_steps\":2,\"step\":\"count\",\"step_id\":\"step_1\",\"attempt\":1,"
                     "\"progress_checkpoint\":null,\"progress_checkpoint_bytes\":5000},"
                     "\"timestamp\":\"2026-02-02T18:32:00.000Z\",\"seq\":9}");
}

static void test_a_history_lends_its_checkpoints(void **state)
{
    (void)state;
    static char text[3000];
    memset(text, '7', sizeof text);
    struct bytes checkpoint = bytes_of(text, sizeof text);
    struct task_event e[] = {{.seq = 4, .type = EVENT_PROGRESS},
                             {.seq = 5, .type = EVENT_STEP_CHECKPOINT, .checkpoint = checkpoint}};
    struct message m = {.type = MSG_EVENTS};
    m.events.task_id = BYTES_LIT("t1");
    m.events.events = e;
    m.events.count = 2;
    m.events.oldest = 4;
    struct body_plan plan = {0};
    history_render(&m, 1, 50, &plan);
    body_plan_finish(&plan);
    struct buf want = {0}, have = {0};
    buf_add_str(&want, "{\"items\":[");
    event_render(BYTES_LIT("t1"), &e[0], &want);
    buf_add_char(&want, ',');
    event_render(BYTES_LIT("t1"), &e[1], &want);
    buf_add_str(&want, "],\"next_cursor\":null,\"missing\":2}");
    body_plan_write(&plan, BYTES_NONE, 0, &have);
    assert_string_equal(buf_cstr(&have), buf_cstr(&want));
    assert_int_equal(plan.count, 3);
    assert_ptr_equal(plan.pieces[1].lent, text);
    body_plan_free(&plan);
    buf_free(&want);
    buf_free(&have);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_progress_has_the_members_that_clients_rely_on),
        cmocka_unit_test(test_a_step_that_is_done_shows_the_end_of_its_log),
        cmocka_unit_test(test_a_retry_says_when_and_why),
        cmocka_unit_test(test_an_error_says_the_step_and_whether_it_can_recover),
        cmocka_unit_test(test_a_budget_that_is_spent_is_told_with_what_was_spent),
        cmocka_unit_test(test_every_type_gives_one_line_of_json),
        cmocka_unit_test(test_the_initial_state_stands_before_the_messages_that_follow),
        cmocka_unit_test(test_the_final_message_is_made_from_the_state),
        cmocka_unit_test(test_a_checkpoint_is_told_itself_or_by_its_size),
        cmocka_unit_test(test_a_history_lends_its_checkpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
