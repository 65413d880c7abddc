/* API keys: who may call, and what. Pure.
 *
 * A key is a long random text that only its holder has; stored are its id, its SHA-256 and its
 * permissions. The file has one key per line, `#` begins a comment:
 *
 *     <id> sha256:<64 hex digits> [all|read]
 *
 * all (the default): everything; read: GET only. `marathon keys new` makes such a line. */
#ifndef MARATHON_API_KEYS_H
#define MARATHON_API_KEYS_H

#include "api/problem.h"
#include "api/route.h"
#include "base/err.h"
#include "base/id.h"
#include "crypto/hash.h"

#define API_KEYS_MAX 4096 /* each request is compared with all of them */

struct api_key {
    /* also the credential in idempotency keys: a new key with an old id takes over those of the old
     * one */
    char id[ID_BYTES_MAX + 1];
    uint8_t digest[SHA256_BYTES];
    bool reads_only;
};

/* Zero-initialise; free with api_keys_free. */
struct api_keys {
    struct api_key *items;
    size_t count, cap;
};

/* ERR_INVALID: message names the line and says why; ret_keys is untouched. An id may occur twice:
 * the old key and the new one while clients change over. */
enum err MUST_CHECK api_keys_parse(struct bytes text, struct api_keys *ret_keys, char *message,
                                   size_t message_size);
void api_keys_free(struct api_keys *k);

/* The credentials that a request presents. */
struct api_shown {
    struct bytes method;
    struct bytes authorization; /* the header, "Bearer <key>" */
    /* of a WebSocket: Sec-WebSocket-Protocol, which may contain bearer.<key>, since a browser can
     * set no other header there */
    struct bytes protocols;
};

/* The key with which the request may make this call; NULL: it may not, and ret_problem says why
 * (401, 403). Probes and the API's description are open to all, but a key given there is still
 * checked. The time this takes reveals nothing about the keys. The result lives as long as the
 * keys; its id is empty if no key was needed or given. */
const struct api_key *api_keys_admit(const struct api_keys *k, const struct api_shown *shown,
                                     enum call call, struct problem *ret_problem);

#endif
