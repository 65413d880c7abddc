#include "base/bytes.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_nothing_is_null_but_the_copy_of_null(void **state)
{
    (void)state;
    void *p = mem_alloc(0);
    assert_non_null(p);
    p = mem_resize(p, 0);
    assert_non_null(p);
    free(p);
    assert_null(mem_str(NULL));
    char *s = mem_str("abc");
    assert_string_equal(s, "abc");
    free(s);
    s = mem_str_bytes(BYTES_NONE);
    assert_string_equal(s, "");
    free(s);
}

static void test_cleared_memory_is_clear_also_where_it_was_used_before(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 100, 1032, 1033, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        void *used = mem_alloc(sizes[i]);
        memset(used, 0xa5, sizes[i]);
        free(used);
        uint8_t *z = mem_zalloc(sizes[i]);
        assert_non_null(z);
        for (size_t k = 0; k < sizes[i]; k++) {
            assert_int_equal(z[k], 0);
        }
        free(z);
    }
}

static void test_a_grown_array_keeps_its_items(void **state)
{
    (void)state;
    int *numbers = NULL;
    size_t count = 0, cap = 0;
    for (int i = 0; i < 1000; i++) {
        MEM_GROW(numbers, count, cap);
        numbers[count++] = i;
        assert_true(cap >= 8 && cap >= count);
    }
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(numbers[i], i);
    }
    free(numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_null_but_the_copy_of_null),
        cmocka_unit_test(test_cleared_memory_is_clear_also_where_it_was_used_before),
        cmocka_unit_test(test_a_grown_array_keeps_its_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
