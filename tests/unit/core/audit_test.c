/* The auditor: state is damaged by hand, in memory and in the store; it must be seen, mended and
 * counted, and nothing else may be. */
#include <stdio.h>
#include <string.h>

#include "core/functions.h"
#include "core/state.h"
#include "core/tasks.h"
#include "core/timers.h"
#include "core/workers.h"
#define USUAL_SLOTS 0
#include "usual.h"

#define ONE      "[{\"name\":\"one\",\"function\":\"f\"}]"
#define RETRY    "[{\"name\":\"one\",\"function\":\"f\",\"max_retries\":9}]"
#define ROUND_MS 10000 /* 64 partitions, 8 a second, and some more */

static uint64_t found(enum audit_kind kind)
{
    return core_stats(s.core).audit_found_total[kind];
}

static uint64_t found_in_all(void)
{
    uint64_t sum = 0;
    for (int k = 0; k < AUDIT_KIND_COUNT; k++) {
        sum += found((enum audit_kind)k);
    }
    return sum;
}

static struct task *task(const char *id)
{
    struct task *t = task_find(s.core, bytes_str(id));
    assert_non_null(t);
    return t;
}

static struct stored_task *stored(const char *id)
{
    struct stored_task *t = store_model_find(&store, bytes_str(id), s.now.mono);
    assert_non_null(t);
    return t;
}

static void test_a_sound_state_has_no_findings_and_rounds_go_on(void **state)
{
    (void)state;
    stage_start(&s, gateway, "ready", ONE);
    stage_start(&s, gateway, "delayed", RETRY);
    stage_start(&s, gateway, "done", ONE);
    stage_credit(&s, worker, 3);
    stage_fail(&s, worker, stage_order(&s, worker));
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_time(&s, 5 * ROUND_MS);
    assert_int_equal(found_in_all(), 0);
    struct core_stats stats = core_stats(s.core);
    assert_true(stats.audit_rounds_total >= 4);
    uint64_t counted = 0;
    for (int i = 0; i < TASK_STATE_COUNT; i++) {
        counted += stats.tasks_by_state[i];
    }
    assert_int_equal(counted, stats.tasks_live);
}

static void test_a_ready_step_that_fell_out_of_its_queue_is_put_back(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    struct step *step = &task("t")->steps[0];
    assert_int_equal(step->phase, PHASE_READY);
    heap_remove(&s.core->functions[function_intern(s.core, BYTES_LIT("f"), "")].ready,
                &step->work->ready);
    s.unchecked = true;
    stage_time(&s, ROUND_MS);
    s.unchecked = false;
    assert_int_equal(found(AUDIT_STEP_LOST), 1);
    stage_credit(&s, worker, 1);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    assert_int_equal(found_in_all(), 1);
}

static void test_a_retry_whose_timer_is_missing_is_tried_all_the_same(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", RETRY);
    stage_credit(&s, worker, 1);
    stage_fail(&s, worker, stage_order(&s, worker));
    struct step *step = &task("t")->steps[0];
    assert_int_equal(step->phase, PHASE_DELAYED);
    timer_clear(s.core, &step->work->timer);
    s.unchecked = true;
    stage_time(&s, ROUND_MS);
    s.unchecked = false;
    assert_int_equal(found(AUDIT_TIMER_LOST), 1);
    stage_time(&s, 3000);
    stage_credit(&s, worker, 1);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    assert_int_equal(found_in_all(), 1);
}

static void test_a_task_without_its_time_limit_gets_it_back(void **state)
{
    (void)state;
    struct message m = stage_start_request("t", ONE);
    m.start.max_duration_s = 60;
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
    stage_credit(&s, worker, 1);
    stage_order(&s, worker);
    timer_clear(s.core, &task("t")->running->duration_timer);
    s.unchecked = true;
    stage_time(&s, ROUND_MS);
    s.unchecked = false;
    assert_int_equal(found(AUDIT_TIMER_LOST), 1);
    stage_time(&s, 61000);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_FAILED);
}

static void test_a_running_step_that_no_worker_has_goes_out_again(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    stage_credit(&s, worker, 1);
    stage_order(&s, worker);
    struct worker *w = worker_by_serial(s.core, task("t")->steps[0].work->worker);
    struct attempt_ref ref = w->runs[0].ref;
    worker_run_remove(s.core, w, &ref);
    s.unchecked = true;
    stage_time(&s, ROUND_MS);
    s.unchecked = false;
    assert_int_equal(found(AUDIT_STEP_LOST), 1);
    stage_credit(&s, worker, 1);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
}

