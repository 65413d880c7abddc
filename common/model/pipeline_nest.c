/* Steps that are pipelines: expanded in place, so that a task has one graph. */
#include <stdio.h>
#include <stdlib.h>

#include "base/id.h"
#include "model/limits.h"
#include "model/pipeline_build.h"

#define JOINT_RULE                                                                                 \
    "pipeline must be the name of a stored pipeline, or an inline one: {\"steps\": [...]}"

static const char *const nested_fields[] = {"name", "version", "description", "steps", NULL};
/* The only fields of a step that is a pipeline: those about running a function belong to its
 * steps. */
static const char *const fields_beside_pipeline[] = {"name",  "description", "needs", "when",
                                                     "input", "pipeline",    NULL};

static enum err fault_at(struct pipeline_build *b, enum err e, const char *pointer,
                         const char *detail)
{
    (void)snprintf(b->fault->pointer, sizeof b->fault->pointer, "%s", pointer);
    (void)snprintf(b->fault->detail, sizeof b->fault->detail, "%s", detail);
    return e;
}

/* A list of steps and its place in the text. */
struct level {
    const struct doc_value *steps;
    const char *pointer, *prefix;
    uint32_t depth;
};

static enum err add_level(struct pipeline_build *b, struct level l);

/* Adds the steps of a step's inline pipeline. */
static enum err add_nested(struct pipeline_build *b, struct level l, const struct doc_value *step,
                           const char *pointer)
{
    const struct doc_value *pipeline = doc_get(step, "pipeline");
    const struct doc_value *steps = doc_get(pipeline, "steps");
    const char *at = arena_printf(&b->scratch, "%s/pipeline", pointer);
    struct bytes name = doc_string(doc_get(step, "name"));
    if (doc_kind(pipeline) != JSON_OBJECT) {
        return ERR_OK; /* it is a name, or an error that is reported when the step is read */
    }
    const char *unknown = pipeline_unknown_field(pipeline, nested_fields);
    if (unknown != NULL || doc_kind(steps) != JSON_ARRAY || doc_count(steps) == 0) {
        return fault_at(b, ERR_INVALID, at, JOINT_RULE);
    }
    if (l.depth == PIPELINE_DEPTH_MAX) {
        return fault_at(b, ERR_TOO_LARGE, at,
                        "pipelines are nested in pipelines more than 8 levels deep");
    }
    struct level below = {.steps = steps, .depth = l.depth + 1};
    below.pointer = arena_printf(&b->scratch, "%s/steps", at);
    below.prefix =
        arena_printf(&b->scratch, "%s%.*s/", l.prefix, (int)name.len, (const char *)name.ptr);
    return add_level(b, below);
}

/* The recursion is bounded by the nesting of pipelines. */
static enum err add_level(struct pipeline_build *b, struct level l)
{
    uint32_t before = STEP_NONE;
    for (size_t i = 0; i < doc_count(l.steps); i++) {
        const struct doc_value *step = doc_at(l.steps, i);
        uint32_t first = b->place_count;
        const char *pointer = arena_printf(&b->scratch, "%s/%zu", l.pointer, i);
        enum err e = add_nested(b, l, step, pointer);
        if (e != ERR_OK) {
            return e;
        }
        if (b->place_count == STEPS_MAX) {
            return fault_at(b, ERR_TOO_LARGE, l.pointer,
                            "the pipeline, with the pipelines inside it, has more than 5000 steps");
        }
        for (uint32_t k = first; k < b->place_count; k++) {
            if (b->places[k].depth == l.depth + 1) {
                b->places[k].parent = b->place_count;
            }
        }
        MEM_GROW(b->places, b->place_count, b->place_cap);
        b->places[b->place_count] = (struct pipeline_place){.value = step,
                                                            .pointer = pointer,
                                                            .prefix = l.prefix,
                                                            .depth = l.depth,
                                                            .parent = STEP_NONE,
                                                            .before = before,
                                                            .first = first};
        before = b->place_count++;
    }
    return ERR_OK;
}

enum err pipeline_read_places(struct pipeline_build *b)
{
    enum err e =
        add_level(b, (struct level){.steps = b->steps, .pointer = b->steps_pointer, .prefix = ""});
    if (e == ERR_OK) {
        b->p->steps = arena_alloc(b->arena, b->place_count * sizeof *b->p->steps);
        b->p->step_count = b->place_count;
    }
    return e;
}

