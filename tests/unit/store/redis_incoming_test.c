/* What comes is read as hiredis would read it, in whatever pieces it comes; strings lie where they
 * were received, and what is kept stays while more is read. */
#include "incoming_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rng.h"
#include "store/redis_socket.h"

#define LONG_BYTES 300000

static void assert_same(const redisReply *a, const redisReply *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->integer, b->integer);
    assert_int_equal(a->elements, b->elements);
    assert_int_equal(a->len, b->len);
    if (b->str != NULL) {
        assert_memory_equal(a->str, b->str, b->len + 1); /* with the NUL */
    }
    for (size_t i = 0; i < a->elements; i++) {
        assert_same(a->element[i], b->element[i]);
    }
}

/* All replies that hiredis reads from this, which are compared with ours as they come. */
struct oracle {
    redisReader *reader;
    size_t replies;
};

static void compare(struct oracle *o, struct wire *w)
{
    const redisReply *ours = NULL;
    while ((ours = incoming_next(&w->in)) != NULL) {
        void *theirs = NULL;
        assert_int_equal(redisReaderGetReply(o->reader, &theirs), REDIS_OK);
        assert_non_null(theirs);
        assert_same(ours, theirs);
        freeReplyObject(theirs);
        o->replies++;
    }
    assert_null(w->in.why);
}

static struct oracle oracle_of(struct bytes b)
{
    struct oracle o = {.reader = redisReaderCreate()};
    assert_int_equal(redisReaderFeed(o.reader, (const char *)b.ptr, b.len), REDIS_OK);
    return o;
}

static void oracle_end(struct oracle *o, size_t replies)
{
    void *none = NULL;
    assert_int_equal(redisReaderGetReply(o->reader, &none), REDIS_OK);
    assert_null(none);
    assert_int_equal(o->replies, replies);
    redisReaderFree(o->reader);
}

/* ---- pieces ---- */

#define ALL_KINDS                                                                                  \
    "+OK\r\n"                                                                                      \
    "$-1\r\n"                                                                                      \
    "*-1\r\n"                                                                                      \
    "*0\r\n"                                                                                       \
    "$0\r\n\r\n"                                                                                   \
    ":-9223372036854775808\r\n"                                                                    \
    "-MOVED 5 10.0.0.1:7000\r\n"                                                                   \
    "*5\r\n-ERR one of them\r\n$-1\r\n:17\r\n*2\r\n$4\r\na\r\nb\r\n+\r\n*0\r\n"                    \
    "$5\r\n\r\n$1\r\r\n"                                                                           \
    "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n$1\r\nx\r\n"                                        \
    "+a\rb\nc\r\n"
#define ALL_KINDS_COUNT 11

static void test_replies_split_at_every_byte(void **state)
{
    (void)state;
    struct bytes all = BYTES_LIT(ALL_KINDS);
    for (size_t cut = 1; cut < all.len; cut++) {
        struct wire w;
        wire_open(&w);
        struct oracle o = oracle_of(all);
        wire_pass(&w, bytes_part(all, 0, cut));
        compare(&o, &w);
        wire_pass(&w, bytes_part(all, cut, all.len));
        compare(&o, &w);
        assert_false(incoming_in_part(&w.in));
        oracle_end(&o, ALL_KINDS_COUNT);
        wire_close(&w);
    }
}

static void test_replies_byte_by_byte(void **state)
{
    (void)state;
    struct bytes all = BYTES_LIT(ALL_KINDS);
    struct wire w;
    wire_open(&w);
    struct oracle o = oracle_of(all);
    for (size_t i = 0; i < all.len; i++) {
        wire_pass(&w, bytes_part(all, i, 1));
        compare(&o, &w);
    }
    oracle_end(&o, ALL_KINDS_COUNT);
    wire_close(&w);
}

