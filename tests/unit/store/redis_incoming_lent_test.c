/* What was received and is lent on stays, whatever comes behind it. */
#include "incoming_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/socket.h>

#include "store/redis_lending.h"
#include "store/redis_reply.h"
#include "store/redis_socket.h"

#define LONG_BYTES 300000

/* Keeps the reply in hand, and lends it: its lender, held, or NULL. */
static struct shared *keep_and_lend(struct wire *w)
{
    struct arena arena = {0};
    struct redis_lending lending = {.arena = &arena};
    struct incoming_reply *kept = incoming_keep(&w->in);
    incoming_lend(&kept, 1, &lending);
    struct lenders lenders = lending_end(&lending);
    assert_in_range(lenders.count, 0, 1);
    struct shared *lender = lenders.count > 0 ? shared_hold(lenders.items[0]) : NULL;
    incoming_reply_drop(kept);
    arena_free(&arena);
    return lender;
}

static void assert_is(struct bytes text, uint8_t fill)
{
    for (size_t i = 0; i < text.len; i++) {
        assert_int_equal(text.ptr[i], fill); /* under asan: it is there */
    }
}

static void test_what_is_lent_stays_while_more_is_read(void **state)
{
    (void)state;
    static const size_t lengths[] = {10, 1023, 1024, 4095, 9000, LONG_BYTES}; /* two are short */
    struct wire w;
    wire_open(&w);
    struct shared *lenders[60] = {0};
    struct bytes texts[60];
    for (size_t i = 0; i < 60; i++) {
        struct buf b = long_reply(1, lengths[i % 6], (uint8_t)(' ' + i));
        const redisReply *r = wire_pass_reply(&w, &b);
        texts[i] = bytes_of(r->str, r->len);
        lenders[i] = keep_and_lend(&w);
        assert_int_equal(lenders[i] != NULL, i % 6 > 1);
        assert_true(lenders[i] == NULL || shared_has(lenders[i], texts[i]));
        if (i % 7 < 3) {
            assert_null(incoming_next(&w.in));
            assert_int_equal(w.in.block == NULL, i % 6 == 5);
        }
        buf_free(&b);
    }
    incoming_clear(&w.in);
    for (size_t i = 0; i < 60; i++) {
        if (lenders[i] != NULL) {
            assert_is(texts[i], (uint8_t)(' ' + i));
        }
        shared_drop(lenders[i]);
    }
    wire_close(&w);
}

/* What comes meanwhile is read behind it, in the same block. */
static void test_a_block_is_filled_anew_once_nobody_holds_it(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    struct buf x = long_reply(1, 3000, 'x'), y = long_reply(1, 3000, 'y');
    struct bytes text = reply_bytes(wire_pass_reply(&w, &x));
    struct shared *lender = keep_and_lend(&w);
    const struct incoming_block *block = w.in.block;
    for (int i = 0; i < 3; i++) {
        assert_true(wire_pass_reply(&w, &y)->str > (const char *)text.ptr);
        assert_null(incoming_next(&w.in));
        assert_ptr_equal(w.in.block, block);
    }
    assert_is(text, 'x');
    shared_drop(lender);
    assert_ptr_equal(wire_pass_reply(&w, &y)->str, text.ptr);
    buf_free(&x);
    buf_free(&y);
    wire_close(&w);
}

/* hiredis would free the block in which it finds something that is no reply. */
static void test_what_is_lent_outlives_what_is_no_reply(void **state)
{
    (void)state;
    static const char *const behind[] = {"?\r\n", ":one\r\n", "+OK\r\n*1\r\n$x\r\n", "*2\r\n$2\r"};
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) {
        struct wire w;
        wire_open(&w);
        struct buf b = long_reply(1, 5000, 'x');
        buf_add_str(&b, behind[i]);
        wire_pass(&w, buf_bytes(&b));
        const redisReply *reply = incoming_next(&w.in);
        assert_non_null(reply);
        struct bytes text = bytes_of(reply->str, reply->len);
        struct shared *lender = keep_and_lend(&w);
        assert_non_null(lender);
        while ((reply = incoming_next(&w.in)) != NULL) {
            assert_string_equal(reply->str, "OK");
        }
        if (w.in.why == NULL) {
            wire_pass(&w, BYTES_LIT("\nab\r\n?\r\n"));
            assert_null(incoming_next(&w.in));
        }
        assert_non_null(w.in.why);
        incoming_clear(&w.in);
        assert_int_equal(atomic_load(&lender->holders), 1);
        assert_is(text, 'x');
        shared_drop(lender);
        buf_free(&b);
        wire_close(&w);
    }
}

/* It counts as waiting output for as long as it is held. */
static void test_a_long_reply_lends_little_more_than_itself(void **state)
{
    (void)state;
    static const size_t lengths[] = {20000, LONG_BYTES, 1000000, 1100000, 3000000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct wire w;
        wire_open(&w);
        struct buf b = long_reply(1, lengths[i], 'x');
        struct buf other = long_reply(1, 100, 'y');
        assert_non_null(wire_read_reply(&w, &b, b.len));
        struct shared *lender = keep_and_lend(&w);
        assert_in_range(lender->bytes.cap, lengths[i], lengths[i] + 32);
        assert_true(filled_with(wire_pass_reply(&w, &other), 'y'));
        shared_drop(lender);
        buf_free(&b);
        buf_free(&other);
        wire_close(&w);
    }
}

