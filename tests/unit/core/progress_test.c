/* Progress, progress checkpoints, time limits of tasks. */
#include "usual.h"

#define ONE "[{\"name\":\"one\",\"function\":\"f\"}]"
#define TWO "[{\"name\":\"one\",\"function\":\"f\"},{\"name\":\"two\",\"function\":\"f\"}]"

static void progress(peer_id worker, const struct step_order *o, double fraction,
                     const char *checkpoint)
{
    struct message m = {.type = MSG_PROGRESS};
    m.progress.ref = o->ref;
    m.progress.fraction = fraction;
    m.progress.message = BYTES_LIT("reading");
    m.progress.checkpoint = bytes_str(checkpoint);
    stage_send(&s, worker, &m);
}

static void test_progress_is_told_at_most_ten_times_a_second(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", TWO);
    const struct step_order *o = stage_order(&s, worker);
    assert_int_equal(stage_task_request(&s, gateway, MSG_WATCH, "t")->type, MSG_WATCHED);
    uint64_t before = stage_status(&s, gateway, "t")->seq;
    for (int i = 1; i <= 200; i++) {
        progress(worker, o, (double)i / 200, "");
        stage_time(&s, 5);
    }
    stage_time(&s, 200);
    uint64_t events = stage_status(&s, gateway, "t")->seq - before;
    assert_in_range(events, 8, 12);
    double last = 0;
    for (uint64_t i = 0; i < events; i++) {
        const struct message *m = stage_take(&s, gateway, MSG_EVENTS);
        assert_int_equal(m->events.count, 1);
        assert_true(m->events.events[0].seq == before + i + 1);
        assert_true(m->events.events[0].progress >= last);
        last = m->events.events[0].progress;
    }
    assert_true(last == 0.5);
}

static void test_progress_never_goes_back(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", TWO);
    const struct step_order *o = stage_order(&s, worker);
    progress(worker, o, 0.8, "");
    stage_time(&s, 200);
    progress(worker, o, 0.2, "");
    progress(worker, o, 7.0, "");
    stage_time(&s, 200);
    assert_true(stage_status(&s, gateway, "t")->progress == 0.4);
    stage_fail(&s, worker, o);
    stage_time(&s, 2300);
    stage_order(&s, worker);
    stage_time(&s, 200);
    assert_true(stage_status(&s, gateway, "t")->progress == 0.4);
}

static void test_a_progress_checkpoint_is_stored_once_an_interval_and_given_to_the_next_attempt(
    void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    struct message m = stage_start_request("t", ONE);
    m.start.checkpoint_interval_s = 10;
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
    const struct step_order *o = stage_order(&s, worker);
    stage_time(&s, 500);
    const struct stored_task *t = store_model_find(&store, BYTES_LIT("t"), s.now.mono);
    for (int i = 0; i < 8; i++) {
        progress(worker, o, -1, "{\"page\":1}");
        stage_time(&s, 1000);
    }
    assert_int_equal(t->step_count, 0); /* nothing of the step was stored yet */
    stage_time(&s, 2000);
    assert_int_equal(t->step_count, 1);
    progress(worker, o, -1, "{\"page\":2}");
    stage_fail(&s, worker, o);
    stage_time(&s, 2300);
    assert_true(bytes_is(stage_order(&s, worker)->progress_checkpoint, "{\"page\":2}"));
}

static const struct step_order *begin_watched(peer_id worker, int32_t checkpoint_interval_s)
{
    struct message m = stage_start_request("t", ONE);
    m.start.checkpoint_interval_s = checkpoint_interval_s;
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
    const struct step_order *o = stage_order(&s, worker);
    assert_int_equal(stage_task_request(&s, gateway, MSG_WATCH, "t")->type, MSG_WATCHED);
    return o;
}

static const struct task_event *saved_event(void)
{
    for (const struct message *m; (m = stage_poll(&s, gateway, MSG_EVENTS)) != NULL;) {
        for (uint32_t i = 0; i < m->events.count; i++) {
            if (m->events.events[i].type == EVENT_STEP_CHECKPOINT) {
                return &m->events.events[i];
            }
        }
    }
    return NULL;
}

