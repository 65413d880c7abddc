/* Who owns a partition: a strict order, whoever is compared first and whatever a release says. */
#include "model/claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CLAIMANTS 12 /* four that do not say since when, two times four that do */

static struct claims claims_of(int i)
{
    struct claims c = {0};
    struct owned_epoch epoch = {(uint64_t)(i % 3)};
    struct message m = {.type = MSG_OWNED};
    m.owned.partitions = 1;
    m.owned.epochs = &epoch;
    m.owned.epoch_count = epoch.epoch > 0;
    claims_take(&c, &m, (uint64_t)(1 + (i * 7) % CLAIMANTS));
    return c;
}

static bool later(int i, int than)
{
    struct claims a = claims_of(i), b = claims_of(than);
    return claims_later(&a, &b, 0);
}

static void test_any_three_stand_in_one_order(void **state)
{
    (void)state;
    for (int i = 0; i < CLAIMANTS; i++) {
        assert_false(later(i, i));
        for (int j = 0; j < CLAIMANTS; j++) {
            assert_true(i == j || later(i, j) != later(j, i));
            for (int k = 0; k < CLAIMANTS; k++) {
                assert_true(!later(i, j) || !later(j, k) || later(i, k));
            }
        }
    }
}

static void test_the_greatest_epoch_then_the_last_word(void **state)
{
    (void)state;
    struct claims old = {.partitions = 1, .epochs = {4}, .told = 9};
    struct claims new = {.partitions = 1, .epochs = {5}, .told = 1};
    struct claims before = {.partitions = 1, .told = 10}, silent = {.partitions = 1, .told = 2};
    assert_true(claims_later(&new, &old, 0));
    assert_true(claims_later(&old, &before, 0));
    assert_true(claims_later(&before, &silent, 0));
}

static void test_epochs_are_of_what_is_owned_and_of_nothing_else(void **state)
{
    (void)state;
    struct owned_epoch epochs[] = {{3}, {8}};
    struct message m = {.type = MSG_OWNED};
    struct claims c = {.epochs = {7, 7, 7}};
    m.owned.partitions = 1 << 0 | 1 << 2;
    m.owned.epochs = epochs;
    m.owned.epoch_count = 2;
    claims_take(&c, &m, 1);
    assert_true(claims_have(&c, 0) && !claims_have(&c, 1) && claims_have(&c, 2));
    assert_int_equal(c.epochs[0], 3);
    assert_int_equal(c.epochs[1], 0);
    assert_int_equal(c.epochs[2], 8);
    m.owned.epoch_count = 1; /* not of all: then of none */
    claims_take(&c, &m, 2);
    assert_int_equal(c.epochs[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_three_stand_in_one_order),
        cmocka_unit_test(test_the_greatest_epoch_then_the_last_word),
        cmocka_unit_test(test_epochs_are_of_what_is_owned_and_of_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
