/* Reads the fields of a definition: required, known, of the right type, within their bounds. */
#include "model/pipeline_build.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/id.h"
#include "model/limits.h"

#define NAME_RULE "a string of 1 to 128 of the characters A-Z a-z 0-9 _ . : -"

static const char *const pipeline_fields[] = {"name",        "description", "priority",
                                              "concurrency", "rate_limit",  "requires",
                                              "budget",      "steps",       NULL};
static const char *const step_fields[] = {"name",
                                          "function",
                                          "description",
                                          "timeout",
                                          "retryable",
                                          "max_retries",
                                          "needs",
                                          "when",
                                          "input",
                                          "on_failure",
                                          "finally",
                                          "wait",
                                          "retry",
                                          "non_retryable",
                                          "timeout_total",
                                          "queue_timeout",
                                          "progress_timeout",
                                          "on_exhausted",
                                          "pipeline",
                                          "for_each",
                                          "max_parallel",
                                          "tolerate",
                                          "requires",
                                          "cost",
                                          "concurrency",
                                          "rate_limit",
                                          NULL};

const char *pipeline_kind_name(const struct doc_value *v)
{
    switch (doc_kind(v)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_NUMBER:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        break;
    }
    return "null";
}

const char *pipeline_unknown_field(const struct doc_value *object, const char *const *known)
{
    const char *key;
    for (size_t i = 0; doc_member(object, i, &key) != NULL; i++) {
        size_t k = 0;
        while (known[k] != NULL && strcmp(known[k], key) != 0) {
            k++;
        }
        if (known[k] == NULL) {
            return key;
        }
    }
    return NULL;
}

const char *pipeline_pointer_part(const char *key, char part[POINTER_PART_BYTES])
{
    size_t len = 0;
    for (; *key != '\0' && len < POINTER_PART_BYTES - 3; key++) {
        if (*key == '~' || *key == '/') {
            part[len++] = '~';
            part[len++] = *key == '~' ? '0' : '1';
        } else {
            part[len++] = *key;
        }
    }
    part[len] = '\0';
    return part;
}

const char *pipeline_field_list(const char *const *known, char list[FIELD_LIST_BYTES])
{
    size_t at = 0;
    for (size_t k = 0; known[k] != NULL; k++) {
        const char *between = k == 0 ? "" : known[k + 1] == NULL ? " and " : ", ";
        int n = snprintf(list + at, FIELD_LIST_BYTES - at, "%s%s", between, known[k]);
        assert(n > 0 && at + (size_t)n < FIELD_LIST_BYTES);
        at += (size_t)n;
    }
    return list;
}

static bool is_name(const struct doc_value *v)
{
    return doc_kind(v) == JSON_STRING && id_valid(doc_string(v));
}

/* Why v cannot be a description, or NULL. */
static const char *description_fault(const struct doc_value *v, enum err *ret_err)
{
    struct bytes text = doc_string(v);
    *ret_err = ERR_INVALID;
    if (v == NULL) {
        return NULL;
    }
    if (doc_kind(v) != JSON_STRING) {
        return "description must be a string";
    }
    if (text.len > DESCRIPTION_BYTES_MAX) {
        *ret_err = ERR_TOO_LARGE;
        return "description is longer than 1024 bytes";
    }
    if (text.len > 0 && memchr(text.ptr, 0, text.len) != NULL) {
        return "description must not contain U+0000";
    }
    return NULL;
}

static const char *keep_text(struct pipeline_build *b, const struct doc_value *v)
{
    return (const char *)arena_bytes(b->arena, doc_string(v)).ptr;
}

