/* The strict check. It runs once over each payload, so that the common case (printable ASCII in
 * strings) handles eight bytes at a time. Open containers are bits of a word instead of a
 * recursion: deep nesting uses no stack. */
#include "json/scan.h"

#include <endian.h>
#include <stdlib.h>

#include "base/utf8.h"

_Static_assert(JSON_DEPTH_MAX <= 64, "open containers are bits of one uint64_t");

/* What may come next. */
enum expect {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_END, /* after '[' */
    EXPECT_KEY,
    EXPECT_KEY_OR_END, /* after '{' */
    EXPECT_SEPARATOR,  /* after a value inside a container */
    EXPECT_NOTHING,    /* the outermost value is complete */
    EXPECT_FAULT,
};

struct scan {
    const uint8_t *at;
    const uint8_t *start, *end;
    const char *reason; /* of the error at `at` */
    uint64_t objects;   /* open containers, the innermost in the lowest bit: 1 = object */
    unsigned depth;
    struct json_index *index; /* NULL: no index is built */
    unsigned index_depth;
    struct bytes key;                         /* key of the next value */
    uint32_t open[JSON_INDEX_DEPTH_MAX + 1u]; /* node of each open container, by depth */
};

static bool fault(struct scan *s, const uint8_t *at, const char *reason)
{
    s->at = at;
    s->reason = reason;
    return false;
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end &&
           (*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r')) {
        s->at++;
    }
}

/* Printable ASCII except the quote and the backslash. */
static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

#define EACH_BYTE(c) (0x0101010101010101u * (uint64_t)(c))

/* Sets the highest bit of the first byte that is not plain, and of none before it. (Bytes after it
 * may be wrong, because subtraction borrows.) */
static uint64_t special_bits(uint64_t w)
{
    uint64_t quote = w ^ EACH_BYTE('"');
    uint64_t backslash = w ^ EACH_BYTE('\\');
    uint64_t special =
        w | (w - EACH_BYTE(0x20)) | (quote - EACH_BYTE(1)) | (backslash - EACH_BYTE(1));
    return special & EACH_BYTE(0x80);
}

static const uint8_t *plain_end(const uint8_t *at, const uint8_t *end)
{
    while (end - at >= 8) {
        uint64_t w;
        memcpy(&w, at, 8);
        uint64_t special = special_bits(le64toh(w));
        if (special != 0) {
            return at + __builtin_ctzll(special) / 8;
        }
        at += 8;
    }
    while (at < end && is_plain(*at)) {
        at++;
    }
    return at;
}

const uint8_t *json_plain_end(const uint8_t *at, const uint8_t *end)
{
    return plain_end(at, end);
}

/* Reads the four digits of \uXXXX at s->at; -1 on error. */
static int32_t scan_hex4(struct scan *s)
{
    int32_t v = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = s->at < s->end ? *s->at : 0;
        int32_t digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
        if (digit < 0) {
            (void)fault(s, s->at, "expected four hex digits");
            return -1;
        }
        v = v * 16 + digit;
        s->at++;
    }
    return v;
}

static bool scan_escape(struct scan *s)
{
    const uint8_t *start = s->at++;
    if (s->at == s->end) {
        return fault(s, s->at, "the text ends inside a string");
    }
    uint8_t c = *s->at;
    if (c != 'u') {
        if (c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' || c == 'n' || c == 'r' ||
            c == 't') {
            s->at++;
            return true;
        }
        return fault(s, start, "unknown escape in a string");
    }
    s->at++;
    int32_t unit = scan_hex4(s);
    if (unit < 0xd800 || unit > 0xdfff) {
        return unit >= 0;
    }
    if (unit >= 0xdc00 || s->end - s->at < 2 || s->at[0] != '\\' || s->at[1] != 'u') {
        return fault(s, start, "lone surrogate in a \\u escape");
    }
    s->at += 2;
    int32_t low = scan_hex4(s);
    if (low >= 0 && (low < 0xdc00 || low > 0xdfff)) {
        return fault(s, start, "lone surrogate in a \\u escape");
    }
    return low >= 0;
}

