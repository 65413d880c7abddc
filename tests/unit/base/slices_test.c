#include "base/slices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct shared *lender_of(const char *text)
{
    struct buf b = {0};
    buf_add_str(&b, text);
    return shared_take(&b);
}

static void assert_reads(const struct slices *s, struct slices_place at, const char *text)
{
    struct buf copy = {0};
    slices_copy(s, at, slices_len(s), &copy);
    assert_string_equal(buf_cstr(&copy), text);
    buf_free(&copy);
}

/* "ab" CDE "f" GH IJ "k", the capitals lent. */
static struct slices sample_make(void)
{
    struct slices s = {0};
    struct shared *one = lender_of("xCDEx"), *other = lender_of("GHIJ");
    buf_add_str(&s.own, "ab");
    slices_lend(&s, bytes_of(one->bytes.ptr + 1, 3), one);
    buf_add_str(&s.own, "f");
    slices_lend(&s, bytes_of(other->bytes.ptr, 2), other);
    slices_lend(&s, bytes_of(other->bytes.ptr + 2, 2), other);
    buf_add_str(&s.own, "k");
    shared_drop(one); /* the text holds them */
    shared_drop(other);
    return s;
}

static void test_pieces_come_in_order_from_where_they_lie(void **state)
{
    (void)state;
    const char *const wanted[] = {"ab", "CDE", "f", "GH", "IJ", "k"};
    struct slices s = sample_make();
    struct slices_place at = {0};
    struct bytes piece;
    assert_int_equal(slices_len(&s), 11);
    for (size_t i = 0; i < 6; i++) {
        assert_true(slices_next(&s, &at, &piece));
        assert_true(bytes_is(piece, wanted[i]));
    }
    assert_false(slices_next(&s, &at, &piece));
    assert_int_equal(at.own, 4);
    assert_int_equal(at.lent, 3);
    slices_free(&s);
}

/* What a socket takes may end anywhere. */
static void test_a_place_is_passed_by_any_number_of_bytes(void **state)
{
    (void)state;
    static const char whole[] = "abCDEfGHIJk";
    struct slices s = sample_make();
    for (size_t first = 0; first <= 11; first++) {
        for (size_t second = 0; first + second <= 11; second++) {
            struct slices_place at = {0};
            slices_pass(&s, &at, first);
            assert_reads(&s, at, whole + first);
            slices_pass(&s, &at, second);
            assert_reads(&s, at, whole + first + second);
        }
    }
    slices_free(&s);
}

static void test_memory_of_a_lender_is_counted_once_in_a_row(void **state)
{
    (void)state;
    struct slices s = sample_make();
    size_t one = s.lent[0].lender->bytes.cap, other = s.lent[1].lender->bytes.cap;
    struct slices_place behind_f = {.own = 3, .lent = 1}, before_last = {.own = 3, .lent = 2};
    assert_int_equal(slices_memory(&s), 4 + one + other);
    assert_int_equal(slices_memory_from(&s, behind_f), 1 + other);
    assert_int_equal(slices_memory_from(&s, before_last), 1);
    assert_int_equal(slices_len_from(&s, behind_f), 5);
    slices_lend(&s, bytes_of(s.lent[0].lender->bytes.ptr, 1), s.lent[0].lender);
    assert_int_equal(slices_memory(&s), 4 + one + other + one);
    slices_free(&s);
}

static void test_what_is_cut_off_is_let_go(void **state)
{
    (void)state;
    struct slices s = sample_make();
    struct shared *one = s.lent[0].lender, *other = shared_hold(s.lent[1].lender);
    slices_cut(&s, (struct slices_place){.own = 3, .lent = 1});
    assert_reads(&s, (struct slices_place){0}, "abCDEf");
    assert_int_equal(slices_memory(&s), 3 + one->bytes.cap);
    assert_int_equal(atomic_load(&other->holders), 1);
    buf_add_str(&s.own, "z");
    assert_reads(&s, (struct slices_place){0}, "abCDEfz");
    shared_hold(one);
    slices_clear(&s);
    assert_int_equal(atomic_load(&one->holders), 1);
    assert_int_equal(slices_len(&s), 0);
    assert_int_equal(slices_memory(&s), 0);
    shared_drop(one);
    shared_drop(other);
    slices_free(&s);
}

static void test_what_was_lent_is_lent_on_unless_it_is_little_of_its_lender(void **state)
{
    (void)state;
    struct slices s = {0}, on = {0};
    struct buf large = {0};
    buf_extend(&large, 64);
    memset(large.ptr, 'L', 64);
    struct shared *lender = shared_take(&large);
    buf_add_str(&s.own, "ab");
    slices_lend(&s, bytes_of(lender->bytes.ptr, 60), lender);
    buf_add_str(&s.own, "c");
    slices_lend(&s, bytes_of(lender->bytes.ptr, 4), lender);
    buf_add_str(&s.own, "d");
    slices_add(&on, &s, (struct slices_place){.own = 1}, 1 + 60 + 1 + 4);
    assert_int_equal(on.lent_count, 1);
    assert_ptr_equal(on.lent[0].what.ptr, lender->bytes.ptr);
    assert_int_equal(on.lent[0].what.len, 60);
    assert_memory_equal(on.own.ptr, "bcLLLL", 6);
    assert_int_equal(slices_len(&on), 66);
    slices_free(&s);
    assert_int_equal(atomic_load(&lender->holders), 2);
    slices_free(&on);
    assert_int_equal(atomic_load(&lender->holders), 1);
    shared_drop(lender);
}

static void test_usual_memory_is_kept_and_more_is_given_back(void **state)
{
    (void)state;
    struct slices s = {0};
    struct shared *lender = lender_of("x");
    buf_extend(&s.own, 1000);
    slices_lend(&s, buf_bytes(&lender->bytes), lender);
    slices_clear(&s);
    assert_non_null(s.own.ptr);
    assert_non_null(s.lent);
    buf_extend(&s.own, 2u << 20);
    for (int i = 0; i < 10000; i++) {
        slices_lend(&s, buf_bytes(&lender->bytes), lender);
    }
    slices_clear(&s);
    assert_null(s.own.ptr);
    assert_null(s.lent);
    assert_int_equal(atomic_load(&lender->holders), 1);
    shared_drop(lender);
    slices_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_come_in_order_from_where_they_lie),
        cmocka_unit_test(test_a_place_is_passed_by_any_number_of_bytes),
        cmocka_unit_test(test_memory_of_a_lender_is_counted_once_in_a_row),
        cmocka_unit_test(test_what_is_cut_off_is_let_go),
        cmocka_unit_test(test_what_was_lent_is_lent_on_unless_it_is_little_of_its_lender),
        cmocka_unit_test(test_usual_memory_is_kept_and_more_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
