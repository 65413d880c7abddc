#include "crypto/random.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_large_requests_are_filled_to_the_end(void **state)
{
    (void)state;
    static uint8_t data[4096];
    unsigned zeros = 0;
    random_bytes(data, sizeof data);
    for (size_t i = 0; i < sizeof data; i++) {
        zeros += data[i] == 0 ? 1 : 0;
    }
    assert_true(zeros < 64); /* 16 are expected */
}

static void test_two_draws_differ(void **state)
{
    (void)state;
    assert_true(random_u64() != random_u64());
}

static void test_no_byte_behind_the_end_is_touched(void **state)
{
    (void)state;
    uint8_t data[8] = {0};
    random_bytes(data, 0);
    assert_int_equal(data[0], 0);
    random_bytes(data, 4);
    assert_int_equal(data[4] | data[5] | data[6] | data[7], 0);
}

#define DRAW_BYTES 26

static void test_a_block_never_gives_the_same_twice(void **state)
{
    (void)state;
    static uint8_t draws[1000][DRAW_BYTES]; /* several blocks */
    struct random_block *b = random_block_create();
    for (int i = 0; i < 1000; i++) {
        random_block_take(b, draws[i], DRAW_BYTES);
        for (int k = 0; k < i; k++) {
            assert_memory_not_equal(draws[i], draws[k], 8);
        }
    }
    random_block_destroy(b);
}

static void test_a_large_draw_from_a_block_is_filled_to_the_end(void **state)
{
    (void)state;
    static uint8_t data[8192];
    unsigned zeros = 0;
    struct random_block *b = random_block_create();
    random_block_take(b, data, sizeof data);
    for (size_t i = 0; i < sizeof data; i++) {
        zeros += data[i] == 0 ? 1 : 0;
    }
    assert_true(zeros < 128); /* 32 are expected */
    random_block_destroy(b);
}

static void test_a_child_draws_other_bytes_than_its_parent(void **state)
{
    (void)state;
    uint8_t ours[DRAW_BYTES], theirs[DRAW_BYTES];
    int ends[2];
    struct random_block *b = random_block_create();
    random_block_take(b, ours, sizeof ours);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        random_block_take(b, theirs, sizeof theirs);
        _exit(write(ends[1], theirs, sizeof theirs) == (ssize_t)sizeof theirs ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], theirs, sizeof theirs), (ssize_t)sizeof theirs);
    random_block_take(b, ours, sizeof ours);
    assert_memory_not_equal(ours, theirs, sizeof ours);
    close(ends[0]);
    close(ends[1]);
    random_block_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large_requests_are_filled_to_the_end),
        cmocka_unit_test(test_two_draws_differ),
        cmocka_unit_test(test_no_byte_behind_the_end_is_touched),
        cmocka_unit_test(test_a_block_never_gives_the_same_twice),
        cmocka_unit_test(test_a_large_draw_from_a_block_is_filled_to_the_end),
        cmocka_unit_test(test_a_child_draws_other_bytes_than_its_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
