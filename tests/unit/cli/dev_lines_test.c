#include "cli/dev_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct text_style plain = {.colour = false};

static void test_lines_get_the_name_of_their_program(void **state)
{
    (void)state;
    struct dev_lines l = {.label = "gateway"};
    struct buf out = {0};
    dev_lines_feed(&l, BYTES_LIT("one\ntw"), &plain, &out);
    assert_string_equal(buf_cstr(&out), "gateway     | one\n");
    dev_lines_feed(&l, BYTES_LIT("o\n\nlast"), &plain, &out);
    dev_lines_end(&l, &plain, &out);
    dev_lines_end(&l, &plain, &out);
    assert_string_equal(buf_cstr(&out), "gateway     | one\n"
                                        "gateway     | two\n"
                                        "gateway     | \n"
                                        "gateway     | last\n");
    buf_free(&out);
    dev_lines_free(&l);
}

static void test_only_the_name_is_coloured_and_controls_are_taken_out(void **state)
{
    (void)state;
    struct dev_lines l = {.label = "coordinator", .colour = TEXT_BLUE};
    struct text_style style = {.colour = true};
    struct buf out = {0};
    dev_lines_feed(&l, BYTES_LIT("a\x1b[2Jb\r\n"), &style, &out);
    assert_string_equal(buf_cstr(&out), "\x1b[36mcoordinator | \x1b[0ma [2Jb \n");
    buf_free(&out);
    dev_lines_free(&l);
}

static void test_an_endless_line_is_broken(void **state)
{
    (void)state;
    struct dev_lines l = {.label = "redis"};
    struct buf out = {0};
    struct buf in = {0};
    memset(buf_extend(&in, 3 * DEV_LINE_BYTES_MAX + 1), 'x', 3 * DEV_LINE_BYTES_MAX + 1);
    dev_lines_feed(&l, buf_bytes(&in), &plain, &out);
    assert_int_equal(l.partial.len, 1);
    assert_int_equal(out.len, 3 * (DEV_LINE_BYTES_MAX + sizeof "redis       | "));
    buf_free(&in);
    buf_free(&out);
    dev_lines_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_get_the_name_of_their_program),
        cmocka_unit_test(test_only_the_name_is_coloured_and_controls_are_taken_out),
        cmocka_unit_test(test_an_endless_line_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
