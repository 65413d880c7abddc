/* RECOVER: a failed or cancelled task runs on. */
#define USUAL_SLOTS     2
#define USUAL_FUNCTIONS "f,g"
#include "core/task.h"
#include "usual.h"

#include "json/scan.h"

#define CHAIN                                                                                      \
    "[{\"name\":\"a\",\"function\":\"f\"},{\"name\":\"b\",\"function\":\"f\"},"                    \
    "{\"name\":\"c\",\"function\":\"f\",\"max_retries\":0}]"

static void assert_document(const char *id, const char *results)
{
    struct stored_task *t = store_model_find(&store, bytes_str(id), s.now.mono);
    assert_non_null(t);
    struct bytes all = BYTES_NONE;
    assert_int_equal(json_check(buf_bytes(&t->doc), &all, NULL), ERR_OK);
    struct bytes stored = json_member(all, "results");
    assert_int_equal(stored.len, strlen(results));
    assert_memory_equal(stored.ptr, results, stored.len);
}

/* a and b completed with 1 and 2, c failed for good. */
static void fail_at_c(void)
{
    stage_start(&s, gateway, "t", CHAIN);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_succeed(&s, worker, stage_order(&s, worker), "2");
    stage_fail(&s, worker, stage_order(&s, worker));
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_FAILED);
}

static void assert_recovering(const struct message *answer)
{
    assert_non_null(answer);
    assert_string_equal(message_type_name(answer->type), "DONE");
    assert_int_equal(answer->done.state, TASK_RECOVERING);
}

static void test_a_new_input_is_given_to_what_runs_from_now_on(void **state)
{
    (void)state;
    fail_at_c();
    struct message m = {.type = MSG_RECOVER};
    m.recover.task_id = BYTES_LIT("t");
    m.recover.input = BYTES_LIT("{\"in\":2}");
    m.recover.deed.reason = BYTES_LIT("a typo");
    assert_recovering(stage_ask(&s, gateway, &m));
    const struct step_order *c = stage_order(&s, worker);
    assert_true(bytes_is(c->name, "c") && bytes_is(c->input.whole, "{\"in\":2}"));
    assert_true(bytes_is(c->results.whole, "{\"a\":1,\"b\":2}"));
    assert_int_equal(c->ref.generation, 1); /* another input: another idempotency key */
    m = (struct message){.type = MSG_GET_HISTORY};
    m.get_history.task_id = BYTES_LIT("t");
    const struct message *r = stage_ask(&s, gateway, &m);
    bool told = false;
    for (uint32_t i = 0; i < r->events.count; i++) {
        const struct task_event *e = &r->events.events[i];
        told = told || (e->type == EVENT_TASK_RECOVERING &&
                        bytes_is(e->message, "\"input_data\":{\"in\":2}") &&
                        bytes_is(e->deed.reason, "a typo"));
    }
    assert_true(told);
}

static void test_a_new_input_goes_out_in_the_text_that_it_is_kept_in(void **state)
{
    (void)state;
    fail_at_c();
    struct message m = {.type = MSG_RECOVER, .request = 7};
    m.recover.task_id = BYTES_LIT("t");
    m.recover.input = BYTES_LIT("{\"in\":2}");
    const char *from[] = {"c", "b"}; /* from b on a result goes away: the others are read first */
    for (uint32_t i = 0; i < 2; i++) {
        s.hold_store = true;
        m.recover.from_step = bytes_str(from[i]);
        stage_send(&s, gateway, &m);
        for (uint32_t reads = 0; reads <= i; reads++) {
            stage_store_round(&s);
        }
        const struct store_row *row = stage_row(&s);
        assert_true(bytes_is(row->input, "{\"in\":2}"));
        assert_ptr_equal(row->input.ptr, shared_bytes(row->input_text).ptr);
        assert_int_equal(row->input.len, shared_bytes(row->input_text).len);
        s.hold_store = false;
        stage_store_go(&s);
        assert_recovering(stage_take(&s, gateway, MSG_DONE));
        for (uint32_t steps = 0; steps < i; steps++) {
            stage_succeed(&s, worker, stage_order(&s, worker), "2");
        }
        stage_fail(&s, worker, stage_order(&s, worker));
    }
}

