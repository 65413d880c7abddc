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
    struct slices some = {.own = {.ptr = &byte, .len = 1}};
    output_init(&c);
    buf_extend(&c.out.flight->text.own, TRANSPORT_BACKLOG_BYTES_MAX - 1);
    assert_int_equal(output_add(&c, &some), ERR_OK);
    assert_int_equal(output_add(&c, &some), ERR_FULL);
    buf_extend(&c.out.flight->text.own, 100000);
    assert_int_equal(output_add(&c, &some), ERR_FULL);
    c.out.flight_sent.own = c.out.flight->text.own.len;
    assert_int_equal(output_add(&c, &some), ERR_OK);
    buf_extend(&c.out.records, TRANSPORT_BACKLOG_BYTES_MAX);
    assert_int_equal(output_add(&c, &some), ERR_FULL);
    output_free(&c);
}

/* What was encoded to see how long it is does not stay. */
static void test_message_over_the_bound_is_taken_back(void **state)
{
    (void)state;
    struct nng_conn c = {0};
    struct message m = {.type = MSG_BEAT};
    output_init(&c);
    assert_int_equal(output_add_message(&c, &m, NULL, NULL), ERR_OK);
    size_t len = c.out.fill->text.own.len;
    assert_true(len > 24);
    buf_extend(&c.out.flight->text.own, TRANSPORT_BACKLOG_BYTES_MAX - 2 * len);
    assert_int_equal(output_add_message(&c, &m, NULL, NULL), ERR_OK);
    assert_int_equal(output_add_message(&c, &m, NULL, NULL), ERR_FULL);
    assert_int_equal(c.out.fill->text.own.len, 2 * len);
    c.out.flight_sent.own = 1;
    assert_int_equal(output_add_message(&c, &m, NULL, NULL), ERR_FULL);
    c.out.flight_sent.own = len;
    assert_int_equal(output_add_message(&c, &m, NULL, NULL), ERR_OK);
    output_close(&c);
    assert_int_equal(output_add_message(&c, &m, NULL, NULL), ERR_NOT_FOUND);
    assert_int_equal(c.out.fill->text.own.len, 3 * len);
    output_free(&c);
}

static void assert_held(const struct held_frame *h, struct bytes frame)
{
    struct slices again = {0};
    struct buf copy = {0};
    held_frame_add(h, &again);
    slices_copy(&again, (struct slices_place){0}, slices_len(&again), &copy);
    assert_true(bytes_eq(buf_bytes(&copy), frame));
    buf_free(&copy);
    slices_free(&again);
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
    assert_int_equal(output_add_message(&c, &m, NULL, NULL), ERR_OK);
    assert_int_equal(output_add_message(&c, &m, NULL, &one), ERR_OK);
    assert_int_equal(output_add_message(&c, &m, NULL, &other), ERR_OK);
    assert_ptr_equal(one.sheet, c.out.fill);
    assert_ptr_equal(other.sheet, c.out.fill);
    assert_false(sheet_is_free(c.out.fill));
    output_free(&c);
    assert_held(&one, buf_bytes(&frame));
    assert_held(&other, buf_bytes(&frame));
    assert_int_equal(held_frame_release(&one), 0);
    assert_int_equal(held_frame_release(&one), 0); /* again: nothing */
    assert_int_equal(held_frame_release(&other), 2 * frame.len);
    assert_null(other.sheet);
    buf_free(&frame);
}

/* All of a lender is counted while any of it waits, and none of one that could not be sent. */
static void test_lenders_count_as_what_waits(void **state)
{
    (void)state;
    struct nng_conn c = {0};
    struct buf text = {0};
    struct held_frame held = {0};
    memset(buf_extend(&text, 1u << 20), 'x', 1u << 20);
    struct shared *lender = shared_take(&text);
    struct lenders lenders = {.items = &lender, .count = 1};
    struct message m = {.type = MSG_DOC, .doc = {bytes_part(buf_bytes(&lender->bytes), 0, 8192)}};
    output_init(&c);
    assert_int_equal(output_add_message(&c, &m, &lenders, &held), ERR_OK);
    assert_int_equal(output_add_message(&c, &m, &lenders, NULL), ERR_OK);
    assert_int_equal(c.out.fill->text.lent_count, 2);
    size_t own = c.out.fill->text.own.len;
    assert_true(own < 100);
    assert_int_equal(held.memory, own / 2 + (1u << 20));
    size_t room = TRANSPORT_BACKLOG_BYTES_MAX - own - (1u << 20);
    buf_extend(&c.out.flight->text.own, room - own / 2 + 1);
    assert_int_equal(output_add_message(&c, &m, &lenders, NULL), ERR_FULL);
    assert_int_equal(c.out.fill->text.lent_count, 2);
    assert_int_equal(atomic_load(&lender->holders), 3);
    c.out.flight->text.own.len--;
    assert_int_equal(output_add_message(&c, &m, &lenders, NULL), ERR_OK);
    assert_int_equal(output_add_message(&c, &m, &lenders, NULL), ERR_FULL);
    output_free(&c);
    assert_int_equal(atomic_load(&lender->holders), 4); /* the sheet is held */
    assert_int_equal(held_frame_release(&held), own / 2 + (1u << 20));
    assert_int_equal(atomic_load(&lender->holders), 1);
    shared_drop(lender);
}

