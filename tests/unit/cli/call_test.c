#include "cli/call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static void test_waits_grow_to_five_seconds_unless_the_server_says(void **state)
{
    (void)state;
    assert_int_equal(call_wait_ms(1, 0), 500);
    assert_int_equal(call_wait_ms(2, 0), 1000);
    assert_int_equal(call_wait_ms(4, 0), 4000);
    assert_int_equal(call_wait_ms(5, 0), 5000);
    assert_int_equal(call_wait_ms(4000000000u, 0), 5000);
    assert_int_equal(call_wait_ms(1, 7), 7000);
}

static void test_only_passing_states_are_worth_a_repeat(void **state)
{
    (void)state;
    assert_true(call_status_passes(503));
    assert_true(call_status_passes(502));
    assert_true(call_status_passes(429));
    assert_false(call_status_passes(500));
    assert_false(call_status_passes(409));
    assert_false(call_status_passes(200));
}

static void test_a_query_value_is_escaped(void **state)
{
    (void)state;
    struct buf out = {0};
    call_escape(&out, "aZ9-_.~ &=/?#%\xC3\xA4");
    assert_string_equal(buf_cstr(&out), "aZ9-_.~%20%26%3D%2F%3F%23%25%C3%A4");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_grow_to_five_seconds_unless_the_server_says),
        cmocka_unit_test(test_only_passing_states_are_worth_a_repeat),
        cmocka_unit_test(test_a_query_value_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
