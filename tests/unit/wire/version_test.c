/* What an older and a newer peer send, and what must come of it: PROTOCOL.md, "Versions". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "packed.h"
#include "wire/frame.h"

static enum err decode(uint8_t type, const struct buf *body, struct message *ret_message)
{
    static struct arena arena;
    static struct buf frame;
    arena_free(&arena);
    packed_frame(&frame, type, buf_bytes(body));
    enum err e = frame_decode(buf_bytes(&frame), &arena, ret_message);
    if (e != ERR_OK) {
        arena_free(&arena);
        buf_free(&frame);
    }
    return e;
}

static void finish(struct buf *body)
{
    struct message m;
    buf_free(body);
    assert_int_equal(decode(255, body, &m), ERR_NOT_FOUND); /* gives decode's memory back */
}

static void test_missing_elements_read_as_zero_or_empty(void **state)
{
    (void)state;
    struct buf body = {0};
    struct message m;
    packed_array(&body, 0);
    assert_int_equal(decode(MSG_ORDER, &body, &m), ERR_OK);
    assert_int_equal(m.order.ref.task_id.len, 0);
    assert_int_equal(m.order.timeout_ms, 0);
    assert_false(m.order.alone);
    buf_clear(&body);
    packed_array(&body, 1);
    packed_uint(&body, 7);
    assert_int_equal(decode(MSG_ACK, &body, &m), ERR_OK);
    assert_int_equal(m.ack.number, 7);
    assert_int_equal(m.ack.verdict, VERDICT_APPLIED);
    finish(&body);
}

static void test_elements_that_we_do_not_know_are_passed_over(void **state)
{
    (void)state;
    struct buf body = {0};
    struct message m;
    packed_array(&body, 6);
    packed_uint(&body, 7);
    packed_uint(&body, VERDICT_LATE);
    packed_bin(&body, "new");
    buf_add_str(&body, "\xa3str");       /* a string */
    buf_add_str(&body, "\x81\xa1k\xc3"); /* a map {"k": true} */
    buf_add(&body, "\xc7\x02\x05xy", 5); /* an extension type */
    assert_int_equal(decode(MSG_ACK, &body, &m), ERR_OK);
    assert_int_equal(m.ack.number, 7);
    assert_int_equal(m.ack.verdict, VERDICT_LATE);
    finish(&body);
}

static void test_retired_element_reads_as_zero(void **state)
{
    (void)state;
    struct buf body = {0};
    struct message m;
    packed_array(&body, 2);
    buf_add_char(&body, (char)0xc0); /* nil */
    packed_uint(&body, VERDICT_REPLAY);
    assert_int_equal(decode(MSG_ACK, &body, &m), ERR_OK);
    assert_int_equal(m.ack.number, 0);
    assert_int_equal(m.ack.verdict, VERDICT_REPLAY);
    finish(&body);
}

/* Its place stays: what a later release adds comes behind it. */
static void test_retired_element_is_sent_as_nil(void **state)
{
    (void)state;
    struct message m = {.type = MSG_WATCHED, .watched = {.task_id = BYTES_LIT("t"), .seq = 9}};
    struct buf frame = {0};
    assert_int_equal(frame_encode(&m, &frame), ERR_OK);
    static const char body[] = "\x94\xc4\x01t\x09\xc2\xc0";
    struct bytes end = bytes_part(buf_bytes(&frame), frame.len - (sizeof body - 1), frame.len);
    assert_true(bytes_is(end, body));
    buf_free(&frame);
    struct buf old = {0};
    packed_array(&old, 4);
    packed_bin(&old, "t");
    packed_uint(&old, 9);
    buf_add_char(&old, (char)0xc3); /* true */
    packed_array(&old, 2);          /* whatever it was */
    packed_uint(&old, 1);
    packed_uint(&old, 2);
    assert_int_equal(decode(MSG_WATCHED, &old, &m), ERR_OK);
    assert_true(m.watched.seq == 9 && m.watched.exists);
    finish(&old);
}

static void test_unknown_type_is_told_apart_from_garbage(void **state)
{
    (void)state;
    struct buf body = {0};
    struct message m;
    packed_array(&body, 0);
    assert_int_equal(decode(0, &body, &m), ERR_NOT_FOUND);
    assert_int_equal(decode(14, &body, &m), ERR_NOT_FOUND);
    assert_int_equal(decode(255, &body, &m), ERR_NOT_FOUND);
    finish(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_elements_read_as_zero_or_empty),
        cmocka_unit_test(test_elements_that_we_do_not_know_are_passed_over),
        cmocka_unit_test(test_retired_element_reads_as_zero),
        cmocka_unit_test(test_retired_element_is_sent_as_nil),
        cmocka_unit_test(test_unknown_type_is_told_apart_from_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
