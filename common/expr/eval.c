/* Evaluates terms recursively. The depth is bounded by the height of the tree, which the parser has
 * checked. */
#include "expr/eval.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define KEYS_SHOWN 12 /* keys listed in the error when one is missing */

bool eval_fault(struct eval *v, const struct expr_term *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(v->fault->detail, sizeof v->fault->detail, format, args);
    va_end(args);
    v->fault->at = at->from;
    v->err = ERR_INVALID;
    return false;
}

bool eval_too_much(struct eval *v, const struct expr_term *at)
{
    (void)eval_fault(v, at, "the expressions search large values too often: do this in a function");
    v->err = ERR_TOO_LARGE;
    return false;
}

struct bytes eval_text(const struct eval *v, uint16_t term)
{
    const struct expr_term *t = &v->expr->terms[term];
    struct bytes text = bytes_part(v->expr->text, t->from, t->to - t->from);
    size_t len = text.len < 80 ? text.len : 80;
    while (len < text.len && len > 0 && (text.ptr[len] & 0xc0) == 0x80) {
        len--;
    }
    return bytes_part(text, 0, len);
}

static const struct expr_term *child_of(const struct eval *v, const struct expr_term *t,
                                        uint16_t *ret_second)
{
    const struct expr_term *first = &v->expr->terms[t->child];
    *ret_second = first->next;
    return first;
}

static bool eval_root(struct eval *v, const struct expr_term *t, struct value *ret_value)
{
    const struct expr_ref *ref = &v->expr->refs[t->ref];
    struct bytes json = v->scope->read(v->scope->context, ref);
    if (json.len == 0) {
        return eval_fault(v, t, "there is no %.*s here",
                          EVAL_TEXT(eval_text(v, (uint16_t)(t - v->expr->terms))));
    }
    bool whole = json_kind_of(json) != JSON_OBJECT && json_kind_of(json) != JSON_ARRAY;
    if (whole && !work_spend(v->scope, 1, json.len)) {
        return eval_too_much(v, t);
    }
    *ret_value = value_of_json(json, v->scope->arena);
    return true;
}

/* Appends `"a", "b" and 3 more`. */
static void put_keys(struct expr_scope *scope, const struct value *map, struct buf *out)
{
    struct members w = members_of(scope, map->text);
    struct member member;
    size_t count = 0;
    for (; members_next(&w, &member); count++) {
        if (count < KEYS_SHOWN && out->len + member.key.len < 240) {
            buf_addf(out, "%s\"%.*s\"", count > 0 ? ", " : "", EVAL_TEXT(member.key));
        } else if (count >= KEYS_SHOWN + 1000) {
            buf_add_str(out, " and more");
            return;
        }
    }
    if (count == 0) {
        buf_add_str(out, "no members");
    } else if (count > KEYS_SHOWN) {
        buf_addf(out, " and %zu more", count - KEYS_SHOWN);
    }
}

static bool fault_missing(struct eval *v, const struct expr_term *t, const struct value *map,
                          struct bytes key)
{
    struct buf keys = {0};
    put_keys(v->scope, map, &keys);
    struct bytes of = eval_text(v, t->child);
    eval_fault(v, t, "there is no \"%.*s\" in %.*s; it has %s", (int)(key.len < 80 ? key.len : 80),
               (const char *)key.ptr, EVAL_TEXT(of), buf_cstr(&keys));
    buf_free(&keys);
    return false;
}

static bool eval_select(struct eval *v, const struct expr_term *t, struct value *ret_value)
{
    struct value of;
    if (!eval_term(v, t->child, &of)) {
        return false;
    }
    struct bytes name = t->constant.text;
    if (t->kind == TERM_HAS && name.ptr == NULL) { /* has(steps.x.error): is it not null? */
        *ret_value = value_bool(of.kind != VALUE_NULL);
        return true;
    }
    if (of.kind != VALUE_MAP) {
        struct bytes text = eval_text(v, t->child);
        return eval_fault(v, t, "%.*s is %s, it has no member \"%.*s\"", EVAL_TEXT(text),
                          value_kind_name(of.kind), (int)(name.len < 80 ? name.len : 80),
                          (const char *)name.ptr);
    }
    struct value found;
    enum err e = value_member(&of, name, v->scope, &found);
    if (e == ERR_TOO_LARGE) {
        return eval_too_much(v, t);
    }
    if (t->kind == TERM_HAS) {
        *ret_value = value_bool(e == ERR_OK);
        return true;
    }
    if (e != ERR_OK) {
        return fault_missing(v, t, &of, name);
    }
    *ret_value = found;
    return true;
}

