/* Outcomes and news: to whom they go, and how often. */
#include "base/slices.h"
#include "stage.h"

static uint64_t partition_bit(const char *task)
{
    return (uint64_t)1 << id_partition(bytes_str(task));
}

static uint64_t run_one(struct stage *s, peer_id peer, const char *task)
{
    stage_send_order(s, peer, stage_order(task, 0));
    return stage_started(s);
}

/* Time passes, and the coordinator is heard all the while. */
static void pass_heard(struct stage *s, peer_id peer, mono_ms ms)
{
    for (; ms > 500; ms -= 500) {
        s->now.mono += 500;
        stage_message(s, peer, (struct message){.type = MSG_BEAT});
    }
    s->now.mono += ms;
    stage_message(s, peer, (struct message){.type = MSG_BEAT});
}

static void test_an_outcome_is_told_again_until_it_is_acknowledged(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    uint64_t number = run_one(&s, 1, "t");
    stage_succeed(&s, number);
    assert_non_null(stage_sent(&s, 1, MSG_OUTCOME, 0));
    pass_heard(&s, 1, 500);
    assert_null(stage_sent(&s, 1, MSG_OUTCOME, 0));
    assert_true(agent_next_deadline(s.agent) <= s.now.mono + 500);
    pass_heard(&s, 1, 500);
    const struct message *m = stage_sent(&s, 1, MSG_OUTCOME, 0);
    assert_non_null(m);
    assert_int_equal(m->outcome.number, number);
    stage_ack(&s, 1, number);
    pass_heard(&s, 1, 20000);
    assert_null(stage_sent(&s, 1, MSG_OUTCOME, 0));
    assert_int_equal(agent_stats(s.agent).held, 0);
    stage_close(&s);
}

static const struct agent_effect *end_with_bad_lines(struct stage *s, const char *task)
{
    struct attempt_result r = {.ok = true, .result = BYTES_LIT("1")};
    r.bad_lines = 3;
    r.bad_line = "it is not a JSON object";
    uint64_t number = run_one(s, 1, task);
    stage_event(s, (struct agent_event){.kind = AGENT_EV_ENDED, .number = number, .result = &r});
    for (uint32_t i = 0; i < s->fx.count; i++) {
        const struct agent_effect *e = &s->fx.items[i];
        if (e->kind == AGENT_FX_LOG && strcmp(e->log_event, "news_not_understood") == 0) {
            return e;
        }
    }
    return NULL;
}

static void test_news_that_were_not_understood_are_told_once_a_second(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    const struct agent_effect *told = end_with_bad_lines(&s, "t");
    assert_non_null(told);
    assert_int_equal(told->level, LOG_WARN);
    assert_non_null(strstr(told->text, "task=t run="));
    assert_non_null(strstr(told->text, "lines=3 first=\"it is not a JSON object\""));
    assert_null(end_with_bad_lines(&s, "u"));
    pass_heard(&s, 1, 1000);
    told = end_with_bad_lines(&s, "v");
    assert_non_null(told);
    assert_non_null(strstr(told->text, "lines=3 ")); /* those of u are in the total */
    assert_non_null(strstr(told->text, " total=9"));
    assert_int_equal(agent_stats(s.agent).bad_lines_total, 9);
    stage_close(&s);
}

static void test_a_coordinator_that_does_not_acknowledge_is_told_less_and_less_often(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    stage_succeed(&s, run_one(&s, 1, "t"));
    int told = 0;
    for (int i = 0; i < 120; i++) {
        pass_heard(&s, 1, 500);
        told += stage_sent(&s, 1, MSG_OUTCOME, 0) != NULL;
    }
    assert_in_range(told, 8, 12); /* 1 + 2 + 4 + 8 + 8 ... in a minute */
    stage_close(&s);
}

