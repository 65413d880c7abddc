#include "cli/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static const char *const headings[] = {"NAME", "N", "NOTE"};

static void shows(struct table *t, bool colour, const char *expected)
{
    struct buf out = {0};
    struct text_style style = {.colour = colour};
    table_write(t, &style, &out);
    assert_string_equal(buf_cstr(&out), expected);
    buf_free(&out);
    table_free(t);
}

static void test_columns_are_as_wide_as_their_widest_cell(void **state)
{
    (void)state;
    struct table t;
    table_init(&t, headings, 3);
    table_add(&t, bytes_str("a_long_name"));
    table_addf(&t, "%d", 7);
    table_add(&t, bytes_str("x"));
    table_add(&t, bytes_str("ä"));
    table_addf(&t, "%d", 12345);
    table_add(&t, BYTES_NONE);
    shows(&t, false,
          "NAME         N      NOTE\n"
          "a_long_name  7      x\n"
          "ä            12345  -\n");
}

static void test_a_table_without_rows_is_its_heading(void **state)
{
    (void)state;
    struct table t;
    table_init(&t, headings, 2);
    shows(&t, true, "\x1b[2mNAME\x1b[0m  \x1b[2mN\x1b[0m\n");
}

static void test_cells_stay_on_their_line_and_are_cut_but_in_the_last_column(void **state)
{
    (void)state;
    struct table t;
    char wide[101];
    memset(wide, 'w', 100);
    wide[100] = '\0';
    struct buf expected = {0};
    table_init(&t, headings, 2);
    table_add(&t, bytes_str(wide));
    table_add(&t, bytes_str(wide));
    buf_addf(&expected, "NAME%56s  N\n%.60s  %s\n", "", wide, wide);
    shows(&t, false, buf_cstr(&expected));
    buf_free(&expected);
    table_init(&t, headings, 2);
    table_add(&t, bytes_str("a\nb"));
    table_add(&t, bytes_str("\x1b[31m"));
    shows(&t, false, "NAME  N\na b    [31m\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(test_a_table_without_rows_is_its_heading),
        cmocka_unit_test(test_cells_stay_on_their_line_and_are_cut_but_in_the_last_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
