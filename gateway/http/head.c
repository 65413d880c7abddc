#include "http/head.h"

#include <strings.h>

#include "http/target.h"

#define SOCKET_VERSION   "13"
#define SOCKET_KEY_BYTES 24 /* 16 bytes in base64 */
_Static_assert(HEAD_BYTES_MAX == 16384, "as its problem says");
#define LENGTH_DIGITS 19 /* any number of this many digits fits into 64 bits */

enum twice { ONCE, LIST, FIRST };

static const struct {
    const char *name;
    size_t len;
    enum twice twice;
} known[HEAD_FIELD_COUNT] = {
#define X(id, name, twice) [HEAD_##id] = {name, sizeof name - 1, twice},
    HEAD_FIELDS(X)
#undef X
};

static bool is_name_letter(uint8_t c)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter || c == '-' || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static size_t letters(struct bytes text)
{
    size_t n = 0;
    while (n < text.len && is_name_letter(text.ptr[n])) {
        n++;
    }
    return n;
}

static bool is_word(struct bytes text, const char *word)
{
    return text.len == strlen(word) && strncasecmp((const char *)text.ptr, word, text.len) == 0;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct bytes trim(struct bytes text)
{
    while (text.len > 0 && is_blank(text.ptr[text.len - 1])) {
        text.len--;
    }
    while (text.len > 0 && is_blank(text.ptr[0])) {
        text = bytes_part(text, 1, text.len);
    }
    return text;
}

static bool has_control(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((text.ptr[i] < ' ' && text.ptr[i] != '\t') || text.ptr[i] == 127) {
            return true;
        }
    }
    return false;
}

/* Takes the part before the letter, and drops the letter. */
static struct bytes take_until(struct bytes *rest, char letter)
{
    const uint8_t *at = rest->len > 0 ? memchr(rest->ptr, letter, rest->len) : NULL;
    size_t len = at != NULL ? (size_t)(at - rest->ptr) : rest->len;
    struct bytes part = bytes_part(*rest, 0, len);
    *rest = bytes_part(*rest, len + 1, rest->len);
    return part;
}

/* A bare LF ends a line too (RFC 9112, 2.2). */
static struct bytes take_line(struct bytes *rest)
{
    struct bytes line = take_until(rest, '\n');
    if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
        line.len--;
    }
    return line;
}

bool head_list_has(struct bytes list, const char *word)
{
    while (list.len > 0) {
        if (is_word(trim(take_until(&list, ',')), word)) {
            return true;
        }
    }
    return false;
}

size_t head_end(struct bytes text, size_t looked)
{
    size_t at = looked > 2 ? looked - 2 : 0; /* the end may straddle what was looked at */
    while (at < text.len) {
        const uint8_t *lf = memchr(text.ptr + at, '\n', text.len - at);
        if (lf == NULL) {
            return 0;
        }
        at = (size_t)(lf - text.ptr) + 1;
        size_t empty = at < text.len && text.ptr[at] == '\r' ? at + 1 : at;
        if (empty < text.len && text.ptr[empty] == '\n') {
            return empty + 1;
        }
    }
    return 0;
}

bool head_is_none(struct bytes text)
{
    return text.len > 0 && !is_name_letter(text.ptr[0]);
}

static void refuse(struct head *h, enum code fault, const char *why)
{
    if (h->fault == CODE_NONE) {
        h->fault = fault;
        h->why = why;
    }
}

static void refuse_large(struct head *h, struct bytes text)
{
    bool in_target = memchr(text.ptr, '\n', HEAD_BYTES_MAX) == NULL;
    if (in_target) {
        refuse(h, CODE_URI_TOO_LONG, TARGET_TOO_LONG);
    } else {
        refuse(h, CODE_HEADERS_TOO_LARGE, "the headers are larger than 16384 bytes");
    }
}

static void request_line(struct head *h, struct bytes line)
{
    struct bytes rest = line;
    h->method = take_until(&rest, ' ');
    h->target = take_until(&rest, ' ');
    struct bytes version = rest;
    bool is_1 = version.len == 8 && memcmp(version.ptr, "HTTP/1.", 7) == 0 &&
                version.ptr[7] >= '0' && version.ptr[7] <= '9';
    h->is_http_1_0 = is_1 && version.ptr[7] == '0';
    bool is_method = h->method.len > 0 && letters(h->method) == h->method.len;
    if (!is_1 || !is_method || h->target.len == 0 || has_control(line)) {
        refuse(h, CODE_BAD_REQUEST,
               "its first line is not `METHOD /path HTTP/1.1`, with one space between the parts");
    }
}

static const char *const twice_why[HEAD_FIELD_COUNT] = {
#define X(id, name, twice) [HEAD_##id] = "the header field " name " may be given only once",
    HEAD_FIELDS(X)
#undef X
};

static void field_keep(struct head *h, size_t field, struct bytes value, struct arena *texts)
{
    struct bytes *kept = &h->fields[field];
    if (kept->ptr == NULL) {
        *kept = value.len > 0 ? value : BYTES_LIT("");
    } else if (known[field].twice == ONCE) {
        refuse(h, CODE_BAD_REQUEST, twice_why[field]);
    } else if (known[field].twice == LIST) {
        struct buf both = arena_buf(texts, kept->len + value.len + 1);
        buf_add_bytes(&both, *kept);
        buf_add_char(&both, ',');
        buf_add_bytes(&both, value);
        *kept = buf_bytes(&both);
    }
}

