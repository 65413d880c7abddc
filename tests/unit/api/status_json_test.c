#include "api/status_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "api/event_json.h"
#include "sample_task.h"

static const struct doc_value *at(const struct doc *d, const char *key)
{
    return doc_get(doc_root(d), key);
}

static struct doc *status(const struct sample_task *t, bool results)
{
    struct body_plan plan = {0};
    status_render(&t->view, results, &plan);
    return sample_parse(t, &plan);
}

static void assert_json(const struct doc_value *v, const char *text)
{
    struct buf out = {0};
    doc_write(v, &out);
    assert_string_equal(buf_cstr(&out), text);
    buf_free(&out);
}

static void test_a_running_task_shows_what_is_done_and_what_comes(void **state)
{
    (void)state;
    struct sample_task t;
    sample_init(&t, 4);
    sample_complete(&t, 0, "{\"n\": 1}");
    t.steps[1].state = STEP_RUNNING;
    t.view.progress = 0.25;
    struct doc *d = status(&t, true);
    assert_true(bytes_is(doc_string(at(d, "status")), "running"));
    assert_int_equal(doc_int(at(d, "current_step")), 2);
    assert_int_equal(doc_int(at(d, "total_steps")), 4);
    assert_true(bytes_is(doc_string(at(d, "current_step_name")), "s1"));
    assert_true(bytes_is(doc_string(at(d, "started_at")), "2026-02-02T18:30:00.123Z"));
    assert_int_equal(doc_kind(at(d, "completed_at")), JSON_NULL);
    assert_int_equal(doc_kind(at(d, "session_id")), JSON_NULL);
    assert_int_equal(doc_kind(at(d, "error")), JSON_NULL);
    assert_int_equal(doc_int(at(d, "seq")), 7);
    assert_int_equal(doc_int(at(d, "run")), 2);
    assert_true(doc_number(at(d, "progress")) == 0.25);
    assert_json(at(d, "accumulated_results"), "{\"s0\":{\"n\":1}}");
    const struct doc_value *steps = at(d, "steps");
    assert_int_equal(doc_count(steps), 4);
    assert_true(bytes_is(doc_string(doc_get(doc_at(steps, 3), "step_id")), "step_3"));
    assert_json(doc_get(doc_at(steps, 0), "result"), "{\"n\":1}");
    assert_int_equal(doc_kind(doc_get(doc_at(steps, 1), "result")), JSON_NULL);
    assert_int_equal(doc_int(doc_get(doc_at(steps, 0), "duration_ms")), 5);
    assert_int_equal(doc_kind(doc_get(doc_at(steps, 1), "duration_ms")), JSON_NULL);
    doc_free(d);
    sample_free(&t);
}

static void test_a_task_says_which_version_of_its_pipeline_it_runs(void **state)
{
    (void)state;
    struct sample_task t;
    sample_init(&t, 1);
    struct doc *d = status(&t, true);
    assert_int_equal(doc_kind(at(d, "pipeline_version")), JSON_NULL); /* its steps are its own */
    doc_free(d);
    t.view.pipeline_version = 3;
    d = status(&t, true);
    assert_int_equal(doc_int(at(d, "pipeline_version")), 3);
    doc_free(d);
    sample_free(&t);
}

static void test_after_the_end_the_current_step_is_the_last(void **state)
{
    (void)state;
    struct sample_task t;
    sample_init(&t, 3);
    sample_complete(&t, 0, "1");
    t.view.state = TASK_FAILED;
    t.view.error = BYTES_LIT("it \"broke\"");
    t.view.error_code = CODE_FUNCTION_FAILED;
    t.view.error_step = BYTES_LIT("s1");
    t.view.can_recover = true;
    t.view.checkpoints = false;
    struct doc *d = status(&t, true);
    assert_int_equal(doc_int(at(d, "current_step")), 3);
    assert_true(bytes_is(doc_string(at(d, "error")), "it \"broke\""));
    assert_true(bytes_is(doc_string(at(d, "error_code")), "FUNCTION_FAILED"));
    assert_true(doc_bool(at(d, "can_recover")));
    assert_false(doc_bool(at(d, "enable_checkpoints")));
    assert_true(doc_bool(at(d, "enable_recovery")));
    doc_free(d);
    sample_free(&t);
}

