/* Fan-out: a step with items. */
#include "json/scan.h"
#include "model/limits.h"
#define USUAL_SLOTS 4
#include "usual.h"

static void start(const char *input, const char *steps)
{
    struct message m = stage_start_request("t", steps);
    m.start.input = bytes_str(input);
    const struct message *answer = stage_ask(&s, gateway, &m);
    if (answer->type != MSG_STARTED) {
        fail_msg("%.*s: %.*s", (int)answer->refused.pointer.len,
                 (const char *)answer->refused.pointer.ptr, (int)answer->refused.detail.len,
                 (const char *)answer->refused.detail.ptr);
    }
}

static void assert_text(struct bytes have, const char *want)
{
    if (!bytes_is(have, want)) {
        fail_msg("%.*s", (int)have.len, (const char *)have.ptr);
    }
}

static struct bytes document(void)
{
    struct stored_task *t = store_model_find(&store, BYTES_LIT("t"), 0);
    assert_int_equal(json_check(buf_bytes(&t->doc), NULL, NULL), ERR_OK);
    struct bytes key, value, results = BYTES_NONE;
    for (struct json_walk w = json_walk(buf_bytes(&t->doc)); json_next(&w, &key, &value);) {
        results = bytes_is(key, "results") ? value : results;
    }
    return results;
}

static const struct step_view *step(uint32_t index)
{
    return &stage_status(&s, gateway, "t")->steps[index];
}

static const struct message *items(int32_t state, uint32_t from, uint32_t limit)
{
    struct message m = {.type = MSG_GET_ITEMS};
    m.get_items.task_id = BYTES_LIT("t");
    m.get_items.step = BYTES_LIT("each");
    m.get_items.state = state;
    m.get_items.from = from;
    m.get_items.limit = limit;
    return stage_ask(&s, gateway, &m);
}

#define EACH(more)                                                                                 \
    "[{\"name\":\"each\",\"function\":\"f\",\"for_each\":\"${input.list}\"" more "},"              \
    "{\"name\":\"after\",\"function\":\"f\"}]"

static void test_each_item_is_given_itself_and_the_results_keep_their_order(void **state)
{
    (void)state;
    start("{\"list\":[{\"a\":1},\"two\",3]}", EACH(""));
    const struct step_order *o[3];
    for (uint32_t i = 0; i < 3; i++) {
        o[i] = stage_order(&s, worker);
        assert_int_equal(o[i]->ref.step, 0);
        assert_int_equal(o[i]->ref.item, i + 1);
        assert_text(o[i]->results.whole, "{}");
    }
    assert_text(o[0]->input.whole, "{\"item\":{\"a\":1},\"index\":0}");
    assert_text(o[2]->input.whole, "{\"item\":3,\"index\":2}");
    assert_false(bytes_eq(o[0]->idempotency_key, o[1]->idempotency_key));
    assert_int_equal(step(0)->items, 3);
    assert_int_equal(step(0)->items_running, 3);
    assert_int_equal(step(0)->state, STEP_RUNNING);
    assert_int_equal(stage_succeed(&s, worker, o[2], "30"), VERDICT_APPLIED);
    assert_int_equal(stage_succeed(&s, worker, o[0], "10"), VERDICT_APPLIED);
    assert_int_equal(stage_succeed(&s, worker, o[0], "10"), VERDICT_REPLAY);
    assert_int_equal(step(0)->items_done, 2);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(stage_succeed(&s, worker, o[1], "20"), VERDICT_APPLIED);
    assert_int_equal(step(0)->state, STEP_COMPLETED);
    const struct step_order *after = stage_order(&s, worker);
    assert_text(after->results.whole, "{\"each\":[10,20,30]}");
    stage_succeed(&s, worker, after, "0");
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
    assert_text(document(), "{\"each\":[10,20,30],\"after\":0}");
}

static void test_an_input_is_rendered_for_each_item(void **state)
{
    (void)state;
    start("{\"list\":[5,7],\"x\":1}",
          EACH(",\"input\":{\"v\":\"${item}\",\"at\":\"${index}\",\"x\":\"${input.x}\"}"));
    assert_text(stage_order(&s, worker)->input.whole, "{\"v\":5,\"at\":0,\"x\":1}");
    assert_text(stage_order(&s, worker)->input.whole, "{\"v\":7,\"at\":1,\"x\":1}");
}

