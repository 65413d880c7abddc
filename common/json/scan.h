/* Strict JSON (RFC 8259) over bytes, without building anything: for payloads that only pass
 * through. Depth at most 64, UTF-8 checked (no overlong forms, no surrogates), \u escapes checked
 * for lone surrogates, numbers of any size, one value, white space around it allowed. Pure. */
#ifndef MARATHON_JSON_SCAN_H
#define MARATHON_JSON_SCAN_H

#include "base/bytes.h"
#include "base/err.h"

/* Deeper than any sane payload; the open containers of a check are one word. */
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
    size_t offset;      /* of the first byte at fault */
    const char *reason; /* static text: "expected ',' or '}'" */
};

/* Checks that text is exactly one JSON value. ret_fault may be NULL. ret_value (may be NULL) is the
 * value without the white space around it. */
enum err MUST_CHECK json_check(struct bytes text, struct bytes *ret_value,
                               struct json_fault *ret_fault);
/* Where the values of an accepted text are down to some depth, found by the check itself, so that
 * nothing has to be walked a second time. Zero-initialise; json_index_free when done. Nodes stand
 * in the order of the text; the first is the outermost value, depth 0. At most one, of 40 bytes,
 * for each two bytes of the text. */
#define JSON_INDEX_DEPTH_MAX 3
struct json_node {
    struct bytes key;   /* of an object's member: raw, still escaped, without quotes */
    struct bytes value; /* borrowed from the text */
    uint32_t next;      /* the node behind this one and all inside it */
};
struct json_index {
    struct json_node *nodes;
    size_t count, cap;
};
/* json_check, and the index. What is inside of node n:
 *     for (uint32_t i = n + 1; i < nodes[n].next; i = nodes[i].next) ... */
enum err MUST_CHECK json_check_index(struct bytes text, unsigned depth,
                                     struct json_index *ret_index, struct json_fault *ret_fault);
void json_index_free(struct json_index *x);
/* json_members of the outermost value, out of an index of depth 1 or more. */
void json_index_members(const struct json_index *x, const char *const *keys, size_t count,
                        struct bytes *ret_values);

/* The kind of a value that json_check accepted. */
enum json_kind json_kind_of(struct bytes value);

/* Walks the members of an object (or the elements of an array: key is empty) that json_check
 * accepted:
 *     for (struct json_walk w = json_walk(value); json_next(&w, &key, &member);) ...
 * key is raw: still escaped, without quotes. */
struct json_walk {
    const uint8_t *at;
    const uint8_t *end;
    bool object;
    size_t depth; /* of the value that came last, as json_depth */
};
struct json_walk json_walk(struct bytes value);
bool json_next(struct json_walk *w, struct bytes *ret_key, struct bytes *ret_value);
/* The member of an accepted object by its (unescaped-equal) key; the last one wins; empty slice
 * where there is none. */
struct bytes json_member(struct bytes object, const char *key);
/* Several in one walk: ret_values[i] is the member keys[i]. */
void json_members(struct bytes object, const char *const *keys, size_t count,
                  struct bytes *ret_values);
/* How many containers of an accepted value are one in the other: 0 for a string, 2 for [[],{}]. */
size_t json_depth(struct bytes value);
/* An accepted number, as the nearest double. */
double json_number(struct bytes value);
/* Does any object in the accepted value, top level only, name a key twice? Returns the second one's
 * key, or an empty slice. */
struct bytes json_duplicate_key(struct bytes object);

/* Past the bytes that a string has as they are: ASCII but quotes, backslashes and controls. Eight
 * at a time. */
const uint8_t *json_plain_end(const uint8_t *at, const uint8_t *end);

/* Decodes a string value (with quotes) into out (appended). */
void json_unquote(struct bytes value, struct buf *out);

/* Appending JSON. json_put_string writes quotes and escapes; invalid UTF-8 becomes U+FFFD.
 * json_put_text writes no quotes: a part of a string. */
void json_put_string(struct buf *out, struct bytes s);
void json_put_text(struct buf *out, struct bytes s);
void json_put_number(struct buf *out,
                     double v); /* shortest form that reads back; NaN and infinities become null */

#endif
