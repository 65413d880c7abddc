#include "store/sentinel_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <hiredis/hiredis.h>

#define NOW 100000

/* What a sentinel sends, read as hiredis reads it. */
static redisReply *reply_of(const char *resp)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    redisReaderFeed(reader, resp, strlen(resp));
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_non_null(reply);
    redisReaderFree(reader);
    return reply;
}

static bool reads_address(const char *resp, struct redis_node *node)
{
    redisReply *reply = reply_of(resp);
    bool good = sentinel_read_address(reply, node);
    freeReplyObject(reply);
    return good;
}

static uint64_t epoch_of(const char *resp)
{
    redisReply *reply = reply_of(resp);
    uint64_t epoch = sentinel_read_epoch(reply);
    freeReplyObject(reply);
    return epoch;
}

static void test_an_address_is_a_host_and_a_port(void **state)
{
    (void)state;
    struct redis_node node;
    assert_true(reads_address("*2\r\n$8\r\n10.0.0.1\r\n$4\r\n6379\r\n", &node));
    assert_string_equal(node.host, "10.0.0.1");
    assert_int_equal(node.port, 6379);
    const char *const bad[] = {
        "*-1\r\n", /* a master that it does not know */
        "-ERR unknown command\r\n",
        "$8\r\n10.0.0.1\r\n",
        "*1\r\n$8\r\n10.0.0.1\r\n",
        "*2\r\n$0\r\n\r\n$4\r\n6379\r\n",
        "*2\r\n$3\r\na b\r\n$4\r\n6379\r\n",
        "*2\r\n$1\r\na\r\n$1\r\n0\r\n",
        "*2\r\n$1\r\na\r\n$5\r\n65536\r\n",
        "*2\r\n$1\r\na\r\n$20\r\n99999999999999999999\r\n",
        "*2\r\n$1\r\na\r\n$3\r\n6x9\r\n",
        "*2\r\n*0\r\n*0\r\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        node.port = 77;
        assert_false(reads_address(bad[i], &node));
        assert_int_equal(node.port, 77); /* untouched */
    }
}

static void test_a_host_that_is_too_long_is_none(void **state)
{
    (void)state;
    char resp[512] = "*2\r\n$256\r\n";
    size_t at = strlen(resp);
    memset(resp + at, 'a', 256);
    strcpy(resp + at + 256, "\r\n$4\r\n6379\r\n");
    struct redis_node node;
    assert_false(reads_address(resp, &node));
}

static void test_the_epoch_is_among_what_is_said_of_the_master(void **state)
{
    (void)state;
    assert_int_equal(epoch_of("*4\r\n$4\r\nname\r\n$1\r\nm\r\n$12\r\nconfig-epoch\r\n$2\r\n17\r\n"),
                     17);
    assert_int_equal(epoch_of("*3\r\n$4\r\nname\r\n$1\r\nm\r\n$12\r\nconfig-epoch\r\n"), 0);
    assert_int_equal(epoch_of("-ERR No such master with that name\r\n"), 0);
}

static struct sentinel_view view(uint64_t epoch, int port)
{
    struct sentinel_view v = {.known = true, .heard_at = NOW, .epoch = epoch};
    v.master = (struct redis_node){.host = "10.0.0.1", .port = port};
    return v;
}

static const struct sentinel_view nobody;

/* The port of the master that is followed from now on, 0 for "as before". */
static int chosen(const struct sentinel_view views[3], const struct sentinel_view *followed,
                  bool hurry)
{
    const struct sentinel_view *v = sentinel_choose(views, 3, followed, NOW + 10, hurry);
    return v != NULL ? v->master.port : 0;
}

static void test_at_first_most_must_have_answered_unless_it_takes_too_long(void **state)
{
    (void)state;
    struct sentinel_view views[3] = {view(1, 7001)};
    assert_int_equal(chosen(views, &nobody, false), 0);
    assert_int_equal(chosen(views, &nobody, true), 7001);
    views[2] = view(2, 7002);
    assert_int_equal(chosen(views, &nobody, false), 7002);
}

static void test_the_higher_epoch_is_followed(void **state)
{
    (void)state;
    struct sentinel_view followed = view(4, 7001);
    struct sentinel_view views[3] = {view(4, 7001), view(4, 7001), view(4, 7001)};
    assert_int_equal(chosen(views, &followed, false), 7001);
    views[1] = view(5, 7002); /* one knows of a failover, the others will */
    assert_int_equal(chosen(views, &followed, false), 7002);
    for (int i = 0; i < 3; i += 2) {
        views[i] = view(5, 7001); /* the one that leads it still tells the old address */
        assert_int_equal(chosen(views, &followed, false), 7002);
        struct sentinel_view since = view(5, 7002);
        assert_int_equal(chosen(views, &since, false), 7002);
    }
}

static void test_a_sentinel_that_is_behind_is_not_followed_back(void **state)
{
    (void)state;
    struct sentinel_view followed = view(5, 7002);
    struct sentinel_view views[3] = {view(4, 7001)}; /* alone with the old master */
    assert_int_equal(chosen(views, &followed, true), 0);
    views[1] = view(0, 7003); /* but where most say so: the master was named anew */
    assert_int_equal(chosen(views, &followed, false), 7001);
}

static void test_an_old_answer_says_nothing(void **state)
{
    (void)state;
    struct sentinel_view followed = view(4, 7001);
    struct sentinel_view views[3] = {view(4, 7001), view(9, 7009), view(4, 7001)};
    views[1].heard_at = NOW + 10 - SENTINEL_FRESH_MS;
    assert_int_equal(chosen(views, &followed, false), 7001);
    views[0].heard_at = views[2].heard_at = views[1].heard_at;
    assert_int_equal(chosen(views, &followed, true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_is_a_host_and_a_port),
        cmocka_unit_test(test_a_host_that_is_too_long_is_none),
        cmocka_unit_test(test_the_epoch_is_among_what_is_said_of_the_master),
        cmocka_unit_test(test_at_first_most_must_have_answered_unless_it_takes_too_long),
        cmocka_unit_test(test_the_higher_epoch_is_followed),
        cmocka_unit_test(test_a_sentinel_that_is_behind_is_not_followed_back),
        cmocka_unit_test(test_an_old_answer_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