static void test_an_empty_list_is_an_empty_result(void **state)
{
    (void)state;
    start("{\"list\":[]}", EACH(""));
    assert_int_equal(step(0)->state, STEP_COMPLETED);
    assert_text(stage_order(&s, worker)->results.whole, "{\"each\":[]}");
}

static void test_no_more_than_max_parallel_are_under_way(void **state)
{
    (void)state;
    start("{\"list\":[1,2,3,4,5]}", EACH(",\"max_parallel\":2"));
    const struct step_order *a = stage_order(&s, worker);
    const struct step_order *b = stage_order(&s, worker);
    stage_nothing(&s, worker, MSG_ORDER);
    stage_succeed(&s, worker, b, "2");
    const struct step_order *c = stage_order(&s, worker);
    assert_int_equal(c->ref.item, 3);
    stage_nothing(&s, worker, MSG_ORDER);
    stage_fail(&s, worker, a); /* it waits for its next attempt, and keeps its place */
    stage_nothing(&s, worker, MSG_ORDER);
    stage_time(&s, 3000);
    const struct step_order *again = stage_order(&s, worker);
    assert_int_equal(again->ref.item, 1);
    assert_int_equal(again->ref.attempt, 2);
    assert_true(bytes_eq(again->idempotency_key, a->idempotency_key));
    stage_nothing(&s, worker, MSG_ORDER);
}

static void test_what_is_not_a_list_fails_the_step(void **state)
{
    (void)state;
    start("{\"list\":{\"a\":1}}", EACH(""));
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_FAILED);
    assert_int_equal(v->error_code, CODE_EXPRESSION_ERROR);
    assert_text(v->error, "step \"each\", /for_each: its value is not a list");
}

static void start_with(const struct buf *input, const char *behind)
{
    struct buf whole = {0};
    buf_add_str(&whole, "{\"list\":[");
    buf_add_bytes(&whole, buf_bytes(input));
    buf_add_str(&whole, behind);
    start(buf_cstr(&whole), EACH(",\"tolerate\":\"100%\""));
    buf_free(&whole);
}

static void test_a_list_has_10000_items_at_most(void **state)
{
    (void)state;
    struct buf list = {0};
    for (uint32_t i = 0; i < ITEMS_MAX; i++) {
        buf_addf(&list, "%s%u", i > 0 ? "," : "", i);
    }
    start_with(&list, "]}");
    assert_int_equal(step(0)->items, ITEMS_MAX);
    (void)stage_task_request(&s, gateway, MSG_CANCEL, "t");
    start_with(&list, ",0]}");
    assert_text(stage_status(&s, gateway, "t")->error,
                "step \"each\", /for_each: the list has more than 10000 items");
    buf_free(&list);
}

/* From where the list lies, in so far as that is not kept for a small part of it. */
static void test_long_values_go_out_without_a_copy(void **state)
{
    (void)state;
    enum { LONG = 2000 };
    struct buf list = {0}, other = {0};
    for (int i = 0; i < 2; i++) {
        buf_add_str(&list, i > 0 ? ",\"" : "\"");
        memset(buf_extend(&list, LONG), 'x', LONG);
        buf_add_char(&list, '"');
    }
    start_with(&list, "]}");
    assert_int_equal(step(0)->items, 2);
    assert_int_equal(s.written_lent, 2 * (LONG + 2));
    (void)stage_task_request(&s, gateway, MSG_CANCEL, "t");
    buf_add_str(&other, "],\"other\":\"");
    memset(buf_extend(&other, 8 * LONG), 'x', 8 * LONG);
    buf_add_str(&other, "\"}");
    start_with(&list, buf_cstr(&other));
    assert_int_equal(step(0)->items, 2);
    assert_int_equal(s.written_lent, 2 * (LONG + 2));
    buf_free(&list);
    buf_free(&other);
}

static enum verdict fail_for_good(const struct step_order *o)
{
    struct message m = stage_failure(o, CODE_FUNCTION_REJECTED, true);
    m.outcome.function_code = BYTES_LIT("NEGATIVE");
    stage_send(&s, worker, &m);
    return stage_take(&s, worker, MSG_ACK)->ack.verdict;
}

