/* Internal to expr: values; the kinds are those of JSON. */
#ifndef MARATHON_EXPR_VALUE_H
#define MARATHON_EXPR_VALUE_H

#include "expr/expr.h"

enum value_kind {
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_DOUBLE,
    VALUE_STRING,
    VALUE_LIST,
    VALUE_MAP
};

struct value {
    enum value_kind kind;
    union {
        bool truth;
        int64_t integer;
        double real;
        struct bytes text; /* STRING: decoded (value_decode); LIST, MAP: JSON */
    };
    struct bytes json; /* its text in a document (so that numbers of any size pass through
                          unchanged), or empty */
    size_t depth;      /* LIST, MAP: nesting depth of the JSON, as json_depth; 0 = unknown */
};

const char *value_kind_name(enum value_kind kind); /* "an int" */
/* A value from checked JSON. A string is not decoded yet (value_decode): most only pass through. */
struct value value_of_json(struct bytes json, struct arena *arena);
/* Decodes a string: in place or, if it has escapes, into the arena. Other kinds are unchanged. */
void value_decode(struct value *v, struct arena *arena);
/* The value as JSON: its text in a document or, if an expression made it, in the arena. ERR_INVALID
 * if JSON cannot represent it (infinities, NaN). */
enum err MUST_CHECK value_json(const struct value *v, struct arena *arena, struct bytes *ret_json);
struct value value_bool(bool truth);
struct value value_int(int64_t integer);
struct value value_double(double real);
struct value value_string(struct bytes text);

/* Returns <0, 0, >0; 2 if one is NaN. Exact over the whole range of int and double. */
int value_compare_numbers(const struct value *a, const struct value *b);
static inline bool value_is_number(const struct value *v)
{
    return v->kind == VALUE_INT || v->kind == VALUE_DOUBLE;
}

/* CEL's ==. ERR_TOO_LARGE if the work is used up. */
enum err MUST_CHECK value_equal(const struct value *a, const struct value *b,
                                struct expr_scope *scope, bool *ret_equal);
struct member;
/* The value of a member. A string or number costs work by its length each time, since it may be
 * decoded, copied and compared. */
enum err MUST_CHECK value_of_member(const struct member *member, struct expr_scope *scope,
                                    struct value *ret_value);
/* Number of members of a list or map. */
enum err MUST_CHECK value_count(const struct value *v, struct expr_scope *scope, size_t *ret_count);
/* The member with this key; ERR_NOT_FOUND. */
enum err MUST_CHECK value_member(const struct value *map, struct bytes key,
                                 struct expr_scope *scope, struct value *ret_member);
enum err MUST_CHECK value_element(const struct value *list, int64_t index, struct expr_scope *scope,
                                  struct value *ret_element);

#endif
