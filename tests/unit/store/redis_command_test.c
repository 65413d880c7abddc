#include "store/redis_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void test_a_command_is_an_array_of_strings(void **state)
{
    (void)state;
    struct redis_command c = {0};
    command_begin(&c, "SET");
    command_add_str(&c, "key");
    command_add(&c, bytes_of("a\0b", 3));
    struct bytes text = command_end(&c);
    assert_true(bytes_eq(text, bytes_of("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$3\r\na\0b\r\n", 31)));
    command_begin(&c, "X"); /* empties it */
    command_add_uint(&c, UINT64_MAX);
    command_add(&c, BYTES_NONE);
    assert_true(
        bytes_is(command_end(&c), "*3\r\n$1\r\nX\r\n$20\r\n18446744073709551615\r\n$0\r\n\r\n"));
    command_free(&c);
}

static void test_a_count_of_several_digits_stands_right_before_the_arguments(void **state)
{
    (void)state;
    struct redis_command c = {0};
    command_begin(&c, "F");
    for (int i = 0; i < 100; i++) {
        command_add_uint(&c, 7);
    }
    struct bytes text = command_end(&c);
    assert_true(bytes_is(bytes_part(text, 0, 20), "*101\r\n$1\r\nF\r\n$1\r\n7\r\n"));
    assert_int_equal(text.len, 6 + 7 + 100 * 7);
    command_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_command_is_an_array_of_strings),
        cmocka_unit_test(test_a_count_of_several_digits_stands_right_before_the_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
