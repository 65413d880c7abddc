/* Conditions and templates: what a step is to do, read from the task's data. */
#include "json/scan.h"
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

static void assert_state(uint32_t step, enum step_state state)
{
    assert_string_equal(step_state_name(stage_status(&s, gateway, "t")->steps[step].state),
                        step_state_name(state));
}

static void assert_text(struct bytes have, const char *want)
{
    if (!bytes_is(have, want)) {
        fail_msg("%.*s", (int)have.len, (const char *)have.ptr);
    }
}

#define FORK                                                                                       \
    "[{\"name\":\"a\",\"function\":\"f\"},"                                                        \
    "{\"name\":\"b\",\"function\":\"f\",\"when\":\"steps.a.result.go\"},"                          \
    "{\"name\":\"c\",\"function\":\"f\"}]"

static void test_a_step_whose_condition_holds_runs(void **state)
{
    (void)state;
    start("{}", FORK);
    stage_succeed(&s, worker, stage_order(&s, worker), "{\"go\":true}");
    const struct step_order *b = stage_order(&s, worker);
    assert_text(b->name, "b");
    assert_text(b->results.whole, "{\"a\":{\"go\":true}}");
    stage_succeed(&s, worker, b, "2");
    stage_succeed(&s, worker, stage_order(&s, worker), "3");
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
}

static void test_a_skipped_step_counts_as_done(void **state)
{
    (void)state;
    start("{}", FORK);
    stage_succeed(&s, worker, stage_order(&s, worker), "{\"go\":false}");
    assert_state(1, STEP_SKIPPED);
    const struct step_order *c = stage_order(&s, worker);
    assert_text(c->name, "c");
    assert_text(c->results.whole, "{\"a\":{\"go\":false}}");
    stage_succeed(&s, worker, c, "3");
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_COMPLETED);
    assert_true(v->steps[1].progress == 1);
    assert_int_equal(v->steps[1].result_len, 0);
}

static void test_a_skip_is_durable_before_anything_follows(void **state)
{
    (void)state;
    start("{\"n\":1}", "[{\"name\":\"a\",\"function\":\"f\",\"when\":\"input.n > 1\"},"
                       "{\"name\":\"b\",\"function\":\"f\"}]");
    const struct step_order *b = stage_order(&s, worker);
    assert_text(b->name, "b");
    stage_store_lost(&s, false); /* forgets nothing that was said */
    stage_store_up(&s);
    stage_sleep(&s, 4000);
    assert_state(0, STEP_SKIPPED);
}

static void test_all_steps_may_be_skipped(void **state)
{
    (void)state;
    start("{}", "[{\"name\":\"a\",\"function\":\"f\",\"when\":\"false\"},"
                "{\"name\":\"b\",\"function\":\"f\",\"when\":\"steps.a.status != 'skipped'\"}]");
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
    stage_nothing(&s, worker, MSG_ORDER);
}

static void test_a_condition_without_a_value_fails_the_step(void **state)
{
    (void)state;
    start("{\"x\":{\"y\":1,\"z\":2}}",
          "[{\"name\":\"a\",\"function\":\"f\",\"when\":\"input.x.w == 1\"}]");
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_FAILED);
    assert_string_equal(code_info(v->error_code)->name, "EXPRESSION_ERROR");
    assert_text(v->error, "step \"a\", /when, ${input.x.w == 1}: there is no \"w\" in input.x; it "
                          "has \"y\", \"z\"");
    assert_true(v->can_recover);
}

static void test_a_fault_in_an_expression_is_told_with_its_place(void **state)
{
    (void)state;
    start("{\"x\":1,\"y\":\"2\"}",
          "[{\"name\":\"a\",\"function\":\"f\",\"when\":\"'\u00e4' == 'a' || "
          "input.x + input.y == 3\"}]");
    assert_text(stage_status(&s, gateway, "t")->error,
                "step \"a\", /when, ${'\u00e4' == 'a' || input.x + input.y == 3}, at character 15: "
                "an int and a "
                "string cannot be joined by +; convert the other one with string()");
}

static void test_an_input_is_rendered_from_what_it_names(void **state)
{
    (void)state;
    start("{\"city\":\"K\\u00f6ln\",\"n\":2}",
          "[{\"name\":\"a\",\"function\":\"f\"},{\"name\":\"b\",\"function\":\"f\"},"
          "{\"name\":\"c\",\"function\":\"f\",\"input\":{\"list\":\"${steps.a.result.l}\","
          "\"text\":\"${input.n}x in ${input.city}\",\"b\":\"${steps.b.status}\","
          "\"tries\":\"${steps.b.attempts}\",\"task\":\"${task.id}\",\"dollar\":\"$${x}\"}}]");
    stage_succeed(&s, worker, stage_order(&s, worker), "{\"l\":[1,{\"x\":2}]}");
    stage_succeed(&s, worker, stage_order(&s, worker), "\"${input.n}\"");
    const struct step_order *c = stage_order(&s, worker);
    assert_text(c->input.whole,
                "{\"list\":[1,{\"x\":2}],\"text\":\"2x in K\\u00f6ln\",\"b\":\"completed\","
                "\"tries\":1,\"task\":\"t\",\"dollar\":\"${x}\"}");
    assert_text(c->results.whole, "{}");
}

