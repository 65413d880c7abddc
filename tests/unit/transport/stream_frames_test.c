#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "model/limits.h"
#include "transport/stream_frames.h"

static void test_frames_are_cut_wherever_the_stream_is_split(void **state)
{
    (void)state;
    uint8_t data[24 + 4 + 30] = {0};
    data[3] = 20;
    data[24 + 3] = 30;
    struct bytes stream, frame;
    for (size_t n = 0; n <= sizeof data; n++) {
        stream = bytes_of(data, n);
        assert_int_equal(stream_cut(&stream, &frame), n < 24 ? CUT_MORE : CUT_FRAME);
        if (n < 24) {
            assert_true(stream.ptr == data && stream.len == n);
            continue;
        }
        assert_true(frame.ptr == data + 4 && frame.len == 20);
        assert_int_equal(stream_cut(&stream, &frame), n < sizeof data ? CUT_MORE : CUT_FRAME);
    }
    assert_true(frame.ptr == data + 28 && frame.len == 30 && stream.len == 0);
}

static enum cut cut_length(uint32_t len)
{
    const uint8_t data[4] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                             (uint8_t)len};
    struct bytes stream = bytes_of(data, 4), frame;
    return stream_cut(&stream, &frame);
}

static void test_lengths_out_of_bounds_are_garbage_before_their_bytes_come(void **state)
{
    (void)state;
    assert_int_equal(cut_length(0), CUT_GARBAGE);
    assert_int_equal(cut_length(19), CUT_GARBAGE);
    assert_int_equal(cut_length(20), CUT_MORE);
    assert_int_equal(cut_length(FRAME_BYTES_MAX), CUT_MORE);
    assert_int_equal(cut_length(FRAME_BYTES_MAX + 1), CUT_GARBAGE);
    assert_int_equal(cut_length(UINT32_MAX), CUT_GARBAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_are_cut_wherever_the_stream_is_split),
        cmocka_unit_test(test_lengths_out_of_bounds_are_garbage_before_their_bytes_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
