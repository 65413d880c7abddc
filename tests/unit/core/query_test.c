/* What gateways ask: documents, histories, lists, watches, pipelines, readiness. */
#include <stdio.h>

#include "usual.h"

#define ONE "[{\"name\":\"one\",\"function\":\"f\"}]"
#define TWO "[{\"name\":\"one\",\"function\":\"f\"},{\"name\":\"two\",\"function\":\"f\"}]"

static const struct message *ask_doc(const char *id, uint32_t run, uint32_t revision)
{
    struct message m = {.type = MSG_GET_DOC};
    m.get_doc.task_id = bytes_str(id);
    m.get_doc.run = run;
    m.get_doc.revision = revision;
    m.get_doc.offset = RESULTS_OFFSET;
    m.get_doc.len = 9;
    return stage_ask(&s, gateway, &m);
}

static void test_a_document_is_given_under_its_run_and_revision_alive_and_ended(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", TWO);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    assert_true(bytes_is(ask_doc("t", 1, 0)->doc.data, "{\"one\":1}"));
    assert_int_equal(ask_doc("t", 2, 0)->refused.code, CODE_TASK_NOT_FOUND);
    stage_task_request(&s, gateway, MSG_CANCEL, "t");
    assert_true(bytes_is(ask_doc("t", 1, 0)->doc.data, "{\"one\":1}"));
    assert_int_equal(ask_doc("t", 1, 1)->refused.code, CODE_TASK_NOT_FOUND);
    assert_int_equal(ask_doc("u", 1, 0)->refused.code, CODE_TASK_NOT_FOUND);
}

static void fail_with(peer_id worker, const char *text)
{
    struct message m = stage_failure(stage_order(&s, worker), CODE_FUNCTION_FAILED, false);
    m.outcome.message = bytes_str(text);
    stage_send(&s, worker, &m);
}

static void test_a_status_shows_so_many_bytes_of_errors(void **state)
{
    (void)state;
    enum { STEPS = 70 };
    struct buf steps = {0};
    for (int i = 0; i < STEPS; i++) {
        buf_addf(&steps, "%s{\"name\":\"s%d\",\"function\":\"g\",\"needs\":[]}", i > 0 ? "," : "[",
                 i);
    }
    buf_add_str(&steps, "]");
    peer_id many = stage_worker(&s, "many", STEPS, "g");
    stage_start(&s, gateway, "t", buf_cstr(&steps));
    char text[ERROR_BYTES_MAX + 1];
    memset(text, 'e', ERROR_BYTES_MAX);
    text[ERROR_BYTES_MAX] = '\0';
    memcpy(text + ERROR_SHORT_BYTES_MAX - 1, "\xc3\xa9", 2); /* where it is cut */
    for (int i = 0; i < STEPS; i++) {
        fail_with(many, text);
    }
    const struct task_view *v = stage_status(&s, gateway, "t");
    size_t whole = 0;
    size_t all = 0;
    for (int i = 0; i < STEPS; i++) {
        struct bytes e = v->steps[i].error;
        all += e.len;
        whole += e.len == ERROR_BYTES_MAX;
        assert_true(e.len == ERROR_BYTES_MAX ||
                    (e.len < 200 && e.ptr[78] == 'e' && e.ptr[79] == ' '));
    }
    assert_int_equal(whole, ERRORS_SHOWN_BYTES_MAX / ERROR_BYTES_MAX);
    assert_true(all < ERRORS_SHOWN_BYTES_MAX + STEPS * 200);
    buf_free(&steps);
}

static void test_a_history_gives_the_events_behind_a_seq(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", TWO);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    stage_succeed(&s, worker, stage_order(&s, worker), "2");
    struct message m = {.type = MSG_GET_HISTORY};
    m.get_history.task_id = BYTES_LIT("t");
    const struct message *r = stage_ask(&s, gateway, &m);
    enum event_type types[] = {EVENT_PROGRESS, EVENT_STEP_COMPLETED, EVENT_PROGRESS,
                               EVENT_STEP_COMPLETED, EVENT_TASK_COMPLETE};
    assert_int_equal(r->events.count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        assert_true(r->events.events[i].seq == i + 1);
        assert_int_equal(r->events.events[i].type, types[i]);
    }
    assert_true(r->events.oldest == 1);
    m.get_history.after = 4;
    r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->events.count, 1);
    assert_int_equal(r->events.events[0].state, TASK_COMPLETED);
}

