/* Heads as clients send them, cut at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/bytes.h"
#include "http/field_names.h"
#include "http/server.h"

/* What libwebsockets would read of a stream that comes in pieces of so many bytes. */
static struct field_scan mend(const char *stream, size_t piece, struct buf *out)
{
    struct field_scan scan = {0};
    size_t len = strlen(stream);
    buf_clear(out);
    for (size_t at = 0; at < len; at += piece) {
        size_t n = len - at < piece ? len - at : piece;
        struct buf read = {0};
        buf_add(&read, scan.held, scan.held_len);
        buf_add(&read, stream + at, n);
        size_t given = field_names_mend(&scan, read.ptr, read.len);
        assert_int_equal(given + scan.held_len, read.len);
        buf_add(out, read.ptr, given);
        buf_free(&read);
    }
    buf_add(out, scan.held, scan.held_len);
    return scan;
}

static void gives(const char *stream, const char *expected)
{
    struct buf out = {0};
    for (size_t piece = 1; piece <= strlen(stream); piece++) {
        assert_int_equal(mend(stream, piece, &out).fault, FIELD_FINE);
        assert_string_equal(buf_cstr(&out), expected);
    }
    buf_free(&out);
}

/* The head behind the first one ends where its line is no field. */
static void is_refused(const char *good, const char *bad)
{
    static const char first[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    struct buf stream = {0}, out = {0}, expected = {0};
    buf_add_str(&stream, first);
    buf_add_str(&stream, good);
    buf_add_bytes(&expected, buf_bytes(&stream));
    buf_add_str(&stream, bad);
    for (size_t piece = 1; piece <= stream.len; piece++) {
        struct field_scan scan = mend(buf_cstr(&stream), piece, &out);
        assert_int_equal(scan.fault, FIELD_NONE_AT_ALL);
        assert_int_equal(scan.heads, 1);
        assert_memory_equal(out.ptr, expected.ptr, expected.len);
        assert_memory_equal(out.ptr + expected.len, "\r\n", 2);
    }
    buf_free(&stream);
    buf_free(&out);
    buf_free(&expected);
}

static void test_names_that_are_asked_for_stay(void **state)
{
    (void)state;
    static const char *const stay[] = {
        "GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: 1\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nhOsT:a\r\nidempotency-key: k\r\n\r\nGET /b HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.0\nHost: bare\n\n",
        "GET /\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++) {
        gives(stay[i], stay[i]);
    }
}

static void test_all_others_begin_as_none_does(void **state)
{
    (void)state;
    gives("GET / HTTP/1.1\r\nX-Auth: abc\r\nContent-Type: a\r\nCache: X-Auth: 1\r\nA:\r\n\r\n",
          "GET / HTTP/1.1\r\n~-Auth: abc\r\nContent-Type: a\r\n~ache: X-Auth: 1\r\n~:\r\n\r\n");
    gives("GET / HTTP/1.1\r\nContent: 1\r\nIdempotency-Key2: x\r\nHos: t\r\n\r\n",
          "GET / HTTP/1.1\r\n~ontent: 1\r\n~dempotency-Key2: x\r\n~os: t\r\n\r\n");
    gives("GET / HTTP/1.1\r\nSec-WebSocket-Extensions-Of-Ours: 1\r\nHost: a\r\n\r\n",
          "GET / HTTP/1.1\r\n~ec-WebSocket-Extensions-Of-Ours: 1\r\nHost: a\r\n\r\n");
}

static void test_a_body_is_not_looked_at(void **state)
{
    (void)state;
    gives("POST / HTTP/1.1\r\nContent-Length: \t 12 \r\n\r\nA: b\r\n\r\nC: d"
          "GET / HTTP/1.1\r\nA: b\r\n\r\n",
          "POST / HTTP/1.1\r\nContent-Length: \t 12 \r\n\r\nA: b\r\n\r\nC: d"
          "GET / HTTP/1.1\r\n~: b\r\n\r\n");
    gives("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\nA: b\r\n\r\n",
          "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\n~: b\r\n\r\n");
}

static void test_what_cannot_be_followed_stays_as_it_is(void **state)
{
    (void)state;
    static const char *const rests[] = {
        "GET / HTTP/1.1\r\nUpgrade: WebSocket\r\nHost: a\r\n\r\nA: b\r\nno field\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: a\r\n\r\n3\r\nA:b\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5x\r\n\r\nA: b\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\nA: b\r\n",
    };
    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
        gives(rests[i], rests[i]);
    }
    gives("GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\nGET / HTTP/1.1\r\nA: b\r\n\r\n",
          "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\nGET / HTTP/1.1\r\n~: b\r\n\r\n");
}

static void test_a_line_that_is_no_field_ends_its_head(void **state)
{
    (void)state;
    is_refused("GET / HTTP/1.1\r\n", "Host\r\nA: b\r\n\r\n");
    is_refused("GET / HTTP/1.1\r\nHost: a\r\n", " and more\r\n\r\n");
    is_refused("GET / HTTP/1.1\r\n", "Content-Length : 5\r\n\r\n");
    is_refused("GET / HTTP/1.1\r\n", ": a\r\n\r\n");
    is_refused("GET / HTTP/1.1\r\n", "\rA: b\r\n\r\n");
}