static void test_tolerated_failures_are_null(void **state)
{
    (void)state;
    start("{\"list\":[1,2,3,4]}", EACH(",\"tolerate\":\"25%\""));
    const struct step_order *o[4];
    for (uint32_t i = 0; i < 4; i++) {
        o[i] = stage_order(&s, worker);
    }
    assert_int_equal(fail_for_good(o[1]), VERDICT_APPLIED);
    stage_succeed(&s, worker, o[0], "1");
    stage_succeed(&s, worker, o[2], "3");
    assert_int_equal(step(0)->items_failed, 1);
    stage_succeed(&s, worker, o[3], "4");
    assert_text(stage_order(&s, worker)->results.whole, "{\"each\":[1,null,3,4]}");
    const struct message *m = items(STEP_FAILED, 1, 10);
    assert_int_equal(m->type, MSG_ITEMS);
    assert_int_equal(m->items.count, 1);
    assert_int_equal(m->items.items[0].item, 2);
    assert_int_equal(m->items.items[0].error_code, CODE_FUNCTION_REJECTED);
    assert_text(m->items.items[0].function_code, "NEGATIVE");
}

static void test_one_failure_too_many_ends_the_step_and_stops_the_others(void **state)
{
    (void)state;
    start("{\"list\":[1,2,3,4]}", EACH(",\"tolerate\":1"));
    const struct step_order *o[4];
    for (uint32_t i = 0; i < 4; i++) {
        o[i] = stage_order(&s, worker);
    }
    stage_succeed(&s, worker, o[3], "4");
    fail_for_good(o[1]);
    fail_for_good(o[2]);
    assert_int_equal(stage_take(&s, worker, MSG_STOP)->stop.ref.item, 1);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_FAILED);
    assert_int_equal(v->steps[0].state, STEP_FAILED);
    assert_int_equal(v->steps[0].items_done, 1);
    assert_int_equal(v->steps[0].items_failed, 2);
    assert_int_equal(stage_succeed(&s, worker, o[0], "1"), VERDICT_LATE);
    /* Recover: what is done stays. */
    assert_int_equal(stage_recover(&s, gateway, "t", "", "")->type, MSG_DONE);
    for (uint32_t i = 0; i < 3; i++) {
        const struct step_order *again = stage_order(&s, worker);
        assert_int_equal(again->ref.item, i + 1);
        assert_true(again->ref.delivery > o[i]->ref.delivery);
        assert_true(bytes_eq(again->idempotency_key, o[i]->idempotency_key));
        stage_succeed(&s, worker, again, "9");
    }
    assert_text(stage_order(&s, worker)->results.whole, "{\"each\":[9,9,9,4]}");
}

static void cancel_with_one_done(void)
{
    start("{\"list\":[1,2,3]}", EACH(",\"max_parallel\":2"));
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_order(&s, worker);
    stage_order(&s, worker);
    assert_int_equal(stage_task_request(&s, gateway, MSG_CANCEL, "t")->type, MSG_DONE);
}

static void test_recover_from_the_step_runs_all_its_items_again(void **state)
{
    (void)state;
    cancel_with_one_done();
    const struct message *m = items(-1, 1, 10);
    assert_int_equal(m->items.total, 3);
    assert_int_equal(m->items.items[0].state, STEP_COMPLETED);
    assert_text(m->items.items[0].result, "1");
    assert_int_equal(m->items.items[1].state, STEP_CANCELLED);
    assert_int_equal(stage_recover(&s, gateway, "t", "each", "")->type, MSG_DONE);
    assert_int_equal(stage_order(&s, worker)->ref.item, 1);
    assert_int_equal(stage_order(&s, worker)->ref.item, 2);
}

static void test_only_failed_keeps_the_items_that_are_done(void **state)
{
    (void)state;
    cancel_with_one_done();
    struct message m = {.type = MSG_RECOVER};
    m.recover.task_id = BYTES_LIT("t");
    m.recover.from_step = BYTES_LIT("each");
    m.recover.only_failed = true;
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_DONE);
    stage_succeed(&s, worker, stage_order(&s, worker), "2");
    stage_succeed(&s, worker, stage_order(&s, worker), "3");
    assert_text(stage_order(&s, worker)->results.whole, "{\"each\":[1,2,3]}");
}