/* Converts an index: an int, or a double without a fraction. */
static bool list_place(const struct value *index, int64_t *ret_place)
{
    if (index->kind == VALUE_INT) {
        *ret_place = index->integer;
        return true;
    }
    if (index->kind == VALUE_DOUBLE && index->real >= 0 && index->real < 1e15 &&
        (double)(int64_t)index->real == index->real) {
        *ret_place = (int64_t)index->real;
        return true;
    }
    return false;
}

static bool eval_element(struct eval *v, const struct expr_term *t, const struct value *list,
                         const struct value *index, struct value *ret_value)
{
    int64_t place;
    size_t count;
    struct bytes text = eval_text(v, t->child);
    if (!list_place(index, &place)) {
        return eval_fault(v, t, "%.*s is a list, its index must be an int, not %s", EVAL_TEXT(text),
                          value_kind_name(index->kind));
    }
    enum err e = value_element(list, place, v->scope, ret_value);
    if (e == ERR_OK) {
        return true;
    }
    if (e == ERR_TOO_LARGE || value_count(list, v->scope, &count) != ERR_OK) {
        return eval_too_much(v, t);
    }
    return eval_fault(v, t, "there is no element %lld in %.*s; it has %zu, the first one is 0",
                      (long long)place, EVAL_TEXT(text), count);
}

static bool eval_index(struct eval *v, const struct expr_term *t, struct value *ret_value)
{
    uint16_t second;
    struct value of, index;
    (void)child_of(v, t, &second);
    if (!eval_term(v, t->child, &of) || !eval_term(v, second, &index)) {
        return false;
    }
    value_decode(&index, v->scope->arena);
    if (of.kind == VALUE_LIST) {
        return eval_element(v, t, &of, &index, ret_value);
    }
    struct bytes text = eval_text(v, t->child);
    if (of.kind != VALUE_MAP) {
        return eval_fault(v, t, "%.*s is %s, only lists and maps have an index", EVAL_TEXT(text),
                          value_kind_name(of.kind));
    }
    if (index.kind != VALUE_STRING) {
        return eval_fault(v, t, "%.*s is a map, its keys are strings, not %s", EVAL_TEXT(text),
                          value_kind_name(index.kind));
    }
    enum err e = value_member(&of, index.text, v->scope, ret_value);
    if (e == ERR_TOO_LARGE) {
        return eval_too_much(v, t);
    }
    return e == ERR_OK ? true : fault_missing(v, t, &of, index.text);
}

static bool eval_condition(struct eval *v, uint16_t term, const char *what, bool *ret_truth)
{
    struct value value;
    if (!eval_term(v, term, &value)) {
        return false;
    }
    if (value.kind != VALUE_BOOL) {
        struct bytes text = eval_text(v, term);
        return eval_fault(v, &v->expr->terms[term], "%s must be true or false; %.*s is %s", what,
                          EVAL_TEXT(text), value_kind_name(value.kind));
    }
    *ret_truth = value.truth;
    return true;
}

/* One side that decides is enough, whatever the other one is, even an error. */
static bool eval_logic(struct eval *v, const struct expr_term *t, struct value *ret_value)
{
    bool decides = t->kind == TERM_OR; /* the value of one side that decides the result */
    const char *what = decides ? "each side of ||" : "each side of &&";
    uint16_t second;
    bool truth;
    (void)child_of(v, t, &second);
    bool left_ok = eval_condition(v, t->child, what, &truth);
    if (left_ok && truth == decides) {
        *ret_value = value_bool(decides);
        return true;
    }
    struct expr_fault left_fault = *v->fault;
    enum err left_err = v->err;
    if (!left_ok && left_err == ERR_TOO_LARGE) {
        return false;
    }
    bool right_ok = eval_condition(v, second, what, &truth);
    if (right_ok && truth == decides) {
        v->err = ERR_OK;
        *ret_value = value_bool(decides);
        return true;
    }
    if (!left_ok && v->err != ERR_TOO_LARGE) {
        *v->fault = left_fault;
        v->err = left_err;
    }
    *ret_value = value_bool(!decides);
    return left_ok && right_ok;
}

