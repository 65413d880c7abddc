#include "expr/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "expr/members.h"

const char *value_kind_name(enum value_kind kind)
{
    static const char *const names[] = {
        [VALUE_NULL] = "null",       [VALUE_BOOL] = "a bool",     [VALUE_INT] = "an int",
        [VALUE_DOUBLE] = "a double", [VALUE_STRING] = "a string", [VALUE_LIST] = "a list",
        [VALUE_MAP] = "a map",
    };
    return names[kind];
}

struct value value_bool(bool truth)
{
    return (struct value){.kind = VALUE_BOOL, .truth = truth};
}

struct value value_int(int64_t integer)
{
    return (struct value){.kind = VALUE_INT, .integer = integer};
}

struct value value_double(double real)
{
    return (struct value){.kind = VALUE_DOUBLE, .real = real};
}

struct value value_string(struct bytes text)
{
    return (struct value){.kind = VALUE_STRING, .text = text};
}

/* False unless it has only digits (and a sign) and fits int64. */
static bool whole_number(struct bytes json, int64_t *ret_integer)
{
    bool negative = json.len > 0 && json.ptr[0] == '-';
    int64_t v = 0;
    for (size_t i = negative ? 1 : 0; i < json.len; i++) {
        int digit = json.ptr[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_sub_overflow(v, digit, &v)) { /* negative, since -INT64_MIN does not fit */
            return false;
        }
    }
    return negative ? (*ret_integer = v, true) : !__builtin_sub_overflow(0, v, ret_integer);
}

static struct value number_of_json(struct bytes json, struct arena *arena)
{
    struct value v = {.kind = VALUE_INT, .json = json};
    if (!whole_number(json, &v.integer)) {
        v.kind = VALUE_DOUBLE;
        v.real = strtod((const char *)arena_bytes(arena, json).ptr, NULL);
    }
    return v;
}

void value_decode(struct value *v, struct arena *arena)
{
    if (v->kind != VALUE_STRING || v->text.len > 0 || v->json.len == 0) {
        return;
    }
    v->text = bytes_part(v->json, 1, v->json.len - 2);
    if (v->text.len > 0 && memchr(v->text.ptr, '\\', v->text.len) != NULL) {
        /* no escape is shorter than its decoded form */
        struct buf b = arena_buf(arena, v->text.len);
        json_unquote(v->json, &b);
        v->text = buf_bytes(&b);
    }
}

struct value value_of_json(struct bytes json, struct arena *arena)
{
    switch (json_kind_of(json)) {
    case JSON_OBJECT:
        return (struct value){.kind = VALUE_MAP, .text = json, .json = json};
    case JSON_ARRAY:
        return (struct value){.kind = VALUE_LIST, .text = json, .json = json};
    case JSON_STRING:
        return (struct value){.kind = VALUE_STRING, .json = json};
    case JSON_NUMBER:
        return number_of_json(json, arena);
    case JSON_TRUE:
        return value_bool(true);
    case JSON_FALSE:
        return value_bool(false);
    case JSON_NULL:
        break;
    }
    return (struct value){.kind = VALUE_NULL};
}

/* Keeps it a double when it is read again: 2.0, not 2. */
static enum err put_double(double real, struct buf *out)
{
    if (!isfinite(real)) {
        return ERR_INVALID;
    }
    size_t from = out->len;
    json_put_number(out, real);
    for (size_t i = from; i < out->len; i++) {
        if (out->ptr[i] == '.' || out->ptr[i] == 'e' || out->ptr[i] == 'E') {
            return ERR_OK;
        }
    }
    buf_add_str(out, ".0");
    return ERR_OK;
}

static enum err put_json(const struct value *v, struct buf *out)
{
    switch (v->kind) {
    case VALUE_NULL:
        buf_add_str(out, "null");
        break;
    case VALUE_BOOL:
        buf_add_str(out, v->truth ? "true" : "false");
        break;
    case VALUE_INT:
        buf_addf(out, "%" PRId64, v->integer);
        break;
    case VALUE_DOUBLE:
        return put_double(v->real, out);
    case VALUE_STRING:
        json_put_string(out, v->text);
        break;
    case VALUE_LIST:
    case VALUE_MAP:
        buf_add_bytes(out, v->text);
        break;
    }
    return ERR_OK;
}

enum err value_json(const struct value *v, struct arena *arena, struct bytes *ret_json)
{
    struct buf made = {0};
    enum err e = ERR_OK;
    if (v->json.len > 0) {
        *ret_json = v->json;
    } else if ((e = put_json(v, &made)) == ERR_OK) {
        *ret_json = arena_take(arena, &made);
    }
    buf_free(&made);
    return e;
}

static int compare_int_double(int64_t i, double d)
{
    if (isnan(d)) {
        return 2;
    }
    if (d >= 9223372036854775808.0) {
        return -1;
    }
    if (d < -9223372036854775808.0) {
        return 1;
    }
    int64_t whole = (int64_t)d; /* truncated; exact, since |d| < 2^63 */
    if (i != whole) {
        return i < whole ? -1 : 1;
    }
    double fraction = d - (double)whole;
    return fraction > 0 ? -1 : fraction < 0 ? 1 : 0;
}

int value_compare_numbers(const struct value *a, const struct value *b)
{
    if (a->kind == VALUE_INT && b->kind == VALUE_INT) {
        return a->integer < b->integer ? -1 : a->integer > b->integer;
    }
    if (a->kind == VALUE_INT) {
        return compare_int_double(a->integer, b->real);
    }
    if (b->kind == VALUE_INT) {
        int order = compare_int_double(b->integer, a->real);
        return order == 2 ? 2 : -order;
    }
    if (isnan(a->real) || isnan(b->real)) {
        return 2;
    }
    return a->real < b->real ? -1 : a->real > b->real;
}

