/* What the store remembers of what it wrote: only what is confirmed, only as long as nothing else
 * was heard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/redis_cache.h"

static struct store_row admission(uint64_t id, const char *task, struct bytes input)
{
    struct store_row row = {.kind = ROW_ADMIT, .write_id = id, .partition = 3, .doc_whole = true};
    row.task_id = bytes_str(task);
    row.input = input;
    row.doc[0] = BYTES_LIT("{\"results\":{");
    row.doc[2] = BYTES_LIT("},\"tail\":1}");
    return row;
}

static struct store_row result(uint64_t id, const char *task, uint64_t offset, const char *text)
{
    struct store_row row = {.kind = ROW_UPDATE, .write_id = id, .partition = 3};
    row.task_id = bytes_str(task);
    row.doc_offset = offset;
    row.doc[0] = BYTES_LIT("\"a\":");
    row.doc[1] = bytes_str(text);
    row.doc[2] = BYTES_LIT("},\"tail\":2}");
    return row;
}

static void give(struct redis_cache *c, struct store_row row)
{
    struct row_texts texts = row_texts_make(&row);
    cache_wrote(c, &row, &texts);
    row_texts_drop(&texts);
}

/* The input and the bytes 16 to 18 of the document. */
static bool reads(struct redis_cache *c, const char *task, const char *input, const char *part)
{
    struct byte_range range = {16, 3};
    struct arena arena = {0};
    struct store_read read = {.kind = READ_PARTS, .task_id = bytes_str(task), .input = true};
    struct store_answer a = {0};
    read.ranges = &range;
    read.range_count = part != NULL ? 1 : 0;
    if (!cache_read(c, &read, NULL, NULL)) {
        return false;
    }
    assert_true(cache_read(c, &read, &arena, &a));
    assert_true(bytes_is(a.input, input));
    assert_true(part == NULL || bytes_is(a.parts[0], part));
    assert_int_equal(a.lenders.count, 0); /* what is short is copied */
    arena_free(&arena);
    return true;
}

static void test_only_what_is_confirmed_is_given_out(void **state)
{
    (void)state;
    struct redis_cache c = {0};
    give(&c, admission(1, "t", BYTES_LIT("{}")));
    assert_false(reads(&c, "t", "{}", NULL));
    cache_answered(&c, 1, STORE_OK);
    assert_true(reads(&c, "t", "{}", NULL));
    give(&c, result(2, "t", 12, "123"));
    assert_false(reads(&c, "t", "{}", "123"));
    cache_answered(&c, 2, STORE_OK);
    assert_true(reads(&c, "t", "{}", "123"));
    assert_false(reads(&c, "u", "{}", NULL));
    cache_forget(&c);
}

static void test_a_refused_change_ends_all_that_is_known(void **state)
{
    (void)state;
    struct redis_cache c = {0};
    give(&c, admission(1, "t", BYTES_LIT("{}")));
    give(&c, admission(2, "u", BYTES_LIT("{}")));
    give(&c, result(3, "t", 12, "123"));
    give(&c, admission(4, "v", BYTES_LIT("{}")));
    cache_answered(&c, 1, STORE_OK);
    cache_answered(&c, 2, STORE_EXISTS); /* an admission that is refused says nothing of others */
    assert_true(reads(&c, "t", "{}", NULL));
    assert_false(reads(&c, "u", "{}", NULL));
    cache_answered(&c, 3, STORE_VERSION);
    assert_false(reads(&c, "t", "{}", NULL));
    cache_answered(&c, 4, STORE_OK); /* given before all was forgotten */
    assert_false(reads(&c, "v", "{}", NULL));
    cache_forget(&c);
}