static void test_wrong_counts_of_needs_are_put_right(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t",
                "[{\"name\":\"one\",\"function\":\"f\"},{\"name\":\"two\",\"function\":\"f\"}]");
    task("t")->steps[1].needs_left = 5; /* it would never run */
    s.unchecked = true;
    stage_time(&s, ROUND_MS);
    s.unchecked = false;
    assert_int_equal(found(AUDIT_NEEDS_WRONG), 1);
    stage_credit(&s, worker, 2);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_succeed(&s, worker, stage_order(&s, worker), "2");
    assert_int_equal(found_in_all(), 1);
}

static void test_a_ttl_on_a_live_task_is_taken_off(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    stored("t")->expires_at = s.now.mono + 3600000;
    stage_time(&s, 2 * ROUND_MS);
    assert_int_equal(stored("t")->expires_at, NEVER_MS);
    assert_int_equal(found(AUDIT_TTL_ON_LIVE), 1);
    assert_int_equal(found_in_all(), 1);
    stage_credit(&s, worker, 1);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
}

static void test_a_live_task_outside_the_live_index_is_put_back(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    stored("t")->unlisted = true;
    stage_time(&s, 2 * ROUND_MS);
    assert_false(stored("t")->unlisted);
    assert_int_equal(found(AUDIT_NOT_LISTED), 1);
    assert_int_equal(found_in_all(), 1);
}

static void test_an_ended_task_in_the_live_index_is_taken_out(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    stage_credit(&s, worker, 1);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stored("t")->stray = true;
    stage_time(&s, 2 * ROUND_MS);
    assert_false(stored("t")->stray);
    assert_int_equal(found(AUDIT_LISTED_ENDED), 1);
    assert_int_equal(found_in_all(), 1);
}

static void test_a_live_task_that_is_not_in_memory_is_read(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    struct effects none = {0};
    s.core->fx = &none;
    task_remove(s.core, task("t"));
    s.core->fx = NULL;
    effects_free(&none);
    stage_time(&s, 2 * ROUND_MS);
    assert_int_equal(found(AUDIT_TASK_LOST), 1);
    stage_credit(&s, worker, 1);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    assert_int_equal(stored("t")->ended, true);
    assert_int_equal(found_in_all(), 1);
}

static void test_a_record_that_somebody_changed_is_read_anew(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    stored("t")->version += 7;
    stage_time(&s, 2 * ROUND_MS);
    assert_int_equal(found(AUDIT_VERSION), 1);
    assert_int_equal(task("t")->version, stored("t")->version);
    stage_credit(&s, worker, 1);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    assert_int_equal(stored("t")->ended, true);
}

static void test_the_walk_survives_tasks_that_end_under_it(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        char id[16];
        snprintf(id, sizeof id, "t%d", i);
        stage_start(&s, gateway, id, ONE);
    }
    for (int i = 0; i < 300; i++) {
        stage_credit(&s, worker, 1);
        stage_succeed(&s, worker, stage_order(&s, worker), "1");
        stage_time(&s, 137);
    }
    assert_int_equal(found_in_all(), 0);
    assert_int_equal(core_stats(s.core).tasks_live, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_sound_state_has_no_findings_and_rounds_go_on),
        TEST(test_a_ready_step_that_fell_out_of_its_queue_is_put_back),
        TEST(test_a_retry_whose_timer_is_missing_is_tried_all_the_same),
        TEST(test_a_task_without_its_time_limit_gets_it_back),
        TEST(test_a_running_step_that_no_worker_has_goes_out_again),
        TEST(test_wrong_counts_of_needs_are_put_right),
        TEST(test_a_ttl_on_a_live_task_is_taken_off),
        TEST(test_a_live_task_outside_the_live_index_is_put_back),
        TEST(test_an_ended_task_in_the_live_index_is_taken_out),
        TEST(test_a_live_task_that_is_not_in_memory_is_read),
        TEST(test_a_record_that_somebody_changed_is_read_anew),
        TEST(test_the_walk_survives_tasks_that_end_under_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
