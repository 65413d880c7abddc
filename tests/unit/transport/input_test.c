#include "transport/input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "model/limits.h"
#include "wire/frame.h"

#define SMALL 100u

/* What the other end has sent. */
static struct buf sent;
static size_t read_at;
static unsigned frames, moved; /* delivered; those that had not stayed where their first part was */

static void send_frame(size_t len)
{
    uint8_t *p = buf_extend(&sent, FRAME_LENGTH_BYTES + len);
    for (unsigned i = 0; i < 4; i++) {
        p[i] = (uint8_t)(len >> (24 - 8 * i));
    }
    for (size_t i = 0; i < len; i++) {
        p[FRAME_LENGTH_BYTES + i] = (uint8_t)(len + i);
    }
}

static void is_frame(struct bytes frame)
{
    for (size_t i = 0; i < frame.len; i++) {
        if (frame.ptr[i] != (uint8_t)(frame.len + i)) {
            fail_msg("byte %zu of a frame of %zu", i, frame.len);
        }
    }
}

/* Reads all, as much at once as there is room for, but no more than most. */
static void deliver(struct input *in, size_t most)
{
    const uint8_t *begun = NULL;
    frames = moved = 0;
    while (read_at < sent.len) {
        size_t room;
        uint8_t *to = input_room(in, &room);
        assert_true(room > 0);
        size_t n = room < most ? room : most;
        n = n < sent.len - read_at ? n : sent.len - read_at;
        memcpy(to, sent.ptr + read_at, n);
        read_at += n;
        input_grow(in, n);
        struct bytes frame;
        while (input_next(in, &frame) == CUT_FRAME) {
            is_frame(frame);
            frames++;
            moved += begun != NULL && begun != frame.ptr - FRAME_LENGTH_BYTES;
            begun = NULL;
        }
        const uint8_t *at = in->end > in->at ? in->bytes + in->at : NULL;
        begun = begun == NULL ? at : begun;
        input_settle(in, n);
    }
    assert_int_equal(in->at, in->end);
}

static void forget(struct input *in)
{
    input_free(in);
    buf_free(&sent);
    read_at = 0;
}

static void test_frames_come_whole_in_whatever_pieces(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 7);
    for (unsigned round = 0; round < 60; round++) {
        struct input in = {0};
        unsigned count = 40;
        for (unsigned i = 0; i < count; i++) {
            size_t most = rng_below(&rng, 4) == 0 ? 600000 : 9000;
            send_frame(FRAME_HEAD_BYTES + rng_below(&rng, most));
        }
        deliver(&in, 1 + rng_below(&rng, round % 2 == 0 ? 5000 : 300000));
        assert_int_equal(frames, count);
        assert_true(in.cap <= INPUT_BYTES_USUAL_MAX);
        forget(&in);
    }
}

static void test_large_frames_stay_where_they_are_read_to(void **state)
{
    (void)state;
    struct input in = {0};
    for (size_t len = INPUT_FRAME_LARGE; len <= 192u << 10; len += 9973) {
        send_frame(250000); /* it has grown */
        send_frame(SMALL);
        deliver(&in, SIZE_MAX);
        for (unsigned i = 0; i < 20; i++) {
            send_frame(len);
        }
        deliver(&in, SIZE_MAX);
        assert_int_equal(frames, 20);
        assert_true(moved <= 1); /* who comes behind a small one */
    }
    forget(&in);
}

static void test_small_frames_fill_the_reads(void **state)
{
    (void)state;
    struct input in = {0};
    for (unsigned i = 0; i < 20000; i++) {
        send_frame(SMALL);
    }
    deliver(&in, SIZE_MAX);
    assert_int_equal(frames, 20000);
    assert_int_equal(in.cap, INPUT_BYTES_USUAL_MAX);
    size_t room;
    (void)input_room(&in, &room);
    assert_int_equal(room, INPUT_BYTES_USUAL_MAX);
    forget(&in);
}

static void test_the_largest_frame_gets_room_of_its_length_and_gives_it_back(void **state)
{
    (void)state;
    struct input in = {0};
    size_t room;
    send_frame(FRAME_BYTES_MAX);
    uint8_t *to = input_room(&in, &room);
    memcpy(to, sent.ptr, INPUT_BYTES_BEGUN);
    input_grow(&in, INPUT_BYTES_BEGUN);
    to = input_room(&in, &room);
    assert_int_equal(in.cap, FRAME_LENGTH_BYTES + FRAME_BYTES_MAX);
    assert_int_equal(room, FRAME_LENGTH_BYTES + FRAME_BYTES_MAX - INPUT_BYTES_BEGUN);
    read_at = INPUT_BYTES_BEGUN;
    deliver(&in, SIZE_MAX);
    assert_int_equal(frames, 1);
    assert_int_equal(in.cap, INPUT_BYTES_USUAL_MAX);
    forget(&in);
}

static void test_who_only_says_a_length_takes_nothing_by_it(void **state)
{
    (void)state;
    struct input in = {0};
    size_t room;
    send_frame(FRAME_BYTES_MAX);
    for (size_t n = 0; n < INPUT_BYTES_BEGUN; n++) {
        *input_room(&in, &room) = sent.ptr[read_at++];
        input_grow(&in, 1);
        struct bytes frame;
        assert_int_equal(input_next(&in, &frame), CUT_MORE);
        input_settle(&in, 1);
        assert_int_equal(in.cap, INPUT_BYTES_START);
    }
    deliver(&in, SIZE_MAX);
    assert_int_equal(frames, 1);
    forget(&in);
}

static void test_a_length_out_of_bounds_is_garbage(void **state)
{
    (void)state;
    struct input in = {0};
    struct bytes frame;
    size_t room;
    memset(input_room(&in, &room), 0xff, FRAME_LENGTH_BYTES);
    input_grow(&in, FRAME_LENGTH_BYTES);
    assert_int_equal(input_next(&in, &frame), CUT_GARBAGE);
    forget(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_come_whole_in_whatever_pieces),
        cmocka_unit_test(test_large_frames_stay_where_they_are_read_to),
        cmocka_unit_test(test_small_frames_fill_the_reads),
        cmocka_unit_test(test_the_largest_frame_gets_room_of_its_length_and_gives_it_back),
        cmocka_unit_test(test_who_only_says_a_length_takes_nothing_by_it),
        cmocka_unit_test(test_a_length_out_of_bounds_is_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
