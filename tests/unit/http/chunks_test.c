#include "http/chunks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define CONTENT_MAX 20

static uint8_t content[20000];
static size_t content_len, taken;
static bool in_place; /* what is before the first content is taken by itself */

/* In pieces of that many bytes. */
static struct chunks read_in(const char *text, size_t len, size_t piece)
{
    struct chunks c = {.content_max = CONTENT_MAX};
    content_len = taken = 0;
    while (taken < len && c.at != CHUNKS_END && c.at != CHUNKS_FAULT) {
        size_t got, n = len - taken < piece ? len - taken : piece;
        struct bytes part = bytes_of((const uint8_t *)text + taken, n);
        size_t used = in_place && content_len == 0 ? chunks_lead(&c, part) : 0;
        assert_int_equal(c.content, content_len);
        used += chunks_read(&c, bytes_part(part, used, n), content + content_len, &got);
        content_len += got;
        taken += used;
        assert_true(used == n || c.at == CHUNKS_END || c.at == CHUNKS_FAULT);
    }
    assert_int_equal(c.content, content_len);
    return c;
}

static void is_content(const char *text, const char *wanted, size_t behind)
{
    for (size_t piece = 1; piece <= 2 * strlen(text); piece++) {
        in_place = piece > strlen(text);
        struct chunks c = read_in(text, strlen(text), in_place ? piece - strlen(text) : piece);
        assert_int_equal(c.at, CHUNKS_END);
        assert_int_equal(c.fault, CODE_NONE);
        assert_int_equal(content_len, strlen(wanted));
        assert_memory_equal(content, wanted, content_len);
        assert_int_equal(taken, strlen(text) - behind);
    }
}

static void is_refused(const char *text, enum code fault)
{
    for (size_t piece = 1; piece <= 2 * strlen(text); piece++) {
        in_place = piece > strlen(text);
        struct chunks c = read_in(text, strlen(text), in_place ? piece - strlen(text) : piece);
        if (c.at != CHUNKS_FAULT || c.fault != fault || c.why == NULL) {
            fail_msg("%s: %d", text, (int)c.at);
        }
    }
}

static void test_its_content_is_that_of_its_chunks(void **state)
{
    (void)state;
    is_content("5\r\nhello\r\n0\r\n\r\n", "hello", 0);
    is_content("0\r\n\r\n", "", 0);
    is_content("1\r\na\r\n008\r\n\r\n\r\n0123\r\nA\r\nabcdefghij\r\n00\r\n\r\n",
               "a\r\n\r\n0123abcdefghij", 0);
}

static void test_what_is_behind_it_is_left(void **state)
{
    (void)state;
    is_content("5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "hello", 16);
    is_content("0\r\n\r\n\r\n", "", 2);
}

static void test_extensions_and_trailers_are_passed_over(void **state)
{
    (void)state;
    is_content("5;a=\"b;c\"\r\nhello\r\n0 ;x\r\nDigest: y\r\nA:\tb\r\n\r\n", "hello", 0);
    is_content("5 \t\r\nhello\r\n0\r\n\r\n", "hello", 0);
}

static void test_whatever_is_out_of_order_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\r\n",
        "x\r\n",
        "-1\r\n",
        "+1\r\n",
        "0x5\r\nhello",
        " 5\r\nhello",
        "5\nhello",
        "5\r\r\nhello",
        ";a\r\n",
        "5\r\nhello0\r\n",
        "5\r\nhello\n0\r\n",
        "5\r\nhello\r0",
        "5\r\nhello\r\n\r\n",
        "5;a\nb\r\n",
        "5;\x01\r\n",
        "0\r\n\n",
        "0\r\nA: b\n\r\n",
        "0\r\nA: b\rc\r\n",
        "0\r\n\rx",
        "0\r\nA\x7f\r\n",
        "00000000000000005\r\n",
        "5\r\nhello\r\nG",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        is_refused(texts[i], CODE_BAD_REQUEST);
    }
}

static void test_it_has_its_bounds(void **state)
{
    (void)state;
    is_content("14\r\n01234567890123456789\r\n0\r\n\r\n", "01234567890123456789", 0);
    is_refused("15\r\n", CODE_TOO_LARGE);
    is_refused("13\r\n0123456789012345678\r\n2", CODE_TOO_LARGE);
    is_refused("ffffffffffffffff\r\n", CODE_TOO_LARGE);
    is_refused("8000000000000000\r\n", CODE_TOO_LARGE);
    static char text[10000];
    for (int more = 0; more <= 1; more++) {
        int len = snprintf(text, sizeof text, "1;%0*d\r\na\r\n0\r\n%0*d\r\n\r\n", 2095, 0,
                           2000 + more, 0);
        struct chunks c = read_in(text, (size_t)len, 100);
        assert_int_equal(c.at, more ? CHUNKS_FAULT : CHUNKS_END);
        assert_int_equal(c.fault, more ? CODE_HEADERS_TOO_LARGE : CODE_NONE);
    }
}

static void test_it_may_be_read_in_its_place(void **state)
{
    (void)state;
    char text[] = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nrest";
    struct chunks c = {.content_max = CONTENT_MAX};
    size_t len;
    size_t used = chunks_read(&c, bytes_of((uint8_t *)text, strlen(text)), (uint8_t *)text, &len);
    assert_int_equal(len, 5);
    assert_memory_equal(text, "abcde", 5);
    assert_string_equal(text + used, "rest");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_content_is_that_of_its_chunks),
        cmocka_unit_test(test_what_is_behind_it_is_left),
        cmocka_unit_test(test_extensions_and_trailers_are_passed_over),
        cmocka_unit_test(test_whatever_is_out_of_order_is_refused),
        cmocka_unit_test(test_it_has_its_bounds),
        cmocka_unit_test(test_it_may_be_read_in_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
