/* A JSON value whose strings hold expressions: {"city": "${input.city}", "note": "for ${task.id}"}.
 *
 * A string that is one expression and nothing else becomes its value, of whatever kind; within a
 * longer string a value is put as text: strings as they are, anything else as its JSON. $${ stands
 * for ${ itself. Results are never scanned again; keys are not templates. Pure. */
#ifndef MARATHON_EXPR_TEMPLATE_H
#define MARATHON_EXPR_TEMPLATE_H

#include "base/parts.h"
#include "expr/expr.h"
#include "json/doc.h"

/* Expressions in one template: each may read a part of the document */
#define TEMPLATE_EXPRS_MAX 1000u

struct template_piece {
    struct bytes text;    /* JSON that stands before the value, as it is */
    struct expr *expr;    /* NULL in the last piece */
    bool inside;          /* of a longer string */
    unsigned depth;       /* of the lists and maps around the value */
    struct bytes pointer; /* of the string, in the template: "/a/0" */
};

struct template
{
    struct template_piece *pieces;
    uint32_t piece_count;
};

struct template_fault {
    struct bytes pointer; /* borrowed from the template, or (parse) in the arena */
    struct bytes text;    /* render: of the expression */
    struct expr_fault fault;
};

/* *ret_template is NULL where the value holds no expression and no $${ at all. */
enum err MUST_CHECK template_parse(struct arena *arena, const struct doc_value *value,
                                   uint32_t roots, struct template **ret_template,
                                   struct template_fault *ret_fault);
/* The JSON, in parts: of the template, of roots, and of the scope's arena (what expressions make).
 * What is in a root passes through as it stands there, and is not looked at again but for how deep
 * it is: all else makes good JSON of good roots. ERR_INVALID (also for what is too deep),
 * ERR_TOO_LARGE (over bytes_max). */
enum err MUST_CHECK template_render(const struct template *t, struct expr_scope *scope,
                                    size_t bytes_max, struct parts *ret_json,
                                    struct template_fault *ret_fault);

#endif
