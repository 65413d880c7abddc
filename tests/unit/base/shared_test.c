#include "base/shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_memory_is_taken_over_and_stays_for_the_last_holder(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_add_str(&b, "payload");
    const uint8_t *at = b.ptr;
    struct shared *s = shared_take(&b);
    assert_null(b.ptr);
    assert_int_equal(b.len, 0);
    assert_ptr_equal(s->bytes.ptr, at);
    assert_ptr_equal(shared_hold(s), s);
    shared_drop(s);
    assert_memory_equal(s->bytes.ptr, "payload", 7); /* under asan: it is still there */
    shared_drop(s);
    shared_drop(NULL);
}

static void test_it_knows_what_lies_in_it(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_add_str(&b, "payload");
    struct shared *s = shared_take(&b);
    const uint8_t *at = s->bytes.ptr;
    assert_true(shared_has(s, bytes_of(at, 7)));
    assert_true(shared_has(s, bytes_of(at + 3, 4)));
    assert_false(shared_has(s, bytes_of(at + 3, 5)));
    assert_false(shared_has(s, bytes_of(at + 3, SIZE_MAX)));
    assert_false(shared_has(s, bytes_of(at - 1, 2)));
    assert_false(shared_has(s, bytes_of(at + 8, 0)));
    assert_false(shared_has(s, BYTES_LIT("payload")));
    assert_false(shared_has(NULL, bytes_of(at, 1)));
    shared_drop(s);
}

static void test_one_made_in_one_piece_has_room_for_its_bytes(void **state)
{
    (void)state;
    struct shared *s = shared_make(100000);
    assert_int_equal(shared_bytes(s).len, 100000);
    assert_int_equal(s->bytes.cap, 100000);
    memset(s->bytes.ptr, 'x', s->bytes.len);
    assert_true(shared_has(s, bytes_of(s->bytes.ptr + 99999, 1)));
    shared_drop(s);
    assert_int_equal(shared_bytes(NULL).len, 0);
}

struct owner {
    struct shared shared;
    bool freed;
};

static void owner_free(struct shared *s)
{
    ((struct owner *)(void *)s)->freed = true;
}

static void test_part_of_something_larger_goes_as_its_owner_wants(void **state)
{
    (void)state;
    struct owner o = {.freed = false};
    uint8_t bytes[4] = "four";
    shared_init(&o.shared, (struct buf){.ptr = bytes, .len = 4, .cap = 4}, owner_free);
    shared_hold(&o.shared);
    shared_drop(&o.shared);
    assert_false(o.freed);
    shared_drop(&o.shared);
    assert_true(o.freed);
}

/* In whatever order they are asked for. */
static void test_slices_find_their_lenders(void **state)
{
    (void)state;
    enum { COUNT = 20 };
    struct shared *items[COUNT];
    struct lenders l = {.items = items, .count = COUNT};
    for (size_t i = 0; i < COUNT; i++) {
        items[i] = shared_make(16);
    }
    for (size_t i = 0; i < 10 * COUNT; i++) {
        struct shared *wanted = items[i * i % COUNT];
        assert_ptr_equal(lenders_find(&l, bytes_of(wanted->bytes.ptr + 7, 9)), wanted);
        assert_null(lenders_find(&l, BYTES_LIT("of nobody")));
    }
    struct lenders before = {.items = items, .count = 3, .more = &l};
    assert_ptr_equal(lenders_find(&before, shared_bytes(items[1])), items[1]);
    assert_ptr_equal(lenders_find(&before, shared_bytes(items[COUNT - 1])), items[COUNT - 1]);
    assert_null(lenders_find(&before, BYTES_LIT("of nobody")));
    for (size_t i = 0; i < COUNT; i++) {
        shared_drop(items[i]);
    }
    struct lenders none = {0};
    assert_null(lenders_find(&none, BYTES_LIT("of nobody")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_taken_over_and_stays_for_the_last_holder),
        cmocka_unit_test(test_it_knows_what_lies_in_it),
        cmocka_unit_test(test_one_made_in_one_piece_has_room_for_its_bytes),
        cmocka_unit_test(test_part_of_something_larger_goes_as_its_owner_wants),
        cmocka_unit_test(test_slices_find_their_lenders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