/* A step's name; defaults to that of its function in an inline definition. */
static enum err read_step_name(struct pipeline_build *b, uint32_t i, const struct doc_value *step)
{
    const struct doc_value *function = doc_get(step, "function");
    const struct doc_value *name = doc_get(step, "name");
    bool inlined = b->steps_pointer[0] == '\0';
    struct pipeline_step *s = &b->p->steps[i];
    bool waits = doc_get(step, "wait") != NULL || doc_get(step, "pipeline") != NULL;
    if (!waits && !is_name(function)) {
        return pipeline_fault_step(
            b, i, ERR_INVALID, function != NULL ? "function" : "", "%s: it must be " NAME_RULE,
            function != NULL ? "not the name of a function" : "function is missing");
    }
    if (name == NULL && inlined) {
        name = function;
    }
    if (!is_name(name)) {
        return pipeline_fault_step(b, i, ERR_INVALID, name != NULL ? "name" : "",
                                   "%s: it must be " NAME_RULE,
                                   name != NULL ? "not the name of a step" : "name is missing");
    }
    s->function = waits ? "" : keep_text(b, function);
    s->own_name = name == function ? s->function : keep_text(b, name);
    s->name = s->own_name;
    if (b->places[i].prefix[0] != '\0') {
        s->name = arena_printf(b->arena, "%s%s", b->places[i].prefix, s->own_name);
    }
    const struct pipeline_step *taken = map_put(&b->names, bytes_str(s->name), s);
    if (taken != NULL) {
        bool given = name != function;
        return pipeline_fault_step(b, i, ERR_INVALID, given ? "name" : "",
                                   "%s \"%s\", which step_%td has already; names must be unique",
                                   given ? "duplicate name"
                                         : "without a name it gets that of its function,",
                                   s->name, taken - b->p->steps);
    }
    return ERR_OK;
}

static enum err read_retryable(struct pipeline_build *b, uint32_t i, const struct doc_value *step)
{
    struct pipeline_step *s = &b->p->steps[i];
    const struct doc_value *retryable = doc_get(step, "retryable");
    s->retryable = retryable == NULL || doc_bool(retryable);
    if (retryable != NULL && doc_kind(retryable) != JSON_TRUE &&
        doc_kind(retryable) != JSON_FALSE) {
        return pipeline_fault_step(b, i, ERR_INVALID, "retryable",
                                   "retryable must be true or false, not %s",
                                   pipeline_kind_name(retryable));
    }
    return ERR_OK;
}

static enum err read_input(struct pipeline_build *b, uint32_t i, const struct doc_value *input)
{
    if (input == NULL) {
        return ERR_OK;
    }
    if (doc_kind(input) != JSON_OBJECT) {
        return pipeline_fault_step(b, i, ERR_INVALID, "input", "input must be an object, not %s",
                                   pipeline_kind_name(input));
    }
    struct buf text = {0};
    doc_write(input, &text);
    b->p->steps[i].input = arena_bytes(&b->scratch, buf_bytes(&text));
    buf_free(&text);
    if (b->p->steps[i].input.len > INPUT_BYTES_MAX) {
        return pipeline_fault_step(b, i, ERR_TOO_LARGE, "input",
                                   "input is larger than %u bytes; put larger data in files",
                                   INPUT_BYTES_MAX);
    }
    uint32_t roots = b->p->steps[i].for_each != NULL ? EXPR_ROOTS_ALL : EXPR_ROOTS_STEP;
    return pipeline_read_template(b, i, "input", roots, &b->p->steps[i].input_template);
}

static enum err read_when(struct pipeline_build *b, uint32_t i, const struct doc_value *when)
{
    if (when == NULL) {
        return ERR_OK;
    }
    b->p->steps[i].resolves = true;
    return pipeline_read_expr(b, i, "when", &b->p->steps[i].when);
}

static enum err read_step(struct pipeline_build *b, uint32_t i)
{
    const struct doc_value *step = b->places[i].value;
    if (doc_kind(step) != JSON_OBJECT) {
        return pipeline_fault_step(b, i, ERR_INVALID, "", "a step must be an object, not %s",
                                   pipeline_kind_name(step));
    }
    const char *unknown = pipeline_unknown_field(step, step_fields);
    if (unknown != NULL) {
        char part[POINTER_PART_BYTES];
        char list[FIELD_LIST_BYTES];
        return pipeline_fault_step(b, i, ERR_INVALID, pipeline_pointer_part(unknown, part),
                                   "unknown field \"%.100s\"; a step has %s", unknown,
                                   pipeline_field_list(step_fields, list));
    }
    enum err e = pipeline_read_wait(b, i, step);
    if (e == ERR_OK) {
        e = pipeline_read_joint(b, i);
    }
    if (e == ERR_OK) {
        e = read_step_name(b, i, step);
    }
    if (e != ERR_OK) {
        return e;
    }
    const struct doc_value *description = doc_get(step, "description");
    const char *wrong = description_fault(description, &e);
    if (wrong != NULL) {
        return pipeline_fault_step(b, i, e, "description", "%s", wrong);
    }
    b->p->steps[i].description = description != NULL ? keep_text(b, description) : "";
    e = read_retryable(b, i, step);
    if (e == ERR_OK) {
        e = pipeline_read_retry(b, i, step);
    }
    if (e == ERR_OK) {
        e = pipeline_read_cost(b, i, step);
    }
    if (e == ERR_OK) {
        e = pipeline_read_each(b, i);
    }
    if (e == ERR_OK) {
        e = read_input(b, i, doc_get(step, "input"));
    }
    if (e == ERR_OK) {
        e = read_when(b, i, doc_get(step, "when"));
    }
    if (e == ERR_OK) {
        e = pipeline_read_order(b, i);
    }
    if (e == ERR_OK) {
        e = pipeline_read_shared(b, i);
    }
    if (e == ERR_OK) {
        e = pipeline_read_failure(b, i, step);
    }
    return e;
}

