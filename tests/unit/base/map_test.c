#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define KEYS 500

struct item {
    char key[16];
    bool present;
};

static struct item *items_create(void)
{
    struct item *items = calloc(KEYS, sizeof *items);
    assert_non_null(items);
    for (int i = 0; i < KEYS; i++) {
        (void)snprintf(items[i].key, sizeof items[i].key, "key-%d", i);
    }
    return items;
}

static void test_an_empty_map_has_nothing(void **state)
{
    (void)state;
    struct map m = {0};
    size_t cursor = 0;
    void *value;
    assert_null(map_get(&m, BYTES_LIT("a")));
    assert_null(map_remove(&m, BYTES_LIT("a")));
    assert_false(map_next(&m, &cursor, &value));
    map_free(&m);
}

static void test_put_returns_the_value_that_it_replaces_and_takes_the_new_key(void **state)
{
    (void)state;
    struct map m = {0};
    struct item *old = calloc(1, sizeof *old);
    struct item new = {.key = "k"};
    assert_non_null(old);
    old->key[0] = 'k';
    assert_null(map_put(&m, bytes_str(old->key), old));
    assert_ptr_equal(map_put(&m, bytes_str(new.key), &new), old);
    free(old); /* the map must not look at the old key any more */
    assert_ptr_equal(map_get(&m, BYTES_LIT("k")), &new);
    assert_int_equal(m.count, 1);
    map_free(&m);
}

static void test_the_empty_key_is_a_key(void **state)
{
    (void)state;
    struct map m = {0};
    int value;
    assert_null(map_put(&m, BYTES_NONE, &value));
    assert_ptr_equal(map_get(&m, BYTES_LIT("")), &value);
    assert_ptr_equal(map_remove(&m, BYTES_NONE), &value);
    map_free(&m);
}

/* Two texts with one FNV-1a value: clients choose ids, so keys must be compared, not only hashes.
 */
static void test_keys_with_equal_hashes_are_apart(void **state)
{
    (void)state;
    struct bytes a = BYTES_LIT("8yn0iYCKYHlIj4-BwPqk"), b = BYTES_LIT("GReLUrM4wMqfg9yzV3KQ");
    assert_true(bytes_hash(a) == bytes_hash(b));
    struct map m = {0};
    int first, second;
    assert_null(map_put(&m, a, &first));
    assert_null(map_put(&m, b, &second));
    assert_ptr_equal(map_get(&m, a), &first);
    assert_ptr_equal(map_get(&m, b), &second);
    assert_ptr_equal(map_remove(&m, a), &first);
    assert_ptr_equal(map_get(&m, b), &second);
    map_free(&m);
}

static void check_against_model(const struct map *m, const struct item *items)
{
    size_t present = 0, seen = 0;
    for (int i = 0; i < KEYS; i++) {
        const void *found = map_get(m, bytes_str(items[i].key));
        assert_ptr_equal(found, items[i].present ? &items[i] : NULL);
        present += items[i].present ? 1 : 0;
    }
    void *value;
    for (size_t cursor = 0; map_next(m, &cursor, &value);) {
        assert_true(((struct item *)value)->present);
        seen++;
    }
    assert_int_equal(seen, present);
    assert_int_equal(m->count, present);
}

static void test_random_work_agrees_with_a_model(void **state)
{
    (void)state;
    struct item *items = items_create();
    struct map m = {0};
    struct rng rng;
    rng_seed(&rng, 7);
    for (int round = 0; round < 20000; round++) {
        struct item *item = &items[rng_below(&rng, KEYS)];
        if (rng_below(&rng, 2) == 0) {
            assert_ptr_equal(map_put(&m, bytes_str(item->key), item), item->present ? item : NULL);
            item->present = true;
        } else {
            assert_ptr_equal(map_remove(&m, bytes_str(item->key)), item->present ? item : NULL);
            item->present = false;
        }
        if (round % 1000 == 0) {
            check_against_model(&m, items);
        }
    }
    check_against_model(&m, items);
    map_free(&m);
    free(items);
}

static void test_put_and_remove_for_ever_do_not_grow_it(void **state)
{
    (void)state;
    struct item *items = items_create();
    struct map m = {0};
    for (int i = 0; i < 100000; i++) {
        struct item *item = &items[i % KEYS];
        (void)map_put(&m, bytes_str(item->key), item);
        assert_ptr_equal(map_remove(&m, bytes_str(item->key)), item);
    }
    assert_true(m.cap <= 32);
    map_free(&m);
    free(items);
}

