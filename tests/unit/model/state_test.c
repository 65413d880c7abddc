#include "model/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_task_states_read_back(void **state)
{
    (void)state;
    for (int i = 0; i < TASK_STATE_COUNT; i++) {
        enum task_state parsed = TASK_STATE_COUNT;
        assert_int_equal(task_state_parse(bytes_str(task_state_name((enum task_state)i)), &parsed),
                         ERR_OK);
        assert_int_equal(parsed, i);
    }
    enum task_state untouched = TASK_FAILED;
    assert_int_equal(task_state_parse(BYTES_LIT("Running"), &untouched), ERR_INVALID);
    assert_int_equal(task_state_parse(BYTES_NONE, &untouched), ERR_INVALID);
    assert_int_equal(untouched, TASK_FAILED);
}

static void test_the_names_are_those_of_the_clients(void **state)
{
    (void)state;
    static const char *const tasks[] = {"pending",   "running", "recovering",
                                        "completed", "failed",  "cancelled",
                                        "paused",    "waiting", "budget_exceeded"};
    static const char *const steps[] = {"pending", "running", "completed",
                                        "failed",  "skipped", "cancelled"};
    for (int i = 0; i < TASK_STATE_COUNT; i++) {
        assert_string_equal(task_state_name((enum task_state)i), tasks[i]);
        assert_non_null(strstr(TASK_STATES_TEXT, tasks[i]));
    }
    for (int i = 0; i < 6; i++) {
        assert_string_equal(step_state_name((enum step_state)i), steps[i]);
    }
    assert_int_equal(TASK_STATE_COUNT, sizeof tasks / sizeof tasks[0]);
    assert_int_equal(STEP_STATE_COUNT, 6);
}

static void test_three_states_are_ends(void **state)
{
    (void)state;
    unsigned ended = 0;
    for (int i = 0; i < TASK_STATE_COUNT; i++) {
        ended |= task_state_ended((enum task_state)i) ? 1u << i : 0;
    }
    assert_int_equal(ended, 1u << TASK_COMPLETED | 1u << TASK_FAILED | 1u << TASK_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_task_states_read_back),
        cmocka_unit_test(test_the_names_are_those_of_the_clients),
        cmocka_unit_test(test_three_states_are_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
