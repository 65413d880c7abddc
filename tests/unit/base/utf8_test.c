#include "base/utf8.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static size_t sequence(const char *text, size_t len)
{
    const uint8_t *at = (const uint8_t *)text;
    return utf8_sequence(at, at + len);
}

/* Decodes without the rules of the table: by shape, then by range. */
static size_t model(const uint8_t *p, size_t len)
{
    static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t want = p[0] < 0x80       ? 1
                  : p[0] >> 5 == 6  ? 2
                  : p[0] >> 4 == 14 ? 3
                  : p[0] >> 3 == 30 ? 4
                                    : 0;
    if (want < 2 || len < want) {
        return want == 1 ? 1 : 0;
    }
    uint32_t c = p[0] & (0x7fu >> want);
    for (size_t i = 1; i < want; i++) {
        if (p[i] >> 6 != 2) {
            return 0;
        }
        c = c << 6 | (p[i] & 0x3fu);
    }
    return c < lowest[want] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : want;
}

static void test_all_pairs_of_bytes_with_all_kinds_of_tails(void **state)
{
    (void)state;
    static const uint8_t tails[] = {0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff};
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            for (unsigned t = 0; t < 36; t++) {
                uint8_t p[4] = {(uint8_t)a, (uint8_t)b, tails[t % 6], tails[t / 6]};
                for (size_t len = 1; len <= 4; len++) {
                    assert_int_equal(utf8_sequence(p, p + len), model(p, len));
                }
            }
        }
    }
}

static void test_nothing_is_no_sequence(void **state)
{
    (void)state;
    assert_int_equal(sequence("", 0), 0);
    assert_int_equal(sequence("\0", 1), 1);
}

static void test_every_code_point_is_written_as_a_valid_sequence(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        uint8_t p[4];
        if (c >= 0xd800 && c < 0xe000) {
            continue;
        }
        size_t len = utf8_encode(c, p);
        if (utf8_sequence(p, p + len) != len || len != (c < 0x80      ? 1
                                                        : c < 0x800   ? 2
                                                        : c < 0x10000 ? 3
                                                                      : 4)) {
            fail_msg("U+%04X", c);
        }
    }
    uint8_t p[4];
    assert_int_equal(utf8_encode(0x1f600, p), 4);
    assert_memory_equal(p, "\xf0\x9f\x98\x80", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_pairs_of_bytes_with_all_kinds_of_tails),
        cmocka_unit_test(test_nothing_is_no_sequence),
        cmocka_unit_test(test_every_code_point_is_written_as_a_valid_sequence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