/* Scans from the opening quote past the closing one. */
static bool scan_string(struct scan *s)
{
    s->at++;
    for (;;) {
        s->at = plain_end(s->at, s->end);
        if (s->at == s->end) {
            return fault(s, s->at, "the text ends inside a string");
        }
        if (*s->at == '"') {
            s->at++;
            return true;
        }
        if (*s->at == '\\') {
            if (!scan_escape(s)) {
                return false;
            }
        } else if (*s->at < 0x20) {
            return fault(s, s->at, "control character in a string, it must be escaped");
        } else {
            size_t len = utf8_sequence(s->at, s->end);
            if (len == 0) {
                return fault(s, s->at, "malformed UTF-8");
            }
            s->at += len;
        }
    }
}

static bool scan_digits(struct scan *s, const char *reason)
{
    const uint8_t *from = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9') {
        s->at++;
    }
    return s->at > from || fault(s, s->at, reason);
}

static bool scan_number(struct scan *s)
{
    if (*s->at == '-') {
        s->at++;
    }
    if (s->at < s->end && *s->at == '0') {
        s->at++;
        if (s->at < s->end && *s->at >= '0' && *s->at <= '9') {
            return fault(s, s->at, "a number cannot start with 0 followed by another digit");
        }
    } else if (!scan_digits(s, "expected a digit")) {
        return false;
    }
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        if (!scan_digits(s, "expected a digit after the decimal point")) {
            return false;
        }
    }
    if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
        s->at++;
        if (s->at < s->end && (*s->at == '+' || *s->at == '-')) {
            s->at++;
        }
        return scan_digits(s, "expected a digit in the exponent");
    }
    return true;
}

static bool scan_word(struct scan *s, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0) {
        return fault(s, s->at, "expected a value (the only words are true, false and null)");
    }
    s->at += len;
    return true;
}

static bool is_indexed(const struct scan *s)
{
    return s->index != NULL && s->depth <= s->index_depth;
}

/* Adds the node of a value that begins. */
static void node_begin(struct scan *s)
{
    struct json_index *x = s->index;
    MEM_GROW(x->nodes, x->count, x->cap);
    s->open[s->depth] = (uint32_t)x->count;
    x->nodes[x->count++] = (struct json_node){.key = (s->objects & 1) != 0 ? s->key : BYTES_NONE,
                                              .value = bytes_of(s->at, 0)};
}

/* Completes it: all nodes added since are its descendants. */
static void node_end(struct scan *s)
{
    struct json_node *node = &s->index->nodes[s->open[s->depth]];
    node->value.len = (size_t)(s->at - node->value.ptr);
    node->next = (uint32_t)s->index->count;
}

static enum expect scan_open(struct scan *s, bool object)
{
    if (s->depth == JSON_DEPTH_MAX) {
        (void)fault(s, s->at, "nested deeper than 64");
        return EXPECT_FAULT;
    }
    s->depth++;
    s->objects = s->objects << 1 | (object ? 1u : 0u);
    s->at++;
    return object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
}

static enum expect scan_close(struct scan *s)
{
    s->at++;
    s->depth--;
    s->objects >>= 1;
    if (is_indexed(s)) {
        node_end(s);
    }
    return s->depth == 0 ? EXPECT_NOTHING : EXPECT_SEPARATOR;
}

static enum expect scan_value(struct scan *s)
{
    bool ok;
    if (is_indexed(s)) {
        node_begin(s);
    }
    switch (*s->at) {
    case '{':
        return scan_open(s, true);
    case '[':
        return scan_open(s, false);
    case '"':
        ok = scan_string(s);
        break;
    case 't':
        ok = scan_word(s, "true");
        break;
    case 'f':
        ok = scan_word(s, "false");
        break;
    case 'n':
        ok = scan_word(s, "null");
        break;
    default:
        if (*s->at != '-' && (*s->at < '0' || *s->at > '9')) {
            (void)fault(s, s->at, "expected a value");
            return EXPECT_FAULT;
        }
        ok = scan_number(s);
        break;
    }
    if (!ok) {
        return EXPECT_FAULT;
    }
    if (is_indexed(s)) {
        node_end(s);
    }
    return s->depth == 0 ? EXPECT_NOTHING : EXPECT_SEPARATOR;
}