/* As many as a template may have, each over an input as long as it may be: gone over for each, that
 * were more work than expressions may make. */
static void test_the_expressions_of_an_input_go_over_what_they_look_into_once(void **state)
{
    (void)state;
    struct buf input = {0}, steps = {0};
    buf_add_str(&input, "{\"pad\":\"");
    memset(buf_extend(&input, 200000), 'x', 200000);
    buf_add_str(&input, "\",\"n\":[7]}");
    buf_add_str(&steps, "[{\"name\":\"a\",\"function\":\"f\",\"input\":{\"l\":[");
    for (int i = 0; i < 1000; i++) {
        buf_addf(&steps, "%s\"${input.n[0]}\"", i > 0 ? "," : "");
    }
    buf_add_str(&steps, "]}}]");
    start(buf_cstr(&input), buf_cstr(&steps));
    assert_int_equal(stage_order(&s, worker)->input.whole.len, strlen("{\"l\":[]}") + 2 * 1000 - 1);
    buf_free(&input);
    buf_free(&steps);
}

static void test_an_input_without_a_value_fails_the_step_for_good(void **state)
{
    (void)state;
    start("{}",
          "[{\"name\":\"a\",\"function\":\"f\"},{\"name\":\"b\",\"function\":\"f\",\"input\":{"
          "\"x\":[\"${steps.a.result.deep.path}\"]}}]");
    stage_succeed(&s, worker, stage_order(&s, worker), "{\"other\":1}");
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_FAILED);
    assert_text(v->steps[1].error,
                "step \"b\", /input/x/0, ${steps.a.result.deep.path}: there is no "
                "\"deep\" in steps.a.result; it has \"other\"");
    stage_nothing(&s, worker, MSG_ORDER);
    /* The credit that it held is there for others. */
    stage_start(&s, gateway, "u",
                "[{\"function\":\"f\"},{\"name\":\"g\",\"function\":\"f\",\"needs\":[]},"
                "{\"name\":\"h\",\"function\":\"f\",\"needs\":[]}]");
    for (int i = 0; i < 3; i++) {
        assert_non_null(stage_order(&s, worker));
    }
}

static void test_a_retry_does_not_ask_again(void **state)
{
    (void)state;
    start("{\"n\":1}", "[{\"name\":\"a\",\"function\":\"f\",\"when\":\"input.n == 1\"}]");
    stage_fail(&s, worker, stage_order(&s, worker));
    stage_time(&s, 3000);
    stage_succeed(&s, worker, stage_order(&s, worker), "1");
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
}

static void test_a_recover_from_before_asks_again(void **state)
{
    (void)state;
    start("{}", FORK);
    stage_succeed(&s, worker, stage_order(&s, worker), "{\"go\":false}");
    stage_task_request(&s, gateway, MSG_CANCEL, "t");
    assert_string_equal(message_type_name(stage_recover(&s, gateway, "t", "a", "")->type), "DONE");
    const struct step_order *old = stage_order(&s, worker); /* of c, before the cancel */
    assert_text(old->name, "c");
    stage_succeed(&s, worker, stage_order(&s, worker), "{\"go\":true}");
    assert_text(stage_order(&s, worker)->name, "b");
}

static void test_a_recover_keeps_what_was_skipped(void **state)
{
    (void)state;
    start("{}", FORK);
    stage_succeed(&s, worker, stage_order(&s, worker), "{\"go\":false}");
    (void)stage_order(&s, worker);
    stage_task_request(&s, gateway, MSG_CANCEL, "t");
    assert_state(1, STEP_SKIPPED);
    assert_string_equal(message_type_name(stage_recover(&s, gateway, "t", "", "")->type), "DONE");
    assert_text(stage_order(&s, worker)->name, "c");
    assert_state(1, STEP_SKIPPED);
}

static void test_only_so_many_conditions_are_read_for_at_once(void **state)
{
    (void)state;
    struct buf steps = {0};
    buf_add_char(&steps, '[');
    for (int i = 0; i < 600; i++) {
        buf_addf(&steps,
                 "%s{\"name\":\"s%d\",\"function\":\"f\",\"needs\":[],\"when\":\"input.n == %d\"}",
                 i > 0 ? "," : "", i, i);
    }
    buf_add_char(&steps, ']');
    start("{\"n\":599}", buf_cstr(&steps));
    buf_free(&steps);
    assert_text(stage_order(&s, worker)->name, "s599");
    stage_nothing(&s, worker, MSG_ORDER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_a_step_whose_condition_holds_runs),
        TEST(test_a_skipped_step_counts_as_done),
        TEST(test_a_skip_is_durable_before_anything_follows),
        TEST(test_all_steps_may_be_skipped),
        TEST(test_a_condition_without_a_value_fails_the_step),
        TEST(test_a_fault_in_an_expression_is_told_with_its_place),
        TEST(test_an_input_is_rendered_from_what_it_names),
        TEST(test_the_expressions_of_an_input_go_over_what_they_look_into_once),
        TEST(test_an_input_without_a_value_fails_the_step_for_good),
        TEST(test_a_retry_does_not_ask_again),
        TEST(test_a_recover_from_before_asks_again),
        TEST(test_a_recover_keeps_what_was_skipped),
        TEST(test_only_so_many_conditions_are_read_for_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