static bool eval_choice(struct eval *v, const struct expr_term *t, struct value *ret_value)
{
    uint16_t yes;
    bool truth;
    (void)child_of(v, t, &yes);
    if (!eval_condition(v, t->child, "the condition before ?", &truth)) {
        return false;
    }
    return eval_term(v, truth ? yes : v->expr->terms[yes].next, ret_value);
}

/* JSON of a key, value or element. len: length of the literal so far. */
static bool eval_member(struct eval *v, uint16_t term, bool key, size_t len, struct bytes *ret_json)
{
    const struct expr_term *t = &v->expr->terms[term];
    struct value value;
    if (!eval_term(v, term, &value)) {
        return false;
    }
    if (key && value.kind != VALUE_STRING) {
        return eval_fault(v, t, "the keys of a map are strings, not %s",
                          value_kind_name(value.kind));
    }
    if (value_json(&value, v->scope->arena, ret_json) != ERR_OK) {
        struct bytes text = eval_text(v, term);
        return eval_fault(v, t, "%.*s is not a number that JSON can hold", EVAL_TEXT(text));
    }
    if (len + ret_json->len > EXPR_VALUE_BYTES_MAX || !work_spend(v->scope, 1, ret_json->len)) {
        return eval_too_much(v, t);
    }
    return true;
}

/* A list or map literal becomes JSON: first that of its members, then all of it together. */
static bool eval_literal(struct eval *v, const struct expr_term *t, struct value *ret_value)
{
    bool map = t->kind == TERM_MAP;
    size_t count = 0;
    for (uint16_t c = t->child; c != TERM_NONE; c = v->expr->terms[c].next) {
        count++;
    }
    struct bytes *members = arena_alloc(v->scope->arena, count * sizeof *members);
    uint16_t term = t->child;
    size_t len = 2;
    for (size_t i = 0; i < count; i++, term = v->expr->terms[term].next) {
        if (!eval_member(v, term, map && i % 2 == 0, len, &members[i])) {
            return false;
        }
        len += members[i].len + 1;
    }
    struct buf json = arena_text(v->scope->arena, len);
    buf_add_char(&json, map ? '{' : '[');
    for (size_t i = 0; i < count; i++) {
        buf_add_str(&json, i == 0 ? "" : map && i % 2 != 0 ? ":" : ",");
        buf_add_bytes(&json, members[i]);
    }
    buf_add_char(&json, map ? '}' : ']');
    struct bytes twice = map ? json_duplicate_key(buf_bytes(&json)) : BYTES_NONE;
    if (twice.len > 0) {
        return eval_fault(v, t, "this map has the key \"%.*s\" twice",
                          (int)(twice.len < 80 ? twice.len : 80), (const char *)twice.ptr);
    }
    *ret_value = value_of_json(buf_bytes(&json), v->scope->arena);
    return true;
}

static bool eval_in(struct eval *v, const struct expr_term *t, const struct value *a,
                    const struct value *b, struct value *ret_value)
{
    enum err e = ERR_NOT_FOUND;
    bool found = false;
    if (b->kind == VALUE_MAP) {
        struct value ignored;
        if (a->kind == VALUE_STRING) {
            e = value_member(b, a->text, v->scope, &ignored);
        }
        found = e == ERR_OK;
    } else if (b->kind == VALUE_LIST) {
        struct members w = members_of(v->scope, b->text);
        struct member member;
        while (!found && e != ERR_TOO_LARGE && members_next(&w, &member)) {
            struct value element;
            e = value_of_member(&member, v->scope, &element);
            e = e == ERR_OK ? value_equal(a, &element, v->scope, &found) : e;
        }
        e = w.err != ERR_OK ? w.err : e;
    } else {
        return eval_fault(v, t, "the right side of \"in\" must be a list or a map, not %s",
                          value_kind_name(b->kind));
    }
    if (e == ERR_TOO_LARGE) {
        return eval_too_much(v, t);
    }
    *ret_value = value_bool(found);
    return true;
}

