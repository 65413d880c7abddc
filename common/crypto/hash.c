#include "crypto/hash.h"

#include <stdatomic.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

/* Fetching an algorithm costs more than hashing a token with it, so each is fetched once and kept
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

static EVP_MAC *hmac_algorithm(void)
{
    static _Atomic(EVP_MAC *) kept;
    EVP_MAC *mac = atomic_load(&kept);
    if (mac != NULL) {
        return mac;
    }
    EVP_MAC *fetched = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (fetched == NULL) {
        die("OpenSSL has no HMAC");
    }
    if (!atomic_compare_exchange_strong(&kept, &mac, fetched)) {
        EVP_MAC_free(fetched);
        return mac;
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

struct sha256 hmac_sha256(struct bytes key, struct bytes data)
{
    static const uint8_t no_key[1]; /* OpenSSL takes a NULL key for "keep the last one" */
    char digest_name[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", digest_name, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(hmac_algorithm());
    struct sha256 result;
    size_t len;
    if (context == NULL ||
        EVP_MAC_init(context, key.len > 0 ? key.ptr : no_key, key.len, params) != 1 ||
        EVP_MAC_update(context, data.ptr, data.len) != 1 ||
        EVP_MAC_final(context, result.digest, &len, sizeof result.digest) != 1) {
        die("HMAC-SHA256 failed");
    }
    EVP_MAC_CTX_free(context);
    return result;
}

bool secret_eq(const uint8_t *a, const uint8_t *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}
