/* Whose pages may ask what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "http/origin.h"

static const char *const allowed[] = {"https://pages.example", "http://box.example:8000"};
static const struct origins some = {allowed, 2}, none = {0};

static void test_a_host_is_ours_where_nobody_else_can_have_given_it(void **state)
{
    (void)state;
    static const char *const ours[] = {"",
                                       "127.0.0.1",
                                       "127.0.0.1:8000",
                                       "192.168.1.5:8000",
                                       "[::1]",
                                       "[::1]:8000",
                                       "[fe80::1]",
                                       "localhost:8000",
                                       "LocalHost",
                                       "a.b.localhost:80",
                                       "gateway",
                                       "x:8000",
                                       "x1",
                                       ":8000",
                                       "::1",
                                       "2130706433",
                                       "host.docker.internal:8000"};
    static const char *const foreign[] = {"evil.example",
                                          "evil.example:8000",
                                          "127.0.0.1.evil.example",
                                          "localhost.evil.example",
                                          "evil.localhost.com",
                                          "notlocalhost.",
                                          ".localhost.x",
                                          "[evil.example]",
                                          "127.0.0.1.",
                                          "[127.0.0.1]:8000",
                                          "1.2.3:8000",
                                          "evil.example:8000:1",
                                          "a.xlocalhost",
                                          "a.internal.example",
                                          "pages.example",
                                          "box.example"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (!origin_host_is_ours(&none, bytes_str(ours[i]))) {
            fail_msg("%s is ours", ours[i]);
        }
    }
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        if (origin_host_is_ours(&none, bytes_str(foreign[i]))) {
            fail_msg("%s is anybody's", foreign[i]);
        }
    }
    assert_true(origin_host_is_ours(&some, BYTES_LIT("Pages.Example")));
    assert_true(origin_host_is_ours(&some, BYTES_LIT("box.example:9000")));
    assert_false(origin_host_is_ours(&some, BYTES_LIT("a.pages.example")));
    assert_true(origin_host_is_ours(&none, BYTES_NONE));
    char longest[300] = "[";
    memset(longest + 1, 'a', sizeof longest - 2);
    assert_true(origin_host_is_ours(&none, bytes_of(longest, sizeof longest)));
    longest[9] = '.';
    assert_false(origin_host_is_ours(&none, bytes_of(longest, sizeof longest)));
}

struct row {
    const char *origin, *host;
    bool watches, changes;
};

static void test_a_page_of_the_own_host_may_and_others_where_they_are_allowed(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", "h:1", true, true},
        {"http://h:1", "h:1", true, true},
        {"HTTP://H:1", "h:1", true, true},
        {"https://h:1", "h:1", true, true},
        {"http://h:2", "h:1", false, true},
        {"http://h", "h:1", false, true},
        {"http://[::1]:1", "[::1]:2", false, true},
        {"http://h:1.evil.example", "h:1", false, false},
        {"http://evil.example", "h:1", false, false},
        {"http://evil.example", "", false, false},
        {"http://", "", false, false},
        {"http://:1", ":1", true, false},
        {"null", "h:1", false, false},
        {"null", "null", false, false},
        {"h:1", "h:1", false, false},
        {"https://pages.example", "h:1", true, true},
        {"http://pages.example", "h:1", false, false},
        {"https://pages.example:444", "h:1", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes origin = bytes_str(rows[i].origin), host = bytes_str(rows[i].host);
        if (origin_may_watch(&some, origin, host) != rows[i].watches ||
            origin_may_change(&some, origin, host) != rows[i].changes) {
            fail_msg("%s at %s", rows[i].origin, rows[i].host);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_host_is_ours_where_nobody_else_can_have_given_it),
        cmocka_unit_test(test_a_page_of_the_own_host_may_and_others_where_they_are_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
