#include "crypto/hash.h"

#include <stdatomic.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define BLOCK_BYTES 64u /* of SHA-256 */

/* Fetching an algorithm costs more than hashing a token with it, so it is fetched once and kept
 * for the process's life. Two threads may race to the first fetch: the loser frees its own. */
static const EVP_MD *sha256_algorithm(void)
{
    static _Atomic(EVP_MD *) kept;
    EVP_MD *md = atomic_load(&kept);
    if (md != NULL) {
        return md;
    }
    EVP_MD *fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (fetched == NULL) {
        die("OpenSSL has no SHA-256");
    }
    if (!atomic_compare_exchange_strong(&kept, &md, fetched)) {
        EVP_MD_free(fetched);
        return md;
    }
    return fetched;
}

struct sha256 sha256_of(struct bytes data)
{
    struct sha256 result;
    if (EVP_Digest(data.ptr, data.len, result.digest, NULL, sha256_algorithm(), NULL) != 1) {
        die("SHA-256 failed");
    }
    return result;
}

/* The hash of two pieces, one behind the other. */
static struct sha256 sha256_of_two(struct bytes first, struct bytes second)
{
    struct sha256 result;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex2(context, sha256_algorithm(), NULL) != 1 ||
        EVP_DigestUpdate(context, first.ptr, first.len) != 1 ||
        EVP_DigestUpdate(context, second.ptr, second.len) != 1 ||
        EVP_DigestFinal_ex(context, result.digest, NULL) != 1) {
        die("SHA-256 failed");
    }
    EVP_MD_CTX_free(context);
    return result;
}

/* RFC 2104, on the digest above: OpenSSL's own MAC contexts cost three times as much to set up, and
 * every dispatch and every result makes one of these. */
struct sha256 hmac_sha256(struct bytes key, struct bytes data)
{
    uint8_t inner_pad[BLOCK_BYTES], outer_pad[BLOCK_BYTES];
    struct sha256 short_key;
    if (key.len > BLOCK_BYTES) {
        short_key = sha256_of(key);
        key = bytes_of(short_key.digest, SHA256_BYTES);
    }
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        uint8_t k = i < key.len ? key.ptr[i] : 0;
        inner_pad[i] = k ^ 0x36;
        outer_pad[i] = k ^ 0x5c;
    }
    struct sha256 inner = sha256_of_two(bytes_of(inner_pad, BLOCK_BYTES), data);
    struct sha256 result =
        sha256_of_two(bytes_of(outer_pad, BLOCK_BYTES), bytes_of(inner.digest, SHA256_BYTES));
    OPENSSL_cleanse(inner_pad, sizeof inner_pad);
    OPENSSL_cleanse(outer_pad, sizeof outer_pad);
    return result;
}

bool secret_eq(const uint8_t *a, const uint8_t *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}