static void test_watchers_are_told_what_is_durable_and_from_where(void **state)
{
    (void)state;
    peer_id other = stage_gateway(&s);
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", ONE);
    const struct message *r = stage_task_request(&s, gateway, MSG_WATCH, "t");
    assert_true(r->watched.exists && r->watched.seq == 1);
    assert_int_equal(stage_task_request(&s, other, MSG_WATCH, "t")->type, MSG_WATCHED);
    struct message m = stage_success(stage_order(&s, worker), "1");
    s.hold_store = true;
    stage_send(&s, worker, &m);
    stage_nothing(&s, gateway, MSG_EVENTS);
    s.hold_store = false;
    stage_store_go(&s);
    for (int i = 0; i < 2; i++) {
        const struct message *e = stage_take(&s, i == 0 ? gateway : other, MSG_EVENTS);
        assert_int_equal(e->events.count, 2);
        assert_true(e->events.events[0].seq == 2 && e->events.events[1].seq == 3);
    }
    m = (struct message){.type = MSG_UNWATCH};
    m.task.task_id = BYTES_LIT("t");
    stage_send(&s, other, &m);
    stage_start(&s, gateway, "t", ONE);
    stage_nothing(&s, other, MSG_EVENTS);
    assert_non_null(stage_poll(&s, gateway, MSG_EVENTS));
}

static void test_a_watch_of_an_unknown_task_says_so(void **state)
{
    (void)state;
    assert_false(stage_task_request(&s, gateway, MSG_WATCH, "t")->watched.exists);
    stage_start(&s, gateway, "t", ONE);
    stage_nothing(&s, gateway, MSG_EVENTS);
}

static uint64_t watches(void)
{
    return core_stats(s.core).watches;
}

static void test_a_watch_ends_when_its_partition_is_lost(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", ONE);
    stage_task_request(&s, gateway, MSG_WATCH, "t");
    assert_int_equal(watches(), 1);
    stage_store_lost(&s, false);
    assert_int_equal(watches(), 0);
    stage_store_up(&s);
    assert_int_equal(watches(), 0); /* gateways have heard of both, and ask anew */
    assert_true(stage_task_request(&s, gateway, MSG_WATCH, "t")->watched.seq == 1);
    assert_int_equal(watches(), 1);
}

static void test_a_watch_that_is_refused_is_none(void **state)
{
    (void)state;
    s.hold_store = true;
    struct message m = {.type = MSG_WATCH, .request = 1};
    m.task.task_id = BYTES_LIT("gone");
    stage_send(&s, gateway, &m);
    assert_int_equal(watches(), 1);
    for (size_t i = 0; i < s.op_count; i++) { /* not answered; the store itself is not away */
        const struct store_read *read = s.ops[i].read;
        if (read != NULL && read->kind == READ_TASK) {
            struct store_answer a = {
                .kind = READ_TASK, .read_id = read->read_id, .err = ERR_UNAVAILABLE};
            s.ops[i] = s.ops[--s.op_count];
            stage_event(&s, &(struct event){.kind = EV_READ, .answer = &a});
            break;
        }
    }
    assert_int_equal(stage_take(&s, gateway, MSG_REFUSED)->refused.code, CODE_UNAVAILABLE);
    assert_int_equal(watches(), 0);
}

/* What was not told to be ours cannot be told to be lost. */
static void test_a_watch_waits_until_it_is_told_whose_the_partition_is(void **state)
{
    (void)state;
    static const uint8_t secret[SECRET_BYTES] = "another one";
    char id[16];
    stage_store_lost(&s, false);
    stage_event(&s, &(struct event){.kind = EV_STORE_UP, .secret = secret});
    while (s.op_count == 0 || s.ops[0].read == NULL || s.ops[0].read->kind != READ_LIVE) {
        stage_store_round(&s);
    }
    unsigned n = 0;
    do {
        (void)snprintf(id, sizeof id, "t%u", n++);
    } while (id_partition(bytes_str(id)) != s.ops[0].read->partition);
    stage_store_first(&s, 1); /* that one is ours; of the others nothing is known yet */
    const struct message *r = stage_task_request(&s, gateway, MSG_WATCH, id);
    assert_int_equal(r->refused.code, CODE_UNAVAILABLE);
    assert_int_equal(watches(), 0);
    s.hold_store = false;
    stage_store_go(&s);
    assert_false(stage_task_request(&s, gateway, MSG_WATCH, id)->watched.exists);
}

