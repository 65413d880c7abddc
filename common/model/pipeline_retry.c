/* Retries and time limits of a step: `max_retries` or `retry`, which errors are retried, the
 * timeouts, and what happens when no attempts are left. */
#include "model/pipeline_build.h"

#include <stdio.h>

#include "base/id.h"
#include "model/limits.h"

static const char *const retry_fields[] = {"max_attempts", "initial", "factor", "max",
                                           "jitter",       "on",      NULL};

/* A number in a field of a step, or one level below. */
struct number {
    const char *name; /* also the end of the JSON pointer */
    double least, most;
    const char *unit; /* "a number of seconds" */
};

/* Reads the number if it is present. */
static enum err read_number(struct pipeline_build *b, uint32_t i, const struct doc_value *value,
                            const struct number *n, double *ret_number)
{
    if (value == NULL) {
        return ERR_OK;
    }
    double v = doc_number(value);
    if (doc_kind(value) != JSON_NUMBER || !(v >= n->least && v <= n->most)) {
        return pipeline_fault_step(b, i, ERR_INVALID, n->name, "%s must be %s from %g to %.0f",
                                   n->name, n->unit, n->least, n->most);
    }
    *ret_number = v;
    return ERR_OK;
}

static enum err read_seconds(struct pipeline_build *b, uint32_t i, const struct doc_value *step,
                             const char *name, uint32_t *ret_ms)
{
    const struct number n = {name, 0.001, TIMEOUT_S_MAX, "a number of seconds"};
    double seconds = 0;
    enum err e = read_number(b, i, doc_get(step, name), &n, &seconds);
    if (e == ERR_OK && seconds > 0) {
        *ret_ms = (uint32_t)(seconds * 1000 + 0.5);
    }
    return e;
}

/* A list of error codes: ours or a function's own. */
static enum err read_codes(struct pipeline_build *b, uint32_t i, const struct doc_value *list,
                           const char *name, struct pipeline_codes *ret_codes)
{
    char field[64];
    if (list == NULL) {
        return ERR_OK;
    }
    size_t count = doc_count(list);
    if (doc_kind(list) != JSON_ARRAY || count == 0 || count > RETRY_CODES_MAX) {
        return pipeline_fault_step(b, i, ERR_INVALID, name,
                                   "%s must be an array of 1 to %u error codes", name,
                                   RETRY_CODES_MAX);
    }
    ret_codes->names = arena_alloc(b->arena, count * sizeof *ret_codes->names);
    for (size_t k = 0; k < count; k++) {
        struct bytes code = doc_string(doc_at(list, k));
        (void)snprintf(field, sizeof field, "%s/%zu", name, k);
        if (doc_kind(doc_at(list, k)) != JSON_STRING || !id_valid(code) ||
            code.len > FUNCTION_CODE_BYTES_MAX) {
            return pipeline_fault_step(b, i, ERR_INVALID, field,
                                       "an error code must be a string of 1 to %u of the "
                                       "characters A-Z a-z 0-9 _ . : -, such as \"STEP_TIMEOUT\"",
                                       FUNCTION_CODE_BYTES_MAX);
        }
        if (pipeline_codes_have(ret_codes, code)) {
            return pipeline_fault_step(b, i, ERR_INVALID, field, "named twice: \"%.*s\"",
                                       (int)code.len, (const char *)code.ptr);
        }
        ret_codes->names[ret_codes->count++] = (const char *)arena_bytes(b->arena, code).ptr;
    }
    return ERR_OK;
}

bool pipeline_codes_have(const struct pipeline_codes *codes, struct bytes code)
{
    for (uint32_t k = 0; k < codes->count; k++) {
        if (bytes_is(code, codes->names[k])) {
            return true;
        }
    }
    return false;
}

