/* FORK: what a new task takes over from another one, and that it runs on from there. */
#define USUAL_SLOTS 4
#include "usual.h"

#define CHAIN                                                                                      \
    "[{\"name\":\"a\",\"function\":\"f\"},{\"name\":\"b\",\"function\":\"f\"},"                    \
    "{\"name\":\"c\",\"function\":\"f\"}]"

static void complete(const char *id)
{
    stage_start(&s, gateway, id, CHAIN);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_succeed(&s, worker, stage_order(&s, worker), "2");
    stage_succeed(&s, worker, stage_order(&s, worker), "3");
}

static const struct message *get_fork(const char *id, const char *from_step)
{
    struct message m = {.type = MSG_GET_FORK};
    m.recover.task_id = bytes_str(id);
    m.recover.from_step = bytes_str(from_step);
    return stage_ask(&s, gateway, &m);
}

/* As the gateway does. */
static const struct message *start_fork(const struct message *fork, const char *id,
                                        const char *input)
{
    struct message m = *fork;
    m.type = MSG_START;
    m.start.task_id = bytes_str(id);
    m.start.idempotency_key = BYTES_LIT("0123456789abcdef0123456789abcdef");
    m.start.body_hash = BYTES_LIT("fedcba9876543210fedcba9876543210");
    m.start.deed.reason = BYTES_LIT("what if");
    if (input != NULL) {
        m.start.input = bytes_str(input);
    }
    return stage_ask(&s, gateway, &m);
}

static void assert_refused(const struct message *answer, enum code code, const char *pointer)
{
    assert_string_equal(message_type_name(answer->type), "REFUSED");
    assert_string_equal(code_info(answer->refused.code)->name, code_info(code)->name);
    assert_true(bytes_is(answer->refused.pointer, pointer));
}

static void test_a_fork_runs_on_from_its_step_with_the_results_before_it(void **state)
{
    (void)state;
    complete("t");
    const struct message *fork = get_fork("t", "b");
    assert_string_equal(message_type_name(fork->type), "FORK");
    assert_int_equal(fork->start.kept_count, 1);
    assert_true(bytes_is(fork->start.kept[0].result, "1"));
    assert_int_equal(start_fork(fork, "u", "{\"n\":2}")->type, MSG_STARTED);
    const struct step_order *b = stage_order(&s, worker);
    assert_true(bytes_is(b->name, "b") && bytes_is(b->ref.task_id, "u"));
    assert_true(bytes_is(b->results.whole, "{\"a\":1}") && bytes_is(b->input.whole, "{\"n\":2}"));
    const struct task_view *v = stage_status(&s, gateway, "u");
    assert_int_equal(v->steps[0].state, STEP_COMPLETED);
    stage_succeed(&s, worker, b, "22");
    stage_succeed(&s, worker, stage_order(&s, worker), "33");
    assert_int_equal(stage_status(&s, gateway, "u")->state, TASK_COMPLETED);
    struct stored_task *stored = store_model_find(&store, BYTES_LIT("u"), s.now.mono);
    const char *want = "{\"results\":{\"a\":1,\"b\":22,\"c\":33}";
    assert_memory_equal(stored->doc.ptr, want, strlen(want));
    stored = store_model_find(&store, BYTES_LIT("t"), s.now.mono);
    want = "{\"results\":{\"a\":1,\"b\":2,\"c\":3}";
    assert_memory_equal(stored->doc.ptr, want, strlen(want));
}

static void test_a_fork_with_an_input_of_its_own_is_not_told_the_sources(void **state)
{
    (void)state;
    complete("t");
    assert_true(get_fork("t", "b")->start.input.len > 0);
    struct message m = {.type = MSG_GET_FORK};
    m.recover.task_id = BYTES_LIT("t");
    m.recover.from_step = BYTES_LIT("b");
    m.recover.own_input = true;
    const struct message *fork = stage_ask(&s, gateway, &m);
    assert_string_equal(message_type_name(fork->type), "FORK");
    assert_int_equal(fork->start.input.len, 0);
    assert_true(bytes_is(fork->start.kept[0].result, "1"));
    m.recover.from_step = BYTES_LIT("a"); /* nothing is kept, and nothing told but what it is */
    fork = stage_ask(&s, gateway, &m);
    assert_string_equal(message_type_name(fork->type), "FORK");
    assert_int_equal(fork->start.input.len + fork->start.kept_count, 0);
    assert_int_equal(start_fork(fork, "u", "{\"n\":2}")->type, MSG_STARTED);
    assert_true(bytes_is(stage_order(&s, worker)->input.whole, "{\"n\":2}"));
}

