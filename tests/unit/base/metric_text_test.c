#include "base/metric_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void assert_text(struct buf *out, const char *expected)
{
    assert_string_equal(buf_cstr(out), expected);
    buf_free(out);
}

static void test_a_name_in_total_is_a_counter_and_any_other_a_gauge(void **state)
{
    (void)state;
    struct buf out = {0};
    struct metric_text t = {&out, "m_"};
    metric_single(&t, "x_total", "Xs.", 7);
    metric_single(&t, "y", "Ys.", 8);
    assert_text(&out, "# HELP m_x_total Xs.\n# TYPE m_x_total counter\nm_x_total 7\n"
                      "# HELP m_y Ys.\n# TYPE m_y gauge\nm_y 8\n");
}

static void test_label_values_are_escaped(void **state)
{
    (void)state;
    struct buf out = {0};
    struct metric_text t = {&out, "m_"};
    metric_labelled(&t, "x", "reason", "set \"a\\b\"\nnow", 1);
    assert_text(&out, "m_x{reason=\"set \\\"a\\\\b\\\"\\nnow\"} 1\n");
}

static void test_a_histogram_is_cumulated_and_ends_with_all(void **state)
{
    (void)state;
    struct buf out = {0};
    struct metric_text t = {&out, "m_"};
    struct histogram h = {0};
    histogram_add_us(&h, 400);
    histogram_add_us(&h, 900);
    histogram_add_us(&h, INT64_C(200000) * 1000000);
    metric_histogram(&t, "x_seconds", "X.", &h);
    const char *text = buf_cstr(&out);
    assert_non_null(strstr(text, "# TYPE m_x_seconds histogram\n"
                                 "m_x_seconds_bucket{le=\"0.0005\"} 1\n"
                                 "m_x_seconds_bucket{le=\"0.001\"} 2\n"));
    assert_non_null(strstr(text, "m_x_seconds_bucket{le=\"86400\"} 2\n"
                                 "m_x_seconds_bucket{le=\"+Inf\"} 3\n"
                                 "m_x_seconds_sum 200000.001300\nm_x_seconds_count 3\n"));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_in_total_is_a_counter_and_any_other_a_gauge),
        cmocka_unit_test(test_label_values_are_escaped),
        cmocka_unit_test(test_a_histogram_is_cumulated_and_ends_with_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
