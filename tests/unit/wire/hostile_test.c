/* Bytes of a peer that is broken, or worse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/rng.h"
#include "model/limits.h"
#include "packed.h"
#include "samples.h"
#include "wire/frame.h"

static enum err decode(struct bytes frame)
{
    struct arena arena = {0};
    struct message m;
    /* An exact copy on the heap, so that the sanitizer sees one byte too many. */
    uint8_t *exact = malloc(frame.len + (frame.len == 0));
    if (frame.len > 0) {
        memcpy(exact, frame.ptr, frame.len);
    }
    enum err e = frame_decode(bytes_of(exact, frame.len), &arena, &m);
    arena_free(&arena);
    free(exact);
    return e;
}

static enum err decode_body(uint8_t type, struct bytes body)
{
    struct buf frame = {0};
    packed_frame(&frame, type, body);
    enum err e = decode(buf_bytes(&frame));
    buf_free(&frame);
    return e;
}

#define DECODE_BODY(type, literal) decode_body(type, BYTES_LIT(literal))

static void sample_frame(size_t i, struct buf *out)
{
    buf_clear(out);
    assert_int_equal(frame_encode(&samples[i], out), ERR_OK);
    buf_drop_front(out, 4);
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    struct buf frame = {0};
    for (size_t i = 0; i < sample_count; i++) {
        sample_frame(i, &frame);
        while (frame.len > 0) {
            frame.len--;
            assert_int_equal(decode(buf_bytes(&frame)), ERR_PROTOCOL); /* the sum does not fit */
            if (frame.len >= FRAME_HEAD_BYTES) {
                packed_seal(&frame);
                assert_int_equal(decode(buf_bytes(&frame)), ERR_PROTOCOL); /* the body is cut */
            }
        }
    }
    buf_free(&frame);
}

static void test_every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    struct buf frame = {0};
    for (size_t i = 0; i < sample_count; i++) {
        sample_frame(i, &frame);
        for (size_t bit = 0; bit < frame.len * 8; bit++) {
            frame.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(decode(buf_bytes(&frame)), ERR_PROTOCOL);
            frame.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    buf_free(&frame);
}

static void test_changed_bytes_under_a_correct_sum_are_survived(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 20260202);
    struct buf frame = {0};
    size_t refused = 0;
    for (size_t round = 0; round < 20000; round++) {
        sample_frame((size_t)rng_below(&rng, sample_count), &frame);
        for (uint64_t changes = 1 + rng_below(&rng, 4); changes > 0; changes--) {
            size_t at = 3 + (size_t)rng_below(&rng, frame.len - 3);
            frame.ptr[at] = (uint8_t)rng_next(&rng);
        }
        packed_seal(&frame);
        refused += decode(buf_bytes(&frame)) != ERR_OK;
    }
    assert_in_range(refused, 5000, 20000);
    buf_free(&frame);
}

static void test_head_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    const size_t places[] = {0, 1, 2, 12, 13, 14, 15}; /* magic, version, reserved */
    struct buf frame = {0};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        sample_frame(0, &frame);
        frame.ptr[places[i]] ^= 0x40;
        packed_seal(&frame);
        assert_int_equal(decode(buf_bytes(&frame)), ERR_PROTOCOL);
    }
    buf_free(&frame);
    assert_int_equal(decode(BYTES_NONE), ERR_PROTOCOL);
}

static void test_frame_over_the_bound_is_refused(void **state)
{
    (void)state;
    struct buf body = {0};
    buf_add_str(&body, "\x91\xc6");
    const uint8_t len[4] = {0, 0x40, 0, 0};
    buf_add(&body, len, 4);
    memset(buf_extend(&body, FRAME_BYTES_MAX), 'x', FRAME_BYTES_MAX);
    assert_int_equal(decode_body(MSG_DOC, buf_bytes(&body)), ERR_PROTOCOL);
    buf_free(&body);
}