static void test_lists_are_filtered_paged_and_newest_first(void **state)
{
    (void)state;
    char id[] = "t0";
    for (int i = 0; i < 7; i++) {
        id[1] = (char)('0' + i);
        stage_start(&s, gateway, id, ONE);
        stage_time(&s, 10);
    }
    stage_task_request(&s, gateway, MSG_CANCEL, "t5");
    stage_task_request(&s, gateway, MSG_CANCEL, "t2");
    struct message m = {.type = MSG_GET_LIST};
    m.get_list.state = -1;
    m.get_list.before = NEVER_MS;
    m.get_list.limit = 4;
    const struct message *r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->list.count, 4);
    assert_true(bytes_is(r->list.items[0].task_id, "t6"));
    m.get_list.before = r->list.next_before;
    m.get_list.before_id = r->list.next_before_id;
    r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->list.count, 3);
    assert_true(bytes_is(r->list.items[2].task_id, "t0"));
    assert_int_equal(r->list.next_before_id.len, 0);
    m.get_list.state = TASK_CANCELLED;
    m.get_list.before = NEVER_MS;
    m.get_list.before_id = BYTES_NONE;
    m.get_list.limit = 1;
    r = stage_ask(&s, gateway, &m);
    assert_true(bytes_is(r->list.items[0].task_id, "t5"));
    m.get_list.before = r->list.next_before;
    m.get_list.before_id = r->list.next_before_id;
    r = stage_ask(&s, gateway, &m);
    assert_true(bytes_is(r->list.items[0].task_id, "t2"));
    assert_int_equal(r->list.items[0].state, TASK_CANCELLED);
    assert_true(bytes_is(r->list.items[0].current_step, "one"));
}

static void test_a_full_page_with_nothing_behind_it_is_the_last(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t1", ONE);
    stage_start(&s, gateway, "t2", ONE);
    stage_start(&s, gateway, "t3", ONE);
    struct message m = {.type = MSG_GET_LIST};
    m.get_list.state = -1;
    m.get_list.before = NEVER_MS;
    m.get_list.limit = 2;
    const struct message *r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->list.count, 2);
    assert_int_not_equal(r->list.next_before_id.len, 0);
    m.get_list.limit = 3;
    r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->list.count, 3);
    assert_int_equal(r->list.next_before_id.len, 0);
}

/* Few of many: the page's size says how many are wanted, not how far is looked. */
static void test_a_filter_looks_past_more_tasks_than_it_wants(void **state)
{
    (void)state;
    char id[16];
    for (int i = 0; i < 450; i++) {
        (void)snprintf(id, sizeof id, "t%03d", i);
        stage_start(&s, gateway, id, ONE);
        stage_time(&s, 1);
    }
    stage_task_request(&s, gateway, MSG_CANCEL, "t003");
    stage_task_request(&s, gateway, MSG_CANCEL, "t001");
    struct message m = {.type = MSG_GET_LIST};
    m.get_list.state = TASK_CANCELLED;
    m.get_list.before = NEVER_MS;
    m.get_list.limit = 1;
    const struct message *r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->list.count, 1);
    assert_true(bytes_is(r->list.items[0].task_id, "t003"));
    m.get_list.before = r->list.next_before;
    m.get_list.before_id = r->list.next_before_id;
    r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->list.count, 1);
    assert_true(bytes_is(r->list.items[0].task_id, "t001"));
    m.get_list.before = r->list.next_before;
    m.get_list.before_id = r->list.next_before_id;
    r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->list.count, 0);
    assert_int_equal(r->list.next_before_id.len, 0);
}

static void test_readiness_is_a_round_trip(void **state)
{
    (void)state;
    struct message m = {.type = MSG_GET_READY};
    assert_true(stage_ask(&s, gateway, &m)->ready.ready);
    s.hold_store = true;
    assert_null(stage_ask(&s, gateway, &m));
    stage_store_lost(&s, false);
    const struct message *r = stage_take(&s, gateway, MSG_READY);
    assert_false(r->ready.ready);
    assert_true(bytes_is(r->ready.detail, "the store does not answer"));
}

static void remark(enum store_remark kind, const char *text)
{
    stage_event(&s, &(struct event){.kind = EV_REMARK, .remark = kind, .text = bytes_str(text)});
}

