#include "api/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static struct bytes file_of(char *text, size_t size)
{
    char hex[2][2 * SHA256_BYTES + 1];
    struct sha256 writer = sha256_of(BYTES_LIT("mk_writer"));
    struct sha256 reader = sha256_of(BYTES_LIT("mk_reader"));
    int n = snprintf(text, size, "# ours\n\nci sha256:%s\r\n\tboard   sha256:%s read # the wall\n",
                     hex_encode(writer.digest, SHA256_BYTES, hex[0]),
                     hex_encode(reader.digest, SHA256_BYTES, hex[1]));
    return bytes_of(text, (size_t)n);
}

static void keys_make(struct api_keys *k)
{
    char text[512], message[128] = "";
    assert_int_equal(api_keys_parse(file_of(text, sizeof text), k, message, sizeof message),
                     ERR_OK);
    assert_int_equal(k->count, 2);
}

static const struct api_key *ask(const struct api_keys *k, const char *method, const char *header,
                                 enum call call, struct problem *p)
{
    const struct api_shown shown = {bytes_str(method), bytes_str(header), BYTES_NONE};
    return api_keys_admit(k, &shown, call, p);
}

static void test_a_key_opens_what_it_may(void **state)
{
    (void)state;
    struct api_keys k = {0};
    struct problem p;
    keys_make(&k);
    assert_string_equal(ask(&k, "POST", "Bearer mk_writer", CALL_START, &p)->id, "ci");
    assert_string_equal(ask(&k, "POST", "bearer  mk_writer ", CALL_CANCEL, &p)->id, "ci");
    assert_string_equal(ask(&k, "GET", "Bearer mk_reader", CALL_STATUS, &p)->id, "board");
    assert_string_equal(ask(&k, "HEAD", "Bearer mk_reader", CALL_STATUS, &p)->id, "board");
    assert_null(ask(&k, "POST", "Bearer mk_reader", CALL_START, &p));
    assert_int_equal(problem_status(&p), 403);
    assert_null(ask(&k, "PUT", "Bearer mk_reader", CALL_PIPELINE, &p));
    assert_int_equal(p.code, CODE_FORBIDDEN);
    api_keys_free(&k);
}

static void test_without_a_good_key_nothing_but_probes_is_answered(void **state)
{
    (void)state;
    struct api_keys k = {0};
    struct problem p;
    static const char *const bad[] = {"",
                                      "Bearer",
                                      "Bearer ",
                                      "Bearer mk_write",
                                      "mk_writer",
                                      "Bearer mk_writerx",
                                      "Basic mk_writer",
                                      "Bearermk_writer"};
    keys_make(&k);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(ask(&k, "GET", bad[i], CALL_STATUS, &p));
        assert_int_equal(problem_status(&p), 401);
    }
    for (int c = 0; c < CALL_COUNT; c++) {
        bool open = c == CALL_LIVE || c == CALL_READY || c == CALL_OPENAPI;
        assert_int_equal(ask(&k, "GET", "", (enum call)c, &p) != NULL, open);
    }
    api_keys_free(&k);
}

static void test_without_keys_nobody_needs_one(void **state)
{
    (void)state;
    struct api_keys k = {0};
    struct problem p;
    assert_string_equal(ask(&k, "POST", "", CALL_START, &p)->id, "");
}

static void test_a_browser_shows_its_key_as_a_subprotocol(void **state)
{
    (void)state;
    struct api_keys k = {0};
    struct problem p;
    keys_make(&k);
    struct api_shown shown = {BYTES_LIT("GET"), BYTES_NONE,
                              BYTES_LIT("marathon, bearer.mk_reader")};
    assert_string_equal(api_keys_admit(&k, &shown, CALL_SOCKET, &p)->id, "board");
    shown.protocols = BYTES_LIT("bearer.mk_reade,marathon");
    assert_null(api_keys_admit(&k, &shown, CALL_SOCKET, &p));
    shown.protocols = BYTES_LIT("marathon,,");
    assert_null(api_keys_admit(&k, &shown, CALL_SOCKET, &p));
    api_keys_free(&k);
}

static void test_a_bad_file_is_refused_with_its_line(void **state)
{
    (void)state;
    static const char hash[] = "sha256:"
                               "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    static const struct {
        const char *before, *hash, *after, *said;
    } bad[] = {
        {"", "", "", "contains no key"},
        {"# nothing\n", "", "", "contains no key"},
        {"a ", hash, " write", "line 1: after the hash"},
        {"\na ", hash, " read read", "line 2: there is extra text"},
        {"a b ", hash, "", "line 1: after the id"},
        {"a\303\244 ", hash, "", "line 1: the id"},
        {"a ", "sha256:12", "", "line 1: after the id"},
        {"a ", hash, "0", "line 1: after the id"},
        {"a", "", "", "line 1: after the id"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[256], message[128] = "";
        struct api_keys k = {0};
        int n = snprintf(text, sizeof text, "%s%s%s", bad[i].before, bad[i].hash, bad[i].after);
        assert_int_equal(api_keys_parse(bytes_of(text, (size_t)n), &k, message, sizeof message),
                         ERR_INVALID);
        assert_non_null(strstr(message, bad[i].said));
        assert_null(k.items);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_opens_what_it_may),
        cmocka_unit_test(test_without_a_good_key_nothing_but_probes_is_answered),
        cmocka_unit_test(test_without_keys_nobody_needs_one),
        cmocka_unit_test(test_a_browser_shows_its_key_as_a_subprotocol),
        cmocka_unit_test(test_a_bad_file_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
