/* The ends of functions' logs: of what runs in the status, of what is done in the history. */
#include "core/task.h"
#include "core/tasks.h"
#include "model/limits.h"
#define USUAL_SLOTS 80
#include "usual.h"

#define TWO  "[{\"name\":\"one\",\"function\":\"f\"},{\"name\":\"two\",\"function\":\"f\"}]"
#define EACH "[{\"name\":\"each\",\"function\":\"f\",\"for_each\":\"${input.list}\"}]"

static void assert_text(struct bytes have, const char *want)
{
    if (!bytes_is(have, want)) {
        fail_msg("%.*s, not %s", (int)have.len, (const char *)have.ptr, want);
    }
}

/* The worker tells what it has heard of the log so far. */
static void say(const struct step_order *o, const char *log)
{
    struct message m = {.type = MSG_PROGRESS};
    m.progress.ref = o->ref;
    m.progress.fraction = -1;
    m.progress.log = bytes_str(log);
    stage_send(&s, worker, &m);
}

static void succeed(const struct step_order *o, const char *log)
{
    struct message m = stage_success(o, "1");
    m.outcome.message = bytes_str(log);
    stage_send(&s, worker, &m);
    assert_int_equal(stage_take(&s, worker, MSG_ACK)->ack.verdict, VERDICT_APPLIED);
}

/* The nth (from 1) step_completed of the history. */
static struct task_event completed(uint32_t nth)
{
    struct message m = {.type = MSG_GET_HISTORY};
    m.get_history.task_id = BYTES_LIT("t");
    const struct message *answer = stage_ask(&s, gateway, &m);
    assert_int_equal(answer->type, MSG_EVENTS);
    for (uint32_t i = 0; i < answer->events.count; i++) {
        nth -= answer->events.events[i].type == EVENT_STEP_COMPLETED;
        if (nth == 0) {
            return answer->events.events[i];
        }
    }
    fail_msg("no such event");
    return (struct task_event){0};
}

static struct bytes shown(uint32_t step)
{
    return stage_status(&s, gateway, "t")->steps[step].log;
}

static void test_a_running_step_shows_the_end_of_its_log(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", TWO);
    const struct step_order *o = stage_order(&s, worker);
    assert_text(shown(0), "");
    say(o, "page 1");
    say(o, "page 1\npage 2");
    assert_text(shown(0), "page 1\npage 2");
    stage_fail(&s, worker, o);
    assert_text(shown(0), ""); /* its error has it */
}

static void test_a_completed_step_leaves_the_end_of_its_log_in_the_history(void **state)
{
    (void)state;
    stage_start(&s, gateway, "t", TWO);
    const struct step_order *o = stage_order(&s, worker);
    say(o, "page 1");
    succeed(o, "page 1\npage 2");
    assert_text(completed(1).message, "page 1\npage 2");
    assert_int_equal(completed(1).code, CODE_NONE);
    assert_null(
        rare_of(&task_find(s.core, BYTES_LIT("t"))->steps[0])->log); /* not in memory, too */
    assert_text(shown(0), "");
    o = stage_order(&s, worker);
    say(o, "of an attempt that fails");
    stage_fail(&s, worker, o);
    stage_time(&s, 2300);
    succeed(stage_order(&s, worker), "");
    assert_text(completed(2).message, ""); /* it has said nothing itself */
}

static void test_an_item_keeps_the_end_of_its_log_with_its_result(void **state)
{
    (void)state;
    struct message m = stage_start_request("t", EACH);
    m.start.input = BYTES_LIT("{\"list\":[1,2,3]}");
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
    succeed(stage_order(&s, worker), "item one");
    say(stage_order(&s, worker), "item two, so far");
    m = (struct message){.type = MSG_GET_ITEMS};
    m.get_items.task_id = BYTES_LIT("t");
    m.get_items.step = BYTES_LIT("each");
    m.get_items.state = -1;
    const struct message *page = stage_ask(&s, gateway, &m);
    assert_int_equal(page->items.count, 3);
    assert_text(page->items.items[0].log, "item one");
    assert_text(page->items.items[0].result, "1");
    assert_text(page->items.items[0].error, "");
    assert_text(page->items.items[1].log, "item two, so far");
    assert_text(page->items.items[2].log, "");
}

static void test_a_status_shows_so_many_bytes_of_logs(void **state)
{
    (void)state;
    enum { STEPS = 70 };
    struct buf steps = {0};
    char log[LOG_TAIL_BYTES_MAX + 1];
    for (int i = 0; i < STEPS; i++) {
        buf_addf(&steps, "%s{\"name\":\"s%d\",\"function\":\"f\",\"needs\":[]}", i > 0 ? "," : "[",
                 i);
    }
    buf_add_str(&steps, "]");
    stage_start(&s, gateway, "t", buf_cstr(&steps));
    memset(log, 'l', LOG_TAIL_BYTES_MAX);
    log[LOG_TAIL_BYTES_MAX] = '\0';
    for (int i = 0; i < STEPS; i++) {
        say(stage_order(&s, worker), log);
    }
    const struct task_view *v = stage_status(&s, gateway, "t");
    size_t whole = 0;
    for (int i = 0; i < STEPS; i++) {
        whole += v->steps[i].log.len == LOG_TAIL_BYTES_MAX;
        assert_true(v->steps[i].log.len == LOG_TAIL_BYTES_MAX || v->steps[i].log.len == 0);
    }
    assert_int_equal(whole, LOGS_SHOWN_BYTES_MAX / LOG_TAIL_BYTES_MAX);
    buf_free(&steps);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_running_step_shows_the_end_of_its_log),
        TEST(test_a_completed_step_leaves_the_end_of_its_log_in_the_history),
        TEST(test_an_item_keeps_the_end_of_its_log_with_its_result),
        TEST(test_a_status_shows_so_many_bytes_of_logs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
