/* SHA-256 and HMAC-SHA256. This folder and common/tls include OpenSSL. Deterministic and without
 * I/O, so pure code may use hash.h. */
#ifndef MARATHON_CRYPTO_HASH_H
#define MARATHON_CRYPTO_HASH_H

#include "base/bytes.h"
#include "base/err.h"

#define SHA256_BYTES 32

struct sha256 {
    uint8_t digest[SHA256_BYTES];
};

struct sha256 sha256_of(struct bytes data);
/* Of all of them, one behind the other. */
struct sha256 sha256_of_parts(const struct bytes *parts, size_t count);

/* A key made ready: half of the work of a short HMAC. As secret as the key. */
struct hmac_key {
    uint64_t inner[14], outer[14];
};

void hmac_key_make(struct bytes key, struct hmac_key *ret_key);
struct sha256 hmac_sha256_by(const struct hmac_key *key, struct bytes data);
/* Lower-case hex into text[2*n+1]; returns text. */
char *hex_encode(const uint8_t *data, size_t n, char *text);
enum err MUST_CHECK hex_decode(struct bytes text, uint8_t *ret_data, size_t n);
/* True where equal; takes the same time wherever they differ. */
bool secret_eq(const uint8_t *a, const uint8_t *b, size_t n);

#endif