static void test_a_death_redelivers_an_item(void **state)
{
    (void)state;
    start("{\"list\":[1]}", EACH(""));
    const struct step_order *o = stage_order(&s, worker);
    stage_leave(&s, worker);
    worker = stage_worker(&s, "v", 4, "f");
    stage_time(&s, 1000);
    const struct step_order *again = stage_order(&s, worker);
    assert_int_equal(again->ref.item, 1);
    assert_int_equal(again->ref.delivery, o->ref.delivery + 1);
    stage_succeed(&s, worker, again, "1");
    assert_text(stage_order(&s, worker)->results.whole, "{\"each\":[1]}");
}

static void test_a_takeover_goes_on_with_what_is_done_and_what_runs(void **state)
{
    (void)state;
    start("{\"list\":[1,2,3]}", EACH(",\"max_parallel\":2"));
    const struct step_order *one = stage_order(&s, worker);
    const struct step_order *two = stage_order(&s, worker);
    stage_succeed(&s, worker, one, "1");
    stage_fail(&s, worker, stage_order(&s, worker)); /* 3 waits for its next attempt */
    struct attempt_ref ref = two->ref;
    ref.task_id = BYTES_LIT("t");
    stage_close(&s);
    stage_open(&s, &store, "b");
    gateway = stage_gateway(&s);
    worker = stage_worker_hello(&s, "w", 4, "f");
    stage_running(&s, worker, &ref, 1);
    stage_credit(&s, worker, 4);
    stage_time(&s, 4000);
    const struct step_order *three = stage_order(&s, worker);
    assert_int_equal(three->ref.item, 3);
    assert_int_equal(three->ref.attempt, 2);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(step(0)->items_done, 1);
    assert_int_equal(step(0)->items_running, 2);
    stage_succeed(&s, worker, three, "3");
    struct step_order order = {.ref = ref};
    assert_int_equal(stage_succeed(&s, worker, &order, "2"), VERDICT_APPLIED);
    assert_text(stage_order(&s, worker)->results.whole, "{\"each\":[1,2,3]}");
}

static void audit_finds_nothing(void)
{
    struct core_stats stats = core_stats(s.core);
    for (int k = 0; k < AUDIT_KIND_COUNT; k++) {
        if (stats.audit_found_total[k] > 0) {
            fail_msg("%s", audit_kind_name((enum audit_kind)k));
        }
    }
}

/* Sim seed 3437: the auditor held the items for lost while their step's resume was being written.
 */
static void test_items_wait_for_their_step_after_a_takeover_and_a_pause(void **state)
{
    (void)state;
    start("{\"list\":[1,2]}", EACH(",\"max_parallel\":2"));
    stage_fail(&s, worker, stage_order(&s, worker));
    stage_fail(&s, worker, stage_order(&s, worker)); /* both wait for their next attempt */
    stage_close(&s);
    stage_open(&s, &store, "b");
    gateway = stage_gateway(&s);
    struct message m = {.type = MSG_PAUSE};
    m.task.task_id = BYTES_LIT("t");
    for (int i = 0; i < 100 && stage_ask(&s, gateway, &m)->type == MSG_REFUSED; i++) {
        stage_time(&s, 50); /* until the grace of the takeover: then requests are served */
    }
    stage_time(&s, 1000);
    audit_finds_nothing();
    s.hold_store = true;
    m.type = MSG_RESUME;
    assert_null(stage_ask(&s, gateway, &m));
    uint64_t rounds = core_stats(s.core).audit_rounds_total;
    for (int i = 0; i < 40 && core_stats(s.core).audit_rounds_total == rounds; i++) {
        stage_time(&s, 50);
        audit_finds_nothing();
    }
    stage_store_go(&s);
    s.hold_store = false;
    worker = stage_worker(&s, "w2", 4, "f");
    stage_time(&s, 100);
    assert_int_equal(stage_order(&s, worker)->ref.attempt, 2);
    assert_int_equal(stage_order(&s, worker)->ref.attempt, 2);
    audit_finds_nothing();
}

