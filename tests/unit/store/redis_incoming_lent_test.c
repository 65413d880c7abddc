/* What was received and is lent on stays, whatever comes behind it. */
#include "incoming_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/socket.h>

#include "store/redis_socket.h"

#define LONG_BYTES 300000

/* Keeps the reply in hand, and lends it: its lender, held, or NULL. */
static struct shared *keep_and_lend(struct wire *w)
{
    struct arena arena = {0};
    struct redis_lending lending = {.arena = &arena};
    struct incoming_reply *kept = incoming_keep(&w->in);
    incoming_lend(kept, &lending);
    struct lenders lenders = lending_end(&lending);
    assert_in_range(lenders.count, 0, 1);
    struct shared *lender = lenders.count > 0 ? shared_hold(lenders.items[0]) : NULL;
    incoming_reply_drop(kept);
    arena_free(&arena);
    return lender;
}

static void test_what_is_lent_stays_while_more_is_read(void **state)
{
    (void)state;
    /* A block has 16 KiB: of the first two it is not worth keeping. */
    static const size_t lengths[] = {10, 4095, 4096, 9000, LONG_BYTES};
    struct wire w;
    wire_open(&w);
    struct shared *lenders[50] = {0};
    struct bytes texts[50];
    for (size_t i = 0; i < 50; i++) {
        struct buf b = long_reply(1, lengths[i % 5], (uint8_t)('A' + i));
        const redisReply *r = wire_pass_reply(&w, &b);
        texts[i] = bytes_of(r->str, r->len);
        lenders[i] = keep_and_lend(&w);
        assert_int_equal(lenders[i] != NULL, i % 5 > 1);
        assert_true(lenders[i] == NULL || shared_has(lenders[i], texts[i]));
        if (i % 2 == 0) {
            assert_null(incoming_next(&w.in));
            assert_true(lenders[i] == NULL || w.in.block == NULL);
        }
        buf_free(&b);
    }
    incoming_clear(&w.in);
    for (size_t i = 0; i < 50; i++) {
        for (size_t k = 0; lenders[i] != NULL && k < texts[i].len; k++) {
            assert_int_equal(texts[i].ptr[k], 'A' + i);
        }
        assert_true(lenders[i] == NULL || atomic_load(&lenders[i]->holders) == 1);
        shared_drop(lenders[i]);
    }
    wire_close(&w);
}

/* What comes behind it, whole or in part, is read in another block: hiredis frees the one in which
 * it finds something that is no reply. */
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
        assert_int_equal(atomic_load(&lender->holders), 1);
        for (size_t k = 0; k < text.len; k++) {
            assert_int_equal(text.ptr[k], 'x'); /* under asan: it is there */
        }
        shared_drop(lender);
        buf_free(&b);
        wire_close(&w);
    }
}

/* As the link does: looked at after each read. */
static const redisReply *read_reply(struct wire *w, const struct buf *b)
{
    const redisReply *reply = NULL;
    bool more = false;
    for (size_t sent = 0; reply == NULL; reply = incoming_next(&w->in)) {
        if (sent < b->len) {
            ssize_t n = send(w->theirs, b->ptr + sent, b->len - sent, MSG_NOSIGNAL);
            sent += n > 0 ? (size_t)n : 0;
        }
        incoming_read(&w->in, &(struct redis_socket){.fd = w->ours}, &more);
        assert_null(w->in.why);
    }
    return reply;
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
        read_reply(&w, &b);
        struct shared *lender = keep_and_lend(&w);
        assert_in_range(lender->bytes.cap, lengths[i], lengths[i] + 32);
        assert_true(filled_with(wire_pass_reply(&w, &other), 'y'));
        shared_drop(lender);
        buf_free(&b);
        buf_free(&other);
        wire_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_lent_stays_while_more_is_read),
        cmocka_unit_test(test_what_is_lent_outlives_what_is_no_reply),
        cmocka_unit_test(test_a_long_reply_lends_little_more_than_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