static void put_string(struct buf *to, struct rng *r)
{
    size_t len = rng_below(r, 20) == 0 ? rng_below(r, 60000) : rng_below(r, 400);
    buf_addf(to, "$%zu\r\n", len);
    for (size_t i = 0; i < len; i++) {
        buf_add_char(to, "\r\n$*:+-0123456789abc"[rng_below(r, 20)]);
    }
    buf_add_str(to, "\r\n");
}

static void put_reply(struct buf *to, struct rng *r, int depth)
{
    uint64_t kind = rng_below(r, depth < 5 ? 10 : 8);
    if (kind < 4) {
        put_string(to, r);
    } else if (kind < 6) {
        buf_addf(to, ":%d\r\n", (int)rng_below(r, 2000) - 1000);
    } else if (kind == 6) {
        buf_add_str(to, rng_below(r, 2) == 0 ? "$-1\r\n" : "+QUEUED\r\n");
    } else if (kind == 7) {
        buf_add_str(to, "-ERR no such thing\r\n");
    } else {
        uint64_t elements = rng_below(r, 12);
        buf_addf(to, "*%d\r\n", (int)elements);
        for (uint64_t i = 0; i < elements; i++) {
            put_reply(to, r, depth + 1);
        }
    }
}

static void test_any_replies_in_any_pieces(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rng r;
        rng_seed(&r, seed);
        struct buf all = {0};
        for (int i = 0; i < 100; i++) {
            put_reply(&all, &r, 0);
        }
        struct wire w;
        wire_open(&w);
        struct oracle o = oracle_of(buf_bytes(&all));
        for (size_t sent = 0; sent < all.len;) {
            size_t piece = 1 + rng_below(&r, rng_below(&r, 2) == 0 ? 100 : 50000);
            sent += wire_pass(&w, bytes_part(buf_bytes(&all), sent, piece));
            compare(&o, &w);
        }
        oracle_end(&o, 100);
        wire_close(&w);
        buf_free(&all);
    }
}

/* Items that are whole stay where they are while more comes; whatever they are, and however many
 * blocks they take. */
static void test_a_long_array_lies_in_several_blocks(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 500, 3000, 11000, 16384, 40000, LONG_BYTES};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (size_t in_front = 0; in_front < 2; in_front++) {
            struct wire w;
            wire_open(&w);
            struct buf b = long_reply(in_front, 100, 'f');
            struct buf array = long_reply(1 + 200000 / (lengths[i] + 10), lengths[i], 'x');
            buf_add_bytes(&b, buf_bytes(&array));
            buf_add_str(&b, "+OK\r\n");
            struct oracle o = oracle_of(buf_bytes(&b));
            bool parts = false;
            for (size_t sent = 0; sent < b.len;) {
                sent += wire_pass(&w, bytes_part(buf_bytes(&b), sent, 9000));
                compare(&o, &w);
                parts = parts || w.in.part_count > 0;
                assert_true(sent == b.len || incoming_in_part(&w.in));
            }
            assert_int_equal(parts, lengths[i] < LONG_BYTES);
            assert_int_equal(w.in.part_count, 0);
            oracle_end(&o, in_front + 2);
            wire_close(&w);
            buf_free(&array);
            buf_free(&b);
        }
    }
}

/* ---- memory ---- */

static void test_a_long_array_is_in_part_where_all_that_came_was_left(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    struct buf b = long_reply(9, 4000, 'x');
    bool more = true;
    wire_pass(&w, bytes_part(buf_bytes(&b), 0, 4 + 4 * 4009)); /* there is no room for a fifth */
    assert_null(incoming_next(&w.in));
    assert_int_equal(incoming_read(&w.in, &(struct redis_socket){.fd = w.ours}, &more), 0);
    assert_null(incoming_next(&w.in));
    assert_int_equal(w.in.part_count, 1);
    assert_true(incoming_in_part(&w.in));
    buf_free(&b);
    wire_close(&w); /* the connection may end there */
}