static void test_what_is_saved_is_seen_once_it_is_durable(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    const struct step_order *o = begin_watched(worker, 10);
    progress(worker, o, -1, "{\"page\":1}");
    stage_time(&s, 5000);
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].checkpoint_bytes, 0);
    assert_null(saved_event());
    stage_time(&s, 6000);
    const struct step_view *v = &stage_status(&s, gateway, "t")->steps[0];
    assert_true(bytes_is(v->checkpoint, "{\"page\":1}"));
    assert_int_equal(v->checkpoint_bytes, 10);
    const struct task_event *e = saved_event();
    assert_non_null(e);
    assert_true(bytes_is(e->checkpoint, "{\"page\":1}"));
    assert_int_equal(e->at, v->checkpoint_at);
    assert_int_equal(e->attempt, 1);
    progress(worker, o, -1, "{\"page\":2}");
    stage_fail(&s, worker, o); /* this row has it too */
    v = &stage_status(&s, gateway, "t")->steps[0];
    assert_true(bytes_is(v->checkpoint, "{\"page\":2}"));
    stage_close(&s);
    stage_open(&s, &store, "b");
    gateway = stage_gateway(&s);
    stage_time(&s, 5000);
    v = &stage_status(&s, gateway, "t")->steps[0];
    assert_true(bytes_is(v->checkpoint, "{\"page\":2}"));
    worker = stage_worker(&s, "v", 1, "f");
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    assert_int_equal(stage_status(&s, gateway, "t")->steps[0].checkpoint_bytes, 0);
}

/* The store has it at once, with the usage; watchers hear of it when the interval is over. */
static void saved_is_told(uint64_t before)
{
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_true(bytes_is(v->steps[0].checkpoint, "{\"page\":1}"));
    assert_true(v->seq > before); /* so the ETag is another one */
    stage_time(&s, 61000);
    const struct task_event *e = saved_event();
    assert_non_null(e);
    assert_true(bytes_is(e->checkpoint, "{\"page\":1}"));
    assert_int_equal(e->attempt, 1);
    stage_time(&s, 61000);
    assert_null(saved_event()); /* nothing new */
}

/* A checkpoint, and usage where it is given. */
static void news(peer_id worker, const struct step_order *o, const char *checkpoint,
                 struct usage_part *used)
{
    struct message m = {.type = MSG_PROGRESS};
    m.progress = (struct step_progress){.ref = o->ref,
                                        .fraction = -1,
                                        .checkpoint = bytes_str(checkpoint),
                                        .usage = used,
                                        .usage_count = used != NULL ? 1 : 0};
    stage_send(&s, worker, &m);
}

static void test_what_is_saved_with_usage_is_told_as_well(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    const struct step_order *o = begin_watched(worker, 60);
    uint64_t before = stage_status(&s, gateway, "t")->seq;
    struct usage_part used = {.model = BYTES_LIT("m"), .sum = {.input_tokens = 7}};
    news(worker, o, "{\"page\":1}", &used);
    stage_time(&s, 200);
    assert_null(saved_event());
    saved_is_told(before);
}

static void test_watchers_hear_of_a_checkpoint_once_an_interval(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    const struct step_order *o = begin_watched(worker, 10);
    struct usage_part used = {.model = BYTES_LIT("m")};
    uint32_t told = 0;
    for (uint32_t i = 1; i <= 62; i++) { /* a minute, usage with each */
        used.sum.input_tokens = i;
        news(worker, o, "1", &used);
        stage_time(&s, 1000);
        told += saved_event() != NULL;
    }
    assert_in_range(told, 5, 6);
}

/* Its worker leaves, says the last of it, and hands it back; nobody else takes it. */
static void hand_back(peer_id worker, const struct step_order *o, struct usage_part *used)
{
    struct message draining = {.type = MSG_DRAINING};
    stage_send(&s, worker, &draining);
    news(worker, o, "{\"page\":1}", used);
    stage_running(&s, worker, NULL, 0);
}

static void test_what_is_saved_of_a_step_that_was_handed_back_is_told(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    const struct step_order *o = begin_watched(worker, 10);
    hand_back(worker, o, NULL);
    stage_time(&s, 5000);
    assert_null(saved_event());
    uint64_t before = stage_status(&s, gateway, "t")->seq;
    stage_time(&s, 6000);
    assert_true(stage_status(&s, gateway, "t")->seq > before);
    const struct task_event *e = saved_event();
    assert_non_null(e);
    assert_true(bytes_is(e->checkpoint, "{\"page\":1}"));
    assert_int_equal(e->attempt, 1);
}

static void test_what_is_saved_with_usage_of_a_step_that_was_handed_back_is_told(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    const struct step_order *o = begin_watched(worker, 60);
    struct usage_part used = {.model = BYTES_LIT("m"), .sum = {.input_tokens = 7}};
    uint64_t before = stage_status(&s, gateway, "t")->seq;
    hand_back(worker, o, &used);
    stage_time(&s, 200);
    saved_is_told(before);
}

static void test_a_large_checkpoint_is_told_by_its_size(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    const struct step_order *o = begin_watched(worker, 1);
    char large[5003];
    memset(large, 'x', sizeof large - 1);
    large[0] = large[5001] = '"';
    large[5002] = '\0';
    progress(worker, o, -1, large);
    stage_time(&s, 2000);
    const struct step_view *v = &stage_status(&s, gateway, "t")->steps[0];
    assert_int_equal(v->checkpoint_bytes, 5002);
    assert_int_equal(v->checkpoint.len, 0);
    const struct task_event *e = saved_event();
    assert_int_equal(e->checkpoint_bytes, 5002);
    assert_int_equal(e->checkpoint.len, 0);
}