enum err pipeline_read_joint(struct pipeline_build *b, uint32_t i)
{
    const struct pipeline_place *place = &b->places[i];
    const struct doc_value *pipeline = doc_get(place->value, "pipeline");
    struct pipeline_step *s = &b->p->steps[i];
    s->parent = place->parent;
    s->first = place->first;
    s->pipeline = "";
    if (place->parent != STEP_NONE && doc_bool(doc_get(place->value, "finally"))) {
        return pipeline_fault_step(
            b, i, ERR_INVALID, "finally",
            "a pipeline that is a step of another one cannot have finally steps");
    }
    if (pipeline == NULL) {
        return ERR_OK;
    }
    const char *misplaced = pipeline_unknown_field(place->value, fields_beside_pipeline);
    if (misplaced != NULL) {
        return pipeline_fault_step(
            b, i, ERR_INVALID, misplaced,
            "a step that is a pipeline cannot have %s: the steps inside it can", misplaced);
    }
    bool named = doc_kind(pipeline) == JSON_STRING;
    const struct doc_value *name = named ? pipeline : doc_get(pipeline, "name");
    const struct doc_value *version = doc_get(pipeline, "version");
    bool good_version = version == NULL || (doc_is_int(version) && doc_int(version) >= 0 &&
                                            doc_int(version) <= UINT32_MAX);
    if ((name != NULL && (doc_kind(name) != JSON_STRING || !id_valid(doc_string(name)))) ||
        (!named && doc_kind(pipeline) != JSON_OBJECT) || !good_version) {
        return pipeline_fault_step(b, i, ERR_INVALID, "pipeline", JOINT_RULE);
    }
    s->joins = true;
    s->resolves = true;
    s->pipeline = name != NULL ? (const char *)arena_bytes(b->arena, doc_string(name)).ptr : "";
    s->pipeline_version = (uint32_t)doc_int(version);
    b->p->named_count += named;
    return ERR_OK;
}

struct pipeline_step *pipeline_named(const struct pipeline_build *b, uint32_t of, struct bytes name)
{
    struct buf whole = {0};
    buf_add_str(&whole, b->places[of].prefix);
    buf_add_bytes(&whole, name);
    struct pipeline_step *s = map_get(&b->names, buf_bytes(&whole));
    buf_free(&whole);
    return s;
}

/* Marks the pipeline's steps that no other step of it needs; returns their number. */
static uint32_t mark_last(const struct pipeline *p, uint32_t joint, bool *last)
{
    uint32_t first = p->steps[joint].first, count = 0;
    for (uint32_t i = first; i < joint; i++) {
        last[i] = p->steps[i].parent == joint;
    }
    for (uint32_t i = first; i < joint; i++) {
        for (uint32_t n = 0; p->steps[i].parent == joint && n < p->steps[i].needs_count; n++) {
            last[p->steps[i].needs[n]] = false;
        }
    }
    for (uint32_t i = first; i < joint; i++) {
        count += last[i];
    }
    return count;
}

static void link_joint(struct pipeline_build *b, uint32_t joint, bool *last)
{
    struct pipeline *p = b->p;
    struct pipeline_step *s = &p->steps[joint];
    uint32_t count = mark_last(p, joint, last);
    for (uint32_t i = s->first; i < joint; i++) {
        /* its `when` applies to them too */
        p->steps[i].resolves = p->steps[i].resolves || s->when != NULL;
    }
    for (uint32_t i = s->first; i < joint; i++) {
        if (p->steps[i].parent == joint && p->steps[i].needs_count == 0) {
            p->steps[i].needs = s->needs;
            p->steps[i].needs_count = s->needs_count;
        }
    }
    s->outer_needs = s->needs != NULL ? s->needs : arena_alloc(b->arena, sizeof *s->needs);
    s->outer_needs_count = s->needs_count;
    s->needs = arena_alloc(b->arena, count * sizeof *s->needs);
    s->needs_count = 0;
    for (uint32_t i = s->first; i < joint; i++) {
        if (last[i]) {
            s->needs[s->needs_count++] = i;
        }
    }
}

/* From the outermost to the innermost joins, which have lower indexes: so the needs of a pipeline
 * are passed on to the first steps of those nested in it. */
void pipeline_link_joints(struct pipeline_build *b)
{
    struct pipeline *p = b->p;
    bool *last = arena_alloc(&b->scratch, p->step_count);
    for (uint32_t j = p->step_count; j-- > 0;) {
        if (p->steps[j].joins && p->steps[j].first < j) {
            link_joint(b, j, last);
        }
    }
}
