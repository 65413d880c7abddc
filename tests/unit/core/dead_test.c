/* Dead letters: what they show, where they are listed, how they are requeued. */
#include "stage.h"

#include <stdio.h>
#include <string.h>

#define ONE "[{\"name\":\"cook\",\"function\":\"f\",\"timeout\":10}]"
#define OTHER                                                                                      \
    "[{\"name\":\"a\",\"function\":\"g\",\"timeout\":10},{\"name\":\"b\",\"function\":\"f\"}]"

static struct store_model store;
static struct stage s;
static peer_id gateway;

static int open_stage(void **state)
{
    (void)state;
    stage_open(&s, &store, "c1");
    gateway = stage_gateway(&s);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_close(&s);
    store_model_free(&store);
    return 0;
}

/* A worker that takes the step, says something, and dies. */
static void kill_one(const char *log)
{
    static int number;
    char name[16];
    (void)snprintf(name, sizeof name, "w%d", number++);
    peer_id worker = stage_worker(&s, name, 1, "f");
    const struct step_order *o = stage_order(&s, worker);
    if (log != NULL) {
        struct message m = {.type = MSG_PROGRESS};
        m.progress.ref = o->ref;
        m.progress.fraction = -1;
        m.progress.log = bytes_str(log);
        stage_send(&s, worker, &m);
    }
    stage_leave(&s, worker);
    stage_time(&s, 201);
}

static void make_dead(const char *id, const char *steps, const char *log)
{
    stage_start(&s, gateway, id, steps);
    kill_one("an earlier word");
    stage_time(&s, 52);
    kill_one(NULL);
    stage_time(&s, 2201);
    kill_one(log);
    assert_int_equal(stage_status(&s, gateway, id)->state, TASK_FAILED);
}

static const struct message *list(unix_ms before, const char *before_id, uint32_t limit)
{
    struct message m = {.type = MSG_GET_DEAD};
    m.get_list.before = before;
    m.get_list.before_id = bytes_str(before_id);
    m.get_list.limit = limit;
    return stage_ask(&s, gateway, &m);
}

static const struct message *requeue_by(uint64_t key, const char *id, const char *step)
{
    struct message m = {.type = MSG_REQUEUE};
    m.requeue.task_id = bytes_str(id);
    m.requeue.step = bytes_str(step);
    m.requeue.key = key;
    return stage_ask(&s, gateway, &m);
}

static const struct message *requeue(const char *id, const char *step)
{
    return requeue_by(0, id, step);
}

static void test_a_dead_letter_shows_what_it_was_and_the_last_of_its_log(void **state)
{
    (void)state;
    assert_int_equal(list(NEVER_MS, "", 10)->dead.count, 0);
    make_dead("t", ONE, "out of cheese");
    assert_int_equal(core_stats(s.core).dead_letters_total, 1);
    const struct message *m = list(NEVER_MS, "", 10);
    assert_int_equal(m->type, MSG_DEAD);
    assert_int_equal(m->dead.count, 1);
    const struct dead_letter *d = &m->dead.items[0];
    assert_true(bytes_is(d->task_id, "t"));
    assert_int_equal(d->step, 0);
    assert_true(bytes_is(d->name, "cook"));
    assert_true(bytes_is(d->function, "f"));
    assert_int_equal(d->deaths, 3);
    assert_int_equal(d->error_code, CODE_WORKER_DEATHS);
    assert_int_equal(d->at, stage_status(&s, gateway, "t")->completed_at);
    char error[512];
    (void)snprintf(error, sizeof error, "%.*s", (int)d->error.len, (const char *)d->error.ptr);
    assert_non_null(
        strstr(error, "died while it ran this step; the end of its log:\nout of cheese"));
    assert_null(strstr(error, "an earlier word"));
    assert_int_equal(m->dead.next_before_id.len, 0);
}

static void test_where_the_last_death_was_silent_the_log_of_the_one_before_is_shown(void **state)
{
    (void)state;
    make_dead("t", ONE, NULL);
    const struct message *m = list(NEVER_MS, "", 10);
    char error[512];
    struct bytes text = m->dead.items[0].error;
    (void)snprintf(error, sizeof error, "%.*s", (int)text.len, (const char *)text.ptr);
    assert_non_null(strstr(error, "an earlier word"));
}

