/* The expressions of a definition: the syntax is checked when they are read, the steps that they
 * name when the graph is complete. */
#include "model/pipeline_build.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void keep_expr(struct pipeline_build *b, uint32_t step, struct expr *e, const char *field)
{
    MEM_GROW(b->exprs, b->expr_count, b->expr_cap);
    b->exprs[b->expr_count++] = (struct pipeline_expr){step, e, field};
}

enum err pipeline_read_expr_of(struct pipeline_build *b, uint32_t step, const char *field,
                               const struct doc_value *value, struct expr **ret_expr)
{
    struct bytes text = doc_string(value);
    struct expr_fault fault = {.detail = ""};
    uint32_t end = 0;
    uint32_t roots = EXPR_ROOTS_STEP;
    enum err e;
    if (doc_kind(value) != JSON_STRING) {
        return pipeline_fault_step(
            b, step, ERR_INVALID, field,
            "%s must be a string with an expression, such as \"input.count > 0\"", field);
    }
    if (bytes_is(bytes_part(text, 0, 2), "${")) {
        struct bytes inside = bytes_part(text, 2, text.len);
        e = expr_parse_braced(b->arena, inside, roots, ret_expr, &end, &fault);
        if (e == ERR_OK && end + 1 != inside.len) {
            return pipeline_fault_step(b, step, ERR_INVALID, field,
                                       "%s must be one expression and nothing else", field);
        }
    } else {
        e = expr_parse(b->arena, text, roots, ret_expr, &fault);
    }
    if (e != ERR_OK) {
        return pipeline_fault_step(b, step, e, field, "%s", fault.detail);
    }
    keep_expr(b, step, *ret_expr, arena_str(&b->scratch, field));
    return ERR_OK;
}

enum err pipeline_read_expr(struct pipeline_build *b, uint32_t step, const char *field,
                            struct expr **ret_expr)
{
    return pipeline_read_expr_of(b, step, field, doc_get(b->places[step].value, field), ret_expr);
}

enum err pipeline_read_template(struct pipeline_build *b, uint32_t step, const char *field,
                                uint32_t roots, struct template **ret_template)
{
    const struct doc_value *value = doc_get(b->places[step].value, field);
    return pipeline_read_template_of(b, step, value, field, roots, ret_template);
}

enum err pipeline_read_template_of(struct pipeline_build *b, uint32_t step,
                                   const struct doc_value *value, const char *field, uint32_t roots,
                                   struct template **ret_template)
{
    struct template_fault fault = {.fault = {.detail = ""}};
    struct template *t = NULL;
    enum err e = template_parse(b->arena, value, roots, &t, &fault);
    if (e != ERR_OK) {
        const char *at = arena_printf(&b->scratch, "%s%.*s", field, (int)fault.pointer.len,
                                      (const char *)fault.pointer.ptr);
        return pipeline_fault_step(b, step, e, at, "%s", fault.fault.detail);
    }
    for (uint32_t i = 0; t != NULL && i < t->piece_count; i++) {
        struct template_piece *piece = &t->pieces[i];
        if (piece->expr != NULL) {
            keep_expr(b, step, piece->expr,
                      arena_printf(&b->scratch, "%s%.*s", field, (int)piece->pointer.len,
                                   (const char *)piece->pointer.ptr));
        }
    }
    *ret_template = t;
    return ERR_OK;
}

/* Cache of a step's ancestors. Only computed if an expression names a step beyond the step's own
 * needs, since it takes a walk over the whole pipeline. */
struct before {
    const struct pipeline *p;
    uint32_t step; /* whose ancestors `flags` has; STEP_NONE: nobody's yet */
    bool *flags;
};

static bool comes_before(struct before *x, uint32_t step, uint32_t named)
{
    const struct pipeline_step *def = &x->p->steps[step];
    for (uint32_t i = 0; i < def->needs_count; i++) {
        if (def->needs[i] == named) {
            return true;
        }
    }
    if (x->step != step) {
        memset(x->flags, 0, x->p->step_count * sizeof *x->flags);
        pipeline_ancestors(x->p, step, x->flags);
        x->step = step;
    }
    return x->flags[named];
}

/* Why an expression of this step must not read `named`, or NULL. */
static const char *fault_of(const struct pipeline_build *b, uint32_t step, struct before *before,
                            const struct pipeline_step *named)
{
    if (named == NULL) {
        return "there is no step of this name";
    }
    uint32_t index = (uint32_t)(named - b->p->steps);
    if (index == step) {
        return "a step cannot use its own result";
    }
    return comes_before(before, step, index) ? NULL
                                             : "this step does not run before: add it to the "
                                               "\"needs\" of this step, or of one that it needs";
}

static enum err link_expr(struct pipeline_build *b, const struct pipeline_expr *x,
                          struct before *before)
{
    for (uint32_t i = 0; i < x->expr->ref_count; i++) {
        struct expr_ref *ref = &x->expr->refs[i];
        if (ref->root < EXPR_RESULT || ref->root > EXPR_ATTEMPTS) {
            continue;
        }
        const struct pipeline_step *named = pipeline_named(b, x->step, ref->step);
        const char *why = fault_of(b, x->step, before, named);
        if (why != NULL) {
            struct expr_fault fault = {.detail = ""};
            (void)snprintf(fault.detail, sizeof fault.detail, "%s", why);
            expr_fault_mark(&fault, x->expr->text, ref->from);
            return pipeline_fault_step(b, x->step, ERR_INVALID, x->field, "%s", fault.detail);
        }
        ref->step_index = (uint32_t)(named - b->p->steps);
    }
    return ERR_OK;
}

enum err pipeline_link_exprs(struct pipeline_build *b)
{
    struct before before = {.p = b->p, .step = STEP_NONE};
    before.flags = mem_alloc(b->p->step_count * sizeof *before.flags);
    enum err e = ERR_OK;
    for (uint32_t i = 0; i < b->expr_count && e == ERR_OK; i++) {
        e = link_expr(b, &b->exprs[i], &before);
    }
    free(before.flags);
    return e;
}
