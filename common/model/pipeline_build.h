/* Internal to pipeline_parse: shared by its stages, which are, in this order: pipeline_read (fields
 * of the text), pipeline_link (needs, feeds, no cycles), pipeline_link_exprs (the steps that
 * expressions read), pipeline_write_source (canonical text and its hash). Pure. */
#ifndef MARATHON_MODEL_PIPELINE_BUILD_H
#define MARATHON_MODEL_PIPELINE_BUILD_H

#include "base/bytes.h"
#include "base/map.h"
#include "json/doc.h"
#include "model/pipeline.h"

/* A pipeline with its memory. `pipeline` comes first, so that a pointer to one is a pointer to the
 * other. */
struct pipeline_memory {
    struct pipeline pipeline;
    struct arena arena;
    /* the pipeline that owns everything this one points to; referenced. NULL: it is in the arena */
    struct pipeline *of;
};

/* A parsed expression; its references are checked when the graph is complete. */
struct pipeline_expr {
    uint32_t step;
    struct expr *expr;
    const char *field; /* "when", "input/a/0" */
};

/* Where a step is in the text. */
struct pipeline_place {
    const struct doc_value *value;
    const char *pointer;
    const char *prefix; /* of its pipeline's step names: "shop/", or "" */
    uint32_t depth;
    uint32_t parent; /* index of the step whose pipeline it belongs to, or STEP_NONE */
    uint32_t before; /* index of the previous step of its pipeline, or STEP_NONE */
    uint32_t first;  /* if it is a whole pipeline: index of the first of its steps */
};

struct pipeline_build {
    struct pipeline *p;
    struct arena *arena;           /* the pipeline's */
    struct arena scratch;          /* freed when the parse is over */
    const struct doc_value *steps; /* the array in the text */
    const char *steps_pointer;     /* "/steps", or "" where the text is the bare array */
    struct pipeline_place *places; /* one per step */
    uint32_t place_count, place_cap;
    struct map names; /* step name -> struct pipeline_step in p->steps */
    struct pipeline_expr *exprs;
    uint32_t expr_count, expr_cap;
    const char *requires;                       /* the definition's own, NULL = none */
    const struct doc_value *concurrency, *rate; /* likewise */
    struct pipeline_fault *fault;
};

/* Fill in the fault for a field of the whole definition, or of a step ("needs/0"; "" = the step
 * itself); return e. */
enum err pipeline_fault_top(struct pipeline_build *b, enum err e, const char *field,
                            const char *format, ...) __attribute__((format(printf, 4, 5)));
enum err pipeline_fault_step(struct pipeline_build *b, uint32_t step, enum err e, const char *field,
                             const char *format, ...) __attribute__((format(printf, 5, 6)));

/* ---- what the readers of fields share ---- */

#define POINTER_PART_BYTES 100
#define FIELD_LIST_BYTES   400

const char *pipeline_kind_name(const struct doc_value *v); /* "an object": for error texts */
/* The first member that is not a known field, or NULL. known ends with NULL. */
const char *pipeline_unknown_field(const struct doc_value *object, const char *const *known);
/* "a, b and c", for texts that say what would be right. */
const char *pipeline_field_list(const char *const *known, char list[FIELD_LIST_BYTES]);
/* A key escaped as a part of a JSON pointer (RFC 6901), cut to fit. */
const char *pipeline_pointer_part(const char *key, char part[POINTER_PART_BYTES]);

/* pipeline_retry.c: max_retries, retry, non_retryable, the time limits, on_exhausted. */
enum err MUST_CHECK pipeline_read_retry(struct pipeline_build *b, uint32_t i,
                                        const struct doc_value *step);
void pipeline_put_retry(struct buf *out, const struct pipeline_step *s);
/* pipeline_failure.c: on_failure, finally. */
enum err MUST_CHECK pipeline_read_failure(struct pipeline_build *b, uint32_t i,
                                          const struct doc_value *step);
