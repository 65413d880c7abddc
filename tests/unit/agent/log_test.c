/* The ends of functions' logs: with news while they run, with the outcome of a success. */
#include "stage.h"

static uint64_t run_one(struct stage *s, peer_id peer, const char *task)
{
    stage_send_order(s, peer, stage_order(task, 0));
    return stage_started(s);
}

static void log_news(struct stage *s, uint64_t number, const char *log)
{
    struct attempt_news news = {.fraction = -1, .log = bytes_str(log)};
    stage_event(s, (struct agent_event){.kind = AGENT_EV_NEWS, .number = number, .news = &news});
}

static void test_the_end_of_a_log_travels_and_a_new_owner_is_told_it_too(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    stage_send_order(&s, 1, stage_order("t", 0));
    uint64_t number = stage_started(&s);
    log_news(&s, number, "one");
    const struct message *m = stage_sent(&s, 1, MSG_PROGRESS, 0);
    assert_non_null(m);
    assert_true(bytes_is(m->progress.log, "one"));
    assert_true(m->progress.fraction < 0);
    log_news(&s, number, "two");
    assert_null(stage_sent(&s, 1, MSG_PROGRESS, 0)); /* within the 100 ms */
    stage_pass(&s, AGENT_NEWS_MS);
    assert_true(bytes_is(stage_sent(&s, 1, MSG_PROGRESS, 0)->progress.log, "two"));
    stage_pass(&s, AGENT_NEWS_MS);
    struct attempt_news half = {.fraction = 0.5};
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_NEWS, .number = number, .news = &half});
    assert_int_equal(stage_sent(&s, 1, MSG_PROGRESS, 0)->progress.log.len, 0); /* nothing new */
    stage_pass(&s, AGENT_NEWS_MS);
    stage_join(&s, 2, EVERY_PARTITION);
    m = stage_sent(&s, 2, MSG_PROGRESS, 0);
    assert_non_null(m);
    assert_true(bytes_is(m->progress.log, "two"));
    stage_close(&s);
}

static void test_a_success_brings_the_end_of_its_log(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    uint64_t number = run_one(&s, 1, "t");
    log_news(&s, number, "one");
    log_news(&s, number, "one and two"); /* not told yet: it comes 100 ms later at the earliest */
    stage_succeed(&s, number);
    assert_true(bytes_is(stage_sent(&s, 1, MSG_OUTCOME, 0)->outcome.message, "one and two"));
    stage_ack(&s, 1, number);
    stage_succeed(&s, run_one(&s, 1, "u"));
    assert_int_equal(stage_sent(&s, 1, MSG_OUTCOME, 0)->outcome.message.len, 0);
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_end_of_a_log_travels_and_a_new_owner_is_told_it_too),
        cmocka_unit_test(test_a_success_brings_the_end_of_its_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