/* Its head goes on to its end, and is the last. */
static void becomes(const char *line, const char *other, enum field_fault fault)
{
    static const char rest[] = "\r\nX: 1\r\n\r\n", first[] = "GET /a HTTP/1.1\r\n\r\n";
    struct buf stream = {0}, out = {0}, expected = {0};
    buf_addf(&stream, "%s%s%s", first, line, rest);
    buf_addf(&expected, "%s%s\r\n~: 1\r\n\r\n", first, other);
    for (size_t piece = 1; piece <= stream.len; piece++) {
        struct field_scan scan = mend(buf_cstr(&stream), piece, &out);
        assert_string_equal(buf_cstr(&out), buf_cstr(&expected));
        assert_int_equal(scan.fault, fault);
        assert_int_equal(scan.heads, fault == FIELD_FINE ? 2 : 1);
    }
    buf_free(&stream);
    buf_free(&out);
    buf_free(&expected);
}

static void test_the_line_before_them_is_made_harmless(void **state)
{
    (void)state;
    becomes("GET /a%20b?c=%7Ed%2f HTTP/1.1", "GET /a%20b?c=%7Ed%2f HTTP/1.1", FIELD_FINE);
    becomes("options  /a HTTP/1.0", "options  /a HTTP/1.0", FIELD_FINE);
    becomes("PATCH /", "PATCH /", FIELD_FINE);
    becomes("TRACE /a HTTP/1.1", "GET   /a HTTP/1.1", FIELD_STRANGE_METHOD);
    becomes("CONNECT h:1 HTTP/1.1", "GET     /:1 HTTP/1.1", FIELD_NO_TARGET);
    becomes("GET http://h/a HTTP/1.1", "GET /ttp://h/a HTTP/1.1", FIELD_NO_TARGET);
    becomes("GET /a%zz HTTP/1.1", "GET /a_zz HTTP/1.1", FIELD_NO_TARGET);
    becomes("GET /a%4 HTTP/1.1", "GET /a_4 HTTP/1.1", FIELD_NO_TARGET);
    becomes("GET /a% HTTP/1.1", "GET /a_ HTTP/1.1", FIELD_NO_TARGET);
    becomes("GET /a%00%0a HTTP/1.1", "GET /a_00%0a HTTP/1.1", FIELD_NO_TARGET);
    becomes("GET /a?b=\x01\x7f HTTP/1.1", "GET /a?b=__ HTTP/1.1", FIELD_NO_TARGET);
    becomes("GET /%", "GET /_", FIELD_NO_TARGET);
    becomes("GET /a b HTTP/1.1", "GET /a b HTTP/1.1", FIELD_NO_TARGET);
    becomes("GET /a HTTP/2.0", "GET /a HTTP/2.0", FIELD_NO_TARGET);
    becomes("GET /a HTTP/1.1 and more than sixteen bytes",
            "GET /a HTTP/1.1 and more than sixteen bytes", FIELD_NO_TARGET);
}

static void test_what_is_no_http_is_left_as_it_is(void **state)
{
    (void)state;
    gives("hello\r\n\r\n", "hello\r\n\r\n");
    gives("\x16\x03\x01 /\r\nHost: a\r\n", "\x16\x03\x01 /\r\nHost: a\r\n");
    gives("A-Word-Of-More-Letters-Than-Any-Method /", "A-Word-Of-More-Letters-Than-Any-Method /");
}

static void test_a_long_name_must_be_one_too(void **state)
{
    (void)state;
    struct buf out = {0};
    static const char stream[] =
        "GET / HTTP/1.1\r\nThis-Is-A-Name-Of-More-Than-32-Bytes\r\nA: b\r\n\r\n";
    for (size_t piece = 1; piece < sizeof stream; piece++) {
        assert_int_equal(mend(stream, piece, &out).fault, FIELD_NONE_AT_ALL);
    }
    buf_free(&out);
}

static void test_a_head_has_its_bound(void **state)
{
    (void)state;
    struct buf stream = {0}, out = {0};
    buf_add_str(&stream, "GET / HTTP/1.1\r\nCookie: ");
    while (stream.len < HTTP_HEADER_BYTES_MAX - 2) {
        buf_add_char(&stream, 'c');
    }
    buf_add_str(&stream, "\r\n\r\n");
    struct field_scan scan = mend(buf_cstr(&stream), 4096, &out);
    assert_int_equal(scan.fault, FIELD_FINE);
    assert_int_equal(scan.heads, 1);
    buf_clear(&stream);
    buf_add_str(&stream, "GET / HTTP/1.1\r\nCookie: ");
    while (stream.len < HTTP_HEADER_BYTES_MAX - 1) {
        buf_add_char(&stream, 'c');
    }
    buf_add_str(&stream, "\r\n\r\n");
    scan = mend(buf_cstr(&stream), 4096, &out);
    assert_int_equal(scan.fault, FIELD_TOO_MANY_BYTES);
    assert_int_equal(scan.heads, 0);
    buf_free(&stream);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_that_are_asked_for_stay),
        cmocka_unit_test(test_all_others_begin_as_none_does),
        cmocka_unit_test(test_a_body_is_not_looked_at),
        cmocka_unit_test(test_what_cannot_be_followed_stays_as_it_is),
        cmocka_unit_test(test_a_line_that_is_no_field_ends_its_head),
        cmocka_unit_test(test_the_line_before_them_is_made_harmless),
        cmocka_unit_test(test_what_is_no_http_is_left_as_it_is),
        cmocka_unit_test(test_a_long_name_must_be_one_too),
        cmocka_unit_test(test_a_head_has_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
