/* The head of one request, as its client sent it, in its parts (RFC 9112). Whoever wants to know
 * something of a head asks here: libwebsockets is not shown it (intake.h). Pure. */
#ifndef MARATHON_HTTP_HEAD_H
#define MARATHON_HTTP_HEAD_H

#include "base/bytes.h"
#include "model/code.h"

/* Of one request, with its empty line; answered with 431 above */
#define HEAD_BYTES_MAX (16u << 10)

/* All fields that anybody here asks for; others are checked and passed over. What a second one of
 * the same name is: a fault (ONCE), the list's continuation (LIST), or nothing (FIRST). */
#define HEAD_FIELDS(X)                                                                             \
    X(AUTHORIZATION, "authorization", ONCE)                                                        \
    X(CONNECTION, "connection", LIST)                                                              \
    X(CONTENT_LENGTH, "content-length", ONCE)                                                      \
    X(CONTENT_TYPE, "content-type", ONCE)                                                          \
    X(EXPECT, "expect", LIST)                                                                      \
    X(HOST, "host", ONCE)                                                                          \
    X(IDEMPOTENCY_KEY, "idempotency-key", ONCE)                                                    \
    X(IF_NONE_MATCH, "if-none-match", LIST)                                                        \
    X(LAST_EVENT_ID, "last-event-id", ONCE)                                                        \
    X(ORIGIN, "origin", ONCE)                                                                      \
    X(SOCKET_KEY, "sec-websocket-key", ONCE)                                                       \
    X(SOCKET_PROTOCOLS, "sec-websocket-protocol", LIST)                                            \
    X(SOCKET_VERSION, "sec-websocket-version", ONCE)                                               \
    X(TRANSFER_ENCODING, "transfer-encoding", LIST)                                                \
    X(UPGRADE, "upgrade", LIST)                                                                    \
    X(X_FORWARDED_FOR, "x-forwarded-for", LIST)                                                    \
    X(X_REQUEST_ID, "x-request-id", FIRST)

enum head_field {
#define X(id, name, twice) HEAD_##id,
    HEAD_FIELDS(X)
#undef X
        HEAD_FIELD_COUNT
};

struct head {
    struct bytes method, target;
    struct bytes fields[HEAD_FIELD_COUNT]; /* without blanks around; NULL = it is not there */
    bool is_http_1_0;
    bool is_last; /* its client wants the connection closed behind the answer */
    bool has_length;
    bool is_chunked;    /* its body comes in chunks (chunks.h), and has no length */
    uint64_t length;    /* of the body; at most what body_bytes_max allows */
    bool other_version; /* it is a handshake of another one: ours is to be said */
    bool wants_socket;  /* it is a whole handshake of RFC 6455, version 13 */
    enum code fault;    /* not CODE_NONE: nothing behind it can be followed */
    const char *why;    /* of the fault, for people: what would be right; static */
};

/* The length of the head that text begins with, its empty line included, 0 = it is not whole: lines
 * end with CR LF or with LF alone (RFC 9112, 2.2; those of chunks with CR LF alone). The
 * first `looked` bytes have been looked at before. */
size_t head_end(struct bytes text, size_t looked);
/* It cannot be the beginning of one, whatever comes. */
bool head_is_none(struct bytes text);
/* text: a whole head, or the beginning of one that is larger than HEAD_BYTES_MAX. What is found
 * borrows it, and texts (lists that are several fields). */
void head_parse(struct bytes text, uint64_t body_bytes_max, struct arena *texts,
                struct head *ret_head);
/* Is that one of the comma-separated words, whatever its case? */
bool head_list_has(struct bytes list, const char *word);

#endif
