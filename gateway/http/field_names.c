#include "http/field_names.h"

#include <string.h>
#include <strings.h>

#include "http/request_line.h"
#include "http/server.h"

#define WEBSOCKET "websocket"
#define STRANGER                                                                                   \
    '~' /* a letter of names (RFC 9110, 5.6.2) with which none that is known begins                \
         */

/* All that is asked for, by libwebsockets or by us. */
static const struct {
    const char *name;
    enum field_kind kind;
} known[] = {
    {"accept", FIELD_OTHER},
    {"authorization", FIELD_OTHER},
    {"connection", FIELD_OTHER},
    {"content-length", FIELD_LENGTH},
    {"content-type", FIELD_OTHER},
    {"expect", FIELD_OTHER},
    {"host", FIELD_OTHER},
    {"http2-settings", FIELD_OTHER},
    {"idempotency-key", FIELD_OTHER},
    {"if-none-match", FIELD_OTHER},
    {"last-event-id", FIELD_OTHER},
    {"origin", FIELD_OTHER},
    {"sec-websocket-draft", FIELD_OTHER},
    {"sec-websocket-extensions", FIELD_OTHER},
    {"sec-websocket-key", FIELD_OTHER},
    {"sec-websocket-protocol", FIELD_OTHER},
    {"sec-websocket-version", FIELD_OTHER},
    {"transfer-encoding", FIELD_ENCODING},
    {"upgrade", FIELD_UPGRADE},
    {"x-forwarded-for", FIELD_OTHER},
    {"x-request-id", FIELD_OTHER},
};

static bool is_name_letter(uint8_t c)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_known(const uint8_t *name, size_t len, enum field_kind *ret_kind)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].name) == len &&
            strncasecmp(known[i].name, (const char *)name, len) == 0) {
            *ret_kind = known[i].kind;
            return true;
        }
    }
    return false;
}

/* Of at most 19 digits. One that is none ends what can be followed: it is refused, and the
 * connection closed. */
static bool number_of(const char *word, size_t len, uint64_t *ret_number)
{
    *ret_number = 0;
    for (size_t i = 0; i < len; i++) {
        if (word[i] < '0' || word[i] > '9') {
            return false;
        }
        *ret_number = *ret_number * 10 + (uint64_t)(word[i] - '0');
    }
    return len > 0;
}

static void value_over(struct field_scan *s)
{
    while (s->word_len > 0 && strchr(" \t\r", s->word[s->word_len - 1]) != NULL) {
        s->word_len--;
    }
    if (s->kind == FIELD_LENGTH) {
        s->ends_here = s->ends_here || s->word_len == FIELD_WORD_BYTES ||
                       !number_of(s->word, s->word_len, &s->body_left);
    } else if (s->kind == FIELD_UPGRADE) {
        s->ends_here = s->ends_here || (s->word_len >= strlen(WEBSOCKET) &&
                                        strncasecmp(s->word, WEBSOCKET, strlen(WEBSOCKET)) == 0);
    } else if (s->kind == FIELD_ENCODING) {
        s->ends_here = true; /* refused */
    } else if (s->kind == FIELD_VERSION && !request_version_fits(s->word, s->word_len)) {
        s->fault = FIELD_NO_TARGET;
    }
    s->at = FIELD_AT_NAME;
}

/* Up to the end of its line, where that is there. */
static size_t value_take(struct field_scan *s, const uint8_t *at, size_t len)
{
    const uint8_t *end = memchr(at, '\n', len);
    size_t n = end != NULL ? (size_t)(end - at) : len;
    for (size_t i = 0; i < n && s->kind != FIELD_OTHER && s->word_len < FIELD_WORD_BYTES; i++) {
        if (s->word_len > 0 || (at[i] != ' ' && at[i] != '\t')) {
            s->word[s->word_len++] = (char)at[i];
        }
    }
    if (end != NULL) {
        value_over(s);
        n++;
    }
    return n;
}