static void assert_told(const char *wishes)
{
    struct message m = {.type = MSG_GET_HISTORY};
    m.get_history.task_id = BYTES_LIT("t");
    const struct message *r = stage_ask(&s, gateway, &m);
    bool told = false;
    for (uint32_t i = 0; i < r->events.count; i++) {
        const struct task_event *e = &r->events.events[i];
        told = told || (e->type == EVENT_TASK_RECOVERING && bytes_is(e->message, wishes));
    }
    assert_true(told);
}

static void test_the_history_says_what_a_recover_was_asked_to_do(void **state)
{
    (void)state;
    fail_at_c();
    assert_recovering(stage_recover(&s, gateway, "t", "b", ""));
    assert_told("\"from_step\":\"b\"");
    stage_task_request(&s, gateway, MSG_CANCEL, "t");
    assert_recovering(stage_recover(&s, gateway, "t", "", "t_cp_0"));
    assert_told("\"checkpoint_id\":\"t_cp_0\"");
    stage_task_request(&s, gateway, MSG_CANCEL, "t");
    assert_recovering(stage_recover(&s, gateway, "t", "", ""));
    assert_told("");
}

static void test_recover_runs_on_from_the_failed_step(void **state)
{
    (void)state;
    fail_at_c();
    assert_recovering(stage_recover(&s, gateway, "t", "", ""));
    const struct step_order *c = stage_order(&s, worker);
    assert_true(bytes_is(c->name, "c"));
    assert_true(bytes_is(c->results.whole, "{\"a\":1,\"b\":2}"));
    assert_int_equal(c->ref.attempt, 1);
    assert_int_equal(stage_succeed(&s, worker, c, "3"), VERDICT_APPLIED);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_COMPLETED);
    assert_int_equal(v->steps[2].retry_count, 0);
    assert_document("t", "{\"a\":1,\"b\":2,\"c\":3}");
    stage_nothing(&s, worker, MSG_ORDER);
}

static void test_recover_from_a_step_runs_it_and_what_follows_again_with_other_keys(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", CHAIN);
    const struct step_order *a = stage_order(&s, worker);
    stage_succeed(&s, worker, a, "1");
    const struct step_order *b = stage_order(&s, worker);
    stage_succeed(&s, worker, b, "2");
    stage_fail(&s, worker, stage_order(&s, worker));
    uint32_t revision = stage_status(&s, gateway, "t")->doc_revision;
    assert_recovering(stage_recover(&s, gateway, "t", "b", ""));
    const struct step_order *again = stage_order(&s, worker);
    assert_true(bytes_is(again->name, "b"));
    assert_int_equal(again->ref.generation, b->ref.generation + 1);
    assert_false(bytes_eq(again->idempotency_key, b->idempotency_key));
    assert_true(stage_status(&s, gateway, "t")->doc_revision > revision);
    assert_document("t", "{\"a\":1}");
    assert_int_equal(stage_succeed(&s, worker, b, "99"), VERDICT_LATE);
    stage_succeed(&s, worker, again, "22");
    const struct step_order *c = stage_order(&s, worker);
    assert_true(bytes_is(c->results.whole, "{\"a\":1,\"b\":22}"));
    stage_succeed(&s, worker, c, "3");
    assert_document("t", "{\"a\":1,\"b\":22,\"c\":3}");
}

static void test_an_old_success_behind_a_step_that_runs_again_is_late(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", CHAIN);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_succeed(&s, worker, stage_order(&s, worker), "2");
    const struct step_order *old = stage_order(&s, worker);
    assert_int_equal(stage_task_request(&s, gateway, MSG_CANCEL, "t")->type, MSG_DONE);
    assert_recovering(stage_recover(&s, gateway, "t", "b", ""));
    stage_succeed(&s, worker, stage_order(&s, worker), "22");
    /* It was computed from the result that has gone. */
    assert_int_equal(stage_succeed(&s, worker, old, "3"), VERDICT_LATE);
}

static void test_recover_from_a_checkpoint_keeps_the_results_up_to_it(void **state)
{
    (void)state;
    fail_at_c();
    assert_recovering(stage_recover(&s, gateway, "t", "", "t_cp_0"));
    const struct step_order *b = stage_order(&s, worker);
    assert_true(bytes_is(b->name, "b"));
    assert_document("t", "{\"a\":1}");
    stage_succeed(&s, worker, b, "2");
    stage_succeed(&s, worker, stage_order(&s, worker), "3");
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_COMPLETED);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(v->steps[i].order, i);
    }
}

