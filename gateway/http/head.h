/* Parses the head of one request, as its client sent it (RFC 9112). All knowledge of heads comes
 * from here: libwebsockets never sees them (intake.h). Pure. */
#ifndef MARATHON_HTTP_HEAD_H
#define MARATHON_HTTP_HEAD_H

#include "base/bytes.h"
#include "model/code.h"

/* Of one head, including its empty line; a larger one is answered with 431. */
#define HEAD_BYTES_MAX (16u << 10)

/* All fields that anything here uses; others are checked and skipped. The second column says what a
 * repeated field means: a fault (ONCE), a continuation of the list (LIST), or nothing (FIRST). */
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
    struct bytes fields[HEAD_FIELD_COUNT]; /* without surrounding blanks; NULL = absent */
    bool is_http_1_0;
    bool is_last; /* the connection has to be closed after the answer */
    bool has_length;
    bool is_chunked;    /* the body is chunked (chunks.h), without a known length */
    uint64_t length;    /* of the body; at most body_bytes_max */
    bool other_version; /* a handshake of another version: answer with ours */
    bool wants_socket;  /* a complete handshake of RFC 6455, version 13 */
    enum code fault;    /* not CODE_NONE: the rest of the stream cannot be interpreted */
    const char *why;    /* the reason, for people: what would be right; static */
};

/* Length of the head at the start of text, including the empty line, 0 = incomplete. Lines end with
 * CR LF or LF (RFC 9112, 2.2; those of chunks with CR LF only). The first `looked` bytes were
 * examined before. */
size_t head_end(struct bytes text, size_t looked);
/* True if text cannot be the beginning of a head, whatever follows. */
bool head_is_none(struct bytes text);
/* text: a whole head, or the beginning of one larger than HEAD_BYTES_MAX. Results point into text,
 * or into the arena texts (lists made of several fields). */
void head_parse(struct bytes text, uint64_t body_bytes_max, struct arena *texts,
                struct head *ret_head);
/* Is word among the comma-separated words, ignoring case? */
bool head_list_has(struct bytes list, const char *word);

#endif
