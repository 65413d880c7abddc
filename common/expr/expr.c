#include "expr/expr.h"

#include "expr/eval.h"

enum err expr_eval(const struct expr *e, struct expr_scope *scope, struct bytes *ret_json,
                   struct expr_fault *ret_fault)
{
    struct eval v = {.expr = e, .scope = scope, .fault = ret_fault};
    struct value value;
    if (!eval_expr(&v, &value)) {
        return v.err;
    }
    if (value_json(&value, scope->arena, ret_json) != ERR_OK) {
        (void)eval_fault(&v, &e->terms[e->root_term],
                         "the value is not a number that JSON can hold");
    }
    return v.err;
}

enum err expr_eval_bool(const struct expr *e, struct expr_scope *scope, bool *ret_value,
                        struct expr_fault *ret_fault)
{
    struct eval v = {.expr = e, .scope = scope, .fault = ret_fault};
    struct value value;
    if (!eval_expr(&v, &value)) {
        return v.err;
    }
    if (value.kind != VALUE_BOOL) {
        (void)eval_fault(&v, &e->terms[e->root_term], "the condition must be true or false, not %s",
                         value_kind_name(value.kind));
        return v.err;
    }
    *ret_value = value.truth;
    return ERR_OK;
}
