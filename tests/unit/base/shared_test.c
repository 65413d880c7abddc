#include "base/shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_memory_is_taken_over_and_stays_for_the_last_holder(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_add_str(&b, "payload");
    const uint8_t *at = b.ptr;
    struct shared *s = shared_take(&b);
    assert_null(b.ptr);
    assert_int_equal(b.len, 0);
    assert_ptr_equal(s->bytes.ptr, at);
    assert_ptr_equal(shared_hold(s), s);
    shared_drop(s);
    assert_memory_equal(s->bytes.ptr, "payload", 7); /* under asan: it is still there */
    shared_drop(s);
    shared_drop(NULL);
}

static void test_it_knows_what_lies_in_it(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_add_str(&b, "payload");
    struct shared *s = shared_take(&b);
    const uint8_t *at = s->bytes.ptr;
    assert_true(shared_has(s, bytes_of(at, 7)));
    assert_true(shared_has(s, bytes_of(at + 3, 4)));
    assert_false(shared_has(s, bytes_of(at + 3, 5)));
    assert_false(shared_has(s, bytes_of(at + 3, SIZE_MAX)));
    assert_false(shared_has(s, bytes_of(at - 1, 2)));
    assert_false(shared_has(s, bytes_of(at + 8, 0)));
    assert_false(shared_has(s, BYTES_LIT("payload")));
    assert_false(shared_has(NULL, bytes_of(at, 1)));
    shared_drop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_taken_over_and_stays_for_the_last_holder),
        cmocka_unit_test(test_it_knows_what_lies_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
