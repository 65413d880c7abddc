/* Arithmetic and functions, by CEL's standard definitions. */
#include "expr/eval.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "json/scan.h"

static const char *sign_of(uint8_t kind)
{
    return kind == TERM_ADD        ? "+"
           : kind == TERM_SUBTRACT ? "-"
           : kind == TERM_MULTIPLY ? "*"
           : kind == TERM_DIVIDE   ? "/"
                                   : "%";
}

static bool fault_overflow(struct eval *v, const struct expr_term *t)
{
    return eval_fault(v, t, "the result of %s does not fit in 64 bits",
                      t->kind == TERM_NEGATE ? "-" : sign_of(t->kind));
}

static bool ints(struct eval *v, const struct expr_term *t, int64_t a, int64_t b,
                 struct value *ret_value)
{
    int64_t r = 0;
    bool over = false;
    bool divides = t->kind == TERM_DIVIDE || t->kind == TERM_MODULO;
    if (divides && b == 0) {
        return eval_fault(v, t, "division by zero");
    }
    if (divides && b == -1) { /* INT64_MIN / -1 overflows, and % -1 is undefined in C */
        over = __builtin_sub_overflow(0, a, &r);
        r = t->kind == TERM_MODULO ? 0 : r;
    } else if (divides) {
        r = t->kind == TERM_DIVIDE ? a / b : a % b;
    } else if (t->kind == TERM_ADD) {
        over = __builtin_add_overflow(a, b, &r);
    } else if (t->kind == TERM_SUBTRACT) {
        over = __builtin_sub_overflow(a, b, &r);
    } else {
        over = __builtin_mul_overflow(a, b, &r);
    }
    *ret_value = value_int(r);
    return over ? fault_overflow(v, t) : true;
}

static bool doubles(struct eval *v, const struct expr_term *t, double a, double b,
                    struct value *ret_value)
{
    if (t->kind == TERM_MODULO) {
        return eval_fault(v, t, "%% is for ints, not for doubles");
    }
    double r = t->kind == TERM_ADD        ? a + b
               : t->kind == TERM_SUBTRACT ? a - b
               : t->kind == TERM_MULTIPLY ? a * b
                                          : a / b; /* by zero: infinity or NaN, as in IEEE 754 */
    *ret_value = value_double(r);
    return true;
}

/* Concatenates strings, or lists: their JSON without the inner quotes or brackets. */
static bool join(struct eval *v, const struct expr_term *t, const struct value *a,
                 const struct value *b, struct value *ret_value)
{
    size_t len = a->text.len + b->text.len;
    if (len > EXPR_VALUE_BYTES_MAX) {
        return eval_fault(v, t, "the joined value would be larger than 1 MiB");
    }
    size_t count_a = 0, count_b = 0;
    if (a->kind == VALUE_LIST && (value_count(a, v->scope, &count_a) != ERR_OK ||
                                  value_count(b, v->scope, &count_b) != ERR_OK)) {
        return eval_too_much(v, t);
    }
    struct bytes first, second;
    enum err e = value_json(a, v->scope->arena, &first);
    e = e == ERR_OK ? value_json(b, v->scope->arena, &second) : e;
    assert(e == ERR_OK); /* they are no doubles */
    /* A text's JSON may be six times as long as the text, and is what is copied. */
    if (!work_spend(v->scope, 1, first.len + second.len)) {
        return eval_too_much(v, t);
    }
    struct buf out = arena_text(v->scope->arena, first.len + second.len);
    buf_add_bytes(&out, bytes_part(first, 0, first.len - 1));
    buf_add_str(&out, count_a > 0 && count_b > 0 ? "," : "");
    buf_add_bytes(&out, bytes_part(second, 1, second.len));
    *ret_value = value_of_json(buf_bytes(&out), v->scope->arena);
    return true;
}

bool eval_arithmetic(struct eval *v, const struct expr_term *t, const struct value *a,
                     const struct value *b, struct value *ret_value)
{
    if (a->kind == VALUE_INT && b->kind == VALUE_INT) {
        return ints(v, t, a->integer, b->integer, ret_value);
    }
    if (a->kind == VALUE_DOUBLE && b->kind == VALUE_DOUBLE) {
        return doubles(v, t, a->real, b->real, ret_value);
    }
    if (t->kind == TERM_ADD && a->kind == b->kind &&
        (a->kind == VALUE_STRING || a->kind == VALUE_LIST)) {
        return join(v, t, a, b, ret_value);
    }
    bool mixed = value_is_number(a) && value_is_number(b);
    return eval_fault(v, t, "%s and %s cannot be joined by %s%s", value_kind_name(a->kind),
                      value_kind_name(b->kind), sign_of(t->kind),
                      mixed ? "; convert one with int() or double()"
                      : a->kind == VALUE_STRING || b->kind == VALUE_STRING
                          ? "; convert the other one with string()"
                          : "");
}

bool eval_negate(struct eval *v, const struct expr_term *t, const struct value *a,
                 struct value *ret_value)
{
    if (a->kind == VALUE_DOUBLE) {
        *ret_value = value_double(-a->real);
        return true;
    }
    if (a->kind != VALUE_INT) {
        return eval_fault(v, t, "- is for numbers, not for %s", value_kind_name(a->kind));
    }
    int64_t r;
    if (__builtin_sub_overflow(0, a->integer, &r)) {
        return fault_overflow(v, t);
    }
    *ret_value = value_int(r);
    return true;
}

