#include "store/redis_batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct redis_names names;

static void add(struct batch_queue *q, enum row_kind kind, uint64_t id, size_t bytes)
{
    static uint8_t data[BATCH_BYTES_MAX];
    struct store_row row = {.kind = kind, .write_id = id, .task_id = BYTES_LIT("t")};
    row.head = bytes_of(data, bytes);
    batch_queue_add(q, &names, &row, &(struct row_texts){0});
}

static void test_nothing_leaves_before_the_flush(void **state)
{
    (void)state;
    struct batch_queue q = {0};
    add(&q, ROW_UPDATE, 1, 10);
    assert_null(batch_queue_send(&q));
    batch_queue_flush(&q);
    struct batch *b = batch_queue_send(&q);
    assert_non_null(b);
    assert_int_equal(b->row_count, 1);
    assert_int_equal(q.rows_sent, 1);
    batch_queue_free(&q);
}

static void test_two_batches_are_in_flight_and_the_rest_gathers(void **state)
{
    (void)state;
    struct batch_queue q = {0};
    for (uint64_t round = 0; round < 3; round++) {
        add(&q, ROW_UPDATE, round, 10);
        batch_queue_flush(&q);
        if (round < 2) {
            assert_non_null(batch_queue_send(&q));
        }
    }
    assert_null(batch_queue_send(&q));
    add(&q, ROW_UPDATE, 3, 10); /* joins the one that waits */
    assert_int_equal(batch_queue_awaited(&q)->write_ids[0], 0);
    batch_queue_answered(&q);
    struct batch *b = batch_queue_send(&q);
    assert_int_equal(b->row_count, 2);
    batch_queue_answered(&q);
    assert_int_equal(batch_queue_awaited(&q)->write_ids[1], 3);
    batch_queue_answered(&q);
    assert_null(batch_queue_awaited(&q));
    assert_null(q.first);
    assert_int_equal(q.rows_given, q.rows_sent);
    batch_queue_free(&q);
}

static void test_a_batch_that_is_to_be_confirmed_stays_until_it_is(void **state)
{
    (void)state;
    struct batch_queue q = {0};
    add(&q, ROW_UPDATE, 1, 10);
    add(&q, ROW_ADMIT, 2, 10);
    batch_queue_flush(&q);
    struct batch *b = batch_queue_send(&q);
    b->confirmed = true;
    batch_queue_answered(&q);
    batch_queue_answered(&q);
    assert_ptr_equal(q.first, b);
    assert_int_equal(q.in_flight, 1);
    batch_queue_confirmed(&q);
    assert_null(q.first);
    assert_int_equal(q.in_flight, 0);
    batch_queue_free(&q);
}

static void test_a_batch_is_bounded_in_rows_and_bytes(void **state)
{
    (void)state;
    struct batch_queue q = {0};
    for (uint64_t i = 0; i < BATCH_ROWS_MAX + 5; i++) {
        add(&q, ROW_UPDATE, i, 10);
    }
    batch_queue_flush(&q);
    assert_int_equal(batch_queue_send(&q)->row_count, BATCH_ROWS_MAX);
    assert_int_equal(batch_queue_send(&q)->row_count, 5);
    batch_queue_free(&q);
    add(&q, ROW_UPDATE, 1, BATCH_BYTES_MAX / 2);
    add(&q, ROW_UPDATE, 2, BATCH_BYTES_MAX / 2);
    add(&q, ROW_UPDATE, 3, 10);
    batch_queue_flush(&q);
    assert_int_equal(batch_queue_send(&q)->row_count, 2);
    assert_int_equal(batch_queue_send(&q)->row_count, 1);
    batch_queue_free(&q);
}

