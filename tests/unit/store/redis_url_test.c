#include "store/redis_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct redis_url good(const char *text)
{
    struct redis_url u;
    const char *message = "";
    if (redis_url_parse(text, &u, &message) != ERR_OK) {
        fail_msg("%s: %s", text, message);
    }
    return u;
}

static void test_a_host_alone_has_the_default_port(void **state)
{
    (void)state;
    struct redis_url u = good("redis://localhost");
    assert_string_equal(u.host, "localhost");
    assert_int_equal(u.port, 6379);
    assert_int_equal(u.db, 0);
    assert_string_equal(u.password, "");
}

static void test_all_parts_of_a_tcp_url(void **state)
{
    (void)state;
    struct redis_url u = good("redis://me:p%40ss:w%2Frd@redis.example:7000/12");
    assert_string_equal(u.user, "me");
    assert_string_equal(u.password, "p@ss:w/rd");
    assert_string_equal(u.host, "redis.example");
    assert_int_equal(u.port, 7000);
    assert_int_equal(u.db, 12);
    u = good("redis://:secret@10.0.0.1/");
    assert_string_equal(u.user, "");
    assert_string_equal(u.password, "secret");
    assert_string_equal(u.host, "10.0.0.1");
}

static void test_ipv6_stands_in_brackets(void **state)
{
    (void)state;
    assert_string_equal(good("redis://[::1]").host, "::1");
    struct redis_url u = good("redis://[fe80::1]:6380/2");
    assert_string_equal(u.host, "fe80::1");
    assert_int_equal(u.port, 6380);
    assert_int_equal(u.db, 2);
}

static void test_a_unix_socket(void **state)
{
    (void)state;
    struct redis_url u = good("unix:///run/redis/redis.sock?db=3");
    assert_string_equal(u.host, "");
    assert_string_equal(u.path, "/run/redis/redis.sock");
    assert_int_equal(u.db, 3);
    u = good("unix://:secret@/tmp/a%20b");
    assert_string_equal(u.path, "/tmp/a b");
    assert_string_equal(u.password, "secret");
}

static void test_sentinels_and_the_name_of_their_master(void **state)
{
    (void)state;
    struct redis_url u =
        good("redis+sentinel://me:p%2Cs@10.0.0.1,s2:7001,[::1]:7002/my-master.1/4");
    assert_int_equal(u.kind, REDIS_SENTINEL);
    assert_string_equal(u.user, "me");
    assert_string_equal(u.password, "p,s");
    assert_int_equal(u.node_count, 3);
    assert_string_equal(u.nodes[0].host, "10.0.0.1");
    assert_int_equal(u.nodes[0].port, 26379);
    assert_string_equal(u.nodes[1].host, "s2");
    assert_int_equal(u.nodes[1].port, 7001);
    assert_string_equal(u.nodes[2].host, "::1");
    assert_int_equal(u.nodes[2].port, 7002);
    assert_string_equal(u.master, "my-master.1");
    assert_int_equal(u.db, 4);
    assert_string_equal(u.host, ""); /* to be asked for */
    assert_int_equal(good("redis+sentinel://a,b,c,d,e,f,g,h,i/m").node_count, 9);
    assert_int_equal(good("redis+sentinel://a/m/").db, 0);
    assert_int_equal(good("redis://a").kind, REDIS_SINGLE);
}

/* What is wrong, and what would be right. */
static void test_a_sentinel_url_that_is_wrong_says_what_would_be_right(void **state)
{
    (void)state;
    static const struct {
        const char *url, *word;
    } bad[] = {
        {"redis+sentinel://a:1,b:2", "redis+sentinel://host:26379,host:26379/<name of the master>"},
        {"redis+sentinel://a:1/", "`sentinel monitor`"},
        {"redis+sentinel://a:1/a b", "letters, digits"},
        {"redis+sentinel://a:1/m/x", "number of a database"},
        {"redis+sentinel://a:1,/m", "host is missing"},
        {"redis+sentinel://a:0/m", "1 to 65535"},
        {"redis+sentinel:///m", "host is missing"},
        {"redis+sentinel://a,b,c,d,e,f,g,h,i,j/m", "nine"},
        {"redis+sentinel://me@a/m", "user:password"},
        {"redis://a:1,b:2", "redis+sentinel://"},
        {"sentinel://a:1/m", "redis+sentinel://"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct redis_url u;
        const char *message = "";
        assert_int_equal(redis_url_parse(bad[i].url, &u, &message), ERR_INVALID);
        if (strstr(message, bad[i].word) == NULL) {
            fail_msg("%s: %s", bad[i].url, message);
        }
    }
}

static void test_a_second_s_asks_for_tls(void **state)
{
    (void)state;
    struct redis_url u = good("rediss://me:pw@redis.example:6380/2");
    assert_true(u.tls);
    assert_int_equal(u.kind, REDIS_SINGLE);
    assert_string_equal(u.host, "redis.example");
    assert_int_equal(u.port, 6380);
    assert_string_equal(u.password, "pw");
    assert_int_equal(u.db, 2);
    u = good("rediss+sentinel://a,b:2/m");
    assert_true(u.tls);
    assert_int_equal(u.kind, REDIS_SENTINEL);
    assert_string_equal(u.master, "m");
    u = good("rediss+cluster://a:1,b:2");
    assert_true(u.tls);
    assert_int_equal(u.kind, REDIS_CLUSTER);
    assert_false(good("redis://a").tls);
    assert_false(good("redis+sentinel://a/m").tls);
    assert_false(good("redis+cluster://a").tls);
    assert_false(good("unix:///s").tls);
}

static void test_what_cannot_be_understood_says_why(void **state)
{
    (void)state;
    const char *const bad[] = {
        NULL,
        "",
        "http://x",
        "localhost:6379",
        "rediss://",
        "rediss://a,b",
        "rediss+unix:///path",
        "redis://",
        "redis://:6379",
        "redis://host:0",
        "redis://host:65536",
        "redis://host:",
        "redis://host:6379x",
        "redis://host/a",
        "redis://host/99999",
        "redis://me@host",
        "redis://a:%zz@host",
        "redis://a:%00@host",
        "redis://[::1",
        "redis://[::1]x",
        "unix://",
        "unix://relative",
        "unix:///s?db=",
        "unix:///s?db=x",
        "unix:///s?other=1",
        "unix:///0123456789012345678901234567890123456789012345678901234567890123456789"
        "012345678901234567890123456789012345678901234567890123456789"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct redis_url u = {.port = 77};
        const char *message = NULL;
        assert_int_equal(redis_url_parse(bad[i], &u, &message), ERR_INVALID);
        assert_non_null(message);
        assert_int_equal(u.port, 77); /* untouched */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_host_alone_has_the_default_port),
        cmocka_unit_test(test_all_parts_of_a_tcp_url),
        cmocka_unit_test(test_ipv6_stands_in_brackets),
        cmocka_unit_test(test_a_unix_socket),
        cmocka_unit_test(test_sentinels_and_the_name_of_their_master),
        cmocka_unit_test(test_a_sentinel_url_that_is_wrong_says_what_would_be_right),
        cmocka_unit_test(test_a_second_s_asks_for_tls),
        cmocka_unit_test(test_what_cannot_be_understood_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
