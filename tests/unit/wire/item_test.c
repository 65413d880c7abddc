#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "wire/item.h"

/* Reads one item of an exact copy on the heap, so that the sanitizer sees one byte too many. */
static enum err read_one(struct bytes packed, struct item *ret_item, size_t *ret_left)
{
    uint8_t *exact = malloc(packed.len + (packed.len == 0));
    memcpy(exact, packed.ptr, packed.len);
    struct items from = {.rest = bytes_of(exact, packed.len)};
    enum err e = item_next(&from, ret_item);
    *ret_left = from.rest.len;
    free(exact);
    return e;
}

/* A constant, which BYTES_LIT is not. */
#define WITH_TAIL(literal)                                                                         \
    {                                                                                              \
        (const uint8_t *)literal "tail", sizeof(literal "tail") - 1                                \
    }

static const struct {
    struct bytes packed; /* and "tail" behind it */
    enum item_kind kind;
    int64_t number;
    size_t content;
} plain[] = {
    {WITH_TAIL("\x00"), ITEM_UNSIGNED, 0, 0},
    {WITH_TAIL("\x7f"), ITEM_UNSIGNED, 127, 0},
    {WITH_TAIL("\xcc\xff"), ITEM_UNSIGNED, 255, 0},
    {WITH_TAIL("\xcd\x01\x02"), ITEM_UNSIGNED, 0x102, 0},
    {WITH_TAIL("\xce\x81\x02\x03\x04"), ITEM_UNSIGNED, 0x81020304, 0},
    {WITH_TAIL("\xcf\x01\x02\x03\x04\x05\x06\x07\x08"), ITEM_UNSIGNED, 0x102030405060708, 0},
    {WITH_TAIL("\xff"), ITEM_NEGATIVE, -1, 0},
    {WITH_TAIL("\xe0"), ITEM_NEGATIVE, -32, 0},
    {WITH_TAIL("\xd0\x7f"), ITEM_UNSIGNED, 127, 0},
    {WITH_TAIL("\xd0\x80"), ITEM_NEGATIVE, -128, 0},
    {WITH_TAIL("\xd1\xff\xfe"), ITEM_NEGATIVE, -2, 0},
    {WITH_TAIL("\xd2\x80\x00\x00\x00"), ITEM_NEGATIVE, INT32_MIN, 0},
    {WITH_TAIL("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), ITEM_NEGATIVE, INT64_MIN, 0},
    {WITH_TAIL("\xd3\x00\x00\x00\x00\x00\x00\x00\x09"), ITEM_UNSIGNED, 9, 0},
    {WITH_TAIL("\xc2"), ITEM_BOOL, 0, 0},
    {WITH_TAIL("\xc3"), ITEM_BOOL, 1, 0},
    {WITH_TAIL("\xc4\x03xyz"), ITEM_BIN, 0, 3},
    {WITH_TAIL("\xc4\x00"), ITEM_BIN, 0, 0},
    {WITH_TAIL("\xc5\x00\x03xyz"), ITEM_BIN, 0, 3},
    {WITH_TAIL("\xc6\x00\x00\x00\x03xyz"), ITEM_BIN, 0, 3},
    {WITH_TAIL("\x93"), ITEM_ARRAY, 3, 0},
    {WITH_TAIL("\xdc\x00\x04"), ITEM_ARRAY, 4, 0},
    {WITH_TAIL("\xdd\x00\x00\x00\x04"), ITEM_ARRAY, 4, 0},
    {WITH_TAIL("\x82"), ITEM_MAP, 4, 0},
    {WITH_TAIL("\xde\x00\x01"), ITEM_MAP, 2, 0},
    {WITH_TAIL("\xdf\x00\x00\x00\x02"), ITEM_MAP, 4, 0},
};

static void test_formats_of_ours_are_what_they_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        struct item item = {0};
        size_t left = 0;
        assert_int_equal(read_one(plain[i].packed, &item, &left), ERR_OK);
        assert_int_equal(item.kind, plain[i].kind);
        assert_int_equal(left, 4);
        if (item.kind == ITEM_BIN) {
            assert_int_equal(item.content.len, plain[i].content);
        } else {
            assert_true((int64_t)item.number == plain[i].number);
        }
    }
}

