/* What the expressions of a step can refer to. Payloads are not in memory. So a scope is made
 * twice: first it gathers which parts of the task's data are wanted; when a read has brought these,
 * it is made again with the same wishes in the same order, and gives expressions their values. All
 * of it lives in the arena of the turn. */
#ifndef MARATHON_CORE_SCOPE_H
#define MARATHON_CORE_SCOPE_H

#include "core/storage.h"
#include "core/task.h"
#include "expr/expr.h"
#include "model/limits.h"

struct core;

/* What expressions see as `input`: the task's input, or the rendered one of a pipeline within
 * it. */
struct scope_input {
    uint32_t joint;
    struct bytes json;
};

struct scope {
    const struct step *step;
    bool input;                /* the task's input is wanted */
    uint32_t *wanted;          /* steps whose results are wanted, ascending; ... */
    struct byte_range *ranges; /* ... and where these lie in the document */
    uint32_t range_count, range_cap;
    const struct store_answer *answer; /* NULL: nothing was read, because nothing is wanted */
    struct bytes item;                 /* JSON of the step's item; empty: it has none */
    struct scope_input inputs[PIPELINE_DEPTH_MAX + 1];
    uint32_t input_count;
    struct bytes inner_why; /* why rendering such an input failed */
    struct arena *arena;
    uint32_t work; /* units of work that expressions have spent so far */
    struct expr_seen seen;
};

void scope_begin(struct core *c, const struct step *s, struct scope *ret_scope);
void scope_want(struct scope *x, const struct expr *e);
void scope_want_template(struct scope *x, const struct template *t);
void scope_want_result(struct scope *x, uint32_t step);
/* Wants what the step sees as `input`: the task's, or that of the pipeline that it belongs to. */
void scope_want_input(struct scope *x);
void scope_want_when(struct scope *x);
bool scope_wants(const struct scope *x); /* anything that must be read */
void scope_ask(const struct scope *x, struct store_read *read);
/* After the read: are the wanted results still there, and where they were? */
bool scope_holds(const struct scope *x);
/* In which the slice of what expressions have given lies; NULL: it is not known. */
struct shared *scope_lender(const struct scope *x, struct bytes slice);
/* JSON of a step's result: null where it was skipped; empty where it was not wanted or not read. */
struct bytes scope_result(const struct scope *x, uint32_t step);
/* The same of x->wanted[place], which is not looked for. */
struct bytes scope_result_at(const struct scope *x, uint32_t place);
/* False with the fault in ret_why. */
bool scope_input(struct scope *x, struct parts *ret_json, struct bytes *ret_why);
/* Evaluates the step's condition and those of the pipelines around it. False with the fault in
 * ret_why (a message for people). */
bool scope_eval_when(struct scope *x, bool *ret_holds, struct bytes *ret_why);
/* Renders the step's own input, which is a template: JSON of at most ENVELOPE_BYTES_MAX. Values
 * that pass through unchanged stay where the answer has them. */
bool scope_render_input(struct scope *x, struct parts *ret_json, struct bytes *ret_why);
/* Renders a template to a text: the key of a limit. */
bool scope_render_key(struct scope *x, const struct template *t, const char *field,
                      struct bytes *ret_key, struct bytes *ret_why);
/* Evaluates another expression of the step; field: its name, for ret_why. */
bool scope_eval(struct scope *x, const struct expr *e, const char *field, struct bytes *ret_json,
                struct bytes *ret_why);

#endif
