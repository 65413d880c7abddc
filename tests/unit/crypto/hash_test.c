#include "crypto/hash.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect_hex(struct sha256 hash, const char *hex)
{
    char text[2 * SHA256_BYTES + 1];
    assert_string_equal(hex_encode(hash.digest, SHA256_BYTES, text), hex);
}

/* FIPS 180-4 examples. */
static void test_sha256_of_known_texts(void **state)
{
    (void)state;
    expect_hex(sha256_of(BYTES_NONE),
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_hex(sha256_of(BYTES_LIT("abc")),
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    uint8_t *million = malloc(1000000);
    assert_non_null(million);
    memset(million, 'a', 1000000);
    const struct bytes parts[] = {BYTES_LIT("a"), BYTES_NONE, BYTES_LIT("bc")};
    struct sha256 whole = sha256_of(BYTES_LIT("abc")), in_parts = sha256_of_parts(parts, 3);
    assert_memory_equal(&in_parts, &whole, sizeof whole);
    expect_hex(sha256_of(bytes_of(million, 1000000)),
               "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

static struct sha256 hmac_of(struct bytes key, struct bytes data)
{
    struct hmac_key made;
    hmac_key_make(key, &made);
    return hmac_sha256_by(&made, data);
}

/* RFC 4231, cases 1, 2 and 6 (a key longer than a block). */
static void test_hmac_of_known_texts(void **state)
{
    (void)state;
    uint8_t key[131];
    memset(key, 0x0b, sizeof key);
    expect_hex(hmac_of(bytes_of(key, 20), BYTES_LIT("Hi There")),
               "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    expect_hex(hmac_of(BYTES_LIT("Jefe"), BYTES_LIT("what do ya want for nothing?")),
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    expect_hex(hmac_of(bytes_of(key, 131),
                       BYTES_LIT("Test Using Larger Than Block-Size Key - Hash Key First")),
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void test_hmac_with_an_empty_key_and_text(void **state)
{
    (void)state;
    expect_hex(hmac_of(BYTES_NONE, BYTES_NONE),
               "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void test_secrets_are_equal_only_where_every_byte_is(void **state)
{
    (void)state;
    uint8_t a[16] = {0}, b[16] = {0};
    assert_true(secret_eq(a, b, 16));
    for (int i = 0; i < 16; i++) {
        b[i] = 1;
        assert_false(secret_eq(a, b, 16));
        b[i] = 0;
    }
    assert_true(secret_eq(a, b, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256_of_known_texts),
        cmocka_unit_test(test_hmac_of_known_texts),
        cmocka_unit_test(test_hmac_with_an_empty_key_and_text),
        cmocka_unit_test(test_secrets_are_equal_only_where_every_byte_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
