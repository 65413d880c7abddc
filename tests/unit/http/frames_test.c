/* What clients say over a WebSocket, in whatever pieces it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "http/frames.h"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1
#define PLAIN       "\0\0\0\0" /* a mask that changes nothing */

/* The first `good` bytes are in order, however they come. */
static void closes(const uint8_t *bytes, size_t len, size_t good, unsigned expected)
{
    for (size_t piece = 1; piece <= len; piece++) {
        struct frames f = {0};
        unsigned code = 0;
        size_t done = 0;
        while (done < len && code == 0) {
            size_t n = len - done < piece ? len - done : piece;
            done += frames_look(&f, bytes + done, n, &code);
        }
        assert_int_equal(code, expected);
        assert_int_equal(done, good);
    }
}

static void passes(const uint8_t *bytes, size_t len)
{
    closes(bytes, len, len, 0);
}

static void test_messages_pings_and_a_close_pass(void **state)
{
    (void)state;
    passes(BYTES("\x81\x84\x01\x02\x03\x04qkmc"));
    passes(BYTES("\x81\x80" PLAIN "\x82\x83" PLAIN "\xff\xfe\xfd"));
    passes(BYTES("\x01\x82" PLAIN "pi\x89\x81" PLAIN "x\x8a\x80" PLAIN "\x80\x82" PLAIN "ng"));
    passes(BYTES("\x02\x80" PLAIN "\x00\x80" PLAIN "\x80\x80" PLAIN "\x81\x81" PLAIN "x"));
    passes(BYTES("\x88\x80" PLAIN));
    passes(BYTES("\x88\x82" PLAIN "\x03\xe8"));
    passes(BYTES("\x01\x81" PLAIN "\xc3\x88\x84" PLAIN "\x0f\xa0\xc3\xa4"));
    static uint8_t large[4 + 4 + 126] = {0x82, 0xfe, 0, 126};
    passes(large, sizeof large);
    static uint8_t larger[10 + 4 + 65536] = {0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0};
    struct frames f = {0};
    unsigned code = 0;
    assert_int_equal(frames_look(&f, larger, sizeof larger, &code), sizeof larger);
    assert_int_equal(f.at, FRAMES_FIRST);
}

static void test_what_is_out_of_order_closes(void **state)
{
    (void)state;
    closes(BYTES("\x81\x04ping"), 1, FRAMES_BROKEN);   /* no mask */
    closes(BYTES("\xc1\x80" PLAIN), 0, FRAMES_BROKEN); /* a bit of an extension */
    closes(BYTES("\x91\x80" PLAIN), 0, FRAMES_BROKEN);
    closes(BYTES("\x83\x80" PLAIN), 0, FRAMES_BROKEN); /* no such frame */
    closes(BYTES("\x8b\x80" PLAIN), 0, FRAMES_BROKEN);
    closes(BYTES("\x80\x80" PLAIN), 0, FRAMES_BROKEN);                  /* goes on with nothing */
    closes(BYTES("\x01\x80" PLAIN "\x81\x80" PLAIN), 6, FRAMES_BROKEN); /* begins within another */
    closes(BYTES("\x09\x80" PLAIN), 0, FRAMES_BROKEN);                  /* a ping in parts */
    closes(BYTES("\x89\xfe" PLAIN), 1, FRAMES_BROKEN);                  /* a long one */
    closes(BYTES("\x88\x81" PLAIN "x"), 1, FRAMES_BROKEN);              /* half a code */
    closes(BYTES("\x81\xfe\x00\x7d" PLAIN), 3, FRAMES_BROKEN); /* a length in too many bytes */
    closes(BYTES("\x81\xff\0\0\0\0\0\0\xff\xff" PLAIN), 9, FRAMES_BROKEN);
    closes(BYTES("\x81\xff\x80\0\0\0\0\1\0\0" PLAIN), 2, FRAMES_BROKEN); /* negative */
}

static void test_a_close_says_a_code_that_there_is_and_a_text(void **state)
{
    (void)state;
    static const unsigned none[] = {0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        uint8_t frame[] = {0x88, 0x82, 0, 0, 0, 0, (uint8_t)(none[i] >> 8), (uint8_t)none[i]};
        closes(frame, sizeof frame, 7, FRAMES_BROKEN);
    }
    closes(BYTES("\x88\x83" PLAIN "\x03\xe8\xff"), 8, FRAMES_NO_UTF8);
    closes(BYTES("\x88\x83" PLAIN "\x03\xe8\xc3"), 8, FRAMES_NO_UTF8);
}

static void test_texts_are_utf8(void **state)
{
    (void)state;
    passes(BYTES("\x81\x8f" PLAIN "a\xc3\xa4\xe0\xa0\x80\xed\x9f\xbf\xf4\x8f\xbf\xbf"
                 "bc"));
    passes(BYTES("\x01\x81" PLAIN "\xe2\x89\x81" PLAIN "\xff\x80\x82" PLAIN "\x82\xac"));
    closes(BYTES("\x81\x81" PLAIN "\xff"), 6, FRAMES_NO_UTF8);
    closes(BYTES("\x81\x82" PLAIN "\xc0\x80"), 6, FRAMES_NO_UTF8);
    closes(BYTES("\x81\x83" PLAIN "\xe0\x9f\x80"), 7, FRAMES_NO_UTF8);
    closes(BYTES("\x81\x83" PLAIN "\xed\xa0\x80"), 7, FRAMES_NO_UTF8);
    closes(BYTES("\x81\x84" PLAIN "\xf4\x90\x80\x80"), 7, FRAMES_NO_UTF8);
    closes(BYTES("\x81\x81" PLAIN "\xc3"), 6, FRAMES_NO_UTF8);
    closes(BYTES("\x01\x81" PLAIN "\xc3\x80\x80" PLAIN), 12, FRAMES_NO_UTF8);
    closes(BYTES("\x01\x81" PLAIN "\xc3\x80\x81" PLAIN "a"), 13, FRAMES_NO_UTF8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_pings_and_a_close_pass),
        cmocka_unit_test(test_what_is_out_of_order_closes),
        cmocka_unit_test(test_a_close_says_a_code_that_there_is_and_a_text),
        cmocka_unit_test(test_texts_are_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