void pipeline_put_failure(struct buf *out, const struct pipeline_step *s);
/* A finally step needs all others, however they end. */
void pipeline_link_finally(struct pipeline_build *b, uint32_t i);

/* pipeline_order.c: priority, requires; pipeline_shared.c: concurrency, rate_limit. */
enum err MUST_CHECK pipeline_read_order_top(struct pipeline_build *b, const struct doc_value *root);
enum err MUST_CHECK pipeline_read_order(struct pipeline_build *b, uint32_t i);
void pipeline_put_order(struct buf *out, const struct pipeline_step *s);
/* pipeline_budget.c: budget, cost. */
enum err MUST_CHECK pipeline_read_budget(struct pipeline_build *b, const struct doc_value *root);
enum err MUST_CHECK pipeline_read_cost(struct pipeline_build *b, uint32_t i,
                                       const struct doc_value *step);
void pipeline_put_cost(struct buf *out, const struct pipeline_step *s); /* ,"cost":{...} */

enum err MUST_CHECK pipeline_read_shared_top(struct pipeline_build *b,
                                             const struct doc_value *root);
enum err MUST_CHECK pipeline_read_shared(struct pipeline_build *b, uint32_t i);
void pipeline_put_shared(struct buf *out, const struct pipeline_step *s);
/* pipeline_wait.c: wait steps. */
enum err MUST_CHECK pipeline_read_wait(struct pipeline_build *b, uint32_t i,
                                       const struct doc_value *step);
void pipeline_put_wait(struct buf *out, const struct pipeline_wait *w); /* "wait":{...} */

/* pipeline_expr.c. read_expr: a field that is one expression, bare or within ${ }, without `item`.
 * read_expr_of: the same for a value deeper in the step. read_template: a field whose strings are
 * templates (NULL if they contain no expression). roots: bit mask of the allowed ones. */
enum err MUST_CHECK pipeline_read_expr(struct pipeline_build *b, uint32_t step, const char *field,
                                       struct expr **ret_expr);
enum err MUST_CHECK pipeline_read_expr_of(struct pipeline_build *b, uint32_t step,
                                          const char *field, const struct doc_value *value,
                                          struct expr **ret_expr);
enum err MUST_CHECK pipeline_read_template(struct pipeline_build *b, uint32_t step,
                                           const char *field, uint32_t roots,
                                           struct template **ret_template);
/* The same for a value from elsewhere; errors name `field`. */
enum err MUST_CHECK pipeline_read_template_of(struct pipeline_build *b, uint32_t step,
                                              const struct doc_value *value, const char *field,
                                              uint32_t roots, struct template **ret_template);
/* Checks all parsed expressions: the steps that they read exist and are ancestors. */
enum err MUST_CHECK pipeline_link_exprs(struct pipeline_build *b);

/* pipeline_nest.c: steps that are pipelines. Finds the places of all steps, nested ones included,
 * and allocates p->steps. */
enum err MUST_CHECK pipeline_read_places(struct pipeline_build *b);
enum err MUST_CHECK pipeline_read_joint(struct pipeline_build *b, uint32_t i);
/* The step that step `of` calls by this name, or NULL. */
struct pipeline_step *pipeline_named(const struct pipeline_build *b, uint32_t of,
                                     struct bytes name);
/* The first steps of a nested pipeline get the `needs` of its join; the join needs its last
 * steps. */
void pipeline_link_joints(struct pipeline_build *b);

enum err MUST_CHECK pipeline_read(struct pipeline_build *b, const struct doc_value *root);
/* for_each and its options (pipeline_each.c). */
enum err MUST_CHECK pipeline_read_each(struct pipeline_build *b, uint32_t step);
enum err MUST_CHECK pipeline_link(struct pipeline_build *b);
/* Also moves the steps' inputs into the source. */
enum err MUST_CHECK pipeline_write_source(struct pipeline_build *b);

#endif