/* It is kept in one text, from which all else goes out. */
static void test_a_long_checkpoint_is_not_copied_again(void **state)
{
    (void)state;
    enum { LONG = 2000 };
    char text[LONG + 1];
    memset(text, 'x', LONG);
    text[0] = text[LONG - 1] = '"';
    text[LONG] = '\0';
    peer_id worker = stage_worker(&s, "w", 1, "f");
    const struct step_order *o = begin_watched(worker, 10);
    progress(worker, o, -1, text);
    assert_int_equal(s.written_lent, 0);
    stage_time(&s, 11000);
    assert_true(bytes_is(saved_event()->checkpoint, text));
    assert_int_equal(s.written_lent, 2 * LONG); /* of the step, and of the event */
    assert_int_equal(s.sent_lent, LONG);
    assert_true(bytes_is(stage_status(&s, gateway, "t")->steps[0].checkpoint, text));
    assert_int_equal(s.sent_lent, 2 * LONG);
    stage_fail(&s, worker, o);
    assert_int_equal(s.written_lent, 3 * LONG);
    stage_time(&s, 2300);
    assert_true(bytes_is(stage_order(&s, worker)->progress_checkpoint, text));
    assert_int_equal(s.sent_lent, 3 * LONG);
    stage_close(&s);
    stage_open(&s, &store, "b");
    stage_time(&s, 5000);
    worker = stage_worker(&s, "v", 1, "f");
    assert_true(bytes_is(stage_order(&s, worker)->progress_checkpoint, text));
    assert_int_equal(s.sent_lent, LONG);
}

static void test_news_of_another_attempt_are_ignored(void **state)
{
    (void)state;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    stage_start(&s, gateway, "t", TWO);
    const struct step_order *o = stage_order(&s, worker);
    struct step_order forged = *o;
    forged.ref.token[3] ^= 1;
    progress(worker, &forged, 0.9, "");
    peer_id other = stage_worker(&s, "other", 1, "f");
    progress(other, o, 0.9, "");
    stage_time(&s, 500);
    assert_true(stage_status(&s, gateway, "t")->progress == 0);
}

static void test_a_task_past_its_duration_fails_and_what_runs_is_stopped(void **state)
{
    (void)state;
    struct message m = stage_start_request("t", TWO);
    m.start.max_duration_s = 5;
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
    stage_time(&s, 8000); /* waiting for a worker is not running */
    peer_id worker = stage_worker(&s, "w", 1, "f");
    const struct step_order *o = stage_order(&s, worker);
    stage_time(&s, 4999);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_RUNNING);
    stage_time(&s, 1);
    assert_int_equal(stage_take(&s, worker, MSG_STOP)->stop.reason, STOP_TASK_ENDED);
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_FAILED);
    assert_int_equal(v->error_code, CODE_TASK_TIMEOUT);
    assert_true(v->can_recover);
    assert_int_equal(stage_succeed(&s, worker, o, "1"), VERDICT_LATE);
    assert_int_equal(stage_recover(&s, gateway, "t", "", "")->type, MSG_DONE);
    stage_time(&s, 4000); /* its time counts from 0 again */
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_RUNNING);
}

static void test_running_time_survives_a_lost_store(void **state)
{
    (void)state;
    struct message m = stage_start_request("t", TWO);
    m.start.max_duration_s = 10;
    peer_id worker = stage_worker(&s, "w", 1, "f");
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
    const struct step_order *o = stage_order(&s, worker);
    stage_time(&s, 6000);
    progress(worker, o, 0.5, "");
    stage_time(&s, 200);
    stage_store_lost(&s, true);
    stage_store_up(&s);
    stage_time(&s, 4000);
    assert_int_equal(stage_status(&s, gateway, "t")->error_code, CODE_TASK_TIMEOUT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_progress_is_told_at_most_ten_times_a_second),
        TEST(test_progress_never_goes_back),
        TEST(test_a_progress_checkpoint_is_stored_once_an_interval_and_given_to_the_next_attempt),
        TEST(test_what_is_saved_is_seen_once_it_is_durable),
        TEST(test_what_is_saved_with_usage_is_told_as_well),
        TEST(test_watchers_hear_of_a_checkpoint_once_an_interval),
        TEST(test_what_is_saved_of_a_step_that_was_handed_back_is_told),
        TEST(test_what_is_saved_with_usage_of_a_step_that_was_handed_back_is_told),
        TEST(test_a_large_checkpoint_is_told_by_its_size),
        TEST(test_a_long_checkpoint_is_not_copied_again),
        TEST(test_news_of_another_attempt_are_ignored),
        TEST(test_a_task_past_its_duration_fails_and_what_runs_is_stopped),
        TEST(test_running_time_survives_a_lost_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