static void test_a_long_array_that_is_not_kept_goes_with_the_next_look(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    struct buf b = long_reply(1000, 3000, 'x');
    size_t before = mallinfo2().uordblks; /* 0 under a sanitizer */
    assert_non_null(wire_read_reply(&w, &b, 10000));
    assert_true(before == 0 || mallinfo2().uordblks > before + 3000000);
    assert_null(incoming_next(&w.in));
    assert_true(mallinfo2().uordblks < before + 200000);
    buf_free(&b);
    wire_close(&w);
}

static void test_a_long_array_that_is_kept_stays_while_more_is_read(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    struct buf b = long_reply(100, 3000, 'x');
    const redisReply *reply = wire_read_reply(&w, &b, 10000);
    assert_int_equal(reply->elements, 100);
    struct incoming_reply *kept = incoming_keep(&w.in);
    struct buf behind = long_reply(100, 2000, 'y');
    assert_non_null(wire_read_reply(&w, &behind, 10000));
    assert_null(incoming_next(&w.in));
    for (size_t i = 0; i < 100; i++) {
        assert_true(filled_with(reply->element[i], 'x'));
    }
    incoming_reply_drop(kept);
    buf_free(&b);
    buf_free(&behind);
    wire_close(&w);
}

static void test_a_long_reply_has_a_block_of_its_own_and_gives_it_back(void **state)
{
    (void)state;
    static const size_t lengths[] = {20000, LONG_BYTES};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct wire w;
        wire_open(&w);
        struct buf b = long_reply(1, lengths[i], 'x');
        const redisReply *reply = wire_read_reply(&w, &b, b.len);
        assert_int_equal(reply->len, lengths[i]);
        assert_true(filled_with(reply, 'x'));
        assert_true(reply->str > w.in.reader->buf && reply->str < w.in.reader->buf + 20);
        assert_null(incoming_next(&w.in));
        assert_null(w.in.block);
        wire_pass(&w, BYTES_LIT("+OK\r\n"));
        assert_string_equal(incoming_next(&w.in)->str, "OK");
        buf_free(&b);
        wire_close(&w);
    }
}

static void test_small_replies_use_one_block_again_and_again(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    const struct incoming_block *first = NULL;
    for (int i = 0; i < 10000; i++) {
        wire_pass(&w, BYTES_LIT("$5\r\nhello\r\n"));
        assert_string_equal(incoming_next(&w.in)->str, "hello");
        assert_null(incoming_next(&w.in));
        first = first == NULL ? w.in.block : first;
        assert_ptr_equal(w.in.block, first);
    }
    wire_close(&w);
}

static void test_a_kept_reply_stays_while_more_is_read(void **state)
{
    (void)state;
    static const size_t lengths[] = {10, 3000, 16000, LONG_BYTES};
    struct wire w;
    wire_open(&w);
    struct incoming_reply *kept[40];
    const redisReply *replies[40];
    for (size_t i = 0; i < 40; i++) {
        struct buf b = long_reply(i % 3 + 1, lengths[i % 4], (uint8_t)('A' + i));
        replies[i] = wire_pass_reply(&w, &b);
        kept[i] = incoming_keep(&w.in);
        assert_null(incoming_next(&w.in));
        buf_free(&b);
    }
    for (size_t i = 0; i < 40; i++) {
        const redisReply *r = replies[i];
        assert_true(r->type == REDIS_REPLY_ARRAY || filled_with(r, (uint8_t)('A' + i)));
        for (size_t k = 0; k < r->elements; k++) {
            assert_int_equal(r->element[k]->len, lengths[i % 4]);
            assert_true(filled_with(r->element[k], (uint8_t)('A' + i)));
        }
        if (i == 20) {
            incoming_clear(&w.in); /* the connection goes, the rest stays */
        }
        incoming_reply_drop(kept[i]);
    }
    wire_close(&w);
}

/* ---- what is no reply ---- */

