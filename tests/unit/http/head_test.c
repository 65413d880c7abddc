/* Heads as clients send them, decent and not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>

#include "http/head.h"

#define BODY_BYTES_MAX (1u << 20)
#define HOST           "Host: a\r\n"
#define HANDSHAKE                                                                                  \
    "GET /ws HTTP/1.1\r\n" HOST "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"        \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

static struct arena texts;

static struct head parsed(const char *text)
{
    struct head h;
    assert_int_equal(head_end(bytes_str(text), 0), strlen(text));
    head_parse(bytes_str(text), BODY_BYTES_MAX, &texts, &h);
    return h;
}

static void is_bytes(struct bytes got, const char *expected)
{
    assert_int_equal(got.len, strlen(expected));
    assert_memory_equal(got.ptr, expected, got.len);
}

static void is_refused(const char *text, enum code fault, const char *why)
{
    struct head h = parsed(text);
    if (h.fault != fault || (why != NULL && strstr(h.why, why) == NULL)) {
        fail_msg("%s: %d, %s", text, (int)h.fault, h.why != NULL ? h.why : "no reason");
    }
    assert_non_null(h.why);
    assert_false(h.wants_socket);
}

static struct head is_taken(const char *text)
{
    struct head h = parsed(text);
    if (h.fault != CODE_NONE) {
        fail_msg("%s: %d, %s", text, (int)h.fault, h.why != NULL ? h.why : "no reason");
    }
    return h;
}

/* Each by the name under which clients send it, in any case, between others that look like it. */
static void test_every_field_that_is_asked_for_is_found(void **state)
{
    (void)state;
    static const char *const names[] = {
#define X(id, name, twice) [HEAD_##id] = name,
        HEAD_FIELDS(X)
#undef X
    };
    for (size_t i = 0; i < HEAD_FIELD_COUNT; i++) {
        char text[300], upper[40] = "";
        for (size_t j = 0; names[i][j] != '\0'; j++) {
            assert_false(names[i][j] >= 'A' && names[i][j] <= 'Z');
            upper[j] = (char)(names[i][j] >= 'a' ? names[i][j] - 32 : names[i][j]);
        }
        (void)snprintf(text, sizeof text,
                       "GET / HTTP/1.0\r\n%.3s: no\r\n%s2: no\r\n%s:  \t7 \r\nX-%s: no\r\n\r\n",
                       names[i], names[i], i % 2 == 0 ? upper : names[i], names[i]);
        struct head h = parsed(text);
        for (size_t j = 0; j < HEAD_FIELD_COUNT; j++) {
            is_bytes(h.fields[j], i == j ? "7" : "");
        }
    }
}

static void test_a_line_has_three_parts(void **state)
{
    (void)state;
    struct head h = is_taken("POST /a?b=c HTTP/1.1\r\n" HOST "\r\n");
    is_bytes(h.method, "POST");
    is_bytes(h.target, "/a?b=c");
    assert_false(h.is_http_1_0 || h.has_length || h.wants_socket);
    assert_true(is_taken("GET / HTTP/1.0\nHost: bare\n\n").is_http_1_0);
    assert_false(is_taken("GET / HTTP/1.2\r\n" HOST "\r\n").is_http_1_0);
    static const char *const none[] = {
        "GET /\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        "GET / x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET / http/1.1\r\nHost: a\r\n\r\n",
        "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
        " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        is_refused(none[i], CODE_BAD_REQUEST, "first line");
    }
}

static void test_a_line_that_is_no_field_is_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {"Host\r\nA: b", HOST " and more", HOST "Content-Length : 5",
                                        HOST ": a",     HOST "A b: c",    HOST "\rA: b",
                                        HOST "\x80: b"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[100];
        (void)snprintf(text, sizeof text, "GET / HTTP/1.1\r\n%s\r\n\r\n", lines[i]);
        is_refused(text, CODE_BAD_REQUEST, "not `name: value`");
    }
    is_refused("GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n", CODE_BAD_REQUEST, "control");
    is_refused("GET / HTTP/1.1\r\n" HOST "A: b\x7f\r\n\r\n", CODE_BAD_REQUEST, "control");
    (void)is_taken("GET / HTTP/1.1\r\n" HOST "A: \xc3\xa4\tb\r\nB:\r\n\r\n");
}

