/* Pipelines as steps of others: expanded at the start, with an input and conditions of their own.
 */
#include <stdio.h>

#define USUAL_SLOTS 8
#include "core/state.h"
#include "core/tasks.h"
#include "usual.h"

static const struct message *start(const char *input, const char *steps)
{
    struct message m = stage_start_request("t", steps);
    m.start.input = bytes_str(input);
    return stage_ask(&s, gateway, &m);
}

static void started(const char *input, const char *steps)
{
    const struct message *answer = start(input, steps);
    if (answer->type != MSG_STARTED) {
        fail_msg("%.*s: %.*s", (int)answer->refused.pointer.len,
                 (const char *)answer->refused.pointer.ptr, (int)answer->refused.detail.len,
                 (const char *)answer->refused.detail.ptr);
    }
}

static void refused(const char *steps, const char *pointer, const char *detail)
{
    const struct message *answer = start("{}", steps);
    assert_int_equal(answer->type, MSG_REFUSED);
    assert_true(bytes_is(answer->refused.pointer, pointer));
    if (!bytes_is(answer->refused.detail, detail)) {
        fail_msg("%.*s", (int)answer->refused.detail.len, (const char *)answer->refused.detail.ptr);
    }
}

static void store_pipeline(const char *source, uint32_t version)
{
    stage_event(
        &s, &(struct event){.kind = EV_PIPELINE, .text = bytes_str(source), .version = version});
}

static void assert_text(struct bytes have, const char *want)
{
    if (!bytes_is(have, want)) {
        fail_msg("%.*s", (int)have.len, (const char *)have.ptr);
    }
}

static void succeed(const char *name, const char *result)
{
    const struct step_order *o = stage_order(&s, worker);
    assert_text(o->name, name);
    assert_int_equal(stage_succeed(&s, worker, o, result), VERDICT_APPLIED);
}

#define BAKE                                                                                       \
    "{\"name\":\"bake\",\"steps\":[{\"name\":\"mix\",\"function\":\"f\",\"input\":{\"of\":"        \
    "\"${input.dough}\"}},{\"name\":\"heat\",\"function\":\"f\"},"                                 \
    "{\"name\":\"wash\",\"function\":\"f\",\"needs\":[\"mix\"]}]}"
#define SHOP                                                                                       \
    "[{\"name\":\"buy\",\"function\":\"f\"},"                                                      \
    "{\"name\":\"cake\",\"pipeline\":\"bake\",\"input\":{\"dough\":\"${steps.buy.result.flour}\"}" \
    "},"                                                                                           \
    "{\"name\":\"eat\",\"function\":\"f\"}]"

static void test_a_pipeline_is_a_step(void **state)
{
    (void)state;
    store_pipeline(BAKE, 3);
    started("{\"who\":\"ann\"}", SHOP);
    succeed("buy", "{\"flour\":\"rye\"}");
    const struct step_order *mix = stage_order(&s, worker);
    assert_text(mix->name, "cake/mix");
    assert_text(mix->input.whole, "{\"of\":\"rye\"}");
    stage_succeed(&s, worker, mix, "1");
    const struct step_order *heat = stage_order(&s, worker);
    const struct step_order *wash = stage_order(&s, worker);
    assert_text(heat->name, "cake/heat");
    assert_text(heat->input.whole,
                "{\"dough\":\"rye\"}");              /* without one of its own: its pipeline's */
    assert_text(heat->results.whole, "{\"mix\":1}"); /* its own pipeline's only */
    stage_succeed(&s, worker, heat, "2");
    stage_nothing(&s, worker, MSG_ORDER);
    stage_succeed(&s, worker, wash, "3");
    const struct step_order *eat = stage_order(&s, worker);
    assert_text(eat->name, "eat");
    assert_text(eat->results.whole,
                "{\"buy\":{\"flour\":\"rye\"},\"cake\":{\"heat\":2,\"wash\":3}}");
    stage_succeed(&s, worker, eat, "4");
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_COMPLETED);
    assert_int_equal(v->step_count, 6);
    assert_text(v->steps[4].name, "cake");
    assert_int_equal(v->steps[4].state, STEP_COMPLETED);
}