static void test_a_paused_task_begins_no_further_item(void **state)
{
    (void)state;
    start("{\"list\":[1,2,3,4]}", EACH(",\"max_parallel\":2"));
    const struct step_order *one = stage_order(&s, worker);
    const struct step_order *two = stage_order(&s, worker);
    assert_int_equal(stage_task_request(&s, gateway, MSG_PAUSE, "t")->type, MSG_DONE);
    stage_succeed(&s, worker, one, "1");
    stage_fail(&s, worker, two);
    stage_time(&s, 5000);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(stage_task_request(&s, gateway, MSG_RESUME, "t")->type, MSG_DONE);
    stage_time(&s, 3000);
    for (uint32_t i = 0; i < 3; i++) {
        stage_succeed(&s, worker, stage_order(&s, worker), "0");
    }
    assert_text(stage_order(&s, worker)->results.whole, "{\"each\":[1,0,0,0]}");
}

static void test_a_step_out_of_attempts_rests_and_goes_on_with_what_is_not_done(void **state)
{
    (void)state;
    start("{\"list\":[1,2]}", EACH(",\"on_exhausted\":\"pause\",\"max_parallel\":1"));
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    const struct step_order *two = stage_order(&s, worker);
    assert_int_equal(fail_for_good(two), VERDICT_APPLIED);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_PAUSED);
    assert_int_equal(step(0)->items_failed, 1);
    stage_nothing(&s, worker, MSG_ORDER);
    assert_int_equal(stage_task_request(&s, gateway, MSG_RESUME, "t")->type, MSG_DONE);
    const struct step_order *again = stage_order(&s, worker);
    assert_int_equal(again->ref.item, 2);
    assert_true(again->ref.delivery > two->ref.delivery);
    stage_succeed(&s, worker, again, "2");
    assert_text(stage_order(&s, worker)->results.whole, "{\"each\":[1,2]}");
}

static void test_items_are_told_in_pages(void **state)
{
    (void)state;
    start("{\"list\":[1,2,3,4,5]}", EACH(",\"max_parallel\":2"));
    stage_succeed(&s, worker, stage_order(&s, worker), "[1]");
    const struct message *m = items(-1, 1, 2);
    assert_int_equal(m->items.count, 2);
    assert_int_equal(m->items.next, 3);
    assert_int_equal(m->items.total, 5);
    assert_int_equal(m->items.items[0].state, STEP_COMPLETED);
    assert_text(m->items.items[0].result, "[1]");
    assert_int_equal(m->items.items[1].state, STEP_RUNNING);
    m = items(STEP_RUNNING, 1, 10);
    assert_int_equal(m->items.count, 2);
    assert_int_equal(m->items.items[1].item, 3);
    m = items(STEP_PENDING, 1, 10);
    assert_int_equal(m->items.count, 2);
    assert_int_equal(m->items.items[0].item, 4);
    struct message other = {.type = MSG_GET_ITEMS};
    other.get_items.task_id = BYTES_LIT("t");
    other.get_items.step = BYTES_LIT("after");
    assert_int_equal(stage_ask(&s, gateway, &other)->refused.code, CODE_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_each_item_is_given_itself_and_the_results_keep_their_order),
        TEST(test_an_input_is_rendered_for_each_item),
        TEST(test_an_empty_list_is_an_empty_result),
        TEST(test_no_more_than_max_parallel_are_under_way),
        TEST(test_what_is_not_a_list_fails_the_step),
        TEST(test_a_list_has_10000_items_at_most),
        TEST(test_long_values_go_out_without_a_copy),
        TEST(test_tolerated_failures_are_null),
        TEST(test_one_failure_too_many_ends_the_step_and_stops_the_others),
        TEST(test_recover_from_the_step_runs_all_its_items_again),
        TEST(test_only_failed_keeps_the_items_that_are_done),
        TEST(test_a_death_redelivers_an_item),
        TEST(test_a_takeover_goes_on_with_what_is_done_and_what_runs),
        TEST(test_items_wait_for_their_step_after_a_takeover_and_a_pause),
        TEST(test_a_paused_task_begins_no_further_item),
        TEST(test_a_step_out_of_attempts_rests_and_goes_on_with_what_is_not_done),
        TEST(test_items_are_told_in_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