static void test_what_stands_twice(void **state)
{
    (void)state;
    is_refused("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\ncontent-length: 5\r\n\r\n",
               CODE_BAD_REQUEST, " content-length may be given only once");
    is_refused("GET / HTTP/1.1\r\n" HOST HOST "\r\n", CODE_BAD_REQUEST, " host may");
    struct head h = is_taken("GET / HTTP/1.1\r\n" HOST "X-Forwarded-For: 1\r\nX-Request-Id: r\r\n"
                             "A: b\r\nX-Forwarded-For: 2, 3\r\nX-Request-Id: s\r\n\r\n");
    is_bytes(h.fields[HEAD_X_FORWARDED_FOR], "1,2, 3");
    is_bytes(h.fields[HEAD_X_REQUEST_ID], "r");
}

static void test_where_the_body_ends_is_beyond_doubt(void **state)
{
    (void)state;
    struct head h = is_taken("POST / HTTP/1.1\r\n" HOST "Content-Length: \t 12 \r\n\r\n");
    assert_true(h.has_length && h.length == 12);
    assert_true(is_taken("POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n").has_length);
    static const struct {
        const char *line;
        enum code fault;
    } rows[] = {
        {"Content-Length: 5x", CODE_BAD_REQUEST},
        {"Content-Length: -5", CODE_BAD_REQUEST},
        {"Content-Length: +5", CODE_BAD_REQUEST},
        {"Content-Length: 5, 5", CODE_BAD_REQUEST},
        {"Content-Length: 0x5", CODE_BAD_REQUEST},
        {"Content-Length:", CODE_BAD_REQUEST},
        {"Content-Length: 1048577", CODE_TOO_LARGE},
        {"Content-Length: 99999999999999999999", CODE_TOO_LARGE},
        {"Content-Length: 18446744073709551617", CODE_TOO_LARGE},
        {"Transfer-Encoding: chunked\r\nContent-Length: 5", CODE_BAD_REQUEST},
        {"Content-Length: 0\r\nTransfer-Encoding: chunked", CODE_BAD_REQUEST},
        {"Transfer-Encoding: xchunked", CODE_BAD_REQUEST},
        {"Transfer-Encoding: identity", CODE_BAD_REQUEST},
        {"Transfer-Encoding: gzip, chunked", CODE_BAD_REQUEST},
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", CODE_BAD_REQUEST},
        {"Transfer-Encoding: chunked;q=1", CODE_BAD_REQUEST},
        {"Transfer-Encoding:", CODE_BAD_REQUEST},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[200];
        (void)snprintf(text, sizeof text, "POST / HTTP/1.1\r\n" HOST "%s\r\n\r\n", rows[i].line);
        is_refused(text, rows[i].fault, NULL);
    }
    is_refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", CODE_BAD_REQUEST,
               "HTTP/1.0");
    h = is_taken("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: CHUNKED\r\n\r\n");
    assert_true(h.is_chunked && !h.has_length && h.length == 0);
    assert_false(is_taken("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n").is_chunked);
}

static void test_a_host_is_wanted_of_http_1_1(void **state)
{
    (void)state;
    is_refused("GET / HTTP/1.1\r\n\r\n", CODE_BAD_REQUEST, "Host");
    (void)is_taken("GET / HTTP/1.1\r\nHost:\r\n\r\n");
    (void)is_taken("GET / HTTP/1.1\r\nHost: A-1.b_c:80\r\n\r\n");
    (void)is_taken("GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]:80\r\n\r\n");
    static const char *const none[] = {"a b", "a/b",      "a?",       "a#",
                                       "u@a", "\xc3\xa4", "http://a", "a\\"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        char text[100];
        (void)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", none[i]);
        is_refused(text, CODE_BAD_REQUEST, "Host");
    }
}

static void test_who_wants_the_connection_closed(void **state)
{
    (void)state;
    assert_true(is_taken("GET / HTTP/1.1\r\n" HOST "Connection: x, CLOSE\r\n\r\n").is_last);
    assert_true(is_taken("GET / HTTP/1.0\r\n\r\n").is_last);
    assert_false(is_taken("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").is_last);
    assert_false(is_taken("HEAD / HTTP/1.1\r\n" HOST "\r\n").is_last);
    assert_true(is_taken("POST / HTTP/1.1\r\n" HOST "\r\n").is_last);
    assert_false(is_taken("DELETE / HTTP/1.1\r\n" HOST "\r\n").is_last);
    assert_false(is_taken("OPTIONS / HTTP/1.1\r\n" HOST "\r\n").is_last);
    assert_false(is_taken("POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n").is_last);
    assert_false(is_taken("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n").is_last);
}

