#include "cli/start_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct start_body nothing = {.version = START_UNSET,
                                          .priority = START_UNSET,
                                          .max_retries = START_UNSET,
                                          .max_duration_s = START_UNSET,
                                          .checkpoint_interval_s = START_UNSET};

static void writes(const struct start_body *b, const char *expected)
{
    struct buf out = {0};
    struct buf message = {0};
    assert_int_equal(start_body_write(b, &out, &message), ERR_OK);
    assert_string_equal(buf_cstr(&out), expected);
    buf_free(&out);
    buf_free(&message);
}

static void refuses(const char *steps, const char *complaint)
{
    struct start_body b = nothing;
    struct buf out = {0};
    struct buf message = {0};
    b.steps = bytes_str(steps);
    assert_int_equal(start_body_write(&b, &out, &message), ERR_INVALID);
    assert_string_equal(buf_cstr(&message), complaint);
    buf_free(&out);
    buf_free(&message);
}

static void test_only_what_was_given_is_said(void **state)
{
    (void)state;
    struct start_body b = nothing;
    b.pipeline = "full_analysis";
    writes(&b, "{\"task_type\":\"full_analysis\"}");
}

static void test_everything_that_can_be_given_is_said(void **state)
{
    (void)state;
    struct start_body b = {.pipeline = "p",
                           .task_id = "t1",
                           .session_id = "a \"b\"",
                           .input = BYTES_LIT("{\"x\": 1}"),
                           .steps = BYTES_LIT("[]"),
                           .version = 4,
                           .priority = -3,
                           .max_retries = 0,
                           .max_duration_s = 60,
                           .checkpoint_interval_s = 5,
                           .no_checkpoints = true};
    writes(&b,
           "{\"task_type\":\"p\",\"steps\":[],\"task_id\":\"t1\",\"session_id\":\"a \\\"b\\\"\","
           "\"input_data\":{\"x\": "
           "1},\"pipeline_version\":4,\"priority\":-3,\"max_retries_per_step\":0,"
           "\"max_task_duration_seconds\":60,\"checkpoint_interval_seconds\":5,\"enable_"
           "checkpoints\":false}");
}

static void test_a_definition_gives_its_steps_and_its_name(void **state)
{
    (void)state;
    struct start_body b = nothing;
    b.steps = BYTES_LIT("{\"name\":\"mine\",\"description\":\"d\",\"steps\":[{\"name\":\"a\"}]}");
    writes(&b, "{\"task_type\":\"mine\",\"steps\":[{\"name\":\"a\"}]}");
    b.pipeline = "label";
    writes(&b, "{\"task_type\":\"label\",\"steps\":[{\"name\":\"a\"}]}");
    b.steps = BYTES_LIT("{\"budget\":{\"steps\":3},\"steps\":[]}");
    writes(&b, "{\"task_type\":\"label\",\"steps\":[],\"budget\":{\"steps\":3}}");
    b.budget = BYTES_LIT("{\"steps\":4}");
    writes(&b, "{\"task_type\":\"label\",\"steps\":[],\"budget\":{\"steps\":4}}");
}

static void test_steps_of_another_form_are_refused(void **state)
{
    (void)state;
    refuses("7", "--steps must be an array of steps, or a pipeline's definition");
    refuses("{}", "--steps is an object without a member \"steps\"");
    refuses("{\"steps\":1}", "--steps must be an array of steps, or a pipeline's definition");
    refuses("{\"steps\":[],\"requires\":1}", "--steps is a definition with \"requires\", which "
                                             "only a pipeline stored on the server can have");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_was_given_is_said),
        cmocka_unit_test(test_everything_that_can_be_given_is_said),
        cmocka_unit_test(test_a_definition_gives_its_steps_and_its_name),
        cmocka_unit_test(test_steps_of_another_form_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
