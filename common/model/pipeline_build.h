/* Inside of pipeline_parse: what its stages share. Stages, in this order: pipeline_read (fields of
 * the text), pipeline_link (needs, feeds, no circles), pipeline_link_exprs (the steps that
 * expressions read), pipeline_write_source (canonical text and its hash). Pure. */
#ifndef MARATHON_MODEL_PIPELINE_BUILD_H
#define MARATHON_MODEL_PIPELINE_BUILD_H

#include "base/bytes.h"
#include "base/map.h"
#include "json/doc.h"
#include "model/pipeline.h"

/* A pipeline and its memory. The public part comes first, so that a pointer to one is a pointer to
 * the other. */
struct pipeline_memory {
    struct pipeline pipeline;
    struct arena arena;
    struct pipeline *of; /* in which all that it points to lies; held. NULL: in the arena */
};

/* An expression that was read, until the graph is there to check what it refers to. */
struct pipeline_expr {
    uint32_t step;
    struct expr *expr;
    const char *field; /* "when", "input/a/0" */
};

/* Where a step stands in the text. */
struct pipeline_place {
    const struct doc_value *value;
    const char *pointer;
    const char *prefix; /* of the names of its pipeline's steps: "shop/", or "" */
    uint32_t depth;
    uint32_t parent; /* index of the step whose pipeline it belongs to, or STEP_NONE */
    uint32_t before; /* index of the step before it in its pipeline, or STEP_NONE */
    uint32_t first;  /* of a step that is a whole pipeline: the first of its steps */
};

struct pipeline_build {
    struct pipeline *p;
    struct arena *arena;           /* of the pipeline */
    struct arena scratch;          /* freed when the parse is over */
    const struct doc_value *steps; /* the array in the text */
    const char *steps_pointer;     /* "/steps", or "" where the text is the bare array */
    struct pipeline_place *places; /* one for each step */
    uint32_t place_count, place_cap;
    struct map names; /* step name -> struct pipeline_step in p->steps */
    struct pipeline_expr *exprs;
    uint32_t expr_count, expr_cap;
    const char *requires;                       /* the definition's own, NULL = none */
    const struct doc_value *concurrency, *rate; /* likewise */
    struct pipeline_fault *fault;
};

/* Tell what is wrong with a whole-definition field, or with a field of a step ("needs/0"; "" = the
 * step itself); return e. */
enum err pipeline_fault_top(struct pipeline_build *b, enum err e, const char *field,
                            const char *format, ...) __attribute__((format(printf, 4, 5)));
enum err pipeline_fault_step(struct pipeline_build *b, uint32_t step, enum err e, const char *field,
                             const char *format, ...) __attribute__((format(printf, 5, 6)));

/* ---- what the readers of fields share ---- */

#define POINTER_PART_BYTES 100
#define FIELD_LIST_BYTES   400

const char *pipeline_kind_name(const struct doc_value *v); /* "an object": for texts of faults */
/* The first member that is none of the known fields (NULL behind the last), or NULL. */
const char *pipeline_unknown_field(const struct doc_value *object, const char *const *known);
/* "a, b and c" of them: says what would be right. */
const char *pipeline_field_list(const char *const *known, char list[FIELD_LIST_BYTES]);
/* A key as a part of a JSON pointer (RFC 6901), cut to fit. */
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
/* pipeline_wait.c: steps that wait. */
enum err MUST_CHECK pipeline_read_wait(struct pipeline_build *b, uint32_t i,
                                       const struct doc_value *step);
void pipeline_put_wait(struct buf *out, const struct pipeline_wait *w); /* "wait":{...} */

/* pipeline_expr.c: a field that is one expression, as it is or within ${ }, without `item`; the
 * same of a value deeper in the step; one whose strings are templates (NULL where they hold no
 * expression). roots: those that it may use. */
enum err MUST_CHECK pipeline_read_expr(struct pipeline_build *b, uint32_t step, const char *field,
                                       struct expr **ret_expr);
enum err MUST_CHECK pipeline_read_expr_of(struct pipeline_build *b, uint32_t step,
                                          const char *field, const struct doc_value *value,
                                          struct expr **ret_expr);
enum err MUST_CHECK pipeline_read_template(struct pipeline_build *b, uint32_t step,
                                           const char *field, uint32_t roots,
                                           struct template **ret_template);
/* The same of a value that stands elsewhere; faults are told of the field. */
enum err MUST_CHECK pipeline_read_template_of(struct pipeline_build *b, uint32_t step,
                                              const struct doc_value *value, const char *field,
                                              uint32_t roots, struct template **ret_template);
/* All expressions that were read: their steps are there, and ancestors. */
enum err MUST_CHECK pipeline_link_exprs(struct pipeline_build *b);

/* pipeline_nest.c: steps that are pipelines. Finds the places of all steps, those within others
 * too, and makes room for them in p->steps. */
enum err MUST_CHECK pipeline_read_places(struct pipeline_build *b);
enum err MUST_CHECK pipeline_read_joint(struct pipeline_build *b, uint32_t i);
/* A step by the name that it has for step `of`; NULL where there is none. */
struct pipeline_step *pipeline_named(const struct pipeline_build *b, uint32_t of,
                                     struct bytes name);
/* Those that begin a pipeline within need what its step needs; that one needs those that end it. */
void pipeline_link_joints(struct pipeline_build *b);

enum err MUST_CHECK pipeline_read(struct pipeline_build *b, const struct doc_value *root);
/* for_each and what belongs to it (pipeline_each.c). */
enum err MUST_CHECK pipeline_read_each(struct pipeline_build *b, uint32_t step);
enum err MUST_CHECK pipeline_link(struct pipeline_build *b);
/* Moves the inputs of the steps into the source. */
enum err MUST_CHECK pipeline_write_source(struct pipeline_build *b);

#endif
