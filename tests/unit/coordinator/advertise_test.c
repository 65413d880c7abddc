#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "main/advertise.h"

static void assert_chosen(const char *first, const char *second, const char *address,
                          const char *expected)
{
    const char *listen[2] = {first, second};
    char text[ADVERTISE_BYTES];
    bool any = advertise_choose(listen, second != NULL ? 2 : 1, address, text);
    assert_string_equal(text, expected);
    assert_int_equal(any, expected[0] != '\0');
}

static void test_what_is_listened_on_is_advertised(void **state)
{
    (void)state;
    assert_chosen("tcp://127.0.0.1:7400", NULL, NULL, "tcp://127.0.0.1:7400");
    assert_chosen("tcp://10.0.0.5:7400", NULL, "10.0.0.9", "tcp://10.0.0.5:7400");
    assert_chosen("ipc:///run/marathon/c", NULL, NULL, "ipc:///run/marathon/c");
}

static void test_other_machines_come_first(void **state)
{
    (void)state;
    assert_chosen("ipc:///run/c", "tcp://10.0.0.5:7400", NULL, "tcp://10.0.0.5:7400");
    assert_chosen("tcp://localhost:7400", "tcp://0.0.0.0:7401", "10.0.0.5", "tcp://10.0.0.5:7401");
    assert_chosen("tcp://127.0.0.1:7400", "tcp://[::1]:7400", NULL, "tcp://127.0.0.1:7400");
}

static void test_a_wildcard_needs_one_address_and_a_port(void **state)
{
    (void)state;
    assert_chosen("tcp://0.0.0.0:7400", NULL, "172.18.0.3", "tcp://172.18.0.3:7400");
    assert_chosen("tcp://[::]:7400", NULL, "172.18.0.3", "tcp://172.18.0.3:7400");
    assert_chosen("tcp://0.0.0.0:7400", NULL, NULL, "");
    assert_chosen("tcp://10.0.0.5:0", NULL, NULL, "");
    assert_chosen("tcp://0.0.0.0:7400", "ipc:///run/c", NULL, "ipc:///run/c");
    assert_chosen("ipc://here", NULL, NULL, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_listened_on_is_advertised),
        cmocka_unit_test(test_other_machines_come_first),
        cmocka_unit_test(test_a_wildcard_needs_one_address_and_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