static void test_a_claim_an_end_and_a_fresh_run_forget_what_was(void **state)
{
    (void)state;
    struct redis_cache c = {0};
    give(&c, admission(1, "t", BYTES_LIT("{}")));
    cache_answered(&c, 1, STORE_OK);
    struct store_row other = {.kind = ROW_CLAIM, .write_id = 2, .partition = 4};
    give(&c, other);
    assert_true(reads(&c, "t", "{}", NULL));
    other.write_id = 3;
    other.partition = 3;
    give(&c, other);
    assert_false(reads(&c, "t", "{}", NULL));
    cache_answered(&c, 2, STORE_OK);
    cache_answered(&c, 3, STORE_OK);
    give(&c, admission(4, "t", BYTES_LIT("1")));
    give(&c, admission(5, "t", BYTES_LIT("2")));
    cache_answered(&c, 4, STORE_OK);
    assert_false(reads(&c, "t", "1", NULL)); /* of the second run, which is not confirmed */
    cache_answered(&c, 5, STORE_OK);
    assert_true(reads(&c, "t", "2", NULL));
    struct store_row end = result(6, "t", 12, "123");
    end.life = LIFE_END;
    give(&c, end);
    assert_false(reads(&c, "t", "2", NULL));
    cache_answered(&c, 6, STORE_OK);
    assert_int_equal(c.bytes, 0);
    cache_forget(&c);
}

static void test_a_document_that_is_written_anew_is_not_followed(void **state)
{
    (void)state;
    struct redis_cache c = {0};
    give(&c, admission(1, "t", BYTES_LIT("{}")));
    give(&c, result(2, "t", 12, "123"));
    give(&c, result(3, "t", 12, "456"));
    cache_answered(&c, 1, STORE_OK);
    cache_answered(&c, 2, STORE_OK);
    assert_false(reads(&c, "t", "{}", "123"));
    cache_answered(&c, 3, STORE_OK);
    assert_false(reads(&c, "t", "{}", "456"));
    cache_forget(&c);
}

static void test_the_oldest_make_room(void **state)
{
    (void)state;
    struct redis_cache c = {0};
    static char large[CACHE_BYTES_MAX / 4];
    memset(large, ' ', sizeof large);
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    for (uint64_t i = 0; i < 5; i++) {
        give(&c, admission(i + 1, names[i], bytes_of(large, sizeof large - 2000)));
        cache_answered(&c, i + 1, STORE_OK);
        struct store_read read = {.kind = READ_PARTS, .task_id = bytes_str("a"), .input = true};
        struct store_answer a = {0};
        struct arena arena = {0};
        assert_true(cache_read(&c, &read, &arena, &a)); /* used last, each time */
        assert_in_range(c.bytes, 1, CACHE_BYTES_MAX);
        arena_free(&arena);
    }
    struct store_read read = {.kind = READ_PARTS, .task_id = bytes_str("b")};
    assert_false(cache_read(&c, &read, NULL, NULL));
    cache_forget(&c);
}

/* One part a result: each is found, and what spans two is left to Redis. */
static void test_results_are_found_among_many(void **state)
{
    (void)state;
    struct redis_cache c = {0};
    give(&c, admission(1, "t", BYTES_LIT("{}")));
    char text[8];
    for (uint64_t i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "%03u", (unsigned)i);
        give(&c, result(2 + i, "t", 12 + 7 * i, text));
    }
    for (uint64_t i = 0; i < 101; i++) {
        cache_answered(&c, 1 + i, STORE_OK);
    }
    for (uint64_t i = 0; i < 100; i++) {
        struct byte_range range = {16 + 7 * i, 3};
        struct arena arena = {0};
        struct store_read read = {.kind = READ_PARTS, .task_id = BYTES_LIT("t")};
        struct store_answer a = {0};
        read.ranges = &range;
        read.range_count = 1;
        assert_true(cache_read(&c, &read, &arena, &a));
        snprintf(text, sizeof text, "%03u", (unsigned)i);
        assert_true(bytes_is(a.parts[0], text));
        arena_free(&arena);
        range.len = 4; /* and the next one's first byte */
        assert_false(cache_read(&c, &read, NULL, NULL));
    }
    cache_forget(&c);
}

/* Long ones are lent from the texts in which they lie, which stay when the cache has forgotten
 * them. */