static void test_a_step_that_waits_says_for_what(void **state)
{
    (void)state;
    struct sample_task t;
    sample_init(&t, 1);
    t.steps[0].retry_at = 1770057003000;
    t.steps[0].retry_count = 2;
    t.steps[0].error = BYTES_LIT("boom");
    t.steps[0].waiting_for = BYTES_LIT("no worker offers the function echo");
    struct doc *d = status(&t, true);
    const struct doc_value *s = doc_at(at(d, "steps"), 0);
    assert_true(bytes_is(doc_string(doc_get(s, "status")), "pending"));
    assert_true(bytes_is(doc_string(doc_get(s, "retry_at")), "2026-02-02T18:30:03.000Z"));
    assert_int_equal(doc_int(doc_get(s, "retry_count")), 2);
    assert_true(bytes_is(doc_string(doc_get(s, "error_message")), "boom"));
    assert_true(
        bytes_is(doc_string(doc_get(s, "waiting_for")), "no worker offers the function echo"));
    doc_free(d);
    sample_free(&t);
}

static void test_a_step_that_runs_shows_the_end_of_its_log(void **state)
{
    (void)state;
    struct sample_task t;
    sample_init(&t, 2);
    t.steps[0].log = BYTES_LIT("page 7\n\"of 9\"");
    struct doc *d = status(&t, true);
    assert_true(
        bytes_is(doc_string(doc_get(doc_at(at(d, "steps"), 0), "log")), "page 7\n\"of 9\""));
    assert_null(doc_get(doc_at(at(d, "steps"), 1), "log"));
    doc_free(d);
    sample_free(&t);
}

static void test_results_false_leaves_all_results_out(void **state)
{
    (void)state;
    struct sample_task t;
    sample_init(&t, 2);
    sample_complete(&t, 0, "1");
    struct body_plan plan = {0};
    status_render(&t.view, false, &plan);
    body_plan_finish(&plan);
    for (size_t i = 0; i < plan.count; i++) {
        assert_true(plan.pieces[i].from != BODY_DOC); /* nothing has to be read */
    }
    struct doc *d = sample_parse(&t, &plan);
    assert_true(at(d, "accumulated_results") == NULL);
    assert_true(doc_get(doc_at(at(d, "steps"), 0), "result") == NULL);
    assert_true(doc_get(doc_at(at(d, "checkpoints"), 0), "accumulated_results") == NULL);
    doc_free(d);
    sample_free(&t);
}

static void test_checkpoints_stand_in_the_order_of_completion(void **state)
{
    (void)state;
    struct sample_task t;
    sample_init(&t, 3);
    sample_complete(&t, 1, "\"b\"");
    sample_complete(&t, 0, "[1,2]");
    struct body_plan plan = {0};
    checkpoints_render(&t.view, true, &plan);
    struct doc *d = sample_parse(&t, &plan);
    assert_int_equal(doc_count(doc_root(d)), 2);
    const struct doc_value *a = doc_at(doc_root(d), 0), *b = doc_at(doc_root(d), 1);
    assert_true(bytes_is(doc_string(doc_get(a, "checkpoint_id")), "t1_cp_0"));
    assert_int_equal(doc_int(doc_get(a, "step_index")), 1);
    assert_json(doc_get(a, "accumulated_results"), "{\"s1\":\"b\"}");
    assert_int_equal(doc_int(doc_get(b, "step_index")), 0);
    assert_json(doc_get(b, "accumulated_results"), "{\"s1\":\"b\",\"s0\":[1,2]}");
    assert_json(doc_get(b, "state_snapshot"),
                "{\"storage_backend\":\"redis\",\"checkpoint_interval\":60,\"max_retries\":3,"
                "\"enable_recovery\":true}");
    doc_free(d);
    sample_free(&t);
}

