#include "base/listen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void assert_listen(const char *text, const char *host, int port, bool loopback)
{
    char got[LISTEN_HOST_BYTES];
    int got_port = 0;
    bool got_loopback = !loopback;
    assert_int_equal(listen_parse(text, got, &got_port, &got_loopback), ERR_OK);
    assert_string_equal(got, host);
    assert_int_equal(got_port, port);
    assert_int_equal(got_loopback, loopback);
}

static void test_loopback_addresses_are_told_from_those_that_others_reach(void **state)
{
    (void)state;
    assert_listen("127.0.0.1:8000", "127.0.0.1", 8000, true);
    assert_listen("127.9.9.9:1", "127.9.9.9", 1, true);
    assert_listen("[::1]:65535", "::1", 65535, true);
    assert_listen("localhost:80", "localhost", 80, true);
    assert_listen("0.0.0.0:8000", "0.0.0.0", 8000, false);
    assert_listen("[::]:8000", "::", 8000, false);
    assert_listen("10.0.0.1:8000", "10.0.0.1", 8000, false);
    assert_listen("127.example.org:8000", "127.example.org", 8000, false);
}

static void test_what_is_no_address_and_port_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "8000",
                                      ":8000",
                                      "127.0.0.1",
                                      "1.2.3.4:",
                                      "1.2.3.4:0",
                                      "1.2.3.4:65536",
                                      "1.2.3.4:80x",
                                      "1.2.3.4: 80",
                                      "1.2.3.4:-1",
                                      "1.2.3.4:+80",
                                      "1.2.3.4:000080"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char host[LISTEN_HOST_BYTES];
        int port;
        bool loopback;
        assert_int_equal(listen_parse(bad[i], host, &port, &loopback), ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loopback_addresses_are_told_from_those_that_others_reach),
        cmocka_unit_test(test_what_is_no_address_and_port_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