static bool compare(struct eval *v, const struct expr_term *t, const struct value *a,
                    const struct value *b, struct value *ret_value)
{
    int order;
    if (value_is_number(a) && value_is_number(b)) {
        order = value_compare_numbers(a, b);
    } else if (a->kind == VALUE_STRING && b->kind == VALUE_STRING) {
        order = bytes_cmp(a->text, b->text);
        order = order < 0 ? -1 : order > 0;
    } else if (a->kind == VALUE_BOOL && b->kind == VALUE_BOOL) {
        order = (int)a->truth - (int)b->truth;
    } else {
        return eval_fault(v, t,
                          "%s and %s cannot be compared by < <= > >=", value_kind_name(a->kind),
                          value_kind_name(b->kind));
    }
    bool truth = t->kind == TERM_LESS            ? order == -1
                 : t->kind == TERM_LESS_EQUAL    ? order <= 0
                 : t->kind == TERM_GREATER       ? order == 1
                 : t->kind == TERM_GREATER_EQUAL ? order == 0 || order == 1
                                                 : false;
    *ret_value = value_bool(truth);
    return true;
}

static bool eval_pair(struct eval *v, const struct expr_term *t, const struct value *a,
                      const struct value *b, struct value *ret_value)
{
    bool equal = false;
    switch ((int)t->kind) {
    case TERM_EQUAL:
    case TERM_UNEQUAL:
        if (value_equal(a, b, v->scope, &equal) != ERR_OK) {
            return eval_too_much(v, t);
        }
        *ret_value = value_bool(equal == (t->kind == TERM_EQUAL));
        return true;
    case TERM_IN:
        return eval_in(v, t, a, b, ret_value);
    case TERM_LESS:
    case TERM_LESS_EQUAL:
    case TERM_GREATER:
    case TERM_GREATER_EQUAL:
        return compare(v, t, a, b, ret_value);
    case TERM_CONTAINS:
    case TERM_STARTS_WITH:
        return eval_function(v, t, a, b, ret_value);
    default:
        return eval_arithmetic(v, t, a, b, ret_value);
    }
}

/* Operators and functions that evaluate all their children. */
static bool eval_strict(struct eval *v, const struct expr_term *t, struct value *ret_value)
{
    struct value a, b;
    uint16_t second;
    (void)child_of(v, t, &second);
    if (!eval_term(v, t->child, &a)) {
        return false;
    }
    value_decode(&a, v->scope->arena);
    switch ((int)t->kind) {
    case TERM_NOT:
        if (a.kind != VALUE_BOOL) {
            return eval_fault(v, t, "! is for true and false, not for %s", value_kind_name(a.kind));
        }
        *ret_value = value_bool(!a.truth);
        return true;
    case TERM_NEGATE:
        return eval_negate(v, t, &a, ret_value);
    case TERM_SIZE:
    case TERM_STRING:
    case TERM_INT:
    case TERM_DOUBLE:
        return eval_function(v, t, &a, NULL, ret_value);
    default:
        if (!eval_term(v, second, &b)) {
            return false;
        }
        value_decode(&b, v->scope->arena);
        return eval_pair(v, t, &a, &b, ret_value);
    }
}

bool eval_term(struct eval *v, uint16_t term, struct value *ret_value)
{
    const struct expr_term *t = &v->expr->terms[term];
    if (!work_spend(v->scope, 1, 0)) {
        return eval_too_much(v, t);
    }
    switch ((int)t->kind) {
    case TERM_CONSTANT:
        *ret_value = t->constant;
        return true;
    case TERM_ROOT:
        return eval_root(v, t, ret_value);
    case TERM_SELECT:
    case TERM_HAS:
        return eval_select(v, t, ret_value);
    case TERM_INDEX:
        return eval_index(v, t, ret_value);
    case TERM_AND:
    case TERM_OR:
        return eval_logic(v, t, ret_value);
    case TERM_CHOICE:
        return eval_choice(v, t, ret_value);
    case TERM_LIST:
    case TERM_MAP:
        return eval_literal(v, t, ret_value);
    default:
        return eval_strict(v, t, ret_value);
    }
}

bool eval_expr(struct eval *v, struct value *ret_value)
{
    return eval_term(v, (uint16_t)v->expr->root_term, ret_value);
}