static void test_its_first_event_says_of_which_task_and_why(void **state)
{
    (void)state;
    complete("t");
    start_fork(get_fork("t", "b"), "u", NULL);
    struct message m = {.type = MSG_GET_HISTORY};
    m.get_history.task_id = BYTES_LIT("u");
    const struct task_event *e = &stage_ask(&s, gateway, &m)->events.events[0];
    assert_int_equal(e->type, EVENT_TASK_FORKED);
    assert_true(bytes_is(e->message, "t") && bytes_is(e->deed.reason, "what if"));
}

static void test_a_fork_survives_a_takeover_before_it_has_run(void **state)
{
    (void)state;
    complete("t");
    start_fork(get_fork("t", "c"), "u", NULL);
    stage_close(&s);
    stage_open(&s, &store, "b");
    stage_time(&s, 5000);
    gateway = stage_gateway(&s);
    worker = stage_worker(&s, "v", 4, "f");
    const struct step_order *c = stage_order(&s, worker);
    assert_true(bytes_is(c->name, "c") && bytes_is(c->results.whole, "{\"a\":1,\"b\":2}"));
}

static void test_a_running_task_can_be_forked_and_goes_on(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", CHAIN);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    const struct step_order *b = stage_order(&s, worker);
    assert_int_equal(start_fork(get_fork("t", ""), "u", NULL)->type, MSG_STARTED);
    assert_true(bytes_is(stage_order(&s, worker)->ref.task_id, "u"));
    assert_int_equal(stage_succeed(&s, worker, b, "2"), VERDICT_APPLIED);
}

static void test_what_cannot_be_forked_is_refused(void **state)
{
    (void)state;
    assert_refused(get_fork("t", ""), CODE_TASK_NOT_FOUND, "");
    complete("t");
    assert_refused(get_fork("t", "x"), CODE_INVALID_FIELD, "/from_step");
    assert_refused(get_fork("t", ""), CODE_INVALID_FIELD, "/from_step");
}

static void test_a_kept_step_is_to_expressions_what_it_was(void **state)
{
    (void)state;
    stage_start(
        &s, gateway, "t",
        "[{\"name\":\"a\",\"function\":\"f\",\"max_retries\":0,\"on_failure\":{\"continue\":"
        "0}},{\"name\":\"b\",\"function\":\"f\",\"input\":{\"error\":\"${steps.a.error.code}\","
        "\"attempts\":\"${steps.a.attempts}\"}}]");
    stage_fail(&s, worker, stage_order(&s, worker));
    const struct step_order *b = stage_order(&s, worker);
    assert_true(bytes_is(b->input.whole, "{\"error\":\"FUNCTION_FAILED\",\"attempts\":1}"));
    stage_succeed(&s, worker, b, "1");
    assert_int_equal(start_fork(get_fork("t", "b"), "u", NULL)->type, MSG_STARTED);
    const struct step_order *again = stage_order(&s, worker);
    assert_true(
        bytes_eq(again->input.whole, BYTES_LIT("{\"error\":\"FUNCTION_FAILED\",\"attempts\":1}")));
}

static void test_who_lost_the_source_meanwhile_says_nothing_of_it(void **state)
{
    (void)state;
    complete("t");
    struct message m = {.type = MSG_GET_FORK, .request = 77};
    m.recover.task_id = BYTES_LIT("t");
    m.recover.from_step = BYTES_LIT("c");
    s.hold_store = true;
    stage_send(&s, gateway, &m);
    stage_store_round(&s); /* its record: where the results lie is known */
    s.hold_store = false;
    stage_sleep(&s, 5000); /* another owner may have written its document anew */
    stage_store_go(&s);
    stage_nothing(&s, gateway, MSG_FORK);
    const struct message *r = stage_take(&s, gateway, MSG_REFUSED);
    assert_int_equal(r->refused.code, CODE_UNAVAILABLE);
}

