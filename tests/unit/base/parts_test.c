#include "base/parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_a_whole_is_its_own_text(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct bytes whole = BYTES_LIT("whole");
    struct parts p = parts_whole(whole), none = {.whole = BYTES_NONE};
    assert_int_equal(parts_len(&p), 5);
    assert_ptr_equal(parts_join(&p, &arena).ptr, whole.ptr);
    assert_int_equal(parts_len(&none), 0);
    assert_int_equal(parts_join(&none, &arena).len, 0);
    assert_int_equal(arena.used_bytes, 0);
}

static void test_parts_are_put_together_only_where_there_are_several(void **state)
{
    (void)state;
    struct arena arena = {0};
    const struct bytes items[] = {BYTES_LIT("one"), BYTES_NONE, BYTES_LIT("and two")};
    struct parts p = {.items = items, .count = 3};
    assert_int_equal(parts_len(&p), 10);
    assert_true(bytes_is(parts_join(&p, &arena), "oneand two"));
    p.count = 1;
    assert_int_equal(parts_len(&p), 3);
    assert_ptr_equal(parts_join(&p, &arena).ptr, items[0].ptr);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_is_its_own_text),
        cmocka_unit_test(test_parts_are_put_together_only_where_there_are_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