static size_t body_take(struct field_scan *s, size_t len)
{
    size_t n = s->body_left < len ? (size_t)s->body_left : len;
    s->body_left -= n;
    s->at = s->body_left > 0 ? FIELD_AT_BODY : FIELD_AT_REQUEST;
    return n;
}

static void head_over(struct field_scan *s)
{
    if (s->head_bytes > HTTP_HEADER_BYTES_MAX) {
        s->fault = FIELD_TOO_MANY_BYTES;
    }
    if (s->fault != FIELD_FINE || s->ends_here) {
        s->at = FIELD_AT_REST;
        return;
    }
    s->at = s->body_left > 0 ? FIELD_AT_BODY : FIELD_AT_REQUEST;
    s->heads++;
    s->head_bytes = 0;
}

static size_t letters(const uint8_t *at, size_t len)
{
    size_t n = 0;
    while (n < len && is_name_letter(at[n])) {
        n++;
    }
    return n;
}

/* The head ends here, whatever comes. 0: more must come first. */
static size_t no_field(struct field_scan *s, uint8_t *at, size_t len)
{
    if (len < 2) {
        return 0;
    }
    at[0] = '\r';
    at[1] = '\n';
    s->fault = FIELD_NONE_AT_ALL;
    s->at = FIELD_AT_REST;
    return len;
}

static size_t end_take(struct field_scan *s, uint8_t *at, size_t len)
{
    if (at[0] == '\r' && len == 1) {
        return 0;
    }
    if (at[0] == '\r' && at[1] != '\n') {
        return no_field(s, at, len);
    }
    head_over(s);
    return at[0] == '\r' ? 2 : 1;
}

/* The beginning of a line. */
static size_t name_take(struct field_scan *s, uint8_t *at, size_t len)
{
    if (at[0] == '\r' || at[0] == '\n') {
        return end_take(s, at, len);
    }
    size_t n = letters(at, len < FIELD_NAME_BYTES_MAX ? len : FIELD_NAME_BYTES_MAX);
    if (n == FIELD_NAME_BYTES_MAX) {
        at[0] = STRANGER;
        s->at = FIELD_AT_LONG_NAME;
        return n;
    }
    if (n == len) {
        return 0;
    }
    if (n == 0 || at[n] != ':') {
        return no_field(s, at, len);
    }
    s->kind = FIELD_OTHER;
    s->word_len = 0;
    if (!is_known(at, n, &s->kind)) {
        at[0] = STRANGER;
    }
    s->at = FIELD_AT_VALUE;
    return n + 1;
}

/* Its beginning is out already: where it is none the client waits until its time is over. */
static size_t long_name_take(struct field_scan *s, const uint8_t *at, size_t len)
{
    size_t n = letters(at, len);
    if (n == len) {
        return n;
    }
    s->kind = FIELD_OTHER;
    s->at = FIELD_AT_VALUE;
    if (at[n] != ':') {
        s->fault = FIELD_NONE_AT_ALL;
        s->at = FIELD_AT_REST;
    }
    return n + 1;
}

static size_t take(struct field_scan *s, uint8_t *at, size_t len)
{
    switch (s->at) {
    case FIELD_AT_REQUEST:
        return request_method_take(s, at, len);
    case FIELD_AT_TARGET:
        return request_target_take(s, at, len);
    case FIELD_AT_NAME:
        return name_take(s, at, len);
    case FIELD_AT_LONG_NAME:
        return long_name_take(s, at, len);
    case FIELD_AT_VALUE:
        return value_take(s, at, len);
    case FIELD_AT_BODY:
        return body_take(s, len);
    case FIELD_AT_REST:
        break;
    }
    return len;
}

size_t field_names_mend(struct field_scan *s, uint8_t *bytes, size_t len)
{
    size_t done = 0;
    s->held_len = 0;
    while (done < len) {
        bool in_body = s->at == FIELD_AT_BODY;
        size_t n = take(s, bytes + done, len - done);
        if (n == 0) {
            s->held_len = (uint8_t)(len - done);
            memcpy(s->held, bytes + done, s->held_len);
            break;
        }
        s->head_bytes += in_body ? 0 : n;
        done += n;
    }
    return done;
}
