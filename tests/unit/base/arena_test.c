#include "base/shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_pieces_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena a = {0};
    uint8_t *last = NULL;
    for (size_t size = 0; size < 3000; size += 7) {
        uint8_t *p = arena_alloc(&a, size);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_ptr_not_equal(p, last);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(p[i], 0);
        }
        memset(p, 0xff, size); /* the next piece must not see it */
        last = p;
    }
    arena_free(&a);
    assert_null(a.head);
}

static void test_reset_memory_is_zeroed_again(void **state)
{
    (void)state;
    struct arena a = {0};
    memset(arena_alloc(&a, 512), 0xaa, 512);
    (void)arena_alloc(&a, 100000);
    arena_reset(&a);
    assert_int_equal(a.used_bytes, 0);
    const uint8_t *p = arena_alloc(&a, 512);
    for (size_t i = 0; i < 512; i++) {
        assert_int_equal(p[i], 0);
    }
    arena_free(&a);
}

static void test_a_large_piece_does_not_waste_the_open_block(void **state)
{
    (void)state;
    struct arena a = {0};
    uint8_t *first = arena_alloc(&a, 16);
    memset(arena_alloc(&a, 1 << 20), 1, 1 << 20);
    uint8_t *second = arena_alloc(&a, 16);
    assert_ptr_equal(second, first + 16);
    arena_free(&a);
}

static void test_reset_gives_a_huge_first_block_back(void **state)
{
    (void)state;
    struct arena a = {0};
    (void)arena_alloc(&a, 10 << 20);
    arena_reset(&a);
    assert_null(a.head);
    arena_reset(&a); /* of an empty one is nothing */
}

static void test_copies_end_with_a_nul(void **state)
{
    (void)state;
    struct arena a = {0};
    struct bytes copy = arena_bytes(&a, BYTES_LIT("abc"));
    assert_int_equal(copy.len, 3);
    assert_string_equal((const char *)copy.ptr, "abc");
    assert_int_equal(arena_bytes(&a, BYTES_NONE).ptr[0], 0);
    assert_string_equal(arena_str(&a, "x"), "x");
    assert_null(arena_str(&a, NULL));
    assert_string_equal(arena_printf(&a, "%s-%d", "y", 5), "y-5");
    arena_free(&a);
}

static void test_texts_stay_for_as_long_as_its_pieces(void **state)
{
    (void)state;
    enum { COUNT = 10 };
    struct arena a = {0}, other = {0};
    assert_int_equal(arena_hold(&a, NULL).len, 0);
    struct shared *texts[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        texts[i] = shared_copy(BYTES_LIT("text"));
        assert_ptr_equal(arena_hold(&a, texts[i]).ptr, texts[i]->bytes.ptr);
    }
    arena_hold_all(&other, &a);
    struct lenders all = arena_lenders(&a, 0), last = arena_lenders(&a, COUNT - 1);
    for (size_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(lenders_find(&all, shared_bytes(texts[i])), texts[i]);
        assert_int_equal(lenders_find(&last, shared_bytes(texts[i])) != NULL, i == COUNT - 1);
        assert_int_equal(texts[i]->holders, 3);
    }
    arena_reset(&a);
    assert_int_equal(arena_lenders(&a, 0).count, 0);
    arena_free(&other);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(texts[i]->holders, 1);
    }
    arena_hold(&a, texts[0]);
    arena_free(&a);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(texts[i]->holders, 1);
        shared_drop(texts[i]);
    }
}

static void test_an_array_grows_where_it_has_no_room(void **state)
{
    (void)state;
    struct arena a = {0};
    uint32_t *items = NULL, cap = 0;
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t *before = items;
        bool full = i == cap;
        items = arena_grow(&a, items, i, &cap, sizeof *items);
        assert_int_equal(items != before, full);
        assert_true(i < cap && cap <= 2 * i + 2);
        items[i] = i;
    }
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(items[i], i);
    }
    arena_free(&a);
}

static void test_long_texts_are_held_by_it_and_may_be_lent(void **state)
{
    (void)state;
    struct arena a = {0};
    struct buf made = {0};
    buf_add_str(&made, "short");
    assert_true(bytes_is(arena_take(&a, &made), "short"));
    assert_null(made.ptr);
    assert_int_equal(arena_text(&a, LENT_BYTES_MIN - 1).cap, LENT_BYTES_MIN - 1);
    assert_int_equal(a.held_count, 0);
    memset(buf_extend(&made, LENT_BYTES_MIN), 'x', LENT_BYTES_MIN);
    const uint8_t *there = made.ptr;
    struct bytes taken = arena_take(&a, &made);
    assert_ptr_equal(taken.ptr, there);
    assert_int_equal(taken.len, LENT_BYTES_MIN);
    assert_null(made.ptr);
    struct buf text = arena_text(&a, LENT_BYTES_MIN);
    memset(buf_extend(&text, LENT_BYTES_MIN), 'y', LENT_BYTES_MIN);
    struct lenders all = arena_lenders(&a, 0);
    assert_int_equal(all.count, 2);
    assert_ptr_equal(lenders_find(&all, taken), a.held[0]);
    assert_ptr_equal(lenders_find(&all, buf_bytes(&text)), a.held[1]);
    assert_int_equal(a.held[0]->holders, 1);
    assert_int_equal(a.held[1]->holders, 1);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(test_reset_memory_is_zeroed_again),
        cmocka_unit_test(test_a_large_piece_does_not_waste_the_open_block),
        cmocka_unit_test(test_reset_gives_a_huge_first_block_back),
        cmocka_unit_test(test_copies_end_with_a_nul),
        cmocka_unit_test(test_texts_stay_for_as_long_as_its_pieces),
        cmocka_unit_test(test_an_array_grows_where_it_has_no_room),
        cmocka_unit_test(test_long_texts_are_held_by_it_and_may_be_lent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
