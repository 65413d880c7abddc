/* What the expressions of a step see. Payloads are not in memory: first a scope gathers which parts
 * of the task's data are wanted, then, when a read has brought them, it is made again with the same
 * wishes in the same order, and gives expressions their values. All of it lives in the arena of the
 * turn. */
#ifndef MARATHON_CORE_SCOPE_H
#define MARATHON_CORE_SCOPE_H

#include "core/storage.h"
#include "core/task.h"
#include "expr/expr.h"
#include "model/limits.h"

struct core;

/* What expressions have as their `input`: the task's, or the rendered one of a pipeline within. */
struct scope_input {
    uint32_t joint;
    struct bytes json;
};

struct scope {
    const struct step *step;
    bool input;                /* the task's input is wanted */
    uint32_t *wanted;          /* steps whose results are, ascending; ... */
    struct byte_range *ranges; /* ... and where these lie */
    uint32_t range_count, range_cap;
    const struct store_answer *answer; /* NULL: nothing was read, since nothing is wanted */
    struct bytes item;                 /* JSON; empty: the step has none */
    struct scope_input inputs[PIPELINE_DEPTH_MAX + 1];
    uint32_t input_count;
    struct bytes inner_why; /* what failed in such an input */
    struct arena *arena;
    uint32_t work; /* spent by expressions so far */
    struct expr_seen seen;
};

void scope_begin(struct core *c, const struct step *s, struct scope *ret_scope);
void scope_want(struct scope *x, const struct expr *e);
void scope_want_template(struct scope *x, const struct template *t);
void scope_want_result(struct scope *x, uint32_t step);
/* What the step sees as `input`: the task's, or that of the pipeline that it belongs to. */
void scope_want_input(struct scope *x);
void scope_want_when(struct scope *x);
bool scope_wants(const struct scope *x); /* anything that must be read */
void scope_ask(const struct scope *x, struct store_read *read);
/* Are the results that are wanted still there, and where they were? */
bool scope_holds(const struct scope *x);
/* In which the slice of what expressions have given lies; NULL: it is not known. */
struct shared *scope_lender(const struct scope *x, struct bytes slice);
/* JSON of a step's result: null where it was skipped; empty where it was not wanted or not read. */
struct bytes scope_result(const struct scope *x, uint32_t step);
/* The same of x->wanted[place], which is not looked for. */
struct bytes scope_result_at(const struct scope *x, uint32_t place);
/* False with the fault in ret_why. */
bool scope_input(struct scope *x, struct parts *ret_json, struct bytes *ret_why);
/* The condition of the step, and those of the pipelines around it. False with the fault in ret_why
 * (a message for people). */
bool scope_eval_when(struct scope *x, bool *ret_holds, struct bytes *ret_why);
/* The step's own input, which is a template: JSON of at most ENVELOPE_BYTES_MAX. What passes
 * through it lies where the answer has it. */
bool scope_render_input(struct scope *x, struct parts *ret_json, struct bytes *ret_why);
/* The text that a template of the step gives: what a limit is called. */
bool scope_render_key(struct scope *x, const struct template *t, const char *field,
                      struct bytes *ret_key, struct bytes *ret_why);
/* The value of another expression of the step; field: its name, for ret_why. */
bool scope_eval(struct scope *x, const struct expr *e, const char *field, struct bytes *ret_json,
                struct bytes *ret_why);

#endif
