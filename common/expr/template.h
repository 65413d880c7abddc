/* Templates: JSON values whose strings contain expressions: {"city": "${input.city}", "note": "for
 * ${task.id}"}.
 *
 * A string that consists of one expression becomes its value, of any kind; within a longer string a
 * value is inserted as text: strings as they are, anything else as JSON. $${ stands for a literal
 * ${. Inserted values are not scanned again; keys are not templates. Pure. */
#ifndef MARATHON_EXPR_TEMPLATE_H
#define MARATHON_EXPR_TEMPLATE_H

#include "base/parts.h"
#include "expr/expr.h"
#include "json/doc.h"

/* Expressions per template: each may read a part of the document */
#define TEMPLATE_EXPRS_MAX 1000u

struct template_piece {
    struct bytes text;    /* literal JSON before the value */
    struct expr *expr;    /* NULL in the last piece */
    bool inside;          /* part of a longer string */
    unsigned depth;       /* of the lists and maps around the value */
    struct bytes pointer; /* JSON pointer to the string in the template: "/a/0" */
};

struct template
{
    struct template_piece *pieces;
    uint32_t piece_count;
};

struct template_fault {
    struct bytes pointer; /* borrowed from the template, or (parse) in the arena */
    struct bytes text;    /* render: source text of the expression */
    struct expr_fault fault;
};

/* *ret_template is NULL if the value contains neither an expression nor $${. */
enum err MUST_CHECK template_parse(struct arena *arena, const struct doc_value *value,
                                   uint32_t roots, struct template **ret_template,
                                   struct template_fault *ret_fault);
/* The JSON in parts, which are slices of the template, of roots, and of the scope's arena (what
 * expressions build). Parts of a root are passed through unchecked, except for their depth; the
 * result is valid JSON if the roots are. ERR_INVALID (also for too much depth), ERR_TOO_LARGE (over
 * bytes_max). */
enum err MUST_CHECK template_render(const struct template *t, struct expr_scope *scope,
                                    size_t bytes_max, struct parts *ret_json,
                                    struct template_fault *ret_fault);

#endif
