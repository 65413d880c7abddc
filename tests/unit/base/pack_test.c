#include "base/pack.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_what_was_packed_comes_back(void **state)
{
    (void)state;
    static const uint64_t uints[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};
    static const int64_t ints[] = {0, -1, 1, -64, 64, INT64_MIN, INT64_MAX};
    struct buf b = {0};
    for (size_t i = 0; i < sizeof uints / sizeof uints[0]; i++) {
        pack_uint(&b, uints[i]);
    }
    for (size_t i = 0; i < sizeof ints / sizeof ints[0]; i++) {
        pack_int(&b, ints[i]);
    }
    pack_double(&b, -0.1);
    pack_bytes(&b, BYTES_LIT("hello"));
    pack_bytes(&b, BYTES_NONE);
    struct unpack u = unpack_start(buf_bytes(&b));
    for (size_t i = 0; i < sizeof uints / sizeof uints[0]; i++) {
        assert_true(unpack_uint(&u) == uints[i]);
    }
    for (size_t i = 0; i < sizeof ints / sizeof ints[0]; i++) {
        assert_true(unpack_int(&u) == ints[i]);
    }
    assert_true(unpack_double(&u) == -0.1);
    assert_false(unpack_done(&u));
    assert_true(bytes_is(unpack_bytes(&u), "hello"));
    assert_int_equal(unpack_bytes(&u).len, 0);
    assert_true(unpack_done(&u));
    buf_free(&b);
}

/* Records are stored: their bytes must never change. */
static void test_the_bytes_are_what_they_always_were(void **state)
{
    (void)state;
    struct buf b = {0};
    pack_uint(&b, 300);
    pack_int(&b, -2);
    pack_double(&b, 1.0);
    pack_bytes(&b, BYTES_LIT("ab"));
    static const uint8_t expected[] = {0xac, 0x02, 0x03, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 2, 'a', 'b'};
    assert_int_equal(b.len, sizeof expected);
    assert_memory_equal(b.ptr, expected, sizeof expected);
    buf_free(&b);
}

/* Lent or not, the text is the same. */
static void test_long_bytes_are_lent(void **state)
{
    (void)state;
    uint8_t text[LENT_BYTES_MIN];
    memset(text, 'x', sizeof text);
    struct shared *lender = shared_copy(bytes_of(text, sizeof text));
    struct bytes all = shared_bytes(lender);
    const struct {
        struct bytes what;
        struct shared *lender;
        size_t lent;
    } cases[] = {{all, lender, all.len},
                 {bytes_part(all, 1, all.len), lender, 0},
                 {all, NULL, 0},
                 {bytes_of(text, sizeof text), lender, 0},
                 {BYTES_NONE, NULL, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slices s = {0};
        struct buf whole = {0}, expected = {0};
        struct lenders lenders = {.items = &cases[i].lender, .count = cases[i].lender != NULL};
        pack_bytes_lent(&s, cases[i].what, &lenders);
        pack_uint(&s.own, 7);
        assert_int_equal(s.lent_bytes, cases[i].lent);
        slices_copy(&s, (struct slices_place){0}, slices_len(&s), &whole);
        pack_bytes(&expected, cases[i].what);
        pack_uint(&expected, 7);
        assert_true(bytes_eq(buf_bytes(&whole), buf_bytes(&expected)));
        slices_free(&s);
        buf_free(&whole);
        buf_free(&expected);
    }
    shared_drop(lender);
}

static void test_the_size_of_a_number_is_known(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 64; shift++) {
        for (uint64_t less = 0; less < 2; less++) {
            struct buf b = {0};
            uint64_t v = ((uint64_t)1 << shift) - less;
            pack_uint(&b, v);
            assert_int_equal(pack_uint_bytes(v), b.len);
            buf_free(&b);
        }
    }
}

static void test_after_the_first_fault_everything_is_zero(void **state)
{
    (void)state;
    struct unpack u = unpack_start(BYTES_LIT("\x05"
                                             "abc\x01"));
    assert_int_equal(unpack_bytes(&u).len, 0); /* five bytes are not there */
    assert_true(u.bad);
    assert_int_equal(unpack_uint(&u), 0);
    assert_int_equal(unpack_int(&u), 0);
    assert_true(unpack_double(&u) == 0);
    assert_false(unpack_done(&u));
}