static enum err read_max_retries(struct pipeline_build *b, uint32_t i, const struct doc_value *step)
{
    struct pipeline_step *s = &b->p->steps[i];
    const struct doc_value *retries = doc_get(step, "max_retries");
    const struct doc_value *attempts = doc_get(doc_get(step, "retry"), "max_attempts");
    s->max_retries = -1;
    if (retries != NULL && attempts != NULL) {
        return pipeline_fault_step(b, i, ERR_INVALID, "retry/max_attempts",
                                   "max_attempts is max_retries + 1: give one of the two");
    }
    if (retries != NULL) {
        if (!doc_is_int(retries) || doc_int(retries) < 0 ||
            doc_int(retries) > (int64_t)RETRIES_MAX) {
            return pipeline_fault_step(b, i, ERR_INVALID, "max_retries",
                                       "max_retries must be a whole number from 0 to %u",
                                       RETRIES_MAX);
        }
        s->max_retries = (int32_t)doc_int(retries);
    }
    if (attempts != NULL) {
        if (!doc_is_int(attempts) || doc_int(attempts) < 1 ||
            doc_int(attempts) > (int64_t)RETRIES_MAX + 1) {
            return pipeline_fault_step(b, i, ERR_INVALID, "retry/max_attempts",
                                       "max_attempts must be a whole number from 1 to %u",
                                       RETRIES_MAX + 1);
        }
        s->max_retries = (int32_t)doc_int(attempts) - 1;
    }
    return ERR_OK;
}

static enum err read_waits(struct pipeline_build *b, uint32_t i, const struct doc_value *retry)
{
    static const struct number numbers[] = {
        {"retry/initial", 0, RETRY_MAX_S_MAX, "a number of seconds"},
        {"retry/factor", 1, 100, "a number"},
        {"retry/max", 0, RETRY_MAX_S_MAX, "a number of seconds"},
        {"retry/jitter", 0, 1, "a fraction"},
    };
    struct retry_policy *p = &b->p->steps[i].retry;
    double initial = p->initial_ms / 1000.0;
    double most = -1;
    enum err e = read_number(b, i, doc_get(retry, "initial"), &numbers[0], &initial);
    if (e == ERR_OK) {
        e = read_number(b, i, doc_get(retry, "factor"), &numbers[1], &p->factor);
    }
    if (e == ERR_OK) {
        e = read_number(b, i, doc_get(retry, "max"), &numbers[2], &most);
    }
    if (e == ERR_OK) {
        e = read_number(b, i, doc_get(retry, "jitter"), &numbers[3], &p->jitter);
    }
    if (e == ERR_OK && most >= 0 && most < initial) {
        return pipeline_fault_step(
            b, i, ERR_INVALID, "retry/max",
            "max (the longest wait) must not be shorter than initial (the first wait)");
    }
    p->initial_ms = (uint32_t)(initial * 1000 + 0.5);
    if (most >= 0) {
        p->max_ms = (uint32_t)(most * 1000 + 0.5);
    } else if (p->max_ms < p->initial_ms) {
        p->max_ms = p->initial_ms;
    }
    return e;
}

static enum err read_retry(struct pipeline_build *b, uint32_t i, const struct doc_value *step)
{
    struct pipeline_step *s = &b->p->steps[i];
    const struct doc_value *retry = doc_get(step, "retry");
    s->retry = retry_policy_default;
    if (retry == NULL) {
        return ERR_OK;
    }
    if (doc_kind(retry) != JSON_OBJECT) {
        return pipeline_fault_step(b, i, ERR_INVALID, "retry", "retry must be an object, not %s",
                                   pipeline_kind_name(retry));
    }
    const char *unknown = pipeline_unknown_field(retry, retry_fields);
    if (unknown != NULL) {
        char part[POINTER_PART_BYTES], list[FIELD_LIST_BYTES], field[POINTER_PART_BYTES + 8];
        (void)snprintf(field, sizeof field, "retry/%s", pipeline_pointer_part(unknown, part));
        return pipeline_fault_step(b, i, ERR_INVALID, field,
                                   "unknown field \"%.100s\"; retry has %s", unknown,
                                   pipeline_field_list(retry_fields, list));
    }
    enum err e = read_waits(b, i, retry);
    return e == ERR_OK ? read_codes(b, i, doc_get(retry, "on"), "retry/on", &s->retry_on) : e;
}

static enum err read_exhausted(struct pipeline_build *b, uint32_t i, const struct doc_value *value)
{
    struct bytes text = doc_string(value);
    if (value == NULL || bytes_is(text, "fail")) {
        b->p->steps[i].on_exhausted = EXHAUSTED_FAIL;
    } else if (bytes_is(text, "pause")) {
        b->p->steps[i].on_exhausted = EXHAUSTED_PAUSE;
    } else if (bytes_is(text, "dead_letter")) {
        b->p->steps[i].on_exhausted = EXHAUSTED_DEAD;
    } else {
        return pipeline_fault_step(b, i, ERR_INVALID, "on_exhausted",
                                   "on_exhausted must be \"fail\" (on_failure says what then; the "
                                   "default), \"pause\" (the task is paused; a resume tries the "
                                   "step again) or \"dead_letter\" (the task fails; a requeue of "
                                   "the dead letter tries the step again)");
    }
    const struct doc_value *then = doc_get(b->places[i].value, "on_failure");
    if (b->p->steps[i].on_exhausted == EXHAUSTED_DEAD && then != NULL &&
        !bytes_is(doc_string(then), "fail")) {
        return pipeline_fault_step(b, i, ERR_INVALID, "on_exhausted",
                                   "a dead letter fails its task: on_failure must be \"fail\" or "
                                   "absent where on_exhausted is \"dead_letter\"");
    }
    return ERR_OK;
}

