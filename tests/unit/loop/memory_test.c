#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <time.h>

#include "loop/loop_impl.h"

static void be_busy(int ms)
{
    clock_t until = clock() + ms * (CLOCKS_PER_SEC / 1000);
    while (clock() < until) {
    }
}

static void test_memory_is_given_back_once_a_busy_process_is_quiet(void **state)
{
    (void)state;
    struct memory m = {0};
    memory_look(&m, 1000); /* what came before */
    uint64_t before = m.given_back;
    be_busy(60);
    memory_look(&m, 1400); /* too early to say anything */
    memory_look(&m, 1500); /* busy: 60 ms of 500 */
    assert_int_equal(m.given_back, before);
    memory_look(&m, 2500);
    assert_int_equal(m.given_back, before + 1);
    memory_look(&m, 3500); /* nothing has happened since */
    assert_int_equal(m.given_back, before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_given_back_once_a_busy_process_is_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
