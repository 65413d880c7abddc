/* Internal to expr: shared by the files of the evaluator. */
#ifndef MARATHON_EXPR_EVAL_H
#define MARATHON_EXPR_EVAL_H

#include "expr/members.h"
#include "expr/term.h"

struct eval {
    const struct expr *expr;
    struct expr_scope *scope;
    struct expr_fault *fault;
    enum err err; /* the fault's code */
};

/* Evaluates the whole expression. False: *fault says why. */
bool eval_expr(struct eval *v, struct value *ret_value);
bool eval_term(struct eval *v, uint16_t term, struct value *ret_value);
/* Set the fault; return false always. */
bool eval_fault(struct eval *v, const struct expr_term *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool eval_too_much(struct eval *v, const struct expr_term *at);
/* The source text of a term, cut to fit a message. */
struct bytes eval_text(const struct eval *v, uint16_t term);

/* call.c: arithmetic and functions on values. */
bool eval_arithmetic(struct eval *v, const struct expr_term *t, const struct value *a,
                     const struct value *b, struct value *ret_value);
bool eval_negate(struct eval *v, const struct expr_term *t, const struct value *a,
                 struct value *ret_value);
bool eval_function(struct eval *v, const struct expr_term *t, const struct value *a,
                   const struct value *b, struct value *ret_value);

#define EVAL_TEXT(b) (int)(b).len, (const char *)(b).ptr

#endif
