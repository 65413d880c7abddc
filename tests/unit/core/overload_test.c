/* Too much waits for the store: what is refused first, and what never. */
#include <stdio.h>

#include "core/docs.h"
#include "core/state.h"
#include "core/tasks.h"
#include "core/writes.h"
#define USUAL_SLOTS 1
#include "usual.h"

#define ONE "[{\"name\":\"one\",\"function\":\"f\"}]"

static void change(enum message_type type, const char *id, uint64_t request)
{
    struct message m = {.type = type, .request = request};
    m.task.task_id = bytes_str(id);
    stage_send(&s, gateway, &m);
}

/* Pauses and resumes until so many rows wait. */
static void fill(size_t rows)
{
    while (s.core->write_count < rows) {
        change(MSG_PAUSE, "flood", 0);
        change(MSG_RESUME, "flood", 0);
    }
}

static enum code refusal(uint64_t request)
{
    const struct message *m = stage_poll(&s, gateway, MSG_REFUSED);
    assert_non_null(m);
    assert_int_equal(m->request, request);
    assert_true(m->refused.retry_after_s >= 1);
    return m->refused.code;
}

static void test_starts_go_first_then_other_changes_cancels_and_outcomes_never(void **state)
{
    (void)state;
    stage_start(&s, gateway, "works", ONE);
    const struct step_order *o = stage_order(&s, worker);
    stage_start(&s, gateway, "flood", "[{\"name\":\"x\",\"function\":\"nobody\"}]");
    s.hold_store = true;
    s.unchecked = true; /* tens of thousands of events, each of which would check all */
    fill(WRITES_PENDING_MAX);
    struct message start = stage_start_request("more", ONE);
    start.request = 71;
    stage_send(&s, gateway, &start);
    assert_int_equal(refusal(71), CODE_OVERLOADED);
    change(MSG_PAUSE, "flood", 72);
    stage_nothing(&s, gateway, MSG_REFUSED);
    change(MSG_RESUME, "flood", 0);

    fill(CHANGES_PENDING_MAX);
    size_t full = s.core->write_count;
    change(MSG_PAUSE, "flood", 73);
    assert_int_equal(refusal(73), CODE_OVERLOADED);
    assert_int_equal(s.core->write_count, full);
    change(MSG_CANCEL, "flood", 74);
    struct message outcome = stage_success(o, "1");
    stage_send(&s, worker, &outcome);
    assert_int_equal(s.core->write_count, full + 2);
    stage_nothing(&s, gateway, MSG_REFUSED);

    s.hold_store = false;
    s.unchecked = false;
    stage_store_go(&s);
    assert_int_equal(s.core->write_count, 0);
    assert_int_equal(store_model_find(&store, BYTES_LIT("flood"), s.now.mono)->ended, true);
    assert_int_equal(store_model_find(&store, BYTES_LIT("works"), s.now.mono)->ended, true);
}

static void test_a_store_that_is_slow_holds_starts_and_orders_back_by_bytes_too(void **state)
{
    (void)state;
    static uint8_t big[1 << 20];
    memset(big, ' ', sizeof big);
    big[0] = '1';
    peer_id many = stage_worker(&s, "m", 80, "g");
    s.unchecked = true; /* many tasks, each of whose events would check all */
    for (int i = 0; i < 160; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "t%d", i);
        stage_start(&s, gateway, id, "[{\"name\":\"x\",\"function\":\"g\"}]");
    }
    stage_start(&s, gateway, "before", ONE);
    const struct step_order *first = stage_order(&s, worker);
    s.hold_store = true;
    while (s.core->write_bytes < WRITES_BYTES_MAX) {
        struct message outcome = stage_success(stage_order(&s, many), "1");
        outcome.outcome.result = bytes_of(big, sizeof big);
        stage_send(&s, many, &outcome);
    }
    struct message start = stage_start_request("more", ONE);
    start.request = 81;
    stage_send(&s, gateway, &start);
    assert_int_equal(refusal(81), CODE_OVERLOADED);
    size_t ready = s.core->ready_count;
    stage_credit(&s, many, 8);
    assert_true(ready > 0 && s.core->ready_count == ready);
    struct message outcome = stage_success(first, "1"); /* what runs is taken all the same */
    uint64_t bytes = s.core->write_bytes;
    stage_send(&s, worker, &outcome);
    assert_true(s.core->write_bytes > bytes);

    s.unchecked = false;
    s.hold_store = false;
    stage_store_go(&s);
    assert_int_equal(s.core->write_bytes, 0);
    assert_true(s.core->ready_count < ready);
    assert_true(store_model_find(&store, BYTES_LIT("before"), s.now.mono)->ended);
    stage_start(&s, gateway, "more", ONE);
    stage_order(&s, worker);
}

static void ask_doc(peer_id peer, uint64_t request)
{
    struct message m = {.type = MSG_GET_DOC, .request = request};
    m.get_doc =
        (struct doc_request){.task_id = BYTES_LIT("t"), .run = 1, .len = DOC_PART_BYTES_MAX};
    stage_send(&s, peer, &m);
}

static void test_pieces_of_documents_are_read_so_many_bytes_at_once(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", "[{\"name\":\"x\",\"function\":\"nobody\"}]");
    peer_id other = stage_gateway(&s);
    size_t most = DOCS_BYTES_MAX / DOC_PART_BYTES_MAX;
    s.hold_store = true;
    size_t ops = s.op_count;
    for (uint64_t i = 0; i < most + 3; i++) {
        ask_doc(gateway, 100 + i);
        ask_doc(other, 1000 + i);
    }
    assert_int_equal(s.op_count - ops, most);
    stage_leave(&s, other); /* what it asked for and nobody has begun is not read */
    size_t reads = s.core->next_read;
    s.hold_store = false;
    stage_store_go(&s);
    assert_int_equal(s.core->docs_bytes, 0);
    assert_int_equal(s.core->docs_waiting, 0);
    assert_int_equal(s.core->next_read, reads);
    for (uint64_t i = 0; i < most + 3; i++) {
        const struct message *m = stage_poll(&s, gateway, MSG_DOC);
        assert_non_null(m);
        assert_int_equal(m->request, 100 + i); /* in order */
    }
}

/* While it waits its task may begin anew, or its partition go. */
static void test_a_piece_that_waited_is_looked_at_when_it_is_read(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", "[{\"name\":\"x\",\"function\":\"nobody\"}]");
    s.hold_store = true;
    for (uint64_t i = 0; i <= DOCS_BYTES_MAX / DOC_PART_BYTES_MAX; i++) {
        ask_doc(gateway, i);
    }
    assert_int_equal(s.core->docs_waiting, 1);
    task_find(s.core, BYTES_LIT("t"))->doc_revision++;
    s.hold_store = false;
    stage_store_go(&s);
    const struct message *m = stage_poll(&s, gateway, MSG_REFUSED);
    assert_non_null(m);
    assert_int_equal(m->refused.code, CODE_TASK_NOT_FOUND);
    assert_int_equal(s.core->docs_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_starts_go_first_then_other_changes_cancels_and_outcomes_never, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_store_that_is_slow_holds_starts_and_orders_back_by_bytes_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pieces_of_documents_are_read_so_many_bytes_at_once,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_piece_that_waited_is_looked_at_when_it_is_read,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