static bool size_of(struct eval *v, const struct expr_term *t, const struct value *a,
                    struct value *ret_value)
{
    size_t count = 0;
    if (a->kind == VALUE_STRING) { /* counts code points */
        if (!work_spend(v->scope, 1, a->text.len)) {
            return eval_too_much(v, t);
        }
        for (size_t i = 0; i < a->text.len; i++) {
            count += (a->text.ptr[i] & 0xc0) != 0x80;
        }
    } else if (a->kind == VALUE_LIST || a->kind == VALUE_MAP) {
        if (value_count(a, v->scope, &count) != ERR_OK) {
            return eval_too_much(v, t);
        }
    } else {
        return eval_fault(v, t, "size() needs a string, a list or a map, not %s",
                          value_kind_name(a->kind));
    }
    *ret_value = value_int((int64_t)count);
    return true;
}

static bool fault_convert(struct eval *v, const struct expr_term *t, const char *to,
                          const struct value *a)
{
    if (a->kind == VALUE_STRING) {
        return eval_fault(v, t, "the string \"%.*s\" is not %s",
                          (int)(a->text.len < 60 ? a->text.len : 60), (const char *)a->text.ptr,
                          to);
    }
    return eval_fault(v, t, "%s cannot be converted to %s", value_kind_name(a->kind), to);
}

/* Reads a number in JSON's syntax; everything else is refused. */
static bool numeral(struct bytes text, struct arena *arena, struct value *ret_number)
{
    struct bytes value;
    if (text.len == 0 || text.len > 400 || json_check(text, &value, NULL) != ERR_OK ||
        value.len != text.len || json_kind_of(value) != JSON_NUMBER) {
        return false;
    }
    *ret_number = value_of_json(value, arena);
    ret_number->json = BYTES_NONE;
    return true;
}

static bool to_int(struct eval *v, const struct expr_term *t, const struct value *a,
                   struct value *ret_value)
{
    struct value number;
    if (a->kind == VALUE_INT) {
        *ret_value = value_int(a->integer);
        return true;
    }
    if (a->kind == VALUE_STRING) {
        if (!numeral(a->text, v->scope->arena, &number) || number.kind != VALUE_INT) {
            return fault_convert(v, t, "an int", a);
        }
        *ret_value = number;
        return true;
    }
    if (a->kind != VALUE_DOUBLE) {
        return fault_convert(v, t, "an int", a);
    }
    if (!(a->real > -9223372036854775808.0 && a->real < 9223372036854775808.0)) {
        return eval_fault(v, t, "this double does not fit in an int");
    }
    *ret_value = value_int((int64_t)a->real); /* truncates towards zero */
    return true;
}

static bool to_double(struct eval *v, const struct expr_term *t, const struct value *a,
                      struct value *ret_value)
{
    struct value number = *a;
    if (a->kind == VALUE_STRING && !numeral(a->text, v->scope->arena, &number)) {
        return fault_convert(v, t, "a double", a);
    }
    if (!value_is_number(&number)) {
        return fault_convert(v, t, "a double", a);
    }
    *ret_value = value_double(number.kind == VALUE_INT ? (double)number.integer : number.real);
    return true;
}

static bool to_string(struct eval *v, const struct expr_term *t, const struct value *a,
                      struct value *ret_value)
{
    struct buf b = {0};
    switch (a->kind) {
    case VALUE_STRING:
        *ret_value = *a;
        return true;
    case VALUE_BOOL:
        *ret_value = value_string(a->truth ? BYTES_LIT("true") : BYTES_LIT("false"));
        return true;
    case VALUE_INT:
        buf_addf(&b, "%" PRId64, a->integer);
        break;
    case VALUE_DOUBLE:
        if (!isfinite(a->real)) {
            buf_add_str(&b, isnan(a->real) ? "NaN" : a->real > 0 ? "+Inf" : "-Inf");
        } else {
            json_put_number(&b, a->real);
        }
        break;
    case VALUE_NULL:
    case VALUE_LIST:
    case VALUE_MAP:
        return fault_convert(v, t, "a string", a);
    }
    *ret_value = value_string(arena_bytes(v->scope->arena, buf_bytes(&b)));
    buf_free(&b);
    return true;
}

static bool search(struct eval *v, const struct expr_term *t, const struct value *a,
                   const struct value *b, struct value *ret_value)
{
    const char *name = t->kind == TERM_CONTAINS ? "contains" : "startsWith";
    if (a->kind != VALUE_STRING || b->kind != VALUE_STRING) {
        const struct value *wrong = a->kind != VALUE_STRING ? a : b;
        return eval_fault(v, t, "%s() needs two strings, not %s%s", name,
                          value_kind_name(wrong->kind),
                          a->kind == VALUE_LIST ? "; \"x in list\" looks for an element" : "");
    }
    if (!work_spend(v->scope, 1, a->text.len + b->text.len)) {
        return eval_too_much(v, t);
    }
    bool found = b->text.len == 0;
    if (!found && t->kind == TERM_CONTAINS) {
        found =
            a->text.len > 0 && memmem(a->text.ptr, a->text.len, b->text.ptr, b->text.len) != NULL;
    } else if (!found) {
        found = bytes_eq(bytes_part(a->text, 0, b->text.len), b->text);
    }
    *ret_value = value_bool(found);
    return true;
}

bool eval_function(struct eval *v, const struct expr_term *t, const struct value *a,
                   const struct value *b, struct value *ret_value)
{
    switch ((int)t->kind) {
    case TERM_SIZE:
        return size_of(v, t, a, ret_value);
    case TERM_STRING:
        return to_string(v, t, a, ret_value);
    case TERM_INT:
        return to_int(v, t, a, ret_value);
    case TERM_DOUBLE:
        return to_double(v, t, a, ret_value);
    default:
        return search(v, t, a, b, ret_value);
    }
}