static void test_a_log_alone_is_no_event(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    peer_id worker = stage_worker(&s, "w", 1, "f");
    const struct step_order *o = stage_order(&s, worker);
    stage_time(&s, 500);
    uint64_t seq = stage_status(&s, gateway, "t")->seq;
    struct message m = {.type = MSG_PROGRESS};
    m.progress.ref = o->ref;
    m.progress.fraction = -1;
    m.progress.log = BYTES_LIT("chatter");
    stage_send(&s, worker, &m);
    stage_time(&s, 500);
    assert_int_equal(stage_status(&s, gateway, "t")->seq, seq);
}

static void test_requeue_runs_it_again_with_deaths_counted_from_0(void **state)
{
    (void)state;
    make_dead("t", ONE, NULL);
    const struct message *done = requeue("t", "step_0");
    assert_int_equal(done->type, MSG_DONE);
    assert_int_equal(done->done.state, TASK_RECOVERING);
    assert_int_equal(list(NEVER_MS, "", 10)->dead.count, 0);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->steps[0].deaths, 0);
    peer_id worker = stage_worker(&s, "careful", 1, "f");
    const struct step_order *o = stage_order(&s, worker);
    assert_false(o->alone);
    assert_int_equal(stage_succeed(&s, worker, o, "1"), VERDICT_APPLIED);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
}

static void assert_refused(const struct message *m, enum code code, const char *part)
{
    char detail[256];
    assert_int_equal(m->type, MSG_REFUSED);
    assert_int_equal(m->refused.code, code);
    (void)snprintf(detail, sizeof detail, "%.*s", (int)m->refused.detail.len,
                   (const char *)m->refused.detail.ptr);
    assert_non_null(strstr(detail, part));
}

static void test_a_requeue_that_is_repeated_is_answered_as_the_first_was(void **state)
{
    (void)state;
    make_dead("t", ONE, NULL);
    assert_int_equal(requeue_by(7, "t", "step_0")->type, MSG_DONE);
    assert_int_equal(requeue_by(7, "t", "step_0")->type, MSG_DONE); /* it waits for a worker */
    peer_id worker = stage_worker(&s, "careful", 1, "f");
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    const struct message *again = requeue_by(7, "t", "step_0"); /* it has ended */
    assert_int_equal(again->type, MSG_DONE);
    assert_int_equal(again->done.state, TASK_RECOVERING);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_refused(requeue_by(7, "t", "cook"), CODE_IDEMPOTENCY_MISMATCH, "new key");
    assert_refused(requeue_by(8, "t", "step_0"), CODE_NOT_A_DEAD_LETTER, "completed");
}

static void test_what_is_no_dead_letter_is_not_requeued(void **state)
{
    (void)state;
    assert_refused(requeue("nobody", "step_0"), CODE_TASK_NOT_FOUND, "no such task");
    stage_start(&s, gateway, "alive", ONE);
    assert_refused(requeue("alive", "step_0"), CODE_NOT_A_DEAD_LETTER, "pending");
    stage_task_request(&s, gateway, MSG_CANCEL, "alive");
    assert_refused(requeue("alive", "step_0"), CODE_NOT_A_DEAD_LETTER, "cancelled");
    peer_id worker = stage_worker(&s, "g", 1, "g");
    stage_start(&s, gateway, "t", OTHER);
    assert_int_equal(stage_succeed(&s, worker, stage_order(&s, worker), "1"), VERDICT_APPLIED);
    kill_one(NULL);
    stage_time(&s, 52);
    kill_one(NULL);
    stage_time(&s, 2201);
    kill_one(NULL);
    assert_refused(requeue("t", "a"), CODE_NOT_A_DEAD_LETTER, "step_1");
    assert_refused(requeue("t", "step_2"), CODE_STEP_NOT_FOUND, "no step");
    assert_int_equal(requeue("t", "b")->type, MSG_DONE);
    assert_refused(requeue("t", "b"), CODE_NOT_A_DEAD_LETTER, "recovering");
}

