#include "cli/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static void place_is(const char *text, size_t offset, size_t line, size_t column)
{
    size_t l = 0, c = 0;
    source_place(bytes_str(text), offset, &l, &c);
    assert_int_equal(l, line);
    assert_int_equal(c, column);
}

static void test_a_fault_has_its_line_and_column(void **state)
{
    (void)state;
    place_is("", 0, 1, 1);
    place_is("ab\ncd", 1, 1, 2);
    place_is("ab\ncd", 3, 2, 1);
    place_is("ab\ncd", 4, 2, 2);
    place_is("ab\n", 99, 2, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_fault_has_its_line_and_column)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