static void test_long_results_are_lent_and_stay(void **state)
{
    (void)state;
    enum { LEN = LENT_BYTES_MIN };
    struct redis_cache c = {0};
    struct arena arena = {0};
    static char input[8 * LEN], texts[2][LEN + 1];
    memset(input, 'i', sizeof input);
    memset(texts[0], 'a', LEN);
    memset(texts[1], 'b', LEN);
    give(&c, admission(1, "t", bytes_of(input, sizeof input)));
    give(&c, result(2, "t", 12, texts[0]));
    give(&c, result(3, "t", 16 + LEN, texts[1]));
    for (uint64_t i = 1; i < 4; i++) {
        cache_answered(&c, i, STORE_OK);
    }
    struct byte_range ranges[] = {{16, LEN}, {20 + LEN, LEN}, {20 + LEN, LEN - 1}};
    struct store_read read = {.kind = READ_PARTS, .task_id = BYTES_LIT("t"), .input = true};
    struct store_answer a = {0};
    read.ranges = ranges;
    read.range_count = 3;
    assert_true(cache_read(&c, &read, &arena, &a));
    assert_int_equal(a.lenders.count, 3);
    assert_ptr_equal(lenders_find(&a.lenders, a.input), a.lenders.items[0]);
    assert_ptr_equal(lenders_find(&a.lenders, a.parts[0]), a.lenders.items[1]);
    assert_ptr_equal(lenders_find(&a.lenders, a.parts[1]), a.lenders.items[2]);
    struct shared *held = shared_hold(a.lenders.items[2]);
    struct bytes part = a.parts[1];
    cache_forget(&c);
    assert_int_equal(part.len, LEN);
    assert_memory_equal(part.ptr, texts[1], LEN);
    assert_int_equal(atomic_load(&held->holders), 1);
    shared_drop(held);
    arena_free(&arena);
}

static void test_a_large_text_lends_once_however_many_parts_of_it_are_read(void **state)
{
    (void)state;
    enum { LEN = 2 * LENT_BYTES_MIN };
    struct redis_cache c = {0};
    struct arena arena = {0};
    static char all[9 * LEN + 1]; /* of a fork, say: results of many steps in one row */
    memset(all, 'r', sizeof all - 1);
    struct store_row row = admission(1, "t", BYTES_LIT("{}"));
    row.doc[1] = bytes_str(all);
    give(&c, row);
    cache_answered(&c, 1, STORE_OK);
    struct byte_range ranges[] = {{12, LEN}, {12 + LEN, LEN}, {12 + 2 * LEN, LEN}};
    struct store_read read = {.kind = READ_PARTS, .task_id = BYTES_LIT("t")};
    read.ranges = ranges;
    for (read.range_count = 1; read.range_count <= 3; read.range_count++) {
        struct store_answer a = {0};
        assert_true(cache_read(&c, &read, &arena, &a));
        assert_int_equal(a.lenders.count, 1);
        assert_true(shared_has(a.lenders.items[0], a.parts[0]));
    }
    cache_forget(&c);
    arena_free(&arena);
}

static void test_a_text_that_was_put_together_is_kept_where_it_lies(void **state)
{
    (void)state;
    struct redis_cache c = {0};
    struct arena arena = {0};
    struct shared *text = shared_make(4 * LENT_BYTES_MIN);
    memset(text->bytes.ptr, 'r', text->bytes.len);
    struct store_row row = admission(1, "t", BYTES_LIT("{}"));
    row.doc[0] = shared_bytes(text);
    row.doc_text = text;
    give(&c, row);
    cache_answered(&c, 1, STORE_OK);
    struct byte_range range = {12, 2 * LENT_BYTES_MIN};
    struct store_read read = {.kind = READ_PARTS, .task_id = BYTES_LIT("t")};
    read.ranges = &range;
    read.range_count = 1;
    struct store_answer a = {0};
    assert_true(cache_read(&c, &read, &arena, &a));
    assert_ptr_equal(a.parts[0].ptr, text->bytes.ptr + 12);
    assert_ptr_equal(a.lenders.items[0], text);
    assert_int_equal(text->holders, 2); /* whoever made it, and the cache */
    cache_forget(&c);
    assert_int_equal(text->holders, 1);
    shared_drop(text);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_is_confirmed_is_given_out),
        cmocka_unit_test(test_a_refused_change_ends_all_that_is_known),
        cmocka_unit_test(test_a_claim_an_end_and_a_fresh_run_forget_what_was),
        cmocka_unit_test(test_a_document_that_is_written_anew_is_not_followed),
        cmocka_unit_test(test_the_oldest_make_room),
        cmocka_unit_test(test_results_are_found_among_many),
        cmocka_unit_test(test_long_results_are_lent_and_stay),
        cmocka_unit_test(test_a_large_text_lends_once_however_many_parts_of_it_are_read),
        cmocka_unit_test(test_a_text_that_was_put_together_is_kept_where_it_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