static void test_checkpoints_do_not_need_the_document_in_their_order(void **state)
{
    (void)state;
    struct sample_task t;
    sample_init(&t, 2);
    sample_complete(&t, 0, "1");
    sample_complete(&t, 1, "2");
    t.steps[0].order = 5; /* written anew in another order, with a hole */
    t.steps[1].order = 3;
    struct body_plan plan = {0};
    checkpoints_render(&t.view, true, &plan);
    struct doc *d = sample_parse(&t, &plan);
    assert_json(doc_get(doc_at(doc_root(d), 0), "accumulated_results"), "{\"s1\":2}");
    assert_json(doc_get(doc_at(doc_root(d), 1), "accumulated_results"), "{\"s1\":2,\"s0\":1}");
    doc_free(d);
    sample_free(&t);
}

static void test_a_document_that_has_grown_meanwhile_gives_the_old_state(void **state)
{
    (void)state;
    struct sample_task t;
    sample_init(&t, 2);
    sample_complete(&t, 0, "{\"k\":[]}");
    sample_grow(&t);
    struct doc *d = status(&t, true);
    assert_json(at(d, "accumulated_results"), "{\"s0\":{\"k\":[]}}");
    assert_json(doc_get(doc_at(at(d, "checkpoints"), 0), "accumulated_results"),
                "{\"s0\":{\"k\":[]}}");
    doc_free(d);
    sample_free(&t);
}

static void test_large_results_are_not_repeated_in_checkpoints(void **state)
{
    (void)state;
    struct sample_task t;
    sample_init(&t, 2);
    struct buf big = {0};
    buf_add_char(&big, '"');
    memset(buf_extend(&big, CHECKPOINT_RESULTS_BYTES_MAX), 'x', CHECKPOINT_RESULTS_BYTES_MAX);
    buf_add_char(&big, '"');
    sample_complete(&t, 0, "1");
    sample_complete(&t, 1, buf_cstr(&big));
    struct body_plan plan = {0};
    checkpoints_render(&t.view, true, &plan);
    struct doc *d = sample_parse(&t, &plan);
    assert_json(doc_get(doc_at(doc_root(d), 0), "accumulated_results"), "{}");
    assert_json(doc_get(doc_at(doc_root(d), 1), "accumulated_results"), "{}");
    doc_free(d);
    buf_free(&big);
    sample_free(&t);
}

static void test_without_checkpoints_there_are_none(void **state)
{
    (void)state;
    struct sample_task t;
    sample_init(&t, 1);
    sample_complete(&t, 0, "1");
    t.view.checkpoints = false;
    struct doc *d = status(&t, true);
    assert_int_equal(doc_count(at(d, "checkpoints")), 0);
    assert_json(at(d, "accumulated_results"), "{\"s0\":1}");
    doc_free(d);
    sample_free(&t);
}

static void test_copies_of_many_small_steps_stay_in_bounds(void **state)
{
    (void)state;
    enum { STEPS = 5000, RESULT = 190 };
    struct sample_task t;
    sample_init(&t, 1);
    struct step_view *steps = mem_zalloc(STEPS * sizeof *steps);
    uint64_t end = RESULTS_OFFSET;
    for (uint32_t i = 0; i < STEPS; i++) {
        steps[i] = (struct step_view){.state = STEP_COMPLETED, .order = i, .name = BYTES_LIT("s")};
        steps[i].result_offset = end + 1 + 1 + 3;
        steps[i].result_len = RESULT;
        end = steps[i].result_offset + RESULT;
    }
    t.view.steps = steps;
    t.view.step_count = STEPS;
    t.view.results_bytes = end + 1 - RESULTS_OFFSET;
    struct body_plan plan = {0};
    checkpoints_render(&t.view, true, &plan);
    body_plan_finish(&plan);
    assert_true(plan.total < CHECKPOINT_COPIES_BYTES_MAX + STEPS * 400);
    assert_true(plan.total > CHECKPOINT_COPIES_BYTES_MAX / 2);
    body_plan_free(&plan);
    free(steps);
    sample_free(&t);
}