static enum expect scan_key(struct scan *s)
{
    if (*s->at != '"') {
        (void)fault(s, s->at, "expected a key in quotes");
        return EXPECT_FAULT;
    }
    const uint8_t *from = s->at + 1;
    if (!scan_string(s)) {
        return EXPECT_FAULT;
    }
    s->key = bytes_of(from, (size_t)(s->at - 1 - from));
    skip_space(s);
    if (s->at == s->end || *s->at != ':') {
        (void)fault(s, s->at, "expected ':'");
        return EXPECT_FAULT;
    }
    s->at++;
    return EXPECT_VALUE;
}

static enum expect scan_separator(struct scan *s)
{
    bool object = (s->objects & 1) != 0;
    if (*s->at == ',') {
        s->at++;
        return object ? EXPECT_KEY : EXPECT_VALUE;
    }
    if (*s->at == (object ? '}' : ']')) {
        return scan_close(s);
    }
    (void)fault(s, s->at, object ? "expected ',' or '}'" : "expected ',' or ']'");
    return EXPECT_FAULT;
}

static bool scan_run(struct scan *s)
{
    enum expect expect = EXPECT_VALUE;
    while (expect != EXPECT_NOTHING && expect != EXPECT_FAULT) {
        skip_space(s);
        if (s->at == s->end) {
            return fault(s, s->at,
                         s->depth == 0 ? "expected a value" : "the JSON text ends too early");
        }
        switch (expect) {
        case EXPECT_VALUE:
            expect = scan_value(s);
            break;
        case EXPECT_VALUE_OR_END:
            expect = *s->at == ']' ? scan_close(s) : scan_value(s);
            break;
        case EXPECT_KEY:
            expect = scan_key(s);
            break;
        case EXPECT_KEY_OR_END:
            expect = *s->at == '}' ? scan_close(s) : scan_key(s);
            break;
        case EXPECT_SEPARATOR:
            expect = scan_separator(s);
            break;
        case EXPECT_NOTHING:
        case EXPECT_FAULT:
            break;
        }
    }
    return expect == EXPECT_NOTHING;
}

static enum err check(struct scan *s, struct bytes *ret_value, struct json_fault *ret_fault)
{
    skip_space(s);
    const uint8_t *value = s->at;
    bool ok = scan_run(s);
    const uint8_t *value_end = s->at;
    if (ok) {
        skip_space(s);
        ok = s->at == s->end || fault(s, s->at, "extra text after the value");
    }
    if (!ok) {
        if (ret_fault != NULL) {
            *ret_fault =
                (struct json_fault){.offset = (size_t)(s->at - s->start), .reason = s->reason};
        }
        return ERR_INVALID;
    }
    if (ret_value != NULL) {
        *ret_value = bytes_of(value, (size_t)(value_end - value));
    }
    return ERR_OK;
}

static struct scan scan_of(struct bytes text)
{
    static const uint8_t nothing[1];
    const uint8_t *start = text.len > 0 ? text.ptr : nothing;
    return (struct scan){.at = start, .start = start, .end = start + text.len};
}

enum err json_check(struct bytes text, struct bytes *ret_value, struct json_fault *ret_fault)
{
    struct scan s = scan_of(text);
    return check(&s, ret_value, ret_fault);
}

enum err json_check_index(struct bytes text, unsigned depth, struct json_index *ret_index,
                          struct json_fault *ret_fault)
{
    struct scan s = scan_of(text);
    s.index = ret_index;
    s.index_depth = depth < JSON_INDEX_DEPTH_MAX ? depth : JSON_INDEX_DEPTH_MAX;
    ret_index->count = 0;
    enum err e = text.len > UINT32_MAX ? ERR_INVALID : check(&s, NULL, ret_fault);
    if (e != ERR_OK) {
        ret_index->count = 0;
    }
    return e;
}

void json_index_free(struct json_index *x)
{
    free(x->nodes);
    *x = (struct json_index){0};
}