static void test_fractions_of_both_sizes_are_read(void **state)
{
    (void)state;
    struct item item;
    size_t left = 0;
    assert_int_equal(read_one(BYTES_LIT("\xca\xbf\x00\x00\x00"), &item, &left), ERR_OK);
    assert_int_equal(item.kind, ITEM_FRACTION);
    assert_true(item.fraction == -0.5);
    assert_int_equal(read_one(BYTES_LIT("\xcb\x3f\xd0\0\0\0\0\0\0"), &item, &left), ERR_OK);
    assert_int_equal(item.kind, ITEM_FRACTION);
    assert_true(item.fraction == 0.25);
}

/* One of each that only a newer peer may send, with "tail" behind it. */
static const struct bytes foreign[] = {
    WITH_TAIL("\xc0"),
    WITH_TAIL("\xa3xyz"),
    WITH_TAIL("\xd9\x03xyz"),
    WITH_TAIL("\xda\x00\x03xyz"),
    WITH_TAIL("\xdb\x00\x00\x00\x03xyz"),
    WITH_TAIL("\xc7\x03txyz"),
    WITH_TAIL("\xc8\x00\x03txyz"),
    WITH_TAIL("\xc9\x00\x00\x00\x03txyz"),
    WITH_TAIL("\xd4t1"),
    WITH_TAIL("\xd5t12"),
    WITH_TAIL("\xd6t1234"),
    WITH_TAIL("\xd7t12345678"),
    WITH_TAIL("\xd8t1234567890123456"),
    WITH_TAIL("\x81\xa1k\x92\xc3\xc4\x01v"),
    WITH_TAIL("\xdc\x00\x02\x90\x80"),
};

static void test_what_we_do_not_know_is_passed_over_to_its_last_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        struct items from = {.rest = foreign[i]};
        assert_int_equal(items_skip(&from, 1), ERR_OK);
        assert_true(bytes_is(from.rest, "tail"));
        assert_int_equal(from.depth, 0);
    }
}

static void test_cut_items_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        for (size_t n = 0; n < foreign[i].len - 4; n++) {
            uint8_t *exact = malloc(n + (n == 0));
            memcpy(exact, foreign[i].ptr, n);
            struct items from = {.rest = bytes_of(exact, n)};
            assert_int_equal(items_skip(&from, 1), ERR_PROTOCOL);
            free(exact);
        }
    }
}

static void test_counts_beyond_the_bytes_are_refused_where_they_stand(void **state)
{
    (void)state;
    const struct bytes wrong[] = {
        BYTES_LIT("\x92x"),
        BYTES_LIT("\x81x"),
        BYTES_LIT("\xdc\x00\x02x"),
        BYTES_LIT("\xdd\xff\xff\xff\xffx"),
        BYTES_LIT("\xdf\x80\x00\x00\x00x"),
        BYTES_LIT("\xc4\x02x"),
        BYTES_LIT("\xc6\xff\xff\xff\xffx"),
        BYTES_LIT("\xc9\xff\xff\xff\xffx"),
        BYTES_LIT("\xc1"), /* no format */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct item item;
        size_t left = 0;
        assert_int_equal(read_one(wrong[i], &item, &left), ERR_PROTOCOL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats_of_ours_are_what_they_say),
        cmocka_unit_test(test_fractions_of_both_sizes_are_read),
        cmocka_unit_test(test_what_we_do_not_know_is_passed_over_to_its_last_byte),
        cmocka_unit_test(test_cut_items_are_refused),
        cmocka_unit_test(test_counts_beyond_the_bytes_are_refused_where_they_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