/* A buffer grows by doubling. What is held for slow clients is bounded, so that room which nothing
 * is written to shuts out others: of ten thousand watchers that came at once a tenth, when each
 * step had 640 bytes reserved for it. */
static void assert_filled(struct body_plan *plan)
{
    body_plan_finish(plan);
    assert_true(plan->text.cap <= 2 * plan->text.len);
    assert_true(plan->cap <= 8 || plan->cap <= 2 * plan->count);
    body_plan_free(plan);
}

static void test_a_status_holds_little_more_than_it_says(void **state)
{
    (void)state;
    struct sample_task t;
    struct body_plan plan = {0};
    for (uint32_t steps = 0; steps <= SAMPLE_STEPS_MAX; steps++) {
        sample_init(&t, steps);
        for (uint32_t done = 0; done <= steps; done++) {
            status_render(&t.view, true, &plan);
            assert_filled(&plan);
            status_render(&t.view, false, &plan);
            assert_filled(&plan);
            initial_state_render(&t.view, &plan);
            assert_filled(&plan);
            if (done < steps) {
                sample_complete(&t, done, "{\"n\": 1}");
            }
        }
        sample_free(&t);
    }
}

static void test_etags_match_as_http_says(void **state)
{
    (void)state;
    struct task_view v = {.run = 2, .seq = 17};
    char text[ETAG_BYTES];
    assert_string_equal(status_etag(&v, text), "\"2-17\"");
    assert_true(status_etag_matches(&v, BYTES_LIT("\"2-17\"")));
    assert_true(status_etag_matches(&v, BYTES_LIT("W/\"2-17\"")));
    assert_true(status_etag_matches(&v, BYTES_LIT("\"1-1\", \"2-17\" ")));
    assert_true(status_etag_matches(&v, BYTES_LIT("\"17\"")));
    assert_true(status_etag_matches(&v, BYTES_LIT("17")));
    assert_true(status_etag_matches(&v, BYTES_LIT("*")));
    assert_false(status_etag_matches(&v, BYTES_LIT("\"2-16\"")));
    assert_false(status_etag_matches(&v, BYTES_LIT("\"1-17\"")));
    assert_false(status_etag_matches(&v, BYTES_LIT("")));
    assert_false(status_etag_matches(&v, BYTES_LIT(",,\"")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_running_task_shows_what_is_done_and_what_comes),
        cmocka_unit_test(test_a_task_says_which_version_of_its_pipeline_it_runs),
        cmocka_unit_test(test_after_the_end_the_current_step_is_the_last),
        cmocka_unit_test(test_a_step_that_waits_says_for_what),
        cmocka_unit_test(test_a_step_that_runs_shows_the_end_of_its_log),
        cmocka_unit_test(test_results_false_leaves_all_results_out),
        cmocka_unit_test(test_checkpoints_stand_in_the_order_of_completion),
        cmocka_unit_test(test_checkpoints_do_not_need_the_document_in_their_order),
        cmocka_unit_test(test_a_document_that_has_grown_meanwhile_gives_the_old_state),
        cmocka_unit_test(test_large_results_are_not_repeated_in_checkpoints),
        cmocka_unit_test(test_without_checkpoints_there_are_none),
        cmocka_unit_test(test_copies_of_many_small_steps_stay_in_bounds),
        cmocka_unit_test(test_a_status_holds_little_more_than_it_says),
        cmocka_unit_test(test_etags_match_as_http_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