static void test_a_lost_coordinator_stops_nothing_and_hears_the_outcome_when_it_is_back(
    void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    uint64_t number = run_one(&s, 1, "t");
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_PEER_DOWN, .peer = 1});
    assert_int_equal(stage_count(&s, AGENT_FX_STOP), 0);
    stage_succeed(&s, number);
    assert_int_equal(stage_count(&s, AGENT_FX_SEND), 0);
    assert_int_equal(agent_next_deadline(s.agent), NEVER_MS);
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_PEER_UP, .peer = 2});
    stage_message(&s, 2, (struct message){.type = MSG_WELCOME, .welcome = {.version = 1}});
    const struct message *claims = stage_sent(&s, 2, MSG_RUNNING, 0);
    assert_non_null(claims);
    assert_int_equal(claims->running.count, 1);
    assert_true(bytes_is(claims->running.refs[0].task_id, "t"));
    assert_null(stage_sent(&s, 2, MSG_OUTCOME, 0)); /* whose it is is not known yet */
    stage_message(&s, 2,
                  (struct message){.type = MSG_OWNED, .owned = {.partitions = EVERY_PARTITION}});
    assert_non_null(stage_sent(&s, 2, MSG_OUTCOME, 0));
    assert_int_equal(stage_sent(&s, 2, MSG_RUNNING, 0)->running.count,
                     1); /* what an owner knew may be over */
    stage_close(&s);
}

static void test_outcome_and_claims_follow_the_partition_to_its_new_owner(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    stage_join(&s, 2, 0);
    uint64_t number = run_one(&s, 1, "t");
    stage_message(&s, 2,
                  (struct message){.type = MSG_OWNED, .owned = {.partitions = partition_bit("t")}});
    const struct message *claims = stage_sent(&s, 2, MSG_RUNNING, 0);
    assert_non_null(claims);
    assert_int_equal(claims->running.count, 1);
    stage_succeed(&s, number);
    assert_null(stage_sent(&s, 1, MSG_OUTCOME, 0));
    assert_non_null(stage_sent(&s, 2, MSG_OUTCOME, 0));
    stage_message(&s, 1,
                  (struct message){.type = MSG_OWNED, .owned = {.partitions = EVERY_PARTITION}});
    assert_non_null(stage_sent(&s, 1, MSG_OUTCOME, 0));
    stage_close(&s);
}

/* 2 wakes up, says what it owned long ago, then learns that it does not; 1 has owned it all the
 * time and says nothing. */
static void test_a_claim_that_passes_leaves_the_partition_to_the_one_that_had_it(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    stage_join(&s, 2, EVERY_PARTITION);
    uint64_t number = run_one(&s, 2, "t"); /* an order of before */
    stage_message(&s, 2, (struct message){.type = MSG_OWNED, .owned = {.partitions = 0}});
    stage_succeed(&s, number);
    assert_null(stage_sent(&s, 2, MSG_OUTCOME, 0));
    assert_non_null(stage_sent(&s, 1, MSG_OUTCOME, 0));
    stage_close(&s);
}

static void test_who_gets_a_partition_back_is_told_again_at_once(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    stage_succeed(&s, run_one(&s, 1, "t"));
    assert_non_null(stage_sent(&s, 1, MSG_OUTCOME, 0));
    stage_message(&s, 1, (struct message){.type = MSG_OWNED, .owned = {.partitions = 0}});
    assert_null(stage_sent(&s, 1, MSG_OUTCOME, 0));
    stage_message(&s, 1,
                  (struct message){.type = MSG_OWNED, .owned = {.partitions = EVERY_PARTITION}});
    assert_non_null(stage_sent(&s, 1, MSG_OUTCOME, 0)); /* what it knew may be gone */
    stage_close(&s);
}

static void test_without_an_owner_the_outcome_goes_to_where_the_order_came_from(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, 0);
    stage_join(&s, 2, EVERY_PARTITION & ~partition_bit("t"));
    stage_succeed(&s, run_one(&s, 1, "t"));
    assert_non_null(stage_sent(&s, 1, MSG_OUTCOME, 0));
    assert_null(stage_sent(&s, 2, MSG_OUTCOME, 0));
    stage_close(&s);
}