/* An array that is long lies in several blocks: who keeps one of its strings keeps that one's. */
static void test_a_long_array_lends_each_of_its_blocks(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    struct buf b = long_reply(60, 3000, 'x');
    const redisReply *reply = wire_read_reply(&w, &b, 10000);
    assert_non_null(reply);
    struct bytes texts[60];
    for (size_t i = 0; i < 60; i++) {
        texts[i] = bytes_of(reply->element[i]->str, reply->element[i]->len);
    }
    struct arena arena = {0};
    struct redis_lending lending = {.arena = &arena};
    struct incoming_reply *kept = incoming_keep(&w.in);
    incoming_lend(&kept, 1, &lending);
    struct lenders lenders = lending_end(&lending);
    assert_in_range(lenders.count, 3, 8);
    size_t memory = 0;
    for (uint32_t i = 0; i < lenders.count; i++) {
        memory += shared_hold(lenders.items[i])->bytes.cap;
    }
    assert_in_range(memory, 180000, 300000);
    incoming_reply_drop(kept);
    incoming_clear(&w.in);
    for (size_t i = 0; i < 60; i++) {
        struct shared *lender = lenders_find(&lenders, texts[i]);
        assert_non_null(lender);
        assert_is(texts[i], 'x');
    }
    for (uint32_t i = 0; i < lenders.count; i++) {
        assert_int_equal(atomic_load(&lenders.items[i]->holders), 1);
        shared_drop(lenders.items[i]);
    }
    arena_free(&arena);
    buf_free(&b);
    wire_close(&w);
}

static void test_replies_lend_a_block_once(void **state)
{
    (void)state;
    for (size_t count = 0; count < 5; count++) {
        struct wire w;
        wire_open(&w);
        struct arena arena = {0};
        struct redis_lending lending = {.arena = &arena};
        struct incoming_reply *kept[5];
        for (size_t i = 0; i < 5; i++) {
            struct buf b = long_reply(1, 1400, 'x');
            assert_non_null(wire_read_reply(&w, &b, b.len));
            kept[i] = incoming_keep(&w.in);
            buf_free(&b);
        }
        incoming_lend(kept, count, &lending);
        assert_int_equal(lending_end(&lending).count, count > 0);
        for (size_t i = 0; i < 5; i++) {
            incoming_reply_drop(kept[i]);
        }
        arena_free(&arena);
        wire_close(&w);
    }
}

/* The block has a reply that is lent, and behind it the begin of one that goes on in others, and
 * that hiredis refuses for something in that block. */
static void test_what_is_lent_outlives_a_long_reply_that_is_refused(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct wire w;
        wire_open(&w);
        struct buf first = long_reply(1, 6000, 'x'), b = {0};
        const redisReply *reply = wire_read_reply(&w, &first, first.len);
        assert_non_null(reply);
        struct bytes text = bytes_of(reply->str, reply->len);
        struct shared *lender = late ? NULL : keep_and_lend(&w);
        struct incoming_reply *kept = late ? incoming_keep(&w.in) : NULL;
        buf_add_str(&b, "*2\r\n$6000\r\n");
        memset(buf_extend(&b, 6000), 'y', 6000);
        buf_add_str(&b, "\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n");
        struct buf deep = long_reply(1, 20000, 'z');
        assert_null(wire_read_reply(&w, &b, b.len));
        wire_pass(&w, bytes_part(buf_bytes(&deep), 0, 10000));
        assert_null(incoming_next(&w.in));
        if (late) {
            struct arena arena = {0};
            struct redis_lending lending = {.arena = &arena};
            assert_int_equal(w.in.part_count, 1);
            incoming_lend(&kept, 1, &lending);
            lender = shared_hold(lending_end(&lending).items[0]);
            incoming_reply_drop(kept);
            arena_free(&arena);
        }
        wire_pass(&w, bytes_part(buf_bytes(&deep), 10000, deep.len));
        assert_null(incoming_next(&w.in));
        assert_non_null(strstr(w.in.why, "depth"));
        incoming_clear(&w.in);
        assert_is(text, 'x');
        shared_drop(lender);
        buf_free(&first);
        buf_free(&b);
        buf_free(&deep);
        wire_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_lent_stays_while_more_is_read),
        cmocka_unit_test(test_a_block_is_filled_anew_once_nobody_holds_it),
        cmocka_unit_test(test_what_is_lent_outlives_what_is_no_reply),
        cmocka_unit_test(test_a_long_reply_lends_little_more_than_itself),
        cmocka_unit_test(test_a_long_array_lends_each_of_its_blocks),
        cmocka_unit_test(test_replies_lend_a_block_once),
        cmocka_unit_test(test_what_is_lent_outlives_a_long_reply_that_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