static void test_recover_names_the_field_at_fault(void **state)
{
    (void)state;
    fail_at_c();
    const struct message *r = stage_recover(&s, gateway, "t", "nosuch", "");
    assert_int_equal(r->refused.code, CODE_INVALID_FIELD);
    assert_true(bytes_is(r->refused.pointer, "/from_step"));
    assert_true(bytes_is(r->refused.detail,
                         "the pipeline has no step of this name or step_id; it has a, b, c"));
    const char *wrong[] = {"t_cp_2", "t_cp_", "t_cp_x", "u_cp_0", "t_cp_99999999999", "t"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        r = stage_recover(&s, gateway, "t", "", wrong[i]);
        assert_int_equal(r->refused.code, CODE_INVALID_FIELD);
        assert_true(bytes_is(r->refused.pointer, "/checkpoint_id"));
    }
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_FAILED);
}

static void test_there_is_nothing_to_recover_in_a_live_or_completed_task(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", "[{\"name\":\"a\",\"function\":\"f\"}]");
    const struct message *r = stage_recover(&s, gateway, "t", "", "");
    assert_int_equal(r->refused.code, CODE_NOTHING_TO_RECOVER);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    r = stage_recover(&s, gateway, "t", "", "");
    assert_int_equal(r->refused.code, CODE_NOTHING_TO_RECOVER);
    assert_int_equal(r->refused.state, TASK_COMPLETED);
    assert_true(bytes_is(r->refused.detail,
                         "the task is completed; only a failed or cancelled one can be recovered"));
    assert_int_equal(stage_recover(&s, gateway, "u", "", "")->refused.code, CODE_TASK_NOT_FOUND);
}

static void test_the_end_of_a_cancelled_attempt_is_no_failure_after_recover(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", "[{\"name\":\"a\",\"function\":\"f\",\"max_retries\":0}]");
    const struct step_order *old = stage_order(&s, worker);
    stage_task_request(&s, gateway, MSG_CANCEL, "t");
    assert_recovering(stage_recover(&s, gateway, "t", "", ""));
    const struct step_order *again = stage_order(&s, worker);
    assert_true(bytes_eq(again->idempotency_key, old->idempotency_key));
    struct message stopped = stage_failure(old, CODE_CANCELLED, false);
    stage_send(&s, worker, &stopped);
    assert_int_equal(stage_take(&s, worker, MSG_ACK)->ack.verdict, VERDICT_LATE);
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].retry_count, 0);
    assert_int_equal(stage_succeed(&s, worker, again, "1"), VERDICT_APPLIED);
}

static void test_an_expired_task_cannot_be_recovered(void **state)
{
    (void)state;
    fail_at_c();
    stage_sleep(&s, 3600 * 1000);
    assert_int_equal(stage_recover(&s, gateway, "t", "", "")->refused.code, CODE_TASK_NOT_FOUND);
}

static void test_a_task_that_expires_while_it_is_being_recovered_is_not_found(void **state)
{
    (void)state;
    fail_at_c();
    s.hold_store = true;
    struct message m = {.type = MSG_RECOVER};
    m.recover.task_id = BYTES_LIT("t");
    assert_null(stage_ask(&s, gateway, &m));
    s.hold_store = false;
    struct stage_op read = s.ops[s.op_count - 1];
    assert_non_null(read.read);
    s.op_count--;
    struct store_answer *a = store_model_read(&store, read.read, s.now.mono, &s.arena);
    s.hold_store = true;
    stage_event(&s, &(struct event){.kind = EV_READ, .answer = a});
    struct message status = {.type = MSG_GET_STATUS};
    status.task.task_id = BYTES_LIT("t");
    assert_null(stage_ask(&s, gateway, &status)); /* held behind the revival */
    s.hold_store = false;
    store_model_find(&store, BYTES_LIT("t"), s.now.mono)->expires_at = s.now.mono;
    stage_store_go(&s);
    assert_int_equal(stage_take(&s, gateway, MSG_REFUSED)->refused.code, CODE_TASK_NOT_FOUND);
    assert_int_equal(stage_take(&s, gateway, MSG_REFUSED)->request, status.request);
    stage_time(&s, 1000);
    stage_start(&s, gateway, "t", CHAIN); /* and the partition is served again */
}