/* As the gateway does where the source's owner has refused. */
static const struct message *ask_for_key(const char *id, const char *hash)
{
    struct message m = {.type = MSG_START};
    m.start.task_id = bytes_str(id);
    m.start.fork_of = BYTES_LIT("t");
    m.start.input = BYTES_LIT("{}");
    m.start.idempotency_key = BYTES_LIT("0123456789abcdef0123456789abcdef");
    m.start.body_hash = bytes_str(hash);
    return stage_ask(&s, gateway, &m);
}

static void test_a_repeated_fork_is_known_when_its_source_has_gone_on(void **state)
{
    (void)state;
    const char *hash = "fedcba9876543210fedcba9876543210";
    stage_start(&s, gateway, "t", CHAIN);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_succeed(&s, worker, stage_order(&s, worker), "2");
    const struct step_order *c = stage_order(&s, worker);
    assert_refused(ask_for_key("u", hash), CODE_TASK_NOT_FOUND, "");
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(start_fork(get_fork("t", ""), "u", NULL)->type, MSG_STARTED);
    stage_succeed(&s, worker, c, "3");
    assert_refused(get_fork("t", ""), CODE_INVALID_FIELD, "/from_step");
    for (int ended = 0; ended < 2; ended++) {
        const struct message *known = ask_for_key("u", hash);
        assert_int_equal(known->type, MSG_STARTED);
        assert_true(bytes_is(known->started.task_id, "u") && known->started.replayed);
        assert_refused(ask_for_key("u", "00000000000000000000000000000000"),
                       CODE_IDEMPOTENCY_MISMATCH, "");
        if (ended == 0) {
            stage_succeed(&s, worker, stage_order(&s, worker), "33");
        }
    }
}

static void start_with_skipped(void)
{
    struct message m = stage_start_request(
        "t", "[{\"name\":\"a\",\"function\":\"f\"},"
             "{\"name\":\"b\",\"function\":\"f\",\"when\":\"input.b\"},"
             "{\"name\":\"c\",\"function\":\"f\"},{\"name\":\"d\",\"function\":\"f\"}]");
    m.start.input = BYTES_LIT("{\"b\":false}");
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_succeed(&s, worker, stage_order(&s, worker), "3");
    stage_succeed(&s, worker, stage_order(&s, worker), "4");
}

static void test_what_was_skipped_runs_nothing_again_in_a_fork(void **state)
{
    (void)state;
    start_with_skipped();
    assert_int_equal(start_fork(get_fork("t", "d"), "u", "{\"b\":true}")->type, MSG_STARTED);
    const struct step_order *d = stage_order(&s, worker);
    assert_true(bytes_is(d->name, "d"));
    assert_true(bytes_is(d->results.whole, "{\"a\":1,\"c\":3}"));
    stage_nothing(&s, worker, MSG_ORDER);
    const struct task_view *v = stage_status(&s, gateway, "u");
    assert_int_equal(v->steps[1].state, STEP_SKIPPED);
    stage_succeed(&s, worker, d, "44");
    assert_int_equal(stage_status(&s, gateway, "u")->state, TASK_COMPLETED);
}

static void test_a_fork_from_a_skipped_step_asks_its_condition_anew(void **state)
{
    (void)state;
    start_with_skipped();
    assert_int_equal(start_fork(get_fork("t", "b"), "u", "{\"b\":true}")->type, MSG_STARTED);
    const struct step_order *b = stage_order(&s, worker);
    assert_true(bytes_is(b->name, "b") && bytes_is(b->results.whole, "{\"a\":1}"));
}