/* An input by expressions may take from two results by turns: what each turn holds is far more than
 * what it says, and no reason to close a connection. */
static void test_a_message_that_lends_too_much_by_itself_is_copied(void **state)
{
    (void)state;
    enum { TURNS = 140, LENDER_BYTES = 1 << 20, PART_BYTES = 1024 };
    struct nng_conn c = {0};
    struct shared *all[2];
    struct bytes parts[TURNS];
    struct message m = {.type = MSG_ORDER};
    for (size_t i = 0; i < 2; i++) {
        all[i] = shared_make(LENDER_BYTES);
        memset(all[i]->bytes.ptr, 'x', LENDER_BYTES);
    }
    for (size_t i = 0; i < TURNS; i++) {
        parts[i] = bytes_of(all[i % 2]->bytes.ptr + i * PART_BYTES, PART_BYTES);
    }
    m.order.input = (struct parts){.items = parts, .count = TURNS};
    struct lenders lenders = {.items = all, .count = 2};
    output_init(&c);
    assert_int_equal(output_add_message(&c, &m, &lenders, NULL), ERR_OK);
    assert_int_equal(c.out.fill->text.lent_count, 0);
    assert_true(c.out.fill->text.own.len > TURNS * PART_BYTES);
    m.order.input.count = 3; /* a few are lent */
    assert_int_equal(output_add_message(&c, &m, &lenders, NULL), ERR_OK);
    assert_int_equal(c.out.fill->text.lent_count, 3);
    output_free(&c);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(atomic_load(&all[i]->holders), 1);
        shared_drop(all[i]);
    }
}

/* Small parts of large lenders are lent while little of that is on its way, and copied from then
 * on; large parts are lent all the same. */
static void test_lenders_stay_for_small_parts_up_to_a_bound(void **state)
{
    (void)state;
    enum { LENDERS = 12, LENDER_BYTES = 1 << 20 };
    struct nng_conn c = {0};
    struct shared *all[LENDERS];
    struct message m = {.type = MSG_DOC};
    output_init(&c);
    for (size_t i = 0; i < LENDERS; i++) {
        all[i] = shared_make(LENDER_BYTES);
        memset(all[i]->bytes.ptr, 'x', LENDER_BYTES);
        struct lenders lenders = {.items = &all[i], .count = 1};
        m.doc.data = bytes_of(all[i]->bytes.ptr, i < 10 ? 8192 : LENDER_BYTES / 2);
        assert_int_equal(output_add_message(&c, &m, &lenders, NULL), ERR_OK);
        bool lent = (i + 1) * (LENDER_BYTES - 8192) <= TRANSPORT_BESIDE_BYTES_MAX || i >= 10;
        assert_int_equal(atomic_load(&all[i]->holders), lent ? 2 : 1);
    }
    assert_true(slices_beside(&c.out.fill->text) < TRANSPORT_BESIDE_BYTES_MAX + 2 * LENDER_BYTES);
    /* On its way out it counts as well; and no more once it is out. */
    struct sheet *fill = c.out.fill;
    struct lenders lenders = {.items = &all[9], .count = 1};
    m.doc.data = bytes_of(all[9]->bytes.ptr, 8192);
    c.out.fill = c.out.flight;
    c.out.flight = fill;
    assert_int_equal(output_add_message(&c, &m, &lenders, NULL), ERR_OK);
    assert_int_equal(atomic_load(&all[9]->holders), 1);
    slices_clear(&fill->text);
    assert_int_equal(output_add_message(&c, &m, &lenders, NULL), ERR_OK);
    assert_int_equal(atomic_load(&all[9]->holders), 2);
    output_free(&c);
    for (size_t i = 0; i < LENDERS; i++) {
        assert_int_equal(atomic_load(&all[i]->holders), 1);
        shared_drop(all[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_waits_has_its_bound_as_records_too),
        cmocka_unit_test(test_message_over_the_bound_is_taken_back),
        cmocka_unit_test(test_held_frame_outlives_its_connection),
        cmocka_unit_test(test_lenders_count_as_what_waits),
        cmocka_unit_test(test_lenders_stay_for_small_parts_up_to_a_bound),
        cmocka_unit_test(test_a_message_that_lends_too_much_by_itself_is_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
