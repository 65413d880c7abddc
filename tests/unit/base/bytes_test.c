#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_equality_looks_at_length_and_content(void **state)
{
    (void)state;
    assert_true(bytes_eq(BYTES_LIT("ab"), bytes_str("ab")));
    assert_false(bytes_eq(BYTES_LIT("ab"), BYTES_LIT("abc")));
    assert_false(bytes_eq(BYTES_LIT("ab"), BYTES_LIT("ac")));
    assert_true(bytes_eq(BYTES_NONE, BYTES_LIT("")));
    assert_true(bytes_is(bytes_str(NULL), ""));
}

static void test_order_is_by_content_then_length(void **state)
{
    (void)state;
    assert_true(bytes_cmp(BYTES_LIT("a"), BYTES_LIT("b")) < 0);
    assert_true(bytes_cmp(BYTES_LIT("b"), BYTES_LIT("ab")) > 0);
    assert_true(bytes_cmp(BYTES_LIT("ab"), BYTES_LIT("abc")) < 0);
    assert_int_equal(bytes_cmp(BYTES_NONE, BYTES_LIT("")), 0);
    assert_true(bytes_cmp(BYTES_LIT("\xff"), BYTES_LIT("a")) > 0);
}

/* Known FNV-1a values: stored data depends on them through id_partition. */
static void test_the_hash_is_fnv_1a(void **state)
{
    (void)state;
    assert_true(bytes_hash(BYTES_NONE) == 0xcbf29ce484222325u);
    assert_true(bytes_hash(BYTES_LIT("a")) == 0xaf63dc4c8601ec8cu);
    assert_true(bytes_hash(BYTES_LIT("foobar")) == 0x85944171f73967e8u);
}

static void test_a_part_is_clamped(void **state)
{
    (void)state;
    struct bytes b = BYTES_LIT("hello");
    assert_true(bytes_is(bytes_part(b, 1, 3), "ell"));
    assert_true(bytes_is(bytes_part(b, 3, SIZE_MAX), "lo"));
    assert_int_equal(bytes_part(b, 5, 1).len, 0);
    assert_int_equal(bytes_part(b, SIZE_MAX, SIZE_MAX).len, 0);
    assert_int_equal(bytes_part(BYTES_NONE, 0, 1).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equality_looks_at_length_and_content),
        cmocka_unit_test(test_order_is_by_content_then_length),
        cmocka_unit_test(test_the_hash_is_fnv_1a),
        cmocka_unit_test(test_a_part_is_clamped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