static void test_a_condition_is_for_all_of_it(void **state)
{
    (void)state;
    store_pipeline(BAKE, 1);
    started("{}", "[{\"name\":\"cake\",\"pipeline\":\"bake\",\"when\":\"has(input.dough)\"},"
                  "{\"name\":\"eat\",\"function\":\"f\"}]");
    succeed("eat", "1");
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_COMPLETED);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(v->steps[i].state, STEP_SKIPPED);
    }
}

static void test_a_task_keeps_the_version_of_its_start(void **state)
{
    (void)state;
    store_pipeline(BAKE, 1);
    started("{}", SHOP);
    store_pipeline("{\"name\":\"bake\",\"steps\":[{\"name\":\"burn\",\"function\":\"f\"}]}", 2);
    stage_store_lost(&s, false); /* read anew from what is stored */
    stage_store_up(&s);
    stage_sleep(&s, 4000);
    assert_int_equal(stage_status(&s, gateway, "t")->step_count, 6);
    assert_text(stage_status(&s, gateway, "t")->steps[1].name, "cake/mix");
}

static void start_stored(const char *id, const char *name)
{
    struct message m = stage_start_request(id, "");
    m.start.task_type = bytes_str(name);
    m.start.input = BYTES_LIT("{\"dough\":\"rye\"}");
    assert_int_equal(stage_ask(&s, gateway, &m)->type, MSG_STARTED);
}

static void test_a_stored_one_is_put_together_once_until_one_that_it_names_changes(void **state)
{
    (void)state;
    store_pipeline(BAKE, 1);
    store_pipeline("{\"name\":\"shop\",\"steps\":[{\"name\":\"cake\",\"pipeline\":\"bake\"}]}", 1);
    start_stored("t1", "shop");
    start_stored("t2", "shop");
    assert_int_equal(s.core->library.wholes.count, 1);
    assert_ptr_equal(task_find(s.core, BYTES_LIT("t1"))->pipeline,
                     task_find(s.core, BYTES_LIT("t2"))->pipeline);
    store_pipeline("{\"name\":\"bake\",\"steps\":[{\"name\":\"burn\",\"function\":\"f\"}]}", 2);
    start_stored("t3", "shop");
    assert_text(stage_status(&s, gateway, "t2")->steps[0].name, "cake/mix");
    assert_text(stage_status(&s, gateway, "t3")->steps[0].name, "cake/burn");
    started("{}", SHOP); /* an inline one is not kept */
    assert_int_equal(s.core->library.wholes.count, 1);
}

static void test_pipelines_within_pipelines(void **state)
{
    (void)state;
    store_pipeline("{\"name\":\"inner\",\"steps\":[{\"name\":\"x\",\"function\":\"f\",\"input\":{"
                   "\"y\":\"${input.b}\"}}]}",
                   1);
    store_pipeline("{\"name\":\"outer\",\"steps\":[{\"name\":\"in\",\"pipeline\":\"inner\","
                   "\"input\":{\"b\":\"${input.a + 1}\"}}]}",
                   1);
    started("{\"n\":40}", "[{\"name\":\"out\",\"pipeline\":\"outer\",\"input\":{\"a\":\"${input.n "
                          "+ 1}\"}}]");
    const struct step_order *x = stage_order(&s, worker);
    assert_text(x->name, "out/in/x");
    assert_text(x->input.whole, "{\"y\":42}");
    stage_succeed(&s, worker, x, "true");
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_COMPLETED);
    assert_int_equal(v->steps[2].result_len, strlen("{\"in\":{\"x\":true}}"));
}

static void test_a_fault_in_its_input_is_told_as_such(void **state)
{
    (void)state;
    store_pipeline(BAKE, 1);
    started("{}", SHOP);
    succeed("buy", "{\"sugar\":1}");
    const struct task_view *v = stage_status(&s, gateway, "t");
    assert_int_equal(v->state, TASK_FAILED);
    assert_text(v->error, "step \"cake\", /input/dough, ${steps.buy.result.flour}: there is no "
                          "\"flour\" in steps.buy.result; it has \"sugar\"");
    assert_text(v->error_step, "cake/mix");
}

