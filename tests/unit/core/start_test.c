/* START and CANCEL: admission, idempotency, refusals, and a store that is away. */
#define USUAL_SLOTS     2
#define USUAL_FUNCTIONS "f,g"
#include "usual.h"

#define ONE "[{\"name\":\"one\",\"function\":\"f\"}]"

static const struct message *start_keyed(const char *id, char key, char body)
{
    uint8_t keys[32], bodies[32];
    memset(keys, key, sizeof keys);
    memset(bodies, body, sizeof bodies);
    struct message m = stage_start_request(id, ONE);
    m.start.idempotency_key = bytes_of(keys, sizeof keys);
    m.start.body_hash = bytes_of(bodies, sizeof bodies);
    return stage_ask(&s, gateway, &m);
}

static void test_a_start_is_answered_when_it_is_durable_and_not_before(void **state)
{
    (void)state;
    s.hold_store = true;
    struct message m = stage_start_request("t", ONE);
    assert_null(stage_ask(&s, gateway, &m));
    stage_nothing(&s, worker, MSG_ORDER);
    s.hold_store = false;
    stage_store_go(&s);
    assert_true(bytes_is(stage_take(&s, gateway, MSG_STARTED)->started.task_id, "t"));
    const struct step_order *o = stage_order(&s, worker);
    assert_true(bytes_is(o->function, "f"));
    assert_true(bytes_is(o->input.whole, "{\"n\":1}"));
    assert_true(bytes_is(o->results.whole, "{}"));
    assert_int_equal(o->ref.run, 1);
}

static void test_a_start_of_a_live_id_is_refused_with_its_state(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    struct message m = stage_start_request("t", ONE);
    const struct message *r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->refused.code, CODE_TASK_EXISTS);
    assert_int_equal(r->refused.state, TASK_RUNNING);
}

static void test_a_start_of_an_ended_id_is_a_fresh_run(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    const struct step_order *old = stage_order(&s, worker);
    stage_succeed(&s, worker, old, "1");
    stage_start(&s, gateway, "t", ONE);
    const struct step_order *o = stage_order(&s, worker);
    assert_int_equal(o->ref.run, 2);
    assert_false(bytes_eq(o->idempotency_key, old->idempotency_key));
    assert_int_equal(stage_succeed(&s, worker, old, "1"), VERDICT_LATE);
    assert_int_equal(stage_succeed(&s, worker, o, "2"), VERDICT_APPLIED);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->run, 2);
    assert_true(v->seq < 6);
}

static void test_the_same_key_and_body_meet_the_same_task(void **state)
{
    (void)state;
    assert_int_equal(start_keyed("t", 'k', 'b')->type, MSG_STARTED);
    const struct message *r = start_keyed("u", 'k', 'b');
    assert_int_equal(r->type, MSG_STARTED);
    assert_true(bytes_is(r->started.task_id, "t"));
    assert_true(r->started.replayed);
    stage_order(&s, worker);
    stage_nothing(&s, worker, MSG_ORDER);
}

static void test_the_same_key_with_another_body_is_refused(void **state)
{
    (void)state;
    start_keyed("t", 'k', 'b');
    assert_int_equal(start_keyed("t", 'k', 'c')->refused.code, CODE_IDEMPOTENCY_MISMATCH);
}

static void test_a_key_that_is_no_hash_is_refused(void **state)
{
    (void)state;
    static const char text[] = "0123456789abcdef0123456789abcdef0";
    struct message m = stage_start_request("t", ONE);
    for (size_t len = 31; len <= 33; len++) {
        bool good = len == 32;
        m.start.idempotency_key = bytes_of(text, len);
        m.start.body_hash = bytes_of(text, 32);
        assert_int_equal(stage_ask(&s, gateway, &m)->type, good ? MSG_STARTED : MSG_REFUSED);
        m.start.idempotency_key = bytes_of(text, 32);
        m.start.body_hash = bytes_of(text, len);
        assert_int_equal(stage_ask(&s, gateway, &m)->type, good ? MSG_STARTED : MSG_REFUSED);
    }
    m.start = (struct start_request){.task_id = m.start.task_id, .fork_of = BYTES_LIT("t")};
    assert_int_equal(stage_ask(&s, gateway, &m)->refused.code, CODE_INVALID_FIELD);
}

static void test_a_key_outlives_its_task(void **state)
{
    (void)state;
    start_keyed("t", 'k', 'b');
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_sleep(&s, 23 * 3600 * 1000);
    assert_true(start_keyed("t", 'k', 'b')->started.replayed);
    stage_sleep(&s, 2 * 3600 * 1000);
    assert_false(start_keyed("t", 'k', 'b')->started.replayed);
}