static void test_nothing_to_read_is_a_fault_only_when_read(void **state)
{
    (void)state;
    struct unpack u = unpack_start(BYTES_NONE);
    assert_true(unpack_done(&u));
    assert_int_equal(unpack_uint(&u), 0);
    assert_false(unpack_done(&u));
}

static bool uint_is_bad(const char *bytes, size_t len)
{
    struct unpack u = unpack_start(bytes_of(bytes, len));
    (void)unpack_uint(&u);
    return u.bad;
}

static void test_hostile_numbers_and_lengths(void **state)
{
    (void)state;
    assert_true(uint_is_bad("\x80", 1));
    assert_true(uint_is_bad("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10)); /* 65 bits */
    assert_true(uint_is_bad("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11));
    assert_false(uint_is_bad("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10));
    struct unpack u = unpack_start(BYTES_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                                             "abc"));
    assert_int_equal(unpack_bytes(&u).len, 0); /* 2^64-1 bytes */
    assert_true(u.bad);
    u = unpack_start(BYTES_LIT("1234567"));
    assert_true(unpack_double(&u) == 0);
    assert_true(u.bad);
}

static void test_numbers_beyond_their_bound_are_a_fault(void **state)
{
    (void)state;
    struct buf b = {0};
    pack_uint(&b, UINT32_MAX);
    pack_uint(&b, 6);
    pack_uint(&b, (uint64_t)UINT32_MAX + 1);
    pack_uint(&b, 1);
    struct unpack u = unpack_start(buf_bytes(&b));
    assert_int_equal(unpack_u32(&u), UINT32_MAX);
    struct unpack enums = u;
    assert_int_equal(unpack_enum(&u, 7), 6);
    assert_false(u.bad);
    assert_int_equal(unpack_u32(&u), 0);
    assert_true(u.bad);
    assert_int_equal(unpack_uint(&u), 0);
    assert_int_equal(unpack_enum(&enums, 6), 0);
    assert_true(enums.bad);
    buf_free(&b);
}

static void test_an_empty_text_is_none(void **state)
{
    (void)state;
    struct unpack u = unpack_start(BYTES_LIT("\0\2ab\5"));
    assert_null(unpack_str(&u));
    char *text = unpack_str(&u);
    assert_string_equal(text, "ab");
    free(text);
    assert_false(u.bad);
    assert_null(unpack_str(&u));
    assert_true(u.bad);
}

static void test_random_bytes_never_lead_outside(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 3);
    uint8_t data[40];
    for (int round = 0; round < 20000; round++) {
        size_t len = rng_below(&rng, sizeof data + 1);
        for (size_t i = 0; i < len; i++) {
            data[i] = (uint8_t)rng_next(&rng);
        }
        struct unpack u = unpack_start(bytes_of(data, len));
        for (int k = 0; k < 60; k++) {
            struct bytes b = BYTES_NONE;
            switch (rng_below(&rng, 4)) {
            case 0:
                (void)unpack_uint(&u);
                break;
            case 1:
                (void)unpack_int(&u);
                break;
            case 2:
                (void)unpack_double(&u);
                break;
            default:
                b = unpack_bytes(&u);
                break;
            }
            assert_true(b.len == 0 || (b.ptr >= data && b.ptr + b.len <= data + len));
            assert_true(u.at <= data + len);
        }
        assert_true(u.bad);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_packed_comes_back),
        cmocka_unit_test(test_the_bytes_are_what_they_always_were),
        cmocka_unit_test(test_long_bytes_are_lent),
        cmocka_unit_test(test_the_size_of_a_number_is_known),
        cmocka_unit_test(test_after_the_first_fault_everything_is_zero),
        cmocka_unit_test(test_nothing_to_read_is_a_fault_only_when_read),
        cmocka_unit_test(test_hostile_numbers_and_lengths),
        cmocka_unit_test(test_numbers_beyond_their_bound_are_a_fault),
        cmocka_unit_test(test_an_empty_text_is_none),
        cmocka_unit_test(test_random_bytes_never_lead_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