static void test_a_step_out_of_attempts_is_one_where_its_definition_says_so(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t",
                "[{\"name\":\"cook\",\"function\":\"f\",\"max_retries\":0,"
                "\"on_exhausted\":\"dead_letter\"},{\"name\":\"clean\",\"function\":\"f\","
                "\"finally\":true}]");
    struct message failure = stage_failure(stage_order(&s, worker), CODE_FUNCTION_FAILED, false);
    failure.outcome.function_code = BYTES_LIT("QUOTA");
    stage_send(&s, worker, &failure);
    assert_int_equal(stage_take(&s, worker, MSG_ACK)->ack.verdict, VERDICT_APPLIED);
    assert_int_equal(list(NEVER_MS, "", 10)->dead.count, 0); /* its finally step runs */
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    const struct message *m = list(NEVER_MS, "", 10);
    assert_int_equal(m->dead.count, 1);
    assert_int_equal(m->dead.items[0].error_code, CODE_FUNCTION_FAILED);
    assert_true(bytes_is(m->dead.items[0].function_code, "QUOTA"));
    assert_int_equal(m->dead.items[0].deaths, 0);
    assert_int_equal(requeue("t", "cook")->type, MSG_DONE);
    assert_int_equal(list(NEVER_MS, "", 10)->dead.count, 0);
    const struct step_order *again = stage_order(&s, worker);
    assert_int_equal(again->ref.attempt, 1);
    stage_succeed(&s, worker, again, "1");
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
}

static void test_a_task_out_of_time_has_no_dead_letter(void **state)
{
    (void)state;
    stage_worker(&s, "w", 1, "f");
    struct message m = stage_start_request("t", "[{\"name\":\"cook\",\"function\":\"f\","
                                                "\"on_exhausted\":\"dead_letter\"}]");
    m.start.max_duration_s = 1;
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
    stage_time(&s, 2000);
    assert_int_equal(stage_status(&s, gateway, "t")->error_code, CODE_TASK_TIMEOUT);
    assert_int_equal(list(NEVER_MS, "", 10)->dead.count, 0);
}

static void test_a_recover_and_a_fresh_run_take_it_off_the_list(void **state)
{
    (void)state;
    make_dead("t", ONE, NULL);
    assert_int_equal(stage_recover(&s, gateway, "t", "", "")->type, MSG_DONE);
    assert_int_equal(list(NEVER_MS, "", 10)->dead.count, 0);
    stage_task_request(&s, gateway, MSG_CANCEL, "t");
    make_dead("u", ONE, NULL);
    assert_int_equal(list(NEVER_MS, "", 10)->dead.count, 1);
    stage_start(&s, gateway, "u", ONE);
    assert_int_equal(list(NEVER_MS, "", 10)->dead.count, 0);
}

static void test_the_list_is_paged_newest_first(void **state)
{
    (void)state;
    const char *ids[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        make_dead(ids[i], ONE, NULL);
    }
    const struct message *m = list(NEVER_MS, "", 2);
    assert_int_equal(m->dead.count, 2);
    assert_true(bytes_is(m->dead.items[0].task_id, "c"));
    assert_true(bytes_is(m->dead.next_before_id, "b"));
    m = list(m->dead.next_before, "b", 2);
    assert_int_equal(m->dead.count, 1);
    assert_true(bytes_is(m->dead.items[0].task_id, "a"));
    assert_int_equal(m->dead.next_before_id.len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_dead_letter_shows_what_it_was_and_the_last_of_its_log),
        TEST(test_where_the_last_death_was_silent_the_log_of_the_one_before_is_shown),
        TEST(test_a_log_alone_is_no_event),
        TEST(test_requeue_runs_it_again_with_deaths_counted_from_0),
        TEST(test_a_requeue_that_is_repeated_is_answered_as_the_first_was),
        TEST(test_what_is_no_dead_letter_is_not_requeued),
        TEST(test_a_step_out_of_attempts_is_one_where_its_definition_says_so),
        TEST(test_a_task_out_of_time_has_no_dead_letter),
        TEST(test_a_recover_and_a_fresh_run_take_it_off_the_list),
        TEST(test_the_list_is_paged_newest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