static void test_readiness_says_what_the_store_remarks(void **state)
{
    (void)state;
    struct message m = {.type = MSG_GET_READY};
    remark(REMARK_FULL, "full");
    remark(REMARK_UNSAFE, "everysec");
    const struct message *r = stage_ask(&s, gateway, &m);
    assert_true(r->ready.ready); /* tasks go on, and may be cancelled */
    assert_true(bytes_is(r->ready.detail, "full; everysec"));
    assert_true(bytes_is(r->ready.store_full, "full"));
    assert_true(bytes_is(r->ready.store_unsafe, "everysec"));
    assert_string_equal(core_stats(s.core).remarks[REMARK_FULL], "full");
    remark(REMARK_FULL, "");
    assert_null(core_stats(s.core).remarks[REMARK_FULL]);
    assert_true(bytes_is(stage_ask(&s, gateway, &m)->ready.detail, "everysec"));
    s.hold_store = true;
    assert_null(stage_ask(&s, gateway, &m));
    remark(REMARK_AWAY, "WRONGPASS");
    stage_store_lost(&s, false);
    r = stage_take(&s, gateway, MSG_READY);
    assert_true(bytes_is(r->ready.detail, "the store does not answer: WRONGPASS"));
}

static void test_pipelines_are_listed_without_and_given_with_their_source(void **state)
{
    (void)state;
    struct event e = {.kind = EV_PIPELINE, .version = 3};
    e.text = BYTES_LIT("{\"name\":\"trial\",\"steps\":[{\"name\":\"a\",\"function\":\"f\"}]}");
    stage_event(&s, &e);
    struct message m = {.type = MSG_GET_PIPELINES};
    const struct message *r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->pipelines.count, 1);
    assert_int_equal(r->pipelines.items[0].source.len, 0);
    m.get_pipelines.name = BYTES_LIT("trial");
    r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->pipelines.items[0].version, 3);
    assert_true(r->pipelines.items[0].source.len > 0);
    m.get_pipelines.name = BYTES_LIT("nosuch");
    assert_int_equal(stage_ask(&s, gateway, &m)->refused.code, CODE_PIPELINE_NOT_FOUND);
}

static void test_requests_that_wait_for_the_store_are_bounded_and_leave_room_for_the_core(
    void **state)
{
    (void)state;
    struct message m = {.type = MSG_GET_STATUS};
    m.task.task_id = BYTES_LIT("nosuch");
    stage_start(&s, gateway, "t", ONE);
    s.hold_store = true;
    const struct message *r = NULL;
    for (int i = 0; i < 20000 && r == NULL; i++) {
        r = stage_ask(&s, gateway, &m);
    }
    assert_non_null(r);
    assert_int_equal(r->refused.code, CODE_OVERLOADED);
    size_t before = s.op_count;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    assert_int_equal(s.op_count, before + 1); /* the step's input is being read all the same */
    s.hold_store = false;
    stage_store_go(&s);
    assert_non_null(stage_poll(&s, worker, MSG_ORDER));
}

static void test_a_stranger_of_another_version_is_told_why_and_closed(void **state)
{
    (void)state;
    struct message m = {.type = MSG_HELLO};
    m.hello.role = ROLE_GATEWAY;
    m.hello.version_min = m.hello.version_max = 2;
    m.hello.id = BYTES_LIT("new");
    s.peers[s.peer_count++] = (struct stage_peer){.id = 99999};
    stage_event(&s, &(struct event){.kind = EV_PEER_UP, .peer = 99999, .message = &m});
    const struct message *r = stage_take(&s, 99999, MSG_WELCOME);
    assert_int_equal(r->welcome.version, 0);
    assert_true(r->welcome.reason.len > 0);
    assert_true(s.peers[s.peer_count - 1].gone);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_document_is_given_under_its_run_and_revision_alive_and_ended),
        TEST(test_a_status_shows_so_many_bytes_of_errors),
        TEST(test_a_history_gives_the_events_behind_a_seq),
        TEST(test_watchers_are_told_what_is_durable_and_from_where),
        TEST(test_a_watch_of_an_unknown_task_says_so),
        TEST(test_a_watch_ends_when_its_partition_is_lost),
        TEST(test_a_watch_that_is_refused_is_none),
        TEST(test_a_watch_waits_until_it_is_told_whose_the_partition_is),
        TEST(test_lists_are_filtered_paged_and_newest_first),
        TEST(test_a_full_page_with_nothing_behind_it_is_the_last),
        TEST(test_a_filter_looks_past_more_tasks_than_it_wants),
        TEST(test_readiness_is_a_round_trip),
        TEST(test_readiness_says_what_the_store_remarks),
        TEST(test_pipelines_are_listed_without_and_given_with_their_source),
        TEST(test_requests_that_wait_for_the_store_are_bounded_and_leave_room_for_the_core),
        TEST(test_a_stranger_of_another_version_is_told_why_and_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