static enum err read_head(struct pipeline_build *b, const struct doc_value *root)
{
    const char *unknown = pipeline_unknown_field(root, pipeline_fields);
    if (unknown != NULL) {
        char part[POINTER_PART_BYTES];
        char list[FIELD_LIST_BYTES];
        return pipeline_fault_top(b, ERR_INVALID, pipeline_pointer_part(unknown, part),
                                  "unknown field \"%.100s\"; a pipeline has %s", unknown,
                                  pipeline_field_list(pipeline_fields, list));
    }
    const struct doc_value *name = doc_get(root, "name");
    if (!is_name(name)) {
        return pipeline_fault_top(b, ERR_INVALID, name != NULL ? "name" : "",
                                  "%s: it must be " NAME_RULE,
                                  name != NULL ? "not the name of a pipeline" : "name is missing");
    }
    const struct doc_value *description = doc_get(root, "description");
    enum err e;
    const char *wrong = description_fault(description, &e);
    if (wrong != NULL) {
        return pipeline_fault_top(b, e, "description", "%s", wrong);
    }
    b->p->name = keep_text(b, name);
    b->p->description = description != NULL ? keep_text(b, description) : "";
    e = pipeline_read_order_top(b, root);
    if (e == ERR_OK) {
        e = pipeline_read_budget(b, root);
    }
    if (e == ERR_OK) {
        e = pipeline_read_shared_top(b, root);
    }
    if (e != ERR_OK) {
        return e;
    }
    b->steps = doc_get(root, "steps");
    b->steps_pointer = "/steps";
    if (b->steps == NULL) {
        return pipeline_fault_top(b, ERR_INVALID, "",
                                  "steps is missing: it must be an array of steps");
    }
    return ERR_OK;
}

enum err pipeline_read(struct pipeline_build *b, const struct doc_value *root)
{
    b->p->name = "";
    b->p->description = "";
    b->steps = root;
    if (doc_kind(root) == JSON_OBJECT) {
        enum err e = read_head(b, root);
        if (e != ERR_OK) {
            return e;
        }
    } else if (doc_kind(root) != JSON_ARRAY) {
        return pipeline_fault_top(
            b, ERR_INVALID, "",
            "a definition must be a pipeline object or an array of steps, not %s",
            pipeline_kind_name(root));
    }
    const char *field = b->steps_pointer[0] != '\0' ? "steps" : "";
    size_t count = doc_count(b->steps);
    if (doc_kind(b->steps) != JSON_ARRAY || count < 1) {
        return pipeline_fault_top(
            b, ERR_INVALID, field, "steps must be an array of 1 to %u steps, not %s", STEPS_MAX,
            doc_kind(b->steps) == JSON_ARRAY ? "an empty one" : pipeline_kind_name(b->steps));
    }
    if (count > STEPS_MAX) {
        return pipeline_fault_top(b, ERR_TOO_LARGE, field,
                                  "steps has %zu entries, at most %u are allowed", count,
                                  STEPS_MAX);
    }
    enum err places = pipeline_read_places(b);
    if (places != ERR_OK) {
        return places;
    }
    for (uint32_t i = 0; i < b->p->step_count; i++) {
        enum err e = read_step(b, i);
        if (e != ERR_OK) {
            return e;
        }
    }
    return ERR_OK;
}
