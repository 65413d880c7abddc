#include "cli/sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

/* Events as one text: "type id data|". */
static void on_event(void *user, const struct sse_event *e)
{
    struct buf *seen = user;
    buf_add_bytes(seen, e->type);
    buf_add_char(seen, ' ');
    buf_add_bytes(seen, e->id);
    buf_add_char(seen, ' ');
    buf_add_bytes(seen, e->data);
    buf_add_char(seen, '|');
}

static void stream_gives(const char *stream, size_t piece, const char *expected)
{
    struct sse s = {0};
    struct buf seen = {0};
    struct bytes all = bytes_str(stream);
    for (size_t at = 0; at < all.len; at += piece) {
        assert_int_equal(sse_feed(&s, bytes_part(all, at, piece), on_event, &seen), ERR_OK);
    }
    assert_string_equal(buf_cstr(&seen), expected);
    buf_free(&seen);
    sse_free(&s);
}

/* However the stream is cut into pieces. */
static void gives(const char *stream, const char *expected)
{
    for (size_t piece = 1; piece <= strlen(stream); piece++) {
        stream_gives(stream, piece, expected);
    }
}

static void test_an_event_ends_with_an_empty_line(void **state)
{
    (void)state;
    gives("id: 1\ndata: {\"a\":1}\n\nid:2\ndata:x\n\n", "message 1 {\"a\":1}|message 2 x|");
    gives("data: never ended\n", "");
}

static void test_all_three_line_ends_are_understood(void **state)
{
    (void)state;
    gives("data: a\r\ndata: b\r\n\r\n", "message  a\nb|");
    gives("id: 1\r\ndata: a\r\n\r\ndata: b\r\rdata: c\n\n", "message 1 a|message 1 b|message 1 c|");
}

static void test_lines_of_data_are_joined(void **state)
{
    (void)state;
    gives("data: a\ndata\ndata:  b\n\n", "message  a\n\n b|");
}

static void test_comments_and_unknown_fields_are_dropped(void **state)
{
    (void)state;
    gives(": beat\n\n:\nfoo: bar\nevent: tick\ndata: 1\n\ndata: 2\n\n", "tick  1|message  2|");
}

static void test_a_byte_order_mark_is_dropped_at_the_start_only(void **state)
{
    (void)state;
    gives("\xEF\xBB\xBF"
          "data: a\n\n\xEF\xBB\xBF"
          "data: b\n\n",
          "message  a|");
}

static void test_an_empty_id_clears_it_and_one_with_nul_is_ignored(void **state)
{
    (void)state;
    struct sse s = {0};
    struct buf seen = {0};
    static const char stream[] = "id: 7\ndata: a\n\nid: 8\0\ndata: b\n\nid\ndata: c\n\n";
    assert_int_equal(sse_feed(&s, bytes_of(stream, sizeof stream - 1), on_event, &seen), ERR_OK);
    assert_string_equal(buf_cstr(&seen), "message 7 a|message 7 b|message  c|");
    buf_free(&seen);
    sse_free(&s);
}

static void test_the_wish_for_a_pause_is_kept_where_it_is_a_number(void **state)
{
    (void)state;
    struct sse s = {0};
    struct buf seen = {0};
    assert_int_equal(sse_feed(&s, BYTES_LIT("retry: 2000\n"), on_event, &seen), ERR_OK);
    assert_int_equal(s.retry_ms, 2000);
    assert_int_equal(
        sse_feed(&s, BYTES_LIT("retry: 1s\nretry:\nretry: 99999999999\n"), on_event, &seen),
        ERR_OK);
    assert_int_equal(s.retry_ms, 2000);
    assert_int_equal(seen.len, 0);
    sse_free(&s);
}

static void test_a_new_connection_keeps_the_id_and_forgets_the_half_event(void **state)
{
    (void)state;
    struct sse s = {0};
    struct buf seen = {0};
    assert_int_equal(sse_feed(&s, BYTES_LIT("id: 5\ndata: a\n\ndata: half"), on_event, &seen),
                     ERR_OK);
    sse_restart(&s);
    assert_true(bytes_is(buf_bytes(&s.id), "5"));
    assert_int_equal(sse_feed(&s,
                              BYTES_LIT("\xEF\xBB\xBF"
                                        "data: b\n\n"),
                              on_event, &seen),
                     ERR_OK);
    assert_string_equal(buf_cstr(&seen), "message 5 a|message 5 b|");
    buf_free(&seen);
    sse_free(&s);
}

static void test_an_endless_event_is_refused(void **state)
{
    (void)state;
    struct sse s = {0};
    struct buf seen = {0};
    size_t chunk_bytes = 16u << 20;
    uint8_t *chunk = mem_zalloc(chunk_bytes);
    enum err e = ERR_OK;
    size_t fed = 0;
    memset(chunk, 'x', chunk_bytes);
    while (e == ERR_OK && fed <= SSE_EVENT_BYTES_MAX) {
        e = sse_feed(&s, bytes_of(chunk, chunk_bytes), on_event, &seen);
        fed += chunk_bytes;
    }
    assert_int_equal(e, ERR_TOO_LARGE);
    assert_true(s.line.len <= SSE_EVENT_BYTES_MAX);
    free(chunk);
    sse_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_event_ends_with_an_empty_line),
        cmocka_unit_test(test_all_three_line_ends_are_understood),
        cmocka_unit_test(test_lines_of_data_are_joined),
        cmocka_unit_test(test_comments_and_unknown_fields_are_dropped),
        cmocka_unit_test(test_a_byte_order_mark_is_dropped_at_the_start_only),
        cmocka_unit_test(test_an_empty_id_clears_it_and_one_with_nul_is_ignored),
        cmocka_unit_test(test_the_wish_for_a_pause_is_kept_where_it_is_a_number),
        cmocka_unit_test(test_a_new_connection_keeps_the_id_and_forgets_the_half_event),
        cmocka_unit_test(test_an_endless_event_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