enum err value_count(const struct value *v, struct expr_scope *scope, size_t *ret_count)
{
    struct members w = members_of(scope, v->text);
    struct member member;
    size_t count = 0;
    while (members_next(&w, &member)) {
        count++;
    }
    *ret_count = count;
    return w.err;
}

enum err value_of_member(const struct member *member, struct expr_scope *scope,
                         struct value *ret_value)
{
    bool whole = member->depth == 0; /* strings and numbers are read each time they are used */
    if (whole && !work_spend(scope, 0, member->json.len)) {
        return ERR_TOO_LARGE;
    }
    *ret_value = value_of_json(member->json, scope->arena);
    ret_value->depth = member->depth;
    return ERR_OK;
}

static bool key_is(const struct member *member, struct bytes key, struct buf *scratch)
{
    struct bytes raw = member->key;
    if (!member->escaped) {
        return bytes_eq(raw, key);
    }
    buf_clear(scratch);
    /* the raw key has quotes around it */
    json_unquote(bytes_of(raw.ptr - 1, raw.len + 2), scratch);
    return bytes_eq(buf_bytes(scratch), key);
}

enum err value_member(const struct value *map, struct bytes key, struct expr_scope *scope,
                      struct value *ret_member)
{
    struct members w = members_of(scope, map->text);
    struct member member, found = {.json = BYTES_NONE};
    struct buf scratch = {0};
    while (members_next(&w, &member)) {
        if (key_is(&member, key, &scratch)) {
            found = member; /* the last one wins, as in json_member */
        }
    }
    buf_free(&scratch);
    if (w.err != ERR_OK) {
        return w.err;
    }
    if (found.json.len == 0) {
        return ERR_NOT_FOUND;
    }
    return value_of_member(&found, scope, ret_member);
}

enum err value_element(const struct value *list, int64_t index, struct expr_scope *scope,
                       struct value *ret_element)
{
    struct members w = members_of(scope, list->text);
    struct member member;
    for (int64_t at = 0; members_next(&w, &member); at++) {
        if (at == index) {
            return value_of_member(&member, scope, ret_element);
        }
    }
    return w.err != ERR_OK ? w.err : ERR_NOT_FOUND;
}

static enum err lists_equal(const struct value *a, const struct value *b, struct expr_scope *scope,
                            bool *ret_equal)
{
    struct members wa = members_of(scope, a->text), wb = members_of(scope, b->text);
    struct member ma, mb;
    for (;;) {
        bool more_a = members_next(&wa, &ma), more_b = members_next(&wb, &mb);
        if (wa.err != ERR_OK || wb.err != ERR_OK) {
            return ERR_TOO_LARGE;
        }
        if (!more_a || !more_b) {
            *ret_equal = more_a == more_b;
            return ERR_OK;
        }
        struct value va, vb;
        enum err e = value_of_member(&ma, scope, &va);
        e = e == ERR_OK ? value_of_member(&mb, scope, &vb) : e;
        e = e == ERR_OK ? value_equal(&va, &vb, scope, ret_equal) : e;
        if (e != ERR_OK || !*ret_equal) {
            return e;
        }
    }
}

static enum err maps_equal(const struct value *a, const struct value *b, struct expr_scope *scope,
                           bool *ret_equal)
{
    size_t count_a = 0, count_b = 0;
    enum err e = value_count(a, scope, &count_a);
    e = e == ERR_OK ? value_count(b, scope, &count_b) : e;
    *ret_equal = count_a == count_b;
    struct members w = members_of(scope, a->text);
    struct member member;
    while (e == ERR_OK && *ret_equal && members_next(&w, &member)) {
        struct bytes quoted = bytes_of(member.key.ptr - 1, member.key.len + 2);
        struct value key = value_of_json(quoted, scope->arena);
        struct value mine, theirs;
        value_decode(&key, scope->arena);
        e = value_member(a, key.text, scope, &mine);
        e = e == ERR_OK ? value_member(b, key.text, scope, &theirs) : e;
        if (e == ERR_NOT_FOUND) {
            *ret_equal = false;
            return ERR_OK;
        }
        e = e == ERR_OK ? value_equal(&mine, &theirs, scope, ret_equal) : e;
    }
    return e == ERR_OK ? w.err : e;
}

static bool strings_equal(struct value a, struct value b, struct arena *arena)
{
    value_decode(&a, arena);
    value_decode(&b, arena);
    return bytes_eq(a.text, b.text);
}

/* Recursion is bounded by the depth of JSON: 64. */
enum err value_equal(const struct value *a, const struct value *b, struct expr_scope *scope,
                     bool *ret_equal)
{
    if (!work_spend(scope, 1, 0)) {
        return ERR_TOO_LARGE;
    }
    if (value_is_number(a) && value_is_number(b)) {
        *ret_equal = value_compare_numbers(a, b) == 0;
        return ERR_OK;
    }
    *ret_equal = a->kind == b->kind;
    if (a->kind != b->kind) {
        return ERR_OK;
    }
    switch (a->kind) {
    case VALUE_BOOL:
        *ret_equal = a->truth == b->truth;
        break;
    case VALUE_STRING:
        *ret_equal = strings_equal(*a, *b, scope->arena);
        break;
    case VALUE_LIST:
        return lists_equal(a, b, scope, ret_equal);
    case VALUE_MAP:
        return maps_equal(a, b, scope, ret_equal);
    case VALUE_NULL:
    case VALUE_INT:
    case VALUE_DOUBLE:
        break;
    }
    return ERR_OK;
}