/* Each of these makes an unpacker that believes it reserve gigabytes. */
static void test_counts_beyond_the_bytes_are_refused(void **state)
{
    (void)state;
    assert_int_equal(DECODE_BODY(MSG_ACK, "\xdd\x7f\xff\xff\xff"), ERR_PROTOCOL); /* array 32 */
    assert_int_equal(DECODE_BODY(MSG_ACK, "\xdd\xff\xff\xff\xff"), ERR_PROTOCOL);
    assert_int_equal(DECODE_BODY(MSG_ACK, "\xdf\xff\xff\xff\xff"), ERR_PROTOCOL); /* map 32 */
    assert_int_equal(DECODE_BODY(MSG_ACK, "\xdc\xff\xff"), ERR_PROTOCOL);         /* array 16 */
    assert_int_equal(DECODE_BODY(MSG_ACK, "\x93\x01\x02"), ERR_PROTOCOL);         /* short by one */
    assert_int_equal(DECODE_BODY(MSG_DOC, "\x91\xc6\xff\xff\xff\xff"), ERR_PROTOCOL); /* bin 32 */
    assert_int_equal(DECODE_BODY(MSG_DOC, "\x91\xdb\xff\xff\xff\xff"), ERR_PROTOCOL); /* str 32 */
    assert_int_equal(DECODE_BODY(MSG_DOC, "\x91\xc9\xff\xff\xff\xff\x01"),
                     ERR_PROTOCOL); /* ext 32 */
    assert_int_equal(DECODE_BODY(MSG_DOC, "\x91\xc4\x03xy"), ERR_PROTOCOL);
    /* Two arrays that together promise more than there is. */
    assert_int_equal(DECODE_BODY(MSG_ACK, "\x92\x93\x01\x01\x01"), ERR_PROTOCOL);
}

static void test_more_elements_than_any_message_has_are_refused(void **state)
{
    (void)state;
    struct buf body = {0};
    packed_array(&body, 1u << 20);
    memset(buf_extend(&body, 1u << 20), 0xc0, 1u << 20);
    assert_int_equal(decode_body(MSG_ACK, buf_bytes(&body)), ERR_PROTOCOL);
    buf_free(&body);
}

static void test_nesting_is_bounded(void **state)
{
    (void)state;
    struct buf body = {0};
    for (unsigned depth = 1; depth <= 100; depth++) {
        buf_clear(&body);
        /* [0, 0, [[[...]]]]: the third element is not known, and so passed over. */
        buf_add(&body, "\x93\x00\x00", 3);
        for (unsigned i = 2; i < depth; i++) {
            buf_add_char(&body, (char)0x91);
        }
        buf_add_char(&body, 0);
        assert_int_equal(decode_body(MSG_ACK, buf_bytes(&body)),
                         depth <= 17 ? ERR_OK : ERR_PROTOCOL);
    }
    buf_free(&body);
}

static void test_body_must_be_one_whole_value(void **state)
{
    (void)state;
    assert_int_equal(decode_body(MSG_ACK, BYTES_NONE), ERR_PROTOCOL);
    assert_int_equal(DECODE_BODY(MSG_ACK, "\x90\x90"), ERR_PROTOCOL); /* bytes behind it */
    assert_int_equal(DECODE_BODY(MSG_ACK, "\xc1"), ERR_PROTOCOL);     /* no format at all */
    assert_int_equal(DECODE_BODY(MSG_ACK, "\x92\x01\xc1"), ERR_PROTOCOL);
    assert_int_equal(DECODE_BODY(MSG_ACK, "\x80"), ERR_PROTOCOL); /* a map */
    assert_int_equal(DECODE_BODY(MSG_ACK, "\x01"), ERR_PROTOCOL);
    assert_int_equal(DECODE_BODY(MSG_ACK, "\xc0"), ERR_PROTOCOL);
}

