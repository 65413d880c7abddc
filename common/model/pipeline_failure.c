/* The effect of a step's final failure on its task (`on_failure`), and the steps that run at the
 * end in any case (`finally`). */
#include "model/pipeline_build.h"

#include "model/limits.h"

#define ON_FAILURE_RULE                                                                            \
    "on_failure must be \"fail\" (the task fails; the default), \"skip\" (what depends on the "    \
    "step is skipped) or {\"continue\": <the result to go on with>}"

static enum err read_continue(struct pipeline_build *b, uint32_t i, const struct doc_value *value)
{
    struct pipeline_step *s = &b->p->steps[i];
    const struct doc_value *result = doc_get(value, "continue");
    if (result == NULL || doc_count(value) != 1) {
        return pipeline_fault_step(b, i, ERR_INVALID, "on_failure", ON_FAILURE_RULE);
    }
    struct buf text = {0};
    doc_write(result, &text);
    s->on_failure = ON_FAILURE_CONTINUE;
    s->failure_result = arena_bytes(b->arena, buf_bytes(&text));
    buf_free(&text);
    if (s->failure_result.len > INPUT_BYTES_MAX) {
        return pipeline_fault_step(b, i, ERR_TOO_LARGE, "on_failure/continue",
                                   "the result to continue with is larger than %u bytes",
                                   INPUT_BYTES_MAX);
    }
    return ERR_OK;
}

static enum err read_on_failure(struct pipeline_build *b, uint32_t i, const struct doc_value *value)
{
    struct pipeline_step *s = &b->p->steps[i];
    if (value == NULL || (doc_kind(value) == JSON_STRING && bytes_is(doc_string(value), "fail"))) {
        s->on_failure = ON_FAILURE_FAIL;
        return ERR_OK;
    }
    if (doc_kind(value) == JSON_STRING && bytes_is(doc_string(value), "skip")) {
        s->on_failure = ON_FAILURE_SKIP;
        return ERR_OK;
    }
    if (doc_kind(value) == JSON_OBJECT) {
        return read_continue(b, i, value);
    }
    return pipeline_fault_step(b, i, ERR_INVALID, "on_failure", ON_FAILURE_RULE);
}

static enum err read_finally(struct pipeline_build *b, uint32_t i, const struct doc_value *step)
{
    const struct doc_value *value = doc_get(step, "finally");
    struct pipeline_step *s = &b->p->steps[i];
    if (value != NULL && doc_kind(value) != JSON_TRUE && doc_kind(value) != JSON_FALSE) {
        return pipeline_fault_step(b, i, ERR_INVALID, "finally",
                                   "finally must be true or false, not %s",
                                   pipeline_kind_name(value));
    }
    s->finally = value != NULL && doc_bool(value);
    if (!s->finally) {
        if (i > 0 && b->p->steps[i - 1].finally) {
            return pipeline_fault_step(
                b, i, ERR_INVALID, "",
                "it comes after \"%s\", which is a finally step: these must be last in the list",
                b->p->steps[i - 1].name);
        }
        return ERR_OK;
    }
    if (i == 0) {
        return pipeline_fault_step(
            b, i, ERR_INVALID, "finally",
            "a finally step runs after all other steps, and there are none before it");
    }
    if (doc_get(step, "needs") != NULL) {
        return pipeline_fault_step(
            b, i, ERR_INVALID, "needs",
            "a finally step cannot have needs: it runs after all other steps");
    }
    if (i >= FINALLY_MAX && b->p->steps[i - FINALLY_MAX].finally) {
        return pipeline_fault_step(b, i, ERR_TOO_LARGE, "finally", "more than %u finally steps",
                                   FINALLY_MAX);
    }
    return ERR_OK;
}

enum err pipeline_read_failure(struct pipeline_build *b, uint32_t i, const struct doc_value *step)
{
    enum err e = read_on_failure(b, i, doc_get(step, "on_failure"));
    return e == ERR_OK ? read_finally(b, i, step) : e;
}

void pipeline_put_failure(struct buf *out, const struct pipeline_step *s)
{
    if (s->on_failure == ON_FAILURE_SKIP) {
        buf_add_str(out, ",\"on_failure\":\"skip\"");
    } else if (s->on_failure == ON_FAILURE_CONTINUE) {
        buf_add_str(out, ",\"on_failure\":{\"continue\":");
        buf_add_bytes(out, s->failure_result);
        buf_add_char(out, '}');
    }
    if (s->finally) {
        buf_add_str(out, ",\"finally\":true");
    }
}

void pipeline_link_finally(struct pipeline_build *b, uint32_t i)
{
    struct pipeline *p = b->p;
    uint32_t others = i;
    while (p->steps[others - 1].finally) {
        others--;
    }
    struct pipeline_step *s = &p->steps[i];
    s->needs = arena_alloc(b->arena, others * sizeof *s->needs);
    for (uint32_t k = 0; k < others; k++) {
        s->needs[s->needs_count++] = k;
    }
}
