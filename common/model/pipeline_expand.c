#include "model/pipeline_expand.h"

#include <stdio.h>

#include "json/scan.h"
#include "model/limits.h"

struct expand {
    const struct pipeline_library *library;
    struct buf *out;
    struct pipeline_fault *fault;
    /* names of the enclosing stored pipelines */
    struct bytes path[PIPELINE_DEPTH_MAX + 1];
    uint32_t depth;
    size_t step;     /* index in the definition that is expanded, for faults */
    uint32_t within; /* number of enclosing inline pipelines */
    bool array;
};

static enum err fail(struct expand *x, enum err e, const char *what, struct bytes name)
{
    (void)snprintf(x->fault->pointer, sizeof x->fault->pointer, "%s/%zu/pipeline",
                   x->array ? "" : "/steps", x->step);
    struct buf path = {0};
    for (uint32_t i = 0; i < x->depth; i++) {
        buf_addf(&path, "%.*s > ", (int)x->path[i].len, (const char *)x->path[i].ptr);
    }
    (void)snprintf(x->fault->detail, sizeof x->fault->detail, "%s: %s%.*s", what, buf_cstr(&path),
                   (int)name.len, (const char *)name.ptr);
    buf_free(&path);
    return e;
}

static enum err put_steps(struct expand *x, struct bytes steps);

/* Appends a stored pipeline as the value of "pipeline". */
static enum err put_named(struct expand *x, struct bytes name)
{
    for (uint32_t i = 0; i < x->depth; i++) {
        if (bytes_eq(x->path[i], name)) {
            return fail(x, ERR_INVALID, "a pipeline must not contain itself", name);
        }
    }
    const struct pipeline *p = x->library->find(x->library->context, name);
    if (p == NULL) {
        return fail(x, ERR_NOT_FOUND, "there is no pipeline with this name", name);
    }
    if (x->depth == PIPELINE_DEPTH_MAX) {
        return fail(x, ERR_TOO_LARGE, "pipelines are nested in pipelines more than 8 levels deep",
                    name);
    }
    buf_addf(x->out, "{\"name\":\"%s\",\"version\":%u,\"steps\":", p->name, p->version);
    x->path[x->depth++] = name;
    enum err e = put_steps(x, json_member(p->source, "steps"));
    x->depth--;
    buf_add_char(x->out, '}');
    return e;
}

/* Appends an inline pipeline, which may name others. */
static enum err put_inline(struct expand *x, struct bytes pipeline)
{
    struct bytes key, value;
    enum err e = ERR_OK;
    const char *comma = "";
    x->within++;
    buf_add_char(x->out, '{');
    for (struct json_walk w = json_walk(pipeline); e == ERR_OK && json_next(&w, &key, &value);) {
        buf_addf(x->out, "%s\"%.*s\":", comma, (int)key.len, (const char *)key.ptr);
        if (bytes_is(key, "steps")) {
            e = put_steps(x, value);
        } else {
            buf_add_bytes(x->out, value);
        }
        comma = ",";
    }
    x->within--;
    buf_add_char(x->out, '}');
    return e;
}

static enum err put_step(struct expand *x, struct bytes step)
{
    struct bytes key, value;
    enum err e = ERR_OK;
    const char *comma = "";
    buf_add_char(x->out, '{');
    for (struct json_walk w = json_walk(step); e == ERR_OK && json_next(&w, &key, &value);) {
        buf_addf(x->out, "%s\"%.*s\":", comma, (int)key.len, (const char *)key.ptr);
        if (!bytes_is(key, "pipeline")) {
            buf_add_bytes(x->out, value);
        } else if (json_kind_of(value) == JSON_STRING) {
            e = put_named(x, bytes_part(value, 1, value.len - 2)); /* an id, so without escapes */
        } else {
            e = put_inline(x, value);
        }
        comma = ",";
    }
    buf_add_char(x->out, '}');
    if (e == ERR_OK && x->out->len > PIPELINE_BYTES_MAX) {
        return fail(x, ERR_TOO_LARGE,
                    "the definition, with the pipelines inside it, is larger than 3 MiB",
                    BYTES_NONE);
    }
    return e;
}

/* The recursion is bounded by the nesting of pipelines: inline ones were counted when they were
 * parsed, named ones are counted here. */
static enum err put_steps(struct expand *x, struct bytes steps)
{
    struct bytes key, step;
    enum err e = ERR_OK;
    size_t i = 0;
    bool top = x->depth == 0 && x->within == 0;
    buf_add_char(x->out, '[');
    for (struct json_walk w = json_walk(steps); e == ERR_OK && json_next(&w, &key, &step); i++) {
        x->step = top ? i : x->step;
        buf_add_str(x->out, i > 0 ? "," : "");
        e = put_step(x, step);
    }
    buf_add_char(x->out, ']');
    return e;
}

enum err pipeline_expand(const struct pipeline *p, const struct pipeline_library *l,
                         struct buf *out, struct pipeline_fault *ret_fault)
{
    struct expand x = {.library = l, .out = out, .fault = ret_fault};
    x.array = p->name[0] == '\0';
    if (x.array) {
        return put_steps(&x, p->source);
    }
    struct bytes key, value;
    enum err e = ERR_OK;
    const char *comma = "";
    buf_add_char(out, '{');
    for (struct json_walk w = json_walk(p->source); e == ERR_OK && json_next(&w, &key, &value);) {
        buf_addf(out, "%s\"%.*s\":", comma, (int)key.len, (const char *)key.ptr);
        if (bytes_is(key, "steps")) {
            e = put_steps(&x, value);
        } else {
            buf_add_bytes(out, value);
        }
        comma = ",";
    }
    buf_add_char(out, '}');
    return e;
}