static void test_what_is_skipped_for_a_failure_runs_again_with_it(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t",
                "[{\"name\":\"a\",\"function\":\"f\",\"max_retries\":0,\"on_failure\":\"skip\"},"
                "{\"name\":\"b\",\"function\":\"f\"},"
                "{\"name\":\"c\",\"function\":\"f\",\"needs\":[]}]");
    const struct step_order *first = stage_order(&s, worker);
    const struct step_order *second = stage_order(&s, worker);
    stage_fail(&s, worker, bytes_is(first->name, "a") ? first : second);
    stage_succeed(&s, worker, bytes_is(first->name, "a") ? second : first, "3");
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
    const struct message *fork = get_fork("t", "");
    assert_int_equal(fork->start.kept_count, 1);
    assert_int_equal(start_fork(fork, "u", NULL)->type, MSG_STARTED);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    assert_true(bytes_is(stage_order(&s, worker)->name, "b"));
}

static void complete_fan(void)
{
    struct message m = stage_start_request(
        "t",
        "[{\"name\":\"each\",\"function\":\"f\",\"for_each\":\"${input.list}\",\"max_parallel\":"
        "1},{\"name\":\"b\",\"function\":\"f\"}]");
    m.start.input = BYTES_LIT("{\"list\":[1,2]}");
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
}

static void test_a_fork_has_the_list_of_a_fan_out_and_not_its_items(void **state)
{
    (void)state;
    complete_fan();
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_succeed(&s, worker, stage_order(&s, worker), "2");
    stage_succeed(&s, worker, stage_order(&s, worker), "3");
    assert_int_equal(start_fork(get_fork("t", "b"), "u", NULL)->type, MSG_STARTED);
    assert_true(bytes_is(stage_order(&s, worker)->results.whole, "{\"each\":[1,2]}"));
    struct message m = {.type = MSG_GET_ITEMS};
    m.get_items.task_id = BYTES_LIT("u");
    m.get_items.step = BYTES_LIT("each");
    m.get_items.state = -1;
    assert_refused(stage_ask(&s, gateway, &m), CODE_NOT_FOUND, "");
}

static void test_a_fan_out_that_is_not_completed_runs_as_a_whole_in_a_fork(void **state)
{
    (void)state;
    complete_fan();
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_order(&s, worker);
    assert_int_equal(start_fork(get_fork("t", ""), "u", NULL)->type, MSG_STARTED);
    const struct step_order *o = stage_order(&s, worker);
    assert_true(bytes_is(o->ref.task_id, "u"));
    assert_int_equal(o->ref.item, 1);
}

static void test_results_that_no_run_could_have_are_refused(void **state)
{
    (void)state;
    struct kept_step kept[] = {{.step = 1, .result = BYTES_LIT("1")},
                               {.step = 0, .result = BYTES_LIT("1")},
                               {.step = 0, .result = BYTES_LIT("1")}};
    for (uint32_t from = 0; from < 2; from++) { /* a need is missing; one step twice */
        struct message m = stage_start_request("u", CHAIN);
        m.start.fork_of = BYTES_LIT("t");
        m.start.kept = &kept[from];
        m.start.kept_count = 2;
        assert_refused(stage_ask(&s, gateway, &m), CODE_INVALID_FIELD, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(test_a_fork_runs_on_from_its_step_with_the_results_before_it),
        CASE(test_a_fork_with_an_input_of_its_own_is_not_told_the_sources),
        CASE(test_its_first_event_says_of_which_task_and_why),
        CASE(test_a_fork_survives_a_takeover_before_it_has_run),
        CASE(test_a_running_task_can_be_forked_and_goes_on),
        CASE(test_what_cannot_be_forked_is_refused),
        CASE(test_a_kept_step_is_to_expressions_what_it_was),
        CASE(test_who_lost_the_source_meanwhile_says_nothing_of_it),
        CASE(test_a_repeated_fork_is_known_when_its_source_has_gone_on),
        CASE(test_what_was_skipped_runs_nothing_again_in_a_fork),
        CASE(test_a_fork_from_a_skipped_step_asks_its_condition_anew),
        CASE(test_what_is_skipped_for_a_failure_runs_again_with_it),
        CASE(test_a_fork_has_the_list_of_a_fan_out_and_not_its_items),
        CASE(test_a_fan_out_that_is_not_completed_runs_as_a_whole_in_a_fork),
        CASE(test_results_that_no_run_could_have_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