static void test_values_of_a_wrong_type_or_out_of_range_are_refused(void **state)
{
    (void)state;
    assert_int_equal(DECODE_BODY(MSG_BEAT, "\x91\xcf\x00\x00\x00\x01\x00\x00\x00\x00"),
                     ERR_PROTOCOL);                                       /* 2^32 */
    assert_int_equal(DECODE_BODY(MSG_BEAT, "\x91\xff"), ERR_PROTOCOL);    /* -1 */
    assert_int_equal(DECODE_BODY(MSG_BEAT, "\x91\xc3"), ERR_PROTOCOL);    /* true */
    assert_int_equal(DECODE_BODY(MSG_ACK, "\x92\x01\x04"), ERR_PROTOCOL); /* a fifth verdict */
    assert_int_equal(DECODE_BODY(MSG_ACK, "\x92\x01\x03"), ERR_OK);
    assert_int_equal(DECODE_BODY(MSG_HELLO, "\x91\x03"), ERR_PROTOCOL);        /* a fourth role */
    assert_int_equal(DECODE_BODY(MSG_DONE, "\x92\xc4\x00\x7f"), ERR_PROTOCOL); /* no state */
    assert_int_equal(DECODE_BODY(MSG_DOC, "\x91\xa1x"), ERR_PROTOCOL);         /* str for bin */
    assert_int_equal(DECODE_BODY(MSG_STARTED, "\x92\xc4\x00\x01"), ERR_PROTOCOL); /* 1 for true */
    assert_int_equal(DECODE_BODY(MSG_RUNNING, "\x91\x01"), ERR_PROTOCOL);         /* no list */
    assert_int_equal(DECODE_BODY(MSG_RUNNING, "\x91\x91\x01"), ERR_PROTOCOL);     /* of no arrays */
    /* priority: int32 */
    assert_int_equal(DECODE_BODY(MSG_GET_LIST, "\x91\xd2\x80\x00\x00\x00"), ERR_OK);
    assert_int_equal(DECODE_BODY(MSG_GET_LIST, "\x91\xd3\xff\xff\xff\xff\x7f\xff\xff\xff"),
                     ERR_PROTOCOL);
    assert_int_equal(DECODE_BODY(MSG_GET_LIST, "\x91\xce\x80\x00\x00\x00"), ERR_PROTOCOL);
    /* a token that is one byte short */
    assert_int_equal(DECODE_BODY(MSG_STOP, "\x91\x97\xc4\x00\x01\x01\x01\x01\x01\xc4\x0f"
                                           "123456789012345"),
                     ERR_PROTOCOL);
    assert_int_equal(DECODE_BODY(MSG_STOP, "\x91\x97\xc4\x00\x01\x01\x01\x01\x01\xc4\x10"
                                           "1234567890123456"),
                     ERR_OK);
}

static void test_fractions_must_be_finite(void **state)
{
    (void)state;
    assert_int_equal(DECODE_BODY(MSG_PROGRESS, "\x92\x90\xcb\x3f\xe0\0\0\0\0\0\0"),
                     ERR_OK); /* 0.5 */
    assert_int_equal(DECODE_BODY(MSG_PROGRESS, "\x92\x90\xcb\x7f\xf8\0\0\0\0\0\0"),
                     ERR_PROTOCOL); /* NaN */
    assert_int_equal(DECODE_BODY(MSG_PROGRESS, "\x92\x90\xcb\xff\xf0\0\0\0\0\0\0"),
                     ERR_PROTOCOL); /* -inf */
    assert_int_equal(DECODE_BODY(MSG_PROGRESS, "\x92\x90\xca\x7f\x80\0\0"),
                     ERR_PROTOCOL); /* float inf */
}

static void test_lists_longer_than_their_bound_are_refused(void **state)
{
    (void)state;
    struct buf body = {0};
    for (uint32_t count = STEPS_MAX; count <= STEPS_MAX + 1; count++) {
        buf_clear(&body);
        packed_array(&body, 23);
        memset(buf_extend(&body, 22), 0xc0, 22);
        packed_array(&body, count);
        memset(buf_extend(&body, count), 0x90, count);
        assert_int_equal(decode_body(MSG_STATUS, buf_bytes(&body)),
                         count == STEPS_MAX ? ERR_OK : ERR_PROTOCOL);
    }
    buf_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_flipped_bit_is_noticed),
        cmocka_unit_test(test_changed_bytes_under_a_correct_sum_are_survived),
        cmocka_unit_test(test_head_that_does_not_fit_is_refused),
        cmocka_unit_test(test_frame_over_the_bound_is_refused),
        cmocka_unit_test(test_counts_beyond_the_bytes_are_refused),
        cmocka_unit_test(test_more_elements_than_any_message_has_are_refused),
        cmocka_unit_test(test_nesting_is_bounded),
        cmocka_unit_test(test_body_must_be_one_whole_value),
        cmocka_unit_test(test_values_of_a_wrong_type_or_out_of_range_are_refused),
        cmocka_unit_test(test_fractions_must_be_finite),
        cmocka_unit_test(test_lists_longer_than_their_bound_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
