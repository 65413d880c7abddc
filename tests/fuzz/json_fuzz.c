/* json_check takes any bytes; what it accepts, json_walk, json_unquote and doc_parse can be given.
 */
#include <assert.h>
#include <stdlib.h>

#include "json/doc.h"
#include "json/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(struct bytes part, struct bytes whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

/* Every part of an accepted value is an accepted value itself, and lies inside it. */
static void walk_parts(struct bytes value)
{
    struct bytes key, member, seen;
    for (struct json_walk w = json_walk(value); json_next(&w, &key, &member);) {
        assert(inside(key, value) && inside(member, value) && member.len > 0);
        assert(json_check(member, &seen, NULL) == ERR_OK && bytes_eq(seen, member));
        walk_parts(member); /* at most JSON_DEPTH_MAX deep */
    }
}

/* A string survives unquoting and quoting. */
static void requote(struct bytes value)
{
    struct buf plain = {0}, quoted = {0}, again = {0};
    json_unquote(value, &plain);
    json_put_string(&quoted, buf_bytes(&plain));
    assert(json_check(buf_bytes(&quoted), NULL, NULL) == ERR_OK);
    json_unquote(buf_bytes(&quoted), &again);
    assert(bytes_eq(buf_bytes(&plain), buf_bytes(&again)));
    buf_free(&plain);
    buf_free(&quoted);
    buf_free(&again);
}

/* A document is written as valid JSON that reads and writes the same again. */
static void rewrite(struct bytes value)
{
    struct doc *d;
    struct doc_fault fault;
    if (doc_parse(value, &d, &fault) != ERR_OK) {
        assert(fault.line >= 1 && fault.column >= 1 && fault.reason[0] != '\0');
        return; /* a duplicate key, or a number out of range */
    }
    struct buf first = {0}, second = {0};
    doc_write(doc_root(d), &first);
    doc_free(d);
    if (doc_parse(buf_bytes(&first), &d, &fault) != ERR_OK) {
        abort();
    }
    doc_write(doc_root(d), &second);
    doc_free(d);
    assert(bytes_eq(buf_bytes(&first), buf_bytes(&second)));
    buf_free(&first);
    buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_of(data, size);
    struct bytes value;
    struct json_fault fault;
    if (json_check(text, &value, &fault) != ERR_OK) {
        assert(fault.offset <= size && fault.reason != NULL);
        return 0;
    }
    assert(inside(value, text));
    walk_parts(value);
    (void)json_member(value, "a");
    (void)json_duplicate_key(value);
    if (json_kind_of(value) == JSON_STRING) {
        requote(value);
    }
    rewrite(value);
    return 0;
}