static void test_the_current_one_may_be_removed_while_iterating(void **state)
{
    (void)state;
    struct item *items = items_create();
    struct map m = {0};
    for (int i = 0; i < KEYS; i++) {
        (void)map_put(&m, bytes_str(items[i].key), &items[i]);
    }
    void *value;
    size_t visited = 0;
    for (size_t cursor = 0; map_next(&m, &cursor, &value); visited++) {
        assert_ptr_equal(map_remove(&m, bytes_str(((struct item *)value)->key)), value);
    }
    assert_int_equal(visited, KEYS);
    assert_int_equal(m.count, 0);
    map_free(&m);
    free(items);
}

static void test_equal_histories_iterate_equally(void **state)
{
    (void)state;
    struct item *a = items_create(), *b = items_create();
    struct map ma = {0}, mb = {0};
    for (int i = 0; i < KEYS; i++) {
        (void)map_put(&ma, bytes_str(a[i].key), &a[i]);
        (void)map_put(&mb, bytes_str(b[i].key), &b[i]);
        if (i % 3 == 0) {
            (void)map_remove(&ma, bytes_str(a[i / 2].key));
            (void)map_remove(&mb, bytes_str(b[i / 2].key));
        }
    }
    void *va, *vb;
    size_t cb = 0;
    for (size_t ca = 0; map_next(&ma, &ca, &va);) {
        assert_true(map_next(&mb, &cb, &vb));
        assert_string_equal(((struct item *)va)->key, ((struct item *)vb)->key);
    }
    assert_false(map_next(&mb, &cb, &vb));
    map_free(&ma);
    map_free(&mb);
    free(a);
    free(b);
}

/* The keys of a map of two, as they come: the first that was put comes first? */
static bool comes_first(struct bytes first, struct bytes second, bool numbers)
{
    struct map m = {.numbers = numbers};
    int one, two;
    void *value = NULL;
    size_t at = 0;
    assert_null(map_put(&m, first, &one));
    assert_null(map_put(&m, second, &two));
    assert_true(map_next(&m, &at, &value));
    map_free(&m);
    return value == &one;
}

/* Of 256 seeds. Where two meet in one slot, the first nearly always does. */
static int times_first(struct bytes first, struct bytes second, bool numbers)
{
    int times = 0;
    for (uint64_t seed = 1; seed <= 256; seed++) {
        map_seed(seed);
        times += comes_first(first, second, numbers);
    }
    return times;
}

static void test_no_keys_meet_whatever_the_seed_is(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"t1", "t2"},
        {"task-0000", "task-0001"},
        {"0aaaaaaa0aaaaaaa", "1aaaaaaa0aaaaaaa"},
        /* Differences in upper bits, and what undoes them where the lower half of a product is all
         * that is kept of a word. */
        {"aaaaaaa0aaa0aaa0aaaaaaaa", "aaaaaaapaaapaaapaaaaaaaa"},
        {"aaaaaaa\x01"
         "aaa\x01"
         "aaa\x01"
         "aaaaaaaa",
         "aaaaaaa\x81"
         "aaa\x81"
         "aaa\x81"
         "aaaaaaaa"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        int times = times_first(bytes_str(pairs[i][0]), bytes_str(pairs[i][1]), false);
        assert_in_range(times, 80, 176);
    }
}

static void test_numbers_of_ours_come_alike_in_every_process(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 20; n++) {
        uint64_t one = n, two = n + 1;
        int times = times_first(bytes_of(&one, sizeof one), bytes_of(&two, sizeof two), true);
        assert_true(times == 0 || times == 256);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_keys_meet_whatever_the_seed_is),
        cmocka_unit_test(test_numbers_of_ours_come_alike_in_every_process),
        cmocka_unit_test(test_an_empty_map_has_nothing),
        cmocka_unit_test(test_put_returns_the_value_that_it_replaces_and_takes_the_new_key),
        cmocka_unit_test(test_the_empty_key_is_a_key),
        cmocka_unit_test(test_keys_with_equal_hashes_are_apart),
        cmocka_unit_test(test_random_work_agrees_with_a_model),
        cmocka_unit_test(test_put_and_remove_for_ever_do_not_grow_it),
        cmocka_unit_test(test_the_current_one_may_be_removed_while_iterating),
        cmocka_unit_test(test_equal_histories_iterate_equally),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