static void test_a_calls_memory_is_used_again_unless_it_is_large(void **state)
{
    (void)state;
    struct batch_queue q = {0};
    for (int round = 0; round < 2; round++) {
        size_t bytes = round == 0 ? 10 : SPARE_BYTES_MAX;
        add(&q, ROW_UPDATE, 1, bytes);
        assert_int_equal(q.spare_count, 0);
        assert_int_equal(q.last->calls[0].rows.owner_count, 1);
        batch_queue_flush(&q);
        assert_non_null(batch_queue_send(&q));
        batch_queue_answered(&q);
        assert_int_equal(q.spare_count, round == 0 ? 1 : 0);
    }
    batch_queue_free(&q);
}

static void test_admissions_have_calls_of_their_own_in_order(void **state)
{
    (void)state;
    struct batch_queue q = {0};
    const enum row_kind kinds[] = {ROW_UPDATE, ROW_RENEW, ROW_ADMIT, ROW_ADMIT, ROW_UPDATE};
    for (uint64_t i = 0; i < 5; i++) {
        add(&q, kinds[i], i, 10);
    }
    batch_queue_flush(&q);
    struct batch *b = batch_queue_send(&q);
    assert_int_equal(b->call_count, 3);
    assert_int_equal(b->calls[0].row_count, 2);
    assert_true(b->calls[1].admits);
    assert_int_equal(b->calls[1].write_ids[1], 3);
    assert_false(b->calls[2].admits);
    batch_queue_answered(&q); /* by calls */
    assert_true(batch_queue_awaited(&q)->admits);
    batch_queue_answered(&q);
    assert_int_equal(q.in_flight, 1);
    batch_queue_answered(&q);
    assert_int_equal(q.in_flight, 0);
    batch_queue_free(&q);
}

static void test_of_a_cluster_each_call_has_one_partition(void **state)
{
    (void)state;
    struct batch_queue q = {.by_partition = true};
    const struct {
        enum row_kind kind;
        partition_id partition;
    } rows[] = {{ROW_UPDATE, 3}, {ROW_UPDATE, 5}, {ROW_UPDATE, 3}, {ROW_ADMIT, 5},
                {ROW_UPDATE, 3}, {ROW_UPDATE, 5}, {ROW_ADMIT, 3}};
    for (uint64_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct store_row row = {.kind = rows[i].kind, .write_id = i, .task_id = BYTES_LIT("t")};
        row.partition = rows[i].partition;
        batch_queue_add(&q, &names, &row, &(struct row_texts){0});
    }
    batch_queue_flush(&q);
    struct batch *b = batch_queue_send(&q);
    assert_int_equal(b->call_count, 5);
    assert_int_equal(b->calls[0].partition, 3);
    assert_int_equal(b->calls[0].row_count, 3);
    assert_int_equal(b->calls[0].write_ids[2], 4);
    assert_int_equal(b->calls[1].row_count, 1); /* of 5, before its admission */
    assert_true(b->calls[2].admits && b->calls[2].partition == 5);
    assert_int_equal(b->calls[3].write_ids[0], 5); /* of 5, behind it */
    assert_true(b->calls[4].admits && b->calls[4].partition == 3);

    struct batch_queue other = {.by_partition = true};
    struct batch_call taken = b->calls[0];
    b->calls[0] = (struct batch_call){0};
    batch_queue_adopt(&other, &taken);
    batch_queue_flush(&other);
    assert_int_equal(batch_queue_send(&other)->row_count, 3);
    assert_int_equal(batch_queue_awaited(&other)->write_ids[1], 2);
    batch_queue_free(&other);
    batch_queue_free(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_leaves_before_the_flush),
        cmocka_unit_test(test_two_batches_are_in_flight_and_the_rest_gathers),
        cmocka_unit_test(test_a_batch_that_is_to_be_confirmed_stays_until_it_is),
        cmocka_unit_test(test_a_batch_is_bounded_in_rows_and_bytes),
        cmocka_unit_test(test_a_calls_memory_is_used_again_unless_it_is_large),
        cmocka_unit_test(test_admissions_have_calls_of_their_own_in_order),
        cmocka_unit_test(test_of_a_cluster_each_call_has_one_partition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