static void test_a_handshake_is_whole_or_none(void **state)
{
    (void)state;
    assert_true(is_taken(HANDSHAKE).wants_socket);
    static const struct {
        const char *part, *instead;
    } rows[] = {{"GET", "PUT"},
                {"HTTP/1.1", "HTTP/1.0"},
                {"websocket", "websocket2"},
                {"websocket", "h2c"},
                {"Upgrade\r", "x\r"},
                {"Upgrade\r", "Upgrade\r\nTransfer-Encoding: chunked\r"},
                {": 13", ": 8"},
                {"==", "="},
                {"dGhl", "d hl"},
                {"-Key", "-Kex"},
                {"-Version", "-Versio"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *at = strstr(HANDSHAKE, rows[i].part);
        char text[400];
        (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - HANDSHAKE), HANDSHAKE,
                       rows[i].instead, at + strlen(rows[i].part));
        assert_false(is_taken(text).wants_socket);
    }
}

static void test_its_end_is_found_however_it_comes(void **state)
{
    (void)state;
    static const char *const heads[] = {"GET / HTTP/1.1\r\nA: b\r\n\r\n",
                                        "GET / HTTP/1.1\nA: b\n\n", "GET / HTTP/1.1\r\nA: b\n\r\n",
                                        "GET / HTTP/1.1\n\r\n"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        size_t len = strlen(heads[i]);
        for (size_t looked = 0; looked < len; looked++) {
            for (size_t have = looked; have <= len; have++) {
                size_t end = head_end(bytes_of(heads[i], have), looked);
                assert_int_equal(end, have == len ? len : 0);
            }
        }
    }
    assert_true(head_is_none(BYTES_LIT("\x16\x03\x01")));
    assert_false(head_is_none(BYTES_LIT("G")) || head_is_none(BYTES_NONE));
}

static void test_it_has_its_bound(void **state)
{
    (void)state;
    struct buf text = {0};
    for (size_t over = 0; over <= 1; over++) {
        struct head h;
        buf_clear(&text);
        buf_add_str(&text, "GET / HTTP/1.1\r\n" HOST "Cookie: ");
        while (text.len < HEAD_BYTES_MAX - 4 + over) {
            buf_add_char(&text, 'c');
        }
        buf_add_str(&text, "\r\n\r\n");
        head_parse(buf_bytes(&text), BODY_BYTES_MAX, &texts, &h);
        assert_int_equal(h.fault, over == 0 ? CODE_NONE : CODE_HEADERS_TOO_LARGE);
    }
    struct head h;
    buf_clear(&text);
    buf_add_str(&text, "GET /");
    while (text.len <= HEAD_BYTES_MAX) {
        buf_add_char(&text, 'a');
    }
    head_parse(buf_bytes(&text), BODY_BYTES_MAX, &texts, &h);
    assert_int_equal(h.fault, CODE_URI_TOO_LONG);
    buf_add_str(&text, " HTTP/1.1\r\n" HOST "\r\n");
    head_parse(buf_bytes(&text), BODY_BYTES_MAX, &texts, &h);
    assert_int_equal(h.fault, CODE_URI_TOO_LONG);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_that_is_asked_for_is_found),
        cmocka_unit_test(test_a_line_has_three_parts),
        cmocka_unit_test(test_a_line_that_is_no_field_is_refused),
        cmocka_unit_test(test_what_stands_twice),
        cmocka_unit_test(test_where_the_body_ends_is_beyond_doubt),
        cmocka_unit_test(test_a_host_is_wanted_of_http_1_1),
        cmocka_unit_test(test_who_wants_the_connection_closed),
        cmocka_unit_test(test_a_handshake_is_whole_or_none),
        cmocka_unit_test(test_its_end_is_found_however_it_comes),
        cmocka_unit_test(test_it_has_its_bound),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&texts);
    return failed;
}
