#include "cli/bars.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "task_view.h"

#define RUNNING                                                                                    \
    "\"status\":\"running\",\"task_type\":\"p\",\"progress\":0.25,\"started_at\":\"" START_TEXT "\""

static const struct bars_screen plain = {.columns = 80, .rows = 24};

static void shows(const struct view *v, const struct bars_screen *screen, const char *expected)
{
    struct buf out = {0};
    size_t lines = bars_render(&out, v, screen, START_MS + 4000);
    size_t breaks = 0;
    for (size_t i = 0; i < out.len; i++) {
        breaks += out.ptr[i] == '\n' ? 1 : 0;
    }
    assert_string_equal(buf_cstr(&out), expected);
    assert_int_equal(lines, breaks);
    assert_true(lines < screen->rows);
    buf_free(&out);
}

static void test_each_step_has_a_row_with_its_state(void **state)
{
    (void)state;
    struct view v = view_of(
        RUNNING,
        "{\"name\":\"extract\",\"status\":\"completed\",\"duration_ms\":1203},"
        "{\"name\":\"bcg\",\"status\":\"running\",\"progress\":0.5,\"started_at\":\"" START_TEXT
        "\"},"
        "{\"name\":\"again\",\"status\":\"pending\",\"retry_count\":1,\"max_retries\":3,"
        "\"retry_at\":\"2026-02-02T18:30:06Z\",\"error_message\":\"no net\"},"
        "{\"name\":\"lonely\",\"status\":\"pending\",\"waiting_for\":\"no worker offers x\"},"
        "{\"name\":\"last\",\"status\":\"pending\"}");
    shows(&v, &plain,
          "t1  p  running\n"
          " + extract  completed  1.2s\n"
          " | bcg      ##########----------  50%  4s\n"
          " ~ again    retry 1 of 3 in 2s: no net\n"
          " . lonely   no worker offers x\n"
          " . last     waiting\n"
          "#######---------------------  25%  1/5 steps  4s elapsed, about 12s left\n");
    view_free(&v);
}

static void test_the_marks_of_running_steps_turn(void **state)
{
    (void)state;
    struct view v = view_of("\"status\":\"running\",\"progress\":0",
                            "{\"name\":\"a\",\"status\":\"running\",\"retry_count\":1}");
    struct bars_screen screen = plain;
    screen.tick = 9;
    shows(&v, &screen,
          "t1  running\n"
          " / a  --------------------   0%  attempt 2\n"
          "----------------------------   0%  0/1 steps  0s elapsed\n");
    view_free(&v);
}

static void test_a_pipeline_wider_than_the_screen_is_one_line_with_counts(void **state)
{
    (void)state;
    char *steps = steps_json(2000);
    struct view v = view_of(RUNNING, steps);
    free(steps);
    v.steps[0].state = STEP_COMPLETED;
    v.steps[1].state = STEP_RUNNING;
    v.steps[2].retry_at = START_MS;
    v.steps[3].state = STEP_FAILED;
    shows(&v, &plain,
          "t1  p  running\n"
          " 2000 steps:  1 completed  1 running  1 retrying  1 failed  1996 waiting\n"
          "#######---------------------  25%  1/2000 steps  4s elapsed, about 12s left\n");
    view_free(&v);
}

static void test_twenty_steps_fit_where_there_are_rows_for_them(void **state)
{
    (void)state;
    char *steps = steps_json(20);
    struct view v = view_of(RUNNING, steps);
    struct bars_screen screen = plain;
    struct buf out = {0};
    free(steps);
    assert_int_equal(bars_render(&out, &v, &screen, START_MS), 22);
    screen.rows = 23;
    assert_int_equal(bars_render(&out, &v, &screen, START_MS), 3);
    buf_free(&out);
    view_free(&v);
}

static void test_an_end_shows_how_and_why(void **state)
{
    (void)state;
    struct view v =
        view_of("\"status\":\"failed\",\"progress\":0.5,\"error\":\"boom\\u001b[2J\",\"started_"
                "at\":\"" START_TEXT "\",\"completed_at\":\"2026-02-02T18:30:02Z\"",
                "{\"name\":\"a\",\"status\":\"failed\",\"error_message\":\"boom\"}");
    shows(&v, &plain,
          "t1  failed\n"
          " x a  failed  boom\n"
          "##############--------------  50%  0/1 steps  2.0s\n"
          "error: boom [2J\n");
    view_free(&v);
}

static void test_no_line_is_as_wide_as_the_screen(void **state)
{
    (void)state;
    struct view v = view_of(
        RUNNING, "{\"name\":\"a_name_that_is_much_longer_than_any_column_of_names\","
                 "\"status\":\"failed\",\"error_message\":\"and an error that goes on and on, ä, "
                 "until nobody can read it any more\"}");
    for (size_t columns = 1; columns < 120; columns++) {
        struct bars_screen screen = {.columns = columns, .rows = 24, .style = {.utf8 = true}};
        struct buf out = {0};
        (void)bars_render(&out, &v, &screen, START_MS);
        size_t from = 0;
        for (size_t i = 0; i < out.len; i++) {
            if (out.ptr[i] == '\n') {
                size_t limit = columns < 20 ? 20 : columns;
                assert_true(text_columns(bytes_part(buf_bytes(&out), from, i - from)) < limit);
                from = i + 1;
            }
        }
        buf_free(&out);
    }
    view_free(&v);
}

static void test_colours_and_signs_where_the_terminal_has_them(void **state)
{
    (void)state;
    struct view v = view_of("\"status\":\"completed\",\"progress\":1,\"started_at\":\"" START_TEXT
                            "\",\"completed_at\":\"" START_TEXT "\"",
                            "{\"name\":\"a\",\"status\":\"completed\",\"duration_ms\":10}");
    struct bars_screen screen = {
        .columns = 45, .rows = 24, .style = {.utf8 = true, .colour = true}};
    shows(&v, &screen,
          "\x1b[1mt1\x1b[0m  \x1b[32mcompleted\x1b[0m\n"
          " \x1b[32m✔\x1b[0m a  \x1b[32mcompleted\x1b[0m  \x1b[2m10ms\x1b[0m\n"
          "\x1b[32m━━━━━━━━━━━━━━\x1b[0m 100%  1/1 steps  0ms\n");
    view_free(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_step_has_a_row_with_its_state),
        cmocka_unit_test(test_the_marks_of_running_steps_turn),
        cmocka_unit_test(test_a_pipeline_wider_than_the_screen_is_one_line_with_counts),
        cmocka_unit_test(test_twenty_steps_fit_where_there_are_rows_for_them),
        cmocka_unit_test(test_an_end_shows_how_and_why),
        cmocka_unit_test(test_no_line_is_as_wide_as_the_screen),
        cmocka_unit_test(test_colours_and_signs_where_the_terminal_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
