/* json_check takes any bytes; what it accepts, json_walk, json_unquote and doc_parse can be given,
 * and its index tells the same as the walk. */
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

/* The index names the same members and elements as the walk; returns the node behind the value. */
static uint32_t index_parts(const struct json_index *x, uint32_t at, unsigned depth)
{
    struct bytes key, member;
    uint32_t next = at + 1;
    for (struct json_walk w = json_walk(x->nodes[at].value);
         depth < JSON_INDEX_DEPTH_MAX && json_next(&w, &key, &member);) {
        assert(next < x->nodes[at].next);
        assert(bytes_eq(x->nodes[next].key, key) && x->nodes[next].value.ptr == member.ptr);
        assert(x->nodes[next].value.len == member.len);
        next = index_parts(x, next, depth + 1);
    }
    assert(next == x->nodes[at].next);
    return next;
}

static void index_whole(struct bytes text, struct bytes value)
{
    struct json_index x = {0};
    assert(json_check_index(text, JSON_INDEX_DEPTH_MAX, &x, NULL) == ERR_OK);
    assert(x.nodes[0].value.ptr == value.ptr && x.nodes[0].value.len == value.len);
    assert(index_parts(&x, 0, 0) == x.count);
    static const char *const names[] = {"a", "", "result"};
    struct bytes walked[3], found[3];
    json_index_members(&x, names, 3, found);
    json_members(value, names, 3, walked);
    for (size_t i = 0; i < 3; i++) {
        assert(found[i].ptr == walked[i].ptr && found[i].len == walked[i].len);
    }
    json_index_free(&x);
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
    index_whole(text, value);
    (void)json_member(value, "a");
    (void)json_duplicate_key(value);
    if (json_kind_of(value) == JSON_STRING) {
        requote(value);
    }
    rewrite(value);
    return 0;
}
