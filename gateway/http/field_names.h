/* The names of header fields, made harmless before libwebsockets reads them. Its parser (4.1, that
 * of Debian 12) loses its step at a name that is the beginning of one it knows, `X-Auth` of
 * `x-auth-token`: it takes what follows up to the next colon for the name, so that the next field
 * is swallowed, a Content-Length perhaps; likewise at a line without a colon, and at one that
 * begins with a blank. So a name that nobody here asks for gets a first letter that no known one
 * has, and a line that is no field (RFC 9112, 5) ends its head, which is to be refused. The line
 * before the fields is looked at as well (request_line.h).
 *
 * A scan follows the stream through heads and bodies. What is not known to be a name yet at the end
 * of a read waits for the next one. Pure. */
#ifndef MARATHON_HTTP_FIELD_NAMES_H
#define MARATHON_HTTP_FIELD_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIELD_NAME_BYTES_MAX 32 /* of those that are known; a longer one is none of them */
#define FIELD_WORD_BYTES     16 /* the beginning of a value, of those that say where a head ends */

enum field_at {
    FIELD_AT_REQUEST, /* before a head, and at its method */
    FIELD_AT_TARGET,
    FIELD_AT_NAME,
    FIELD_AT_LONG_NAME, /* which is none that is known */
    FIELD_AT_VALUE,
    FIELD_AT_BODY,
    FIELD_AT_REST, /* a WebSocket's frames, or what nobody will read in step: as it is */
};

enum field_fault {
    FIELD_FINE,
    FIELD_STRANGE_METHOD, /* GET stands for it */
    FIELD_NO_TARGET,      /* nor a version perhaps */
    FIELD_NONE_AT_ALL,
    FIELD_TOO_MANY_BYTES,
};

enum field_kind { FIELD_OTHER, FIELD_LENGTH, FIELD_UPGRADE, FIELD_ENCODING, FIELD_VERSION };

/* Zero-initialised at the beginning of a connection. */
struct field_scan {
    enum field_at at;
    enum field_kind kind; /* of the field whose value it is at */
    bool line_begun;      /* at the target: it has a byte */
    bool ends_here;       /* this head is the last that can be followed */
    char word[FIELD_WORD_BYTES];
    uint8_t word_len;
    uint64_t body_left;
    uint32_t heads; /* so many are over */
    size_t head_bytes;
    enum field_fault fault;             /* of the head behind those: nothing is followed any more */
    uint8_t held[FIELD_NAME_BYTES_MAX]; /* the beginning of a name */
    uint8_t held_len;
};

/* bytes: what was held, which is taken from the scan, and behind it what was read; changed in
 * place. Returns how many of them may be read now: the rest is held. */
size_t field_names_mend(struct field_scan *s, uint8_t *bytes, size_t len);

#endif