static void test_an_outcome_says_when_it_began_and_how_long_it_took(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    unix_ms began = s.now.wall;
    uint64_t number = run_one(&s, 1, "t");
    s.now.mono += 700;
    s.now.wall += 3600000; /* the wall clock was set meanwhile */
    stage_fail(&s, number, "boom");
    const struct message *m = stage_sent(&s, 1, MSG_OUTCOME, 0);
    assert_non_null(m);
    assert_false(m->outcome.ok);
    assert_int_equal(m->outcome.code, CODE_FUNCTION_FAILED);
    assert_true(bytes_is(m->outcome.message, "boom"));
    assert_int_equal(m->outcome.started_at, began);
    assert_int_equal(m->outcome.duration_ms, 700);
    assert_int_equal(m->outcome.ref.token[2], 3);
    stage_close(&s);
}

static void say(struct stage *s, uint64_t number, double fraction, const char *checkpoint)
{
    struct attempt_news news = {.fraction = fraction, .checkpoint = bytes_str(checkpoint)};
    stage_event(s, (struct agent_event){.kind = AGENT_EV_NEWS, .number = number, .news = &news});
}

static void test_news_go_out_at_once_and_then_ten_times_a_second_at_most(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    uint64_t number = run_one(&s, 1, "t");
    say(&s, number, 0.1, NULL);
    assert_non_null(stage_sent(&s, 1, MSG_PROGRESS, 0));
    int sent = 0;
    for (int i = 1; i <= 1000; i++) {
        s.now.mono += 1;
        say(&s, number, 0.1 + i / 2000.0, i == 300 ? "{\"page\":3}" : NULL);
        const struct message *m = stage_sent(&s, 1, MSG_PROGRESS, 0);
        sent += m != NULL;
        if (m != NULL && i == 300) {
            assert_true(bytes_is(m->progress.checkpoint, "{\"page\":3}"));
        }
    }
    assert_int_equal(sent, 10);
    stage_close(&s);
}

static void test_waiting_news_are_sent_when_their_time_has_come(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    uint64_t number = run_one(&s, 1, "t");
    say(&s, number, 0.1, "{\"page\":1}");
    s.now.mono += 10;
    say(&s, number, -1, "{\"page\":2}");
    s.now.mono += 10;
    say(&s, number, 0.3, NULL);
    assert_null(stage_sent(&s, 1, MSG_PROGRESS, 0));
    assert_int_equal(agent_next_deadline(s.agent), s.now.mono + 80);
    stage_pass(&s, 80);
    const struct message *m = stage_sent(&s, 1, MSG_PROGRESS, 0);
    assert_non_null(m);
    assert_float_equal(m->progress.fraction, 0.3, 1e-9);
    assert_true(bytes_is(m->progress.checkpoint, "{\"page\":2}"));
    stage_close(&s);
}

static void test_the_newest_checkpoint_goes_ahead_of_a_failure(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    uint64_t number = run_one(&s, 1, "t");
    say(&s, number, 0.1, NULL);
    say(&s, number, 0.2, "{\"page\":9}");
    assert_null(stage_sent(&s, 1, MSG_PROGRESS, 0));
    stage_fail(&s, number, "boom");
    const struct message *m = stage_sent(&s, 1, MSG_PROGRESS, 0);
    assert_non_null(m);
    assert_true(bytes_is(m->progress.checkpoint, "{\"page\":9}"));
    assert_int_equal(s.fx.items[0].message->type, MSG_PROGRESS);
    stage_close(&s);
}

static void test_a_checkpoint_is_one_line(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    uint64_t number = run_one(&s, 1, "t");
    say(&s, number, 0.1, NULL);
    say(&s, number, 0.2, "{\"a\":\r1,\n\"b\":\"\\r\"}");
    stage_fail(&s, number, "boom");
    const struct message *m = stage_sent(&s, 1, MSG_PROGRESS, 0);
    assert_non_null(m);
    assert_true(bytes_is(m->progress.checkpoint, "{\"a\": 1, \"b\":\"\\r\"}"));
    stage_close(&s);
}

static void use(struct stage *s, uint64_t number, const char *model, uint64_t cost)
{
    struct attempt_news news = {.fraction = -1, .usage = {bytes_str(model), {10, 1, cost}}};
    stage_event(s, (struct agent_event){.kind = AGENT_EV_NEWS, .number = number, .news = &news});
}

