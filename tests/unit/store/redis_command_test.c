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

static void test_encoded_arguments_are_taken_over(void **state)
{
    (void)state;
    struct buf encoded = {0};
    for (int i = 0; i < 100; i++) {
        command_put_uint(&encoded, 7);
    }
    struct redis_command c = {0};
    command_begin(&c, "F");
    command_add_encoded(&c, buf_bytes(&encoded), 100);
    struct bytes text = command_end(&c);
    assert_true(bytes_is(bytes_part(text, 0, 20), "*101\r\n$1\r\nF\r\n$1\r\n7\r\n"));
    assert_int_equal(text.len, 6 + 7 + 100 * 7);
    buf_free(&encoded);
    command_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_command_is_an_array_of_strings),
        cmocka_unit_test(test_encoded_arguments_are_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
