#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_Init and its like: see below */
#include "crypto/hash.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#define BLOCK_BYTES 64u /* of SHA-256 */

/* The plain functions of SHA-256, which work on memory of ours. OpenSSL's contexts cost ten times
 * the hashing of a token to set up, and the first of them starts all of OpenSSL: 2 MiB that a
 * process without TLS never needs. */
struct sha256 sha256_of_parts(const struct bytes *parts, size_t count)
{
    SHA256_CTX state;
    struct sha256 result;
    bool good = SHA256_Init(&state) == 1;
    for (size_t i = 0; i < count; i++) {
        good = good && SHA256_Update(&state, parts[i].ptr, parts[i].len) == 1;
    }
    if (!good || SHA256_Final(result.digest, &state) != 1) {
        die("SHA-256 failed");
    }
    return result;
}

struct sha256 sha256_of(struct bytes data)
{
    return sha256_of_parts(&data, 1);
}

/* The states of a digest that has taken the padded key; RFC 2104. Every dispatch and every result
 * makes one or two of them. */
_Static_assert(sizeof(SHA256_CTX) <= sizeof((struct hmac_key *)0)->inner, "a state must fit");

static void take_padded(SHA256_CTX *state, struct bytes key, uint8_t pad)
{
    uint8_t block[BLOCK_BYTES];
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        block[i] = (i < key.len ? key.ptr[i] : 0) ^ pad;
    }
    if (SHA256_Init(state) != 1 || SHA256_Update(state, block, BLOCK_BYTES) != 1) {
        die("SHA-256 failed");
    }
    OPENSSL_cleanse(block, sizeof block);
}

void hmac_key_make(struct bytes key, struct hmac_key *ret_key)
{
    SHA256_CTX state;
    struct sha256 short_key;
    if (key.len > BLOCK_BYTES) {
        short_key = sha256_of(key);
        key = bytes_of(short_key.digest, SHA256_BYTES);
    }
    take_padded(&state, key, 0x36);
    memcpy(ret_key->inner, &state, sizeof state);
    take_padded(&state, key, 0x5c);
    memcpy(ret_key->outer, &state, sizeof state);
    OPENSSL_cleanse(&state, sizeof state);
}

static struct sha256 go_on(const uint64_t *from, struct bytes data)
{
    SHA256_CTX state;
    struct sha256 result;
    memcpy(&state, from, sizeof state);
    if (SHA256_Update(&state, data.ptr, data.len) != 1 ||
        SHA256_Final(result.digest, &state) != 1) {
        die("SHA-256 failed");
    }
    return result;
}

struct sha256 hmac_sha256_by(const struct hmac_key *key, struct bytes data)
{
    struct sha256 inner = go_on(key->inner, data);
    return go_on(key->outer, bytes_of(inner.digest, SHA256_BYTES));
}

bool secret_eq(const uint8_t *a, const uint8_t *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}
