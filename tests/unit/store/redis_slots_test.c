#include "store/redis_slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <hiredis/hiredis.h>

/* As CLUSTER KEYSLOT says. */
static void test_slots_are_those_of_redis(void **state)
{
    (void)state;
    assert_int_equal(slot_of(BYTES_LIT("123456789")), 12739);
    assert_int_equal(slot_of(BYTES_LIT("foo")), 12182);
    assert_int_equal(slot_of(BYTES_LIT("")), 0);
    assert_int_equal(slot_of(BYTES_LIT("checkpoint:{foo}:a{b}")), 12182);
    assert_int_equal(slot_of(BYTES_LIT("{}foo")), slot_of(BYTES_LIT("{}foo")));
    assert_int_not_equal(slot_of(BYTES_LIT("{}foo")), slot_of(BYTES_LIT("foo"))); /* no tag */
    assert_int_not_equal(slot_of(BYTES_LIT("foo{")), slot_of(BYTES_LIT("foo")));
}

static bool read_error(const char *text, struct redirect *r)
{
    char copy[128];
    size_t len = strlen(text);
    memcpy(copy, text, len + 1);
    struct redisReply reply = {.type = REDIS_REPLY_ERROR, .str = copy, .len = len};
    return redirect_read(&reply, r);
}

static void test_redirections_name_a_node(void **state)
{
    (void)state;
    struct redirect r;
    assert_true(read_error("MOVED 3999 127.0.0.1:6381", &r));
    assert_int_equal(r.kind, REDIRECT_MOVED);
    assert_int_equal(r.slot, 3999);
    assert_string_equal(r.node.host, "127.0.0.1");
    assert_int_equal(r.node.port, 6381);
    assert_true(read_error("ASK 0 fe80::1:6381", &r));
    assert_int_equal(r.kind, REDIRECT_ASK);
    assert_string_equal(r.node.host, "fe80::1");
    assert_true(read_error("MOVED 16383 :6381", &r)); /* the host of whoever says it */
    assert_string_equal(r.node.host, "");
}

static void test_what_is_on_its_way_is_asked_for_later(void **state)
{
    (void)state;
    struct redirect r;
    assert_true(read_error("TRYAGAIN Multiple keys request during rehashing of slot", &r));
    assert_int_equal(r.kind, REDIRECT_LATER);
    assert_true(read_error("CLUSTERDOWN Hash slot not served", &r));
    assert_int_equal(r.kind, REDIRECT_LATER);
    assert_true(read_error("ERR Script attempted to access a non local key in a cluster node", &r));
    assert_int_equal(r.kind, REDIRECT_LATER);
}

static void test_other_answers_are_no_redirections(void **state)
{
    (void)state;
    struct redirect r;
    assert_false(read_error("ERR MOVED 1 a:1", &r));
    assert_false(read_error("MOVED", &r));
    assert_false(read_error("MOVED x 127.0.0.1:1", &r));
    assert_false(read_error("MOVED 16384 127.0.0.1:1", &r));
    assert_false(read_error("MOVED 1 127.0.0.1", &r));
    assert_false(read_error("MOVED 1 127.0.0.1:70000", &r));
    assert_false(read_error("READONLY You can't write against a read only replica.", &r));
    struct redisReply fine = {.type = REDIS_REPLY_INTEGER};
    assert_false(redirect_read(&fine, &r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots_are_those_of_redis),
        cmocka_unit_test(test_redirections_name_a_node),
        cmocka_unit_test(test_what_is_on_its_way_is_asked_for_later),
        cmocka_unit_test(test_other_answers_are_no_redirections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
