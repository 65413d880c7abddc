/* API keys: who may ask, and for what. Pure.
 *
 * A key is a long random text that its holder alone has; what is kept is its id, its SHA-256 and
 * what it may do. The file has one key a line, `#` begins a comment:
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
    char id[ID_BYTES_MAX + 1]; /* also the credential in idempotency keys: a new key with an old id
                                  continues those of the old one */
    uint8_t digest[SHA256_BYTES];
    bool reads_only;
};

/* Zero-initialise; free with api_keys_free. */
struct api_keys {
    struct api_key *items;
    size_t count, cap;
};

/* ERR_INVALID: message says which line and why; ret_keys is untouched. An id may stand there twice:
 * the old key and the new one while clients change over. */
enum err MUST_CHECK api_keys_parse(struct bytes text, struct api_keys *ret_keys, char *message,
                                   size_t message_size);
void api_keys_free(struct api_keys *k);

/* What a request shows to prove that it may. */
struct api_shown {
    struct bytes method;
    struct bytes authorization; /* the header, "Bearer <key>" */
    struct bytes protocols; /* of a WebSocket: Sec-WebSocket-Protocol, which may hold bearer.<key>:
                               a browser can say nothing else */
};

/* The key with which the request may make this call; NULL: it may not, and ret_problem says why
 * (401, 403). Probes and the API's description are open to all; a key given there is looked at all
 * the same. How long this takes says nothing about the keys. The result lives as long as the keys;
 * its id is empty where no key was needed or given. */
const struct api_key *api_keys_admit(const struct api_keys *k, const struct api_shown *shown,
                                     enum call call, struct problem *ret_problem);

#endif