static void test_a_recover_that_meets_a_fresh_start_gives_way(void **state)
{
    (void)state;
    fail_at_c();
    s.hold_store = true;
    struct message recover = {.type = MSG_RECOVER};
    recover.recover.task_id = BYTES_LIT("t");
    assert_null(stage_ask(&s, gateway, &recover));
    struct message start = stage_start_request("t", CHAIN);
    assert_null(stage_ask(&s, gateway, &start));
    s.hold_store = false;
    stage_store_go(&s);
    assert_int_equal(stage_take(&s, gateway, MSG_REFUSED)->request, recover.request);
    assert_int_equal(stage_take(&s, gateway, MSG_STARTED)->request, start.request);
    assert_true(bytes_is(stage_order(&s, worker)->name, "a"));
    assert_int_equal(stage_status(&s, gateway, "t")->run, 2);
}

static void test_two_recovers_revive_once(void **state)
{
    (void)state;
    fail_at_c();
    s.hold_store = true;
    struct message first = {.type = MSG_RECOVER};
    first.recover.task_id = BYTES_LIT("t");
    first.recover.from_step = BYTES_LIT("a");
    struct message second = first;
    assert_null(stage_ask(&s, gateway, &first));
    assert_null(stage_ask(&s, gateway, &second));
    s.hold_store = false;
    stage_store_go(&s);
    assert_int_equal(stage_take(&s, gateway, MSG_DONE)->request, first.request);
    const struct message *r = stage_take(&s, gateway, MSG_REFUSED);
    assert_int_equal(r->request, second.request);
    assert_int_equal(r->refused.code, CODE_NOTHING_TO_RECOVER);
}

static const struct message *recover_by(uint64_t key, const char *from_step)
{
    struct message m = {.type = MSG_RECOVER};
    m.recover.task_id = BYTES_LIT("t");
    m.recover.from_step = bytes_str(from_step);
    m.recover.key = key;
    return stage_ask(&s, gateway, &m);
}

static void fail_the_next(void)
{
    stage_fail(&s, worker, stage_order(&s, worker));
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_FAILED);
}

static void test_a_recover_that_is_repeated_is_answered_as_the_first_was(void **state)
{
    (void)state;
    fail_at_c();
    assert_recovering(recover_by(7, ""));
    assert_recovering(recover_by(7, "")); /* it is to run */
    const struct step_order *o = stage_order(&s, worker);
    assert_recovering(recover_by(7, "")); /* it runs */
    stage_fail(&s, worker, o);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_FAILED);
    assert_recovering(recover_by(7, "")); /* it has failed again */
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_FAILED);
    assert_recovering(recover_by(8, ""));
    stage_succeed(&s, worker, stage_order(&s, worker), "3");
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
    assert_recovering(recover_by(8, ""));
    assert_int_equal(stage_recover(&s, gateway, "t", "", "")->refused.code,
                     CODE_NOTHING_TO_RECOVER);
}

static void test_a_recover_without_a_key_is_each_its_own(void **state)
{
    (void)state;
    fail_at_c();
    assert_recovering(recover_by(7, ""));
    fail_the_next();
    assert_recovering(recover_by(0, ""));
    fail_the_next();
    assert_recovering(recover_by(7, "")); /* the other had no key: this is the last one's still */
    stage_nothing(&s, worker, MSG_ORDER);
    assert_recovering(recover_by(0, ""));
    fail_the_next();
}

static void test_the_key_of_a_recover_is_of_what_it_asked_for(void **state)
{
    (void)state;
    fail_at_c();
    assert_recovering(recover_by(7, ""));
    assert_int_equal(recover_by(7, "b")->refused.code, CODE_IDEMPOTENCY_MISMATCH);
    fail_the_next();
    assert_int_equal(recover_by(7, "b")->refused.code, CODE_IDEMPOTENCY_MISMATCH);
    stage_nothing(&s, worker, MSG_ORDER);
}

static void taken_over(void)
{
    stage_store_lost(&s, false);
    stage_store_up(&s);
    stage_running(&s, worker, NULL, 0);
    stage_time(&s, 3000);
}

