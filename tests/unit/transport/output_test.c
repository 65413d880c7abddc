/* The output of a connection, by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>

#include "transport/nng_impl.h"
#include "wire/frame.h"

/* Records are longer than what is in them, and the channel makes some of its own. */
static void test_what_waits_has_its_bound_as_records_too(void **state)
{
    (void)state;
    struct nng_conn c = {0};
    uint8_t byte = 0;
    struct bytes some = bytes_of(&byte, 1);
    output_init(&c);
    buf_extend(&c.out.flight->bytes, TRANSPORT_BACKLOG_BYTES_MAX - 1);
    assert_int_equal(output_add(&c, some), ERR_OK);
    assert_int_equal(output_add(&c, some), ERR_FULL);
    buf_extend(&c.out.flight->bytes, 100000);
    assert_int_equal(output_add(&c, some), ERR_FULL);
    c.out.flight_sent = c.out.flight->bytes.len;
    assert_int_equal(output_add(&c, some), ERR_OK);
    buf_extend(&c.out.records, TRANSPORT_BACKLOG_BYTES_MAX);
    assert_int_equal(output_add(&c, some), ERR_FULL);
    output_free(&c);
}

/* What was encoded to see how long it is does not stay. */
static void test_message_over_the_bound_is_taken_back(void **state)
{
    (void)state;
    struct nng_conn c = {0};
    struct message m = {.type = MSG_BEAT};
    output_init(&c);
    assert_int_equal(output_add_message(&c, &m, NULL), ERR_OK);
    size_t len = c.out.fill->bytes.len;
    assert_true(len > 24);
    buf_extend(&c.out.flight->bytes, TRANSPORT_BACKLOG_BYTES_MAX - 2 * len);
    assert_int_equal(output_add_message(&c, &m, NULL), ERR_OK);
    assert_int_equal(output_add_message(&c, &m, NULL), ERR_FULL);
    assert_int_equal(c.out.fill->bytes.len, 2 * len);
    c.out.flight_sent = 1;
    assert_int_equal(output_add_message(&c, &m, NULL), ERR_FULL);
    c.out.flight_sent = len;
    assert_int_equal(output_add_message(&c, &m, NULL), ERR_OK);
    output_close(&c);
    assert_int_equal(output_add_message(&c, &m, NULL), ERR_NOT_FOUND);
    assert_int_equal(c.out.fill->bytes.len, 3 * len);
    output_free(&c);
}

/* What may have to be sent again stays for that, though the connection is gone, and is counted
 * until nobody holds any of it. */
static void test_held_frame_outlives_its_connection(void **state)
{
    (void)state;
    struct nng_conn c = {0};
    struct message m = {.type = MSG_BEAT, .request = 7};
    struct held_frame one = {0}, other = {0};
    struct buf frame = {0};
    assert_int_equal(frame_encode(&m, &frame), ERR_OK);
    output_init(&c);
    assert_int_equal(output_add_message(&c, &m, NULL), ERR_OK);
    assert_int_equal(output_add_message(&c, &m, &one), ERR_OK);
    assert_int_equal(output_add_message(&c, &m, &other), ERR_OK);
    assert_ptr_equal(one.sheet, c.out.fill);
    assert_ptr_equal(other.sheet, c.out.fill);
    assert_false(sheet_is_free(c.out.fill));
    output_free(&c);
    assert_true(bytes_eq(held_frame_bytes(&one), buf_bytes(&frame)));
    assert_true(bytes_eq(held_frame_bytes(&other), buf_bytes(&frame)));
    assert_int_equal(held_frame_release(&one), 0);
    assert_int_equal(held_frame_release(&one), 0); /* again: nothing */
    assert_int_equal(held_frame_release(&other), 2 * frame.len);
    assert_null(other.sheet);
    buf_free(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_waits_has_its_bound_as_records_too),
        cmocka_unit_test(test_message_over_the_bound_is_taken_back),
        cmocka_unit_test(test_held_frame_outlives_its_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
