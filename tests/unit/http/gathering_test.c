#include "http/gathering.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define HEAD_BYTES 300u

/* So many bytes behind a head. */
static struct bytes part_of(struct page *page, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        page->bytes[HEAD_BYTES + i] = (uint8_t)i;
    }
    return bytes_of(page->bytes + HEAD_BYTES, len);
}

static void more_is_read(struct gathering *g, size_t len)
{
    gathering_reserve(g, len);
    for (size_t i = 0; i < len; i++) {
        g->body.ptr[g->body.len + i] = (uint8_t)(g->body.len + i);
    }
    gathering_grow(g, len);
}

static void is_whole(struct bytes body, size_t len)
{
    assert_int_equal(body.len, len);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(body.ptr[i], (uint8_t)i);
    }
}

static void test_a_body_stays_behind_its_head(void **state)
{
    (void)state;
    struct page *page = page_take(), *first = page;
    struct gathering g = {0};
    struct bytes body, part = part_of(page, 2000);
    assert_int_equal(gathering_wants(page, part, 5000), 4096);
    gathering_begin(&g, &page, part, 5000);
    assert_ptr_equal(g.body.ptr, part.ptr);
    assert_ptr_not_equal(page, first); /* the next head has another one */
    more_is_read(&g, 3000);
    assert_int_equal(gatherings_memory(), 8192);
    struct shared *lender = gathering_take(&g, &body);
    assert_int_equal(gatherings_memory(), 0);
    assert_true(shared_has(lender, body));
    assert_true(shared_lends(lender, body.len));
    assert_ptr_equal(body.ptr, part.ptr);
    is_whole(body, 5000);
    gathering_drop(&g); /* there is none */
    shared_drop(lender);
    struct page *again = page_take();
    assert_ptr_equal(again, first);
    page_give_back(again);
    page_give_back(page);
}

static void test_a_page_grows_with_its_body(void **state)
{
    (void)state;
    struct page *page = page_take();
    struct gathering g = {0};
    struct bytes body;
    gathering_begin(&g, &page, bytes_of(page->bytes + HEAD_BYTES, 0), 0);
    gathering_skip(&g, 7);
    for (unsigned i = 0; i < 100; i++) {
        more_is_read(&g, 3001);
    }
    struct shared *lender = gathering_take(&g, &body);
    is_whole(body, 300100);
    shared_drop(lender);
    struct page *small = page_take();
    assert_int_equal(small->size, PAGE_BYTES);
    page_give_back(small);
    page_give_back(page);
}

static void test_a_short_piece_is_copied_to_a_page_of_its_own(void **state)
{
    (void)state;
    struct page *page = page_take(), *first = page;
    struct gathering g = {0};
    struct bytes body, part = part_of(page, 100);
    page_touch(page, 40000); /* the head's, which stays where it is */
    assert_int_equal(gathering_wants(page, part, 5000), 4096);
    gathering_begin(&g, &page, part, 5000);
    assert_ptr_equal(page, first);
    more_is_read(&g, 4900);
    assert_int_equal(gatherings_memory(), 8192);
    struct shared *lender = gathering_take(&g, &body);
    is_whole(body, 5000);
    shared_drop(lender);
    page_give_back(page);
}

/* By a head before, whose body came at once. */
static void test_a_page_counts_all_that_it_was_read_to(void **state)
{
    (void)state;
    struct page *page = page_take();
    struct gathering g = {0};
    struct bytes body;
    page_touch(page, 40000);
    assert_int_equal(gathering_wants(page, part_of(page, 2000), 5000), 40960);
    gathering_begin(&g, &page, part_of(page, 2000), 5000);
    assert_int_equal(gatherings_memory(), 40960);
    more_is_read(&g, 3000);
    assert_int_equal(gatherings_memory(), 40960);
    struct shared *lender = gathering_take(&g, &body);
    assert_int_equal(lender->bytes.cap, 40960);
    shared_drop(lender);
    struct page *again = page_take();
    assert_int_equal(page_memory(again, 1), 40960);
    page_give_back(again);
    page_give_back(page);
}

static void test_what_is_dropped_counts_no_more(void **state)
{
    (void)state;
    struct page *page = page_take();
    struct gathering a = {0}, b = {0};
    gathering_begin(&a, &page, part_of(page, 2000), 5000);
    gathering_begin(&b, &page, part_of(page, 10), 5000);
    assert_int_equal(gatherings_memory(), 4096 + 4096);
    gathering_drop(&a);
    gathering_drop(&b);
    assert_int_equal(gatherings_memory(), 0);
    page_give_back(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_body_stays_behind_its_head),
        cmocka_unit_test(test_a_page_grows_with_its_body),
        cmocka_unit_test(test_a_short_piece_is_copied_to_a_page_of_its_own),
        cmocka_unit_test(test_a_page_counts_all_that_it_was_read_to),
        cmocka_unit_test(test_what_is_dropped_counts_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