static void field_line(struct head *h, struct bytes line, struct arena *texts)
{
    size_t n = letters(line);
    if (n == 0 || n == line.len || line.ptr[n] != ':') {
        refuse(h, CODE_BAD_REQUEST,
               "a header line is not `name: value`: there must be no space in, before or after the "
               "name, and no continuation on the next line");
        return;
    }
    struct bytes value = trim(bytes_part(line, n + 1, line.len));
    if (has_control(value)) {
        refuse(h, CODE_BAD_REQUEST, "a header field contains a control character");
    }
    for (size_t i = 0; i < HEAD_FIELD_COUNT; i++) {
        if (known[i].len == n && strncasecmp(known[i].name, (const char *)line.ptr, n) == 0) {
            field_keep(h, i, value, texts);
            return;
        }
    }
}

/* We must see the same end of the body as every proxy before us (request smuggling). */
static void length_find(struct head *h, uint64_t body_bytes_max)
{
    struct bytes text = h->fields[HEAD_CONTENT_LENGTH];
    h->has_length = text.ptr != NULL;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            refuse(h, CODE_BAD_REQUEST, "Content-Length is not a number");
            return;
        }
    }
    if (h->has_length && text.len == 0) {
        refuse(h, CODE_BAD_REQUEST, "Content-Length is not a number");
    }
    for (size_t i = 0; i < text.len && i < LENGTH_DIGITS; i++) {
        h->length = h->length * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    if (text.len > LENGTH_DIGITS || h->length > body_bytes_max) {
        refuse(h, CODE_TOO_LARGE,
               "the body is larger than this gateway accepts (MARATHON_MAX_BODY_BYTES)");
    }
}

/* Refuses two codings, or one that a proxy before us may not understand: somebody would see a
 * different end of the body. */
static void coding_find(struct head *h)
{
    struct bytes coding = h->fields[HEAD_TRANSFER_ENCODING];
    h->is_chunked = coding.ptr != NULL;
    if (h->is_chunked && !is_word(coding, "chunked")) {
        refuse(h, CODE_BAD_REQUEST, "the only Transfer-Encoding accepted here is `chunked`");
    } else if (h->is_chunked && h->has_length) {
        refuse(h, CODE_BAD_REQUEST,
               "a request must not have both Content-Length and Transfer-Encoding");
    } else if (h->is_chunked && h->is_http_1_0) {
        refuse(h, CODE_BAD_REQUEST, "HTTP/1.0 does not know Transfer-Encoding");
    }
}

/* Is it a name, an address or [an IPv6 address] with an optional port (RFC 3986, 3.2.2), or
 * empty? */
static bool is_host(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool no_letter = c == '#' || c == '^' || c == '`' || c == '|';
        if (no_letter || (!is_name_letter(c) && strchr("(),:;=[]", c) == NULL)) {
            return false;
        }
    }
    return true;
}

static bool is_socket_key(struct bytes key)
{
    if (key.len != SOCKET_KEY_BYTES) {
        return false;
    }
    for (size_t i = 0; i < key.len; i++) {
        bool letter = is_name_letter(key.ptr[i]) || key.ptr[i] == '/';
        if (i < SOCKET_KEY_BYTES - 2 ? !letter : key.ptr[i] != '=') {
            return false;
        }
    }
    return true;
}

/* A request that meets less than this is an ordinary one: its Upgrade may be ignored (RFC 9110,
 * 7.8). */
static bool asks_for_socket(const struct head *h)
{
    return bytes_is(h->method, "GET") && !h->is_http_1_0 && h->length == 0 && !h->is_chunked &&
           head_list_has(h->fields[HEAD_UPGRADE], "websocket") &&
           head_list_has(h->fields[HEAD_CONNECTION], "upgrade") &&
           bytes_is(h->fields[HEAD_SOCKET_VERSION], SOCKET_VERSION) &&
           is_socket_key(h->fields[HEAD_SOCKET_KEY]);
}

/* Without a length there is no body (RFC 9112, 6.3); but if a client sends one nevertheless, it
 * must not be taken for its next request. */
static bool is_last(const struct head *h)
{
    struct bytes connection = h->fields[HEAD_CONNECTION];
    bool has_none = bytes_is(h->method, "GET") || bytes_is(h->method, "HEAD") ||
                    bytes_is(h->method, "DELETE") || bytes_is(h->method, "OPTIONS");
    return head_list_has(connection, "close") || (!has_none && !h->has_length && !h->is_chunked) ||
           (h->is_http_1_0 && !head_list_has(connection, "keep-alive"));
}

void head_parse(struct bytes text, uint64_t body_bytes_max, struct arena *texts,
                struct head *ret_head)
{
    struct head *h = ret_head;
    *h = (struct head){0};
    if (text.len > HEAD_BYTES_MAX) {
        refuse_large(h, text);
        return;
    }
    struct bytes rest = text;
    request_line(h, take_line(&rest));
    for (struct bytes line; h->fault == CODE_NONE && (line = take_line(&rest)).len > 0;) {
        field_line(h, line, texts);
    }
    if (!h->is_http_1_0 && h->fields[HEAD_HOST].ptr == NULL) {
        refuse(h, CODE_BAD_REQUEST, "HTTP/1.1 requires a Host header field");
    } else if (!is_host(h->fields[HEAD_HOST])) {
        refuse(h, CODE_BAD_REQUEST,
               "Host must be a name or an address, optionally followed by `:port`");
    }
    length_find(h, body_bytes_max);
    coding_find(h);
    h->is_last = is_last(h);
    h->wants_socket = h->fault == CODE_NONE && asks_for_socket(h);
    struct bytes version = h->fields[HEAD_SOCKET_VERSION];
    h->other_version = version.len > 0 && !bytes_is(version, SOCKET_VERSION);
}
