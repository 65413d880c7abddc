/* What a request asks for, as it is written and as it is meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>

#include "http/target.h"

static struct arena arena;

/* The path and its arguments, each behind a blank. */
static void is_read(const char *text, const char *expected)
{
    struct target t;
    struct buf got = {0};
    if (target_read(bytes_str(text), &arena, &t) != CODE_NONE) {
        fail_msg("%s is not read", text);
    }
    buf_add_bytes(&got, t.path);
    for (size_t i = 0; i < t.arg_count; i++) {
        assert_int_equal(t.args[i].ptr[t.args[i].len], '\0');
        buf_addf(&got, " %s", (const char *)t.args[i].ptr);
    }
    assert_string_equal(buf_cstr(&got), expected);
    buf_free(&got);
}

static void is_refused(const char *text, enum code code)
{
    struct target t;
    assert_int_equal(target_read(bytes_str(text), &arena, &t), code);
}

static void test_paths_are_decoded_once_and_taken_literally(void **state)
{
    (void)state;
    is_read("/", "/");
    is_read("/a/b", "/a/b");
    is_read("/a%20b%2fc%2Fd%25", "/a b/c/d%");
    is_read("/a/../b/./..", "/a/../b/./..");
    is_read("//a///b/", "/a/b/");
    is_read("/a+b=c&d", "/a+b=c&d");
    is_read("/\xc3\xa4", "/\xc3\xa4");
}

static void test_arguments_are_decoded(void **state)
{
    (void)state;
    is_read("/?", "/");
    is_read("/a?b=c&d&&e=f+g%26%3dh?i&", "/a b=c d e=f g&=h?i");
    is_read("/a?b%3Dc=d", "/a b_c=d");
}

static void test_a_host_may_stand_before_the_path(void **state)
{
    (void)state;
    is_read("http://a:1/b?c=d", "/b c=d");
    is_read("HTTPS://a/b", "/b");
    is_read("http://a", "/");
    is_read("http://a?b=c", "/ b=c");
}

static void test_what_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const none[] = {
        "a",      "",   "a:80",    "ftp://a/b", "http:/b",     "?a=b",
        "/%00",   "/%", "/%4",     "/%zz",      "/%4g",        "/a?b=%00",
        "/a?b=%", "*",  "/a?%f=c", "http:///b", "http://?a=b", "https://"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        is_refused(none[i], CODE_BAD_REQUEST);
    }
}

static void test_it_has_its_bounds(void **state)
{
    (void)state;
    static char text[TARGET_PATH_BYTES_MAX + 2];
    memset(text, '/', 1);
    memset(text + 1, 'a', TARGET_PATH_BYTES_MAX - 1);
    is_read(text, text);
    text[TARGET_PATH_BYTES_MAX] = 'a';
    is_refused(text, CODE_URI_TOO_LONG);
    struct buf query = {0};
    buf_add_str(&query, "/?a");
    for (int i = 1; i < TARGET_ARGS_MAX; i++) {
        buf_add_str(&query, "&a");
    }
    struct target t;
    assert_int_equal(target_read(buf_bytes(&query), &arena, &t), CODE_NONE);
    assert_int_equal(t.arg_count, TARGET_ARGS_MAX);
    buf_add_str(&query, "&a");
    is_refused(buf_cstr(&query), CODE_URI_TOO_LONG);
    buf_clear(&query);
    buf_add_str(&query, "/?");
    for (int i = 0; i <= TARGET_ARG_BYTES_MAX; i++) {
        buf_add_char(&query, 'a');
    }
    is_refused(buf_cstr(&query), CODE_URI_TOO_LONG);
    buf_free(&query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_are_decoded_once_and_taken_literally),
        cmocka_unit_test(test_arguments_are_decoded),
        cmocka_unit_test(test_a_host_may_stand_before_the_path),
        cmocka_unit_test(test_what_is_none_is_refused),
        cmocka_unit_test(test_it_has_its_bounds),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