static void test_the_key_of_a_recover_outlives_its_coordinator(void **state)
{
    (void)state;
    fail_at_c();
    assert_recovering(recover_by(7, "b"));
    (void)stage_order(&s, worker);
    taken_over();
    assert_recovering(recover_by(7, "b"));
    stage_succeed(&s, worker, stage_order(&s, worker), "2");
    fail_the_next();
    taken_over();
    assert_recovering(recover_by(7, "b"));
    stage_nothing(&s, worker, MSG_ORDER);
}

/* Both have read the task before either lets it live. */
static void test_a_repetition_that_comes_while_the_first_reads_is_answered_alike(void **state)
{
    (void)state;
    fail_at_c();
    s.hold_store = true;
    assert_null(recover_by(7, "a"));
    assert_null(recover_by(7, "a"));
    s.hold_store = false;
    stage_store_go(&s);
    assert_recovering(stage_take(&s, gateway, MSG_DONE));
    assert_recovering(stage_take(&s, gateway, MSG_DONE));
    assert_true(bytes_is(stage_order(&s, worker)->name, "a"));
    stage_nothing(&s, worker, MSG_ORDER);
}

static void test_the_last_few_keys_of_recovers_are_known(void **state)
{
    (void)state;
    fail_at_c();
    for (uint64_t key = 1; key <= RECOVERS_KNOWN + 1; key++) {
        assert_recovering(recover_by(key, ""));
        fail_the_next();
    }
    taken_over();
    for (uint64_t key = RECOVERS_KNOWN + 1; key > 1; key--) {
        assert_recovering(recover_by(key, ""));
        stage_nothing(&s, worker, MSG_ORDER);
    }
    assert_recovering(recover_by(1, "")); /* forgotten: one of its own again */
    fail_the_next();
}

static void test_a_fresh_start_knows_no_recover_of_before(void **state)
{
    (void)state;
    fail_at_c();
    assert_recovering(recover_by(7, ""));
    fail_the_next();
    fail_at_c();
    assert_recovering(recover_by(7, ""));
    assert_true(bytes_is(stage_order(&s, worker)->name, "c"));
}

static void test_a_recovered_tasks_keys_live_again_and_its_error_goes(void **state)
{
    (void)state;
    fail_at_c();
    struct stored_task *t = store_model_find(&store, BYTES_LIT("t"), s.now.mono);
    assert_int_equal(t->expires_at - s.now.mono, 3600 * 1000);
    struct bytes error = BYTES_NONE;
    assert_int_equal(json_check(buf_bytes(&t->error), &error, NULL), ERR_OK);
    assert_true(bytes_is(json_member(error, "step"), "\"c\""));
    assert_recovering(stage_recover(&s, gateway, "t", "", ""));
    assert_true(t->expires_at == NEVER_MS);
    assert_int_equal(t->error.len, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_the_history_says_what_a_recover_was_asked_to_do),
        TEST(test_recover_runs_on_from_the_failed_step),
        TEST(test_a_new_input_is_given_to_what_runs_from_now_on),
        TEST(test_a_new_input_goes_out_in_the_text_that_it_is_kept_in),
        TEST(test_recover_from_a_step_runs_it_and_what_follows_again_with_other_keys),
        TEST(test_an_old_success_behind_a_step_that_runs_again_is_late),
        TEST(test_recover_from_a_checkpoint_keeps_the_results_up_to_it),
        TEST(test_recover_names_the_field_at_fault),
        TEST(test_there_is_nothing_to_recover_in_a_live_or_completed_task),
        TEST(test_the_end_of_a_cancelled_attempt_is_no_failure_after_recover),
        TEST(test_an_expired_task_cannot_be_recovered),
        TEST(test_a_task_that_expires_while_it_is_being_recovered_is_not_found),
        TEST(test_a_recover_that_meets_a_fresh_start_gives_way),
        TEST(test_two_recovers_revive_once),
        TEST(test_a_recover_that_is_repeated_is_answered_as_the_first_was),
        TEST(test_a_recover_without_a_key_is_each_its_own),
        TEST(test_the_key_of_a_recover_is_of_what_it_asked_for),
        TEST(test_the_key_of_a_recover_outlives_its_coordinator),
        TEST(test_a_repetition_that_comes_while_the_first_reads_is_answered_alike),
        TEST(test_the_last_few_keys_of_recovers_are_known),
        TEST(test_a_fresh_start_knows_no_recover_of_before),
        TEST(test_a_recovered_tasks_keys_live_again_and_its_error_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