/* Else the repetition of a start would run it afresh. */
static void test_a_key_stays_as_long_as_what_is_kept_of_its_task(void **state)
{
    (void)state;
    stage_close(&s);
    stage_prepare(&s, &store, "a");
    s.config.ttl_s = 3 * 86400;
    stage_begin(&s);
    stage_time(&s, 10000);
    gateway = stage_gateway(&s);
    worker = stage_worker(&s, "w", USUAL_SLOTS, USUAL_FUNCTIONS);
    start_keyed("t", 'k', 'b');
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_sleep(&s, 71 * 3600 * 1000);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
    assert_true(start_keyed("t", 'k', 'b')->started.replayed);
}

static void test_unknown_and_broken_pipelines_are_refused_with_a_pointer(void **state)
{
    (void)state;
    struct message m = stage_start_request("t", "");
    const struct message *r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->refused.code, CODE_UNKNOWN_PIPELINE);
    assert_true(bytes_is(r->refused.pointer, "/task_type"));
    m = stage_start_request("t", "[{\"name\":\"a\",\"function\":\"f\",\"needs\":[\"b\"]}]");
    r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->refused.code, CODE_INVALID_PIPELINE);
    assert_true(bytes_is(bytes_part(r->refused.pointer, 0, 9), "/steps/0/"));
    m = stage_start_request("not an id", ONE);
    assert_int_equal(stage_ask(&s, gateway, &m)->refused.code, CODE_INVALID_ID);
}

static void test_a_stored_pipeline_is_started_by_name_and_a_newer_version_replaces_it(void **state)
{
    (void)state;
    struct event e = {.kind = EV_PIPELINE, .version = 2};
    e.text = BYTES_LIT("{\"name\":\"trial\",\"steps\":[{\"name\":\"new\",\"function\":\"f\"}]}");
    stage_event(&s, &e);
    e.version = 1;
    e.text = BYTES_LIT("{\"name\":\"trial\",\"steps\":[{\"name\":\"old\",\"function\":\"f\"}]}");
    stage_event(&s, &e);
    stage_start(&s, gateway, "t", "");
    assert_true(bytes_is(stage_order(&s, worker)->name, "new"));
}

static void test_a_closed_admission_and_a_full_store_refuse_starts_only(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    stage_event(&s, &(struct event){.kind = EV_ADMISSION, .text = BYTES_LIT("AOF is off")});
    struct message m = stage_start_request("u", ONE);
    assert_int_equal(stage_ask(&s, gateway, &m)->refused.code, CODE_UNAVAILABLE);
    stage_event(&s, &(struct event){.kind = EV_ADMISSION});
    store.full = true;
    assert_int_equal(stage_ask(&s, gateway, &m)->refused.code, CODE_STORE_FULL);
    assert_int_equal(stage_succeed(&s, worker, stage_order(&s, worker), "1"), VERDICT_APPLIED);
    store.full = false;
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
}

static void begin_with_tasks_max(uint32_t tasks_max)
{
    stage_close(&s);
    store_model_free(&store);
    stage_prepare(&s, &store, "a");
    s.config.tasks_max = tasks_max;
    stage_begin(&s);
    gateway = stage_gateway(&s);
}

static void test_too_many_live_tasks_are_refused(void **state)
{
    (void)state;
    begin_with_tasks_max(1);
    stage_start(&s, gateway, "t", ONE);
    struct message m = stage_start_request("u", ONE);
    const struct message *r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->refused.code, CODE_TOO_MANY_REQUESTS);
    assert_int_equal(r->refused.retry_after_s, 1);
}

static void test_starts_on_their_way_count_as_live_tasks(void **state)
{
    (void)state;
    begin_with_tasks_max(2);
    s.hold_store = true;
    for (int i = 0; i < 3; i++) {
        struct message m = stage_start_request(i == 0 ? "t" : i == 1 ? "u" : "v", ONE);
        m.request = (uint64_t)i + 1;
        stage_send(&s, gateway, &m);
    }
    const struct message *r = stage_take(&s, gateway, MSG_REFUSED);
    assert_int_equal(r->request, 3);
    assert_int_equal(r->refused.code, CODE_TOO_MANY_REQUESTS);
    s.hold_store = false;
    stage_store_go(&s);
    stage_take(&s, gateway, MSG_STARTED);
    stage_take(&s, gateway, MSG_STARTED);
}