static void test_what_was_used_is_told_as_the_sum_until_now_and_to_a_new_owner_again(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    uint64_t number = run_one(&s, 1, "t");
    use(&s, number, "m", 100);
    const struct step_progress *n = &stage_sent(&s, 1, MSG_PROGRESS, 0)->progress;
    assert_int_equal(n->usage_count, 1);
    assert_int_equal(n->usage[0].sum.cost_nano, 100);
    uint64_t execution = n->execution;
    assert_true(execution != 0);
    pass_heard(&s, 1, 200);
    use(&s, number, "m", 50);
    n = &stage_sent(&s, 1, MSG_PROGRESS, 0)->progress;
    assert_int_equal(n->usage[0].sum.cost_nano, 150);
    assert_int_equal(n->usage[0].sum.input_tokens, 20);
    pass_heard(&s, 1, 200);
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_PEER_DOWN, .peer = 1});
    stage_join(&s, 2, EVERY_PARTITION); /* says it again */
    use(&s, number, "n", 1);
    pass_heard(&s, 2, 200);
    stage_succeed(&s, number);
    const struct step_outcome *o = &stage_sent(&s, 2, MSG_OUTCOME, 0)->outcome;
    assert_int_equal(o->usage_count, 2);
    assert_int_equal(o->usage[0].sum.cost_nano, 150);
    assert_true(bytes_is(o->usage[1].model, "n"));
    assert_true(o->execution == execution);
    stage_close(&s);
}

static void test_an_attempt_that_used_nothing_says_nothing_of_it(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    stage_succeed(&s, run_one(&s, 1, "t"));
    const struct step_outcome *o = &stage_sent(&s, 1, MSG_OUTCOME, 0)->outcome;
    assert_int_equal(o->usage_count, 0);
    assert_true(o->execution == 0);
    stage_close(&s);
}

static struct bytes held_result(struct stage *s, struct attempt_result r, const char *task)
{
    uint64_t number = run_one(s, 1, task);
    stage_event(s, (struct agent_event){.kind = AGENT_EV_ENDED, .number = number, .result = &r});
    return stage_sent(s, 1, MSG_OUTCOME, 0)->outcome.result;
}

static void test_a_result_stays_in_the_buffer_that_its_function_filled(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    struct buf output = {0};
    buf_add_str(&output, " [1]\n");
    const uint8_t *at = output.ptr + 1;
    struct attempt_result r = {.ok = true, .result = bytes_of(at, 3), .holder = &output};
    struct bytes result = held_result(&s, r, "t");
    assert_ptr_equal(result.ptr, at);
    assert_null(output.ptr);
    buf_reserve(&output, 100000); /* what is behind it is cut off */
    buf_add_str(&output, "[2]  ");
    r.result = bytes_part(buf_bytes(&output), 0, 3);
    result = held_result(&s, r, "u");
    assert_null(output.ptr);
    assert_true(bytes_is(result, "[2]"));
    memset(buf_extend(&output, 100000), ' ', 100000); /* too much to be kept for three bytes */
    buf_add_str(&output, "[3]");
    r.result = bytes_part(buf_bytes(&output), 100000, 3);
    result = held_result(&s, r, "v");
    assert_ptr_not_equal(output.ptr, NULL);
    buf_free(&output);
    assert_true(bytes_is(result, "[3]"));
    stage_close(&s);
}

static struct buf long_text(uint8_t fill)
{
    struct buf text = {0};
    memset(buf_extend(&text, LENT_BYTES_MIN), fill, LENT_BYTES_MIN);
    return text;
}

/* It goes out from where its function has put it, as often as it is told, and nobody copies it; the
 * last effect that tells it may be carried out when the attempt is gone. */