/* What is put together for it, of an input or of a result, goes out from there. */
static void test_what_is_put_together_for_it_is_not_copied_again(void **state)
{
    (void)state;
    enum { LONG = 2000 };
    char text[LONG + 3], input[LONG + 100];
    memset(text, 'x', LONG + 2);
    text[0] = text[LONG + 1] = '"';
    text[LONG + 2] = '\0';
    (void)snprintf(input, sizeof input, "{\"flour\":%s}", text);
    started(input, "[{\"name\":\"in\",\"pipeline\":{\"steps\":[{\"name\":\"a\",\"function\":\"f\","
                   "\"input\":{\"of\":\"${input.dough[0]}\",\"with\":\"${[input.dough]}\"}}]},"
                   "\"input\":{\"dough\":[\"${input.flour}\"]}}]");
    assert_int_equal(s.written_lent, 0);
    const struct step_order *o = stage_order(&s, worker);
    assert_int_equal(parts_len(&o->input), 2 * (LONG + 2) + strlen("{\"of\":,\"with\":[[]]}"));
    assert_int_equal(s.sent_lent, 2 * (LONG + 2) + strlen("[[]]"));
    assert_int_equal(stage_succeed(&s, worker, o, text), VERDICT_APPLIED);
    assert_int_equal(stage_status(&s, gateway, "t")->state, TASK_COMPLETED);
    assert_int_equal(s.written_lent, LONG + 2 + strlen("{\"a\":}"));
}

static void test_a_recover_from_it_runs_all_of_it_again(void **state)
{
    (void)state;
    store_pipeline(BAKE, 1);
    started("{}", SHOP);
    succeed("buy", "{\"flour\":\"rye\"}");
    succeed("cake/mix", "1");
    succeed("cake/heat", "2");
    succeed("cake/wash", "3");
    (void)stage_order(&s, worker);
    stage_task_request(&s, gateway, MSG_CANCEL, "t");
    assert_string_equal(message_type_name(stage_recover(&s, gateway, "t", "cake", "")->type),
                        "DONE");
    succeed("cake/mix", "11");
}

static void test_what_cannot_be_expanded_is_refused(void **state)
{
    (void)state;
    refused("[{\"name\":\"a\",\"function\":\"f\"},{\"name\":\"b\",\"pipeline\":\"nope\"}]",
            "/steps/1/pipeline", "there is no pipeline with this name: nope");
    store_pipeline("{\"name\":\"p\",\"steps\":[{\"name\":\"x\",\"pipeline\":\"q\"}]}", 1);
    store_pipeline("{\"name\":\"q\",\"steps\":[{\"name\":\"y\",\"pipeline\":\"p\"}]}", 1);
    refused("[{\"name\":\"b\",\"pipeline\":\"p\"}]", "/steps/0/pipeline",
            "a pipeline must not contain itself: p > q > p");
    store_pipeline("{\"name\":\"last\",\"steps\":[{\"name\":\"x\",\"function\":\"f\"},"
                   "{\"name\":\"y\",\"function\":\"f\",\"finally\":true}]}",
                   1);
    refused("[{\"name\":\"b\",\"pipeline\":\"last\"}]", "/steps/0/pipeline/steps/1/finally",
            "a pipeline that is a step of another one cannot have finally steps");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_a_pipeline_is_a_step),
        TEST(test_a_condition_is_for_all_of_it),
        TEST(test_a_task_keeps_the_version_of_its_start),
        TEST(test_a_stored_one_is_put_together_once_until_one_that_it_names_changes),
        TEST(test_pipelines_within_pipelines),
        TEST(test_a_fault_in_its_input_is_told_as_such),
        TEST(test_what_is_put_together_for_it_is_not_copied_again),
        TEST(test_a_recover_from_it_runs_all_of_it_again),
        TEST(test_what_cannot_be_expanded_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
