/* MessagePack values: their bytes, and what is read from bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "wire/value.h"

static struct values over(struct bytes body)
{
    return (struct values){.at = body.ptr, .end = body.ptr + body.len};
}

/* The only value of the body. */
static struct value only(struct bytes body)
{
    struct values r = over(body);
    struct value v;
    assert_true(value_next(&r, &v));
    assert_ptr_equal(r.at, r.end);
    return v;
}

#define ONLY(literal) only(BYTES_LIT(literal))

static void test_numbers_have_their_shortest_form(void **state)
{
    (void)state;
    static const struct {
        uint64_t number;
        size_t len;
    } cases[] = {{0, 1},     {127, 1},   {128, 2},        {255, 2},        {256, 3},
                 {65535, 3}, {65536, 5}, {UINT32_MAX, 5}, {1ull << 32, 9}, {UINT64_MAX, 9}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = {0};
        put_uint(&b, cases[i].number);
        assert_int_equal(b.len, cases[i].len);
        struct value v = only(buf_bytes(&b));
        assert_int_equal(v.kind, VALUE_UINT);
        assert_true(v.as.number == cases[i].number);
        buf_free(&b);
    }
}

static void test_negative_numbers_too(void **state)
{
    (void)state;
    static const struct {
        int64_t number;
        size_t len;
    } cases[] = {{-1, 1},       {-32, 1},       {-33, 2},
                 {-128, 2},     {-129, 3},      {-32768, 3},
                 {-32769, 5},   {INT32_MIN, 5}, {(int64_t)INT32_MIN - 1, 9},
                 {INT64_MIN, 9}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = {0};
        put_int(&b, cases[i].number);
        assert_int_equal(b.len, cases[i].len);
        struct value v = only(buf_bytes(&b));
        assert_int_equal(v.kind, VALUE_NEGATIVE);
        assert_true(v.as.negative == cases[i].number);
        buf_free(&b);
    }
    struct buf b = {0};
    put_int(&b, 300);
    assert_true(bytes_eq(buf_bytes(&b), BYTES_LIT("\xcd\x01\x2c")));
    buf_free(&b);
}

static void test_other_forms_of_a_number_are_read_as_well(void **state)
{
    (void)state;
    assert_int_equal(ONLY("\xcf\0\0\0\0\0\0\0\x05").as.number, 5);
    assert_int_equal(ONLY("\xd0\x05").kind, VALUE_UINT);
    assert_int_equal(ONLY("\xd3\0\0\0\0\0\0\0\x05").as.number, 5);
    assert_int_equal(ONLY("\xd1\xff\xfe").as.negative, -2);
    assert_int_equal(ONLY("\xca\x3f\xc0\0\0").kind, VALUE_DOUBLE);
    assert_true(ONLY("\xca\x3f\xc0\0\0").as.fraction > 1.49);
}

static void test_heads_of_bins_and_arrays(void **state)
{
    (void)state;
    static const uint32_t counts[] = {0, 15, 16, 255, 256, 65535, 65536, 70000};
    static const size_t bin_heads[] = {2, 2, 2, 2, 3, 3, 5, 5};
    static const size_t array_heads[] = {1, 1, 3, 3, 3, 3, 5, 5};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct buf b = {0};
        put_bin_head(&b, counts[i]);
        assert_int_equal(b.len, bin_heads[i]);
        memset(buf_extend(&b, counts[i]), 'x', counts[i]);
        struct value v = only(buf_bytes(&b));
        assert_int_equal(v.kind, VALUE_BIN);
        assert_int_equal(v.as.bin.len, counts[i]);
        buf_clear(&b);
        put_array(&b, counts[i]);
        assert_int_equal(b.len, array_heads[i]);
        memset(buf_extend(&b, counts[i]), 0, counts[i]);
        struct values r = over(buf_bytes(&b));
        assert_true(value_next(&r, &v));
        assert_int_equal(v.kind, VALUE_ARRAY);
        assert_int_equal(v.count, counts[i]);
        assert_true(values_pass(&r, &v));
        assert_ptr_equal(r.at, r.end);
        buf_free(&b);
    }
}

static void test_what_is_not_used_is_passed_over(void **state)
{
    (void)state;
    /* [{"k": [1, nil]}, "text", ext, fixext, true], 7 */
    struct values r =
        over(BYTES_LIT("\x95\x81\xa1k\x92\x01\xc0\xd9\x04text\xc7\x02\x05xy\xd4\x01z\xc3\x07"));
    struct value v;
    assert_true(value_next(&r, &v));
    assert_true(values_pass(&r, &v));
    assert_int_equal(r.depth, 0);
    assert_true(value_next(&r, &v));
    assert_int_equal(v.as.number, 7);
    assert_false(value_next(&r, &v));
}

static void test_nothing_is_read_behind_the_end(void **state)
{
    (void)state;
    static const uint8_t formats[] = {0xc1, 0xc4, 0xc5, 0xc6, 0xc7, 0xca, 0xcb, 0xcc,
                                      0xcf, 0xd0, 0xd3, 0xd4, 0xd8, 0xd9, 0xdb, 0xdc,
                                      0xdd, 0xde, 0xdf, 0x81, 0x91, 0xa1};
    for (size_t i = 0; i < sizeof formats; i++) {
        struct values r = over(bytes_of(&formats[i], 1));
        struct value v;
        assert_false(value_next(&r, &v));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_have_their_shortest_form),
        cmocka_unit_test(test_negative_numbers_too),
        cmocka_unit_test(test_other_forms_of_a_number_are_read_as_well),
        cmocka_unit_test(test_heads_of_bins_and_arrays),
        cmocka_unit_test(test_what_is_not_used_is_passed_over),
        cmocka_unit_test(test_nothing_is_read_behind_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