static void test_a_long_result_is_lent(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    uint64_t number = run_one(&s, 1, "t");
    struct buf output = long_text('1');
    const uint8_t *at = output.ptr;
    struct attempt_result r = {.ok = true, .result = buf_bytes(&output), .holder = &output};
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_ENDED, .number = number, .result = &r});
    assert_null(output.ptr);
    struct shared *lender = stage_find(&s, AGENT_FX_SEND)->lender;
    assert_true(shared_has(lender, stage_sent(&s, 1, MSG_OUTCOME, 0)->outcome.result));
    assert_ptr_equal(lender->bytes.ptr, at);
    stage_pass(&s, 1000); /* told again */
    assert_ptr_equal(stage_find(&s, AGENT_FX_SEND)->lender, lender);
    assert_int_equal(atomic_load(&lender->holders), 2);
    shared_hold(lender); /* as a connection does that it waits on */
    stage_ack(&s, 1, number);
    stage_pass(&s, 1000);
    assert_int_equal(atomic_load(&lender->holders), 1);
    shared_drop(lender);
    stage_close(&s);
}

static void test_a_long_checkpoint_is_lent_when_it_is_told(void **state)
{
    (void)state;
    struct stage s = stage_open(NULL);
    stage_join(&s, 1, EVERY_PARTITION);
    uint64_t number = run_one(&s, 1, "t");
    struct buf text = long_text('2');
    struct attempt_news news = {.fraction = -1, .checkpoint = buf_bytes(&text)};
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_NEWS, .number = number, .news = &news});
    const struct message *m = stage_sent(&s, 1, MSG_PROGRESS, 0);
    struct shared *lender = stage_find(&s, AGENT_FX_SEND)->lender;
    assert_true(shared_has(lender, m->progress.checkpoint));
    assert_true(bytes_eq(m->progress.checkpoint, buf_bytes(&text)));
    shared_hold(lender);
    s.now.mono += 200;
    news.holder = &text; /* what it was read to may stay */
    stage_event(&s, (struct agent_event){.kind = AGENT_EV_NEWS, .number = number, .news = &news});
    assert_null(text.ptr);
    assert_ptr_equal(stage_sent(&s, 1, MSG_PROGRESS, 0)->progress.checkpoint.ptr,
                     news.checkpoint.ptr);
    say(&s, number, -1, "{\"page\":2}");
    stage_fail(&s, number, "boom"); /* tells the short one first, which is copied */
    assert_true(bytes_is(stage_sent(&s, 1, MSG_PROGRESS, 0)->progress.checkpoint, "{\"page\":2}"));
    assert_int_equal(atomic_load(&lender->holders), 1);
    shared_drop(lender);
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_outcome_is_told_again_until_it_is_acknowledged),
        cmocka_unit_test(test_news_that_were_not_understood_are_told_once_a_second),
        cmocka_unit_test(test_a_coordinator_that_does_not_acknowledge_is_told_less_and_less_often),
        cmocka_unit_test(
            test_a_lost_coordinator_stops_nothing_and_hears_the_outcome_when_it_is_back),
        cmocka_unit_test(test_a_claim_that_passes_leaves_the_partition_to_the_one_that_had_it),
        cmocka_unit_test(test_outcome_and_claims_follow_the_partition_to_its_new_owner),
        cmocka_unit_test(test_who_gets_a_partition_back_is_told_again_at_once),
        cmocka_unit_test(test_without_an_owner_the_outcome_goes_to_where_the_order_came_from),
        cmocka_unit_test(test_an_outcome_says_when_it_began_and_how_long_it_took),
        cmocka_unit_test(test_news_go_out_at_once_and_then_ten_times_a_second_at_most),
        cmocka_unit_test(test_waiting_news_are_sent_when_their_time_has_come),
        cmocka_unit_test(test_the_newest_checkpoint_goes_ahead_of_a_failure),
        cmocka_unit_test(test_a_checkpoint_is_one_line),
        cmocka_unit_test(test_what_was_used_is_told_as_the_sum_until_now_and_to_a_new_owner_again),
        cmocka_unit_test(test_an_attempt_that_used_nothing_says_nothing_of_it),
        cmocka_unit_test(test_a_result_stays_in_the_buffer_that_its_function_filled),
        cmocka_unit_test(test_a_long_result_is_lent),
        cmocka_unit_test(test_a_long_checkpoint_is_lent_when_it_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