static void test_while_the_store_is_away_requests_are_refused_and_then_all_goes_on(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    const struct step_order *o = stage_order(&s, worker);
    stage_store_lost(&s, false);
    struct message m = stage_start_request("u", ONE);
    assert_int_equal(stage_ask(&s, gateway, &m)->refused.code, CODE_UNAVAILABLE);
    assert_int_equal(stage_task_request(&s, gateway, MSG_GET_STATUS, "t")->refused.code,
                     CODE_UNAVAILABLE);
    struct message outcome = stage_success(o, "1");
    stage_send(&s, worker, &outcome);
    stage_nothing(&s, worker, MSG_ACK);
    stage_time(&s, 5000);
    stage_store_up(&s);
    stage_send(&s, worker, &outcome);
    assert_int_equal(stage_take(&s, worker, MSG_ACK)->ack.verdict, VERDICT_APPLIED);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
    stage_nothing(&s, worker, MSG_ORDER);
}

static void start_with_unknown_outcome(bool executed)
{
    uint8_t key[32] = "key", body[32] = "body";
    struct message m = stage_start_request("t", ONE);
    m.start.idempotency_key = bytes_of(key, sizeof key);
    m.start.body_hash = bytes_of(body, sizeof body);
    s.hold_store = true;
    assert_null(stage_ask(&s, gateway, &m));
    stage_store_lost(&s, executed);
    assert_int_equal(stage_take(&s, gateway, MSG_REFUSED)->refused.code, CODE_UNAVAILABLE);
    stage_store_up(&s);
    const struct message *r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->type, MSG_STARTED);
    assert_int_equal(r->started.replayed, executed);
    stage_time(&s, 1000);
    stage_order(&s, worker);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(stage_status(&s, gateway, "t")->run, 1);
}

static void test_a_start_whose_answer_was_lost_is_found_by_its_key(void **state)
{
    (void)state;
    start_with_unknown_outcome(true);
}

static void test_a_start_that_was_never_carried_out_starts_when_repeated(void **state)
{
    (void)state;
    start_with_unknown_outcome(false);
}

static void test_cancel_is_answered_when_durable_and_stops_what_runs(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    const struct step_order *o = stage_order(&s, worker);
    s.hold_store = true;
    assert_null(stage_task_request(&s, gateway, MSG_CANCEL, "t"));
    stage_nothing(&s, worker, MSG_STOP);
    s.hold_store = false;
    stage_store_go(&s);
    assert_int_equal(stage_take(&s, gateway, MSG_DONE)->done.state, TASK_CANCELLED);
    const struct step_stop *stop = &stage_take(&s, worker, MSG_STOP)->stop;
    assert_int_equal(stop->reason, STOP_CANCELLED);
    assert_memory_equal(stop->ref.token, o->ref.token, TOKEN_BYTES);
    const struct message *r = stage_task_request(&s, gateway, MSG_CANCEL, "t");
    assert_int_equal(r->refused.code, CODE_TASK_ENDED);
    assert_int_equal(r->refused.state, TASK_CANCELLED);
    r = stage_task_request(&s, gateway, MSG_CANCEL, "u");
    assert_int_equal(r->refused.code, CODE_TASK_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_start_is_answered_when_it_is_durable_and_not_before),
        TEST(test_a_start_of_a_live_id_is_refused_with_its_state),
        TEST(test_a_start_of_an_ended_id_is_a_fresh_run),
        TEST(test_the_same_key_and_body_meet_the_same_task),
        TEST(test_the_same_key_with_another_body_is_refused),
        TEST(test_a_key_that_is_no_hash_is_refused),
        TEST(test_a_key_outlives_its_task),
        TEST(test_a_key_stays_as_long_as_what_is_kept_of_its_task),
        TEST(test_unknown_and_broken_pipelines_are_refused_with_a_pointer),
        TEST(test_a_stored_pipeline_is_started_by_name_and_a_newer_version_replaces_it),
        TEST(test_a_closed_admission_and_a_full_store_refuse_starts_only),
        TEST(test_too_many_live_tasks_are_refused),
        TEST(test_starts_on_their_way_count_as_live_tasks),
        TEST(test_while_the_store_is_away_requests_are_refused_and_then_all_goes_on),
        TEST(test_a_start_whose_answer_was_lost_is_found_by_its_key),
        TEST(test_a_start_that_was_never_carried_out_starts_when_repeated),
        TEST(test_cancel_is_answered_when_durable_and_stops_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
