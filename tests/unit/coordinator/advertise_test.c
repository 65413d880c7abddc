#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "main/advertise.h"
#include "main/door.h"

static void assert_chosen(const char *first, const char *second, const char *address,
                          const char *expected)
{
    const char *listen[2] = {first, second};
    char text[ADVERTISE_BYTES];
    struct advertise_self self = {.address = address};
    bool any = advertise_choose(listen, second != NULL ? 2 : 1, &self, text);
    assert_string_equal(text, expected);
    assert_int_equal(any, expected[0] != '\0');
}

static void assert_named(const char *url, const char *address, const char *name,
                         const char *expected)
{
    struct advertise_self self = {.address = address, .name = name};
    char text[ADVERTISE_BYTES];
    (void)advertise_choose(&url, 1, &self, text);
    assert_string_equal(text, expected);
}

static void test_a_wildcard_over_tls_has_its_certificates_name(void **state)
{
    (void)state;
    assert_named("tls+tcp://0.0.0.0:7400", "172.18.0.3", "c.example",
                 "tls+tcp://c.example@172.18.0.3:7400");
    assert_named("tls+tcp://10.0.0.5:7400", NULL, "c", "tls+tcp://10.0.0.5:7400");
    assert_named("tls+tcp://[fd00::5]:7400", NULL, "c", "tls+tcp://[fd00::5]:7400");
    assert_named("tls+tcp://0.0.0.0:7400", "172.18.0.3", "", "tls+tcp://172.18.0.3:7400");
    assert_named("tls+tcp://c1.example:7400", NULL, "c", "tls+tcp://c1.example:7400");
    assert_named("tls+tcp://0.0.0.0:7400", NULL, "c", "");
    assert_named("tcp://10.0.0.5:7400", NULL, "c", "tcp://10.0.0.5:7400");
    assert_true(advertise_is_local("tls+tcp://127.0.0.1:7400"));
    assert_false(advertise_is_local("tls+tcp://10.0.0.5:7400"));
}

static void test_a_certificate_is_for_its_role(void **state)
{
    (void)state;
    assert_true(door_admits("marathon-worker", ROLE_WORKER));
    assert_false(door_admits("marathon-worker", ROLE_GATEWAY));
    assert_true(door_admits("marathon-gateway", ROLE_GATEWAY));
    assert_false(door_admits("marathon-gateway", ROLE_WORKER));
    assert_false(door_admits("marathon-coordinator", ROLE_WORKER));
    assert_false(door_admits("marathon-", ROLE_WORKER));
    assert_true(door_admits("operations", ROLE_WORKER));
    assert_true(door_admits("", ROLE_GATEWAY));
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
        cmocka_unit_test(test_a_wildcard_over_tls_has_its_certificates_name),
        cmocka_unit_test(test_a_certificate_is_for_its_role),
        cmocka_unit_test(test_a_wildcard_needs_one_address_and_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
