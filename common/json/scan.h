/* Strict JSON (RFC 8259) over bytes, without building a tree: for payloads that only pass through.
 * Checks UTF-8 (no overlong forms, no surrogates) and \u escapes (no lone surrogates); depth at
 * most 64; numbers of any size; exactly one value, with white space around it allowed. Pure. */
#ifndef MARATHON_JSON_SCAN_H
#define MARATHON_JSON_SCAN_H

#include "base/bytes.h"
#include "base/err.h"

/* More than any sane payload needs; a check tracks its open containers in one 64-bit word. */
#define JSON_DEPTH_MAX 64

enum json_kind {
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL
};

struct json_fault {
    size_t offset;      /* of the first offending byte */
    const char *reason; /* static text: "expected ',' or '}'" */
};

/* Checks that text is exactly one JSON value. ret_fault may be NULL. ret_value (may be NULL): the
 * value without surrounding white space. */
enum err MUST_CHECK json_check(struct bytes text, struct bytes *ret_value,
                               struct json_fault *ret_fault);
/* An index of the values down to some depth, built by the check itself, so that nothing is scanned
 * twice. Zero-initialise; json_index_free when done. Nodes are in source order; the first is the
 * outermost value (depth 0). At most one node of 40 bytes per two bytes of text. */
#define JSON_INDEX_DEPTH_MAX 3
struct json_node {
    struct bytes key;   /* members of objects: raw (still escaped), without quotes */
    struct bytes value; /* borrowed from the text */
    uint32_t next;      /* index of the node after this one and its descendants */
};
struct json_index {
    struct json_node *nodes;
    size_t count, cap;
};
/* json_check, and builds the index. To iterate over the children of node n:
 *
 *     for (uint32_t i = n + 1; i < nodes[n].next; i = nodes[i].next) ... */
enum err MUST_CHECK json_check_index(struct bytes text, unsigned depth,
                                     struct json_index *ret_index, struct json_fault *ret_fault);
void json_index_free(struct json_index *x);
/* As json_members for the outermost value, from an index of depth 1 or more. */
void json_index_members(const struct json_index *x, const char *const *keys, size_t count,
                        struct bytes *ret_values);

/* The kind of a value that json_check accepted. */
enum json_kind json_kind_of(struct bytes value);

/* Iterates over the members of an accepted object, or the elements of an array (key is empty):
 *
 *     for (struct json_walk w = json_walk(value); json_next(&w, &key, &member);) ...
 *
 * key is raw: still escaped, without quotes. */
struct json_walk {
    const uint8_t *at;
    const uint8_t *end;
    bool object;
    size_t depth; /* of the last value returned, as json_depth */
};
struct json_walk json_walk(struct bytes value);
bool json_next(struct json_walk *w, struct bytes *ret_key, struct bytes *ret_value);
/* The member of an accepted object whose unescaped key is `key`; the last one if there are several;
 * an empty slice if there is none. */
struct bytes json_member(struct bytes object, const char *key);
/* Several members in one pass: ret_values[i] is the member keys[i]. */
void json_members(struct bytes object, const char *const *keys, size_t count,
                  struct bytes *ret_values);
/* Nesting depth of containers in an accepted value: 0 for a string, 2 for [[],{}]. */
size_t json_depth(struct bytes value);
/* An accepted number, as the nearest double. */
double json_number(struct bytes value);
/* Does an accepted object have two members of one key (top level only)? Returns the second one's
 * key, or an empty slice. */
struct bytes json_duplicate_key(struct bytes object);

/* Returns the end of the run of bytes that need no escaping or decoding: ASCII without quotes,
 * backslashes and control characters. Scans eight at a time. */
const uint8_t *json_plain_end(const uint8_t *at, const uint8_t *end);

/* Decodes a string value (with quotes) and appends it to out. */
void json_unquote(struct bytes value, struct buf *out);

/* Append JSON. json_put_string adds quotes and escapes; invalid UTF-8 becomes U+FFFD. json_put_text
 * adds no quotes: a part of a string. */
void json_put_string(struct buf *out, struct bytes s);
void json_put_text(struct buf *out, struct bytes s);
/* shortest form that reads back exactly; NaN and infinities become null */
void json_put_number(struct buf *out, double v);

#endif