enum err pipeline_read_retry(struct pipeline_build *b, uint32_t i, const struct doc_value *step)
{
    struct pipeline_step *s = &b->p->steps[i];
    enum err e = read_max_retries(b, i, step);
    if (e == ERR_OK) {
        e = read_retry(b, i, step);
    }
    if (e == ERR_OK) {
        e = read_codes(b, i, doc_get(step, "non_retryable"), "non_retryable", &s->non_retryable);
    }
    for (uint32_t k = 0; e == ERR_OK && k < s->retry_on.count; k++) {
        if (pipeline_codes_have(&s->non_retryable, bytes_str(s->retry_on.names[k]))) {
            return pipeline_fault_step(
                b, i, ERR_INVALID, "non_retryable",
                "\"%s\" is also in retry.on: a code can be in only one of the two",
                s->retry_on.names[k]);
        }
    }
    s->timeout_ms = STEP_TIMEOUT_DEFAULT_S * 1000;
    if (e == ERR_OK) {
        e = read_seconds(b, i, step, "timeout", &s->timeout_ms);
    }
    if (e == ERR_OK) {
        e = read_seconds(b, i, step, "timeout_total", &s->timeout_total_ms);
    }
    if (e == ERR_OK) {
        e = read_seconds(b, i, step, "queue_timeout", &s->queue_timeout_ms);
    }
    if (e == ERR_OK) {
        e = read_seconds(b, i, step, "progress_timeout", &s->progress_timeout_ms);
    }
    return e == ERR_OK ? read_exhausted(b, i, doc_get(step, "on_exhausted")) : e;
}

/* ---- canonical text ---- */

static void put_seconds(struct buf *out, const char *name, uint32_t ms)
{
    if (ms > 0) {
        buf_addf(out, ",\"%s\":", name);
        json_put_number(out, ms / 1000.0);
    }
}

static void put_codes(struct buf *out, const char *name, const struct pipeline_codes *codes)
{
    if (codes->count == 0) {
        return;
    }
    buf_addf(out, "\"%s\":[", name);
    for (uint32_t k = 0; k < codes->count; k++) {
        buf_addf(out, "%s\"%s\"", k > 0 ? "," : "", codes->names[k]);
    }
    buf_add_char(out, ']');
}

void pipeline_put_retry(struct buf *out, const struct pipeline_step *s)
{
    const struct retry_policy *p = &s->retry;
    if (s->max_retries >= 0) {
        buf_addf(out, ",\"max_retries\":%d", (int)s->max_retries);
    }
    if (!retry_policy_eq(p, &retry_policy_default) || s->retry_on.count > 0) {
        buf_add_str(out, ",\"retry\":{\"initial\":");
        json_put_number(out, p->initial_ms / 1000.0);
        buf_add_str(out, ",\"factor\":");
        json_put_number(out, p->factor);
        buf_add_str(out, ",\"max\":");
        json_put_number(out, p->max_ms / 1000.0);
        buf_add_str(out, ",\"jitter\":");
        json_put_number(out, p->jitter);
        buf_add_str(out, s->retry_on.count > 0 ? "," : "");
        put_codes(out, "on", &s->retry_on);
        buf_add_char(out, '}');
    }
    buf_add_str(out, s->non_retryable.count > 0 ? "," : "");
    put_codes(out, "non_retryable", &s->non_retryable);
    put_seconds(out, "timeout_total", s->timeout_total_ms);
    put_seconds(out, "queue_timeout", s->queue_timeout_ms);
    put_seconds(out, "progress_timeout", s->progress_timeout_ms);
    if (s->on_exhausted == EXHAUSTED_PAUSE) {
        buf_add_str(out, ",\"on_exhausted\":\"pause\"");
    } else if (s->on_exhausted == EXHAUSTED_DEAD) {
        buf_add_str(out, ",\"on_exhausted\":\"dead_letter\"");
    }
}