static void test_what_is_no_reply_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *sent, *why;
    } cases[] = {
        {"HTTP/1.1 400 Bad Request\r\n", "Protocol error, got \"H\" as reply type byte"},
        {"*2\r\n$1\r\na\r\n?\r\n", "Protocol error, got \"?\" as reply type byte"},
        {"*5\r\n?\r\n", "Protocol error, a reply that makes no sense"},
        {"$x\r\n", "Bad bulk string length"},
        {"$-2\r\n", "Bulk string length out of range"},
        {"*-7\r\n", "Multi-bulk length out of range"},
        {"*1x\r\n", "Bad multi-bulk length"},
        {":one\r\n", "Bad integer value"},
        {"$99999999999\r\n", "Protocol error, a reply that makes no sense"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wire w;
        wire_open(&w);
        wire_pass(&w, BYTES_LIT("$4\r\nkept\r\n"));
        assert_non_null(incoming_next(&w.in));
        struct incoming_reply *kept = incoming_keep(&w.in);
        wire_pass(&w, bytes_str(cases[i].sent));
        assert_null(incoming_next(&w.in));
        assert_non_null(w.in.why);
        assert_string_equal(w.in.why, cases[i].why);
        assert_null(incoming_next(&w.in));
        incoming_reply_drop(kept);
        wire_close(&w);
    }
}

static void test_arrays_too_deep_are_refused(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    for (int i = 0; i < 100; i++) {
        wire_pass(&w, BYTES_LIT("*1\r\n"));
    }
    wire_pass(&w, BYTES_LIT(":1\r\n"));
    assert_null(incoming_next(&w.in));
    assert_non_null(strstr(w.in.why, "depth"));
    wire_close(&w);
}

static void test_a_line_without_end_is_none(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    struct buf b = {0};
    buf_add_char(&b, '+');
    memset(buf_extend(&b, 100000), 'a', 100000);
    for (size_t sent = 0; sent < b.len && w.in.why == NULL;) {
        sent += wire_pass(&w, bytes_part(buf_bytes(&b), sent, 9000));
        assert_null(incoming_next(&w.in));
    }
    assert_string_equal(w.in.why, "Protocol error, a reply that makes no sense");
    buf_free(&b);
    wire_close(&w);
}

static void test_an_end_is_told_and_nothing_is_no_end(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    bool more = true;
    assert_int_equal(incoming_read(&w.in, &(struct redis_socket){.fd = w.ours}, &more), 0);
    assert_false(more);
    assert_null(w.in.why);
    wire_pass(&w, BYTES_LIT("$5\r\nhel"));
    assert_null(incoming_next(&w.in));
    assert_true(incoming_in_part(&w.in));
    shutdown(w.theirs, SHUT_WR);
    assert_int_equal(incoming_read(&w.in, &(struct redis_socket){.fd = w.ours}, &more), 0);
    assert_false(more);
    assert_string_equal(w.in.why, "Server closed the connection");
    wire_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replies_split_at_every_byte),
        cmocka_unit_test(test_replies_byte_by_byte),
        cmocka_unit_test(test_any_replies_in_any_pieces),
        cmocka_unit_test(test_a_long_array_lies_in_several_blocks),
        cmocka_unit_test(test_a_long_array_that_is_kept_stays_while_more_is_read),
        cmocka_unit_test(test_a_long_array_is_in_part_where_all_that_came_was_left),
        cmocka_unit_test(test_a_long_array_that_is_not_kept_goes_with_the_next_look),
        cmocka_unit_test(test_a_long_reply_has_a_block_of_its_own_and_gives_it_back),
        cmocka_unit_test(test_small_replies_use_one_block_again_and_again),
        cmocka_unit_test(test_a_kept_reply_stays_while_more_is_read),
        cmocka_unit_test(test_what_is_no_reply_says_why),
        cmocka_unit_test(test_arrays_too_deep_are_refused),
        cmocka_unit_test(test_a_line_without_end_is_none),
        cmocka_unit_test(test_an_end_is_told_and_nothing_is_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
