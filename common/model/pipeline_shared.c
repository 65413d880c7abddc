/* Limits that steps share with all others of the same key, over all tasks and coordinators:
 * `concurrency` (attempts at once) and `rate_limit` (starts per second or minute). Those of a
 * pipeline apply to each step that runs a function and has none itself (null: no limit); the
 * canonical text has them in those steps. */
#include <stdio.h>

#include "model/limits.h"
#include "model/pipeline_build.h"

#define KEY_RULE                                                                                   \
    "key must be a string of 1 to 256 bytes without control characters: steps with the same key "  \
    "share the limit"

static const char *const concurrency_fields[] = {"key", "limit", NULL};
static const char *const rate_fields[] = {"key", "per_second", "per_minute", NULL};

/* A field of a step or, with step = STEP_NONE, of the definition. */
struct spot {
    uint32_t step;
    const char *field; /* "concurrency" */
};

/* below: member of the field, such as "key"; "" = the field itself. */
static enum err fault(struct pipeline_build *b, struct spot at, const char *below, const char *text)
{
    const char *field =
        arena_printf(&b->scratch, "%s%s%s", at.field, below[0] != '\0' ? "/" : "", below);
    return at.step == STEP_NONE ? pipeline_fault_top(b, ERR_INVALID, field, "%s", text)
                                : pipeline_fault_step(b, at.step, ERR_INVALID, field, "%s", text);
}

static bool key_good(struct bytes key)
{
    bool good = key.len > 0 && key.len <= LIMIT_KEY_BYTES_MAX;
    for (size_t i = 0; good && i < key.len; i++) {
        good = key.ptr[i] >= 0x20 && key.ptr[i] != 0x7f;
    }
    return good;
}

static enum err read_count(struct pipeline_build *b, struct spot at, const struct doc_value *v,
                           const char *name, struct pipeline_limit *limit)
{
    uint32_t most = at.field[0] == 'c' ? CONCURRENCY_MAX : RATE_MAX;
    const struct doc_value *count = doc_get(v, name);
    if (!doc_is_int(count) || doc_int(count) < 1 || doc_int(count) > (int64_t)most) {
        return fault(
            b, at, name,
            arena_printf(&b->scratch, "%s must be a whole number from 1 to %u", name, most));
    }
    limit->count = (uint32_t)doc_int(count);
    return ERR_OK;
}

static enum err read_key(struct pipeline_build *b, struct spot at, const struct doc_value *v,
                         struct pipeline_limit *limit)
{
    const struct doc_value *key = doc_get(v, "key");
    if (doc_kind(key) != JSON_STRING || !key_good(doc_string(key))) {
        return fault(b, at, "key", KEY_RULE);
    }
    limit->key = (const char *)arena_bytes(b->arena, doc_string(key)).ptr;
    if (at.step == STEP_NONE) { /* its expressions are read with each step */
        return ERR_OK;
    }
    const char *field = arena_printf(&b->scratch, "%s/key", at.field);
    uint32_t roots = b->p->steps[at.step].for_each != NULL ? EXPR_ROOTS_ALL : EXPR_ROOTS_STEP;
    return pipeline_read_template_of(b, at.step, key, field, roots, &limit->template);
}

static enum err read_limit(struct pipeline_build *b, struct spot at, const struct doc_value *v,
                           struct pipeline_limit *limit)
{
    bool rate = at.field[0] == 'r';
    const char *const *fields = rate ? rate_fields : concurrency_fields;
    char part[POINTER_PART_BYTES], list[FIELD_LIST_BYTES];
    if (v == NULL || doc_kind(v) == JSON_NULL) {
        return ERR_OK;
    }
    if (doc_kind(v) != JSON_OBJECT) {
        return fault(b, at, "",
                     rate ? "rate_limit must be {\"key\": string, \"per_second\": number} or "
                            "{\"key\": string, \"per_minute\": number}"
                          : "concurrency must be {\"key\": string, \"limit\": number}");
    }
    const char *unknown = pipeline_unknown_field(v, fields);
    if (unknown != NULL) {
        return fault(b, at, pipeline_pointer_part(unknown, part),
                     arena_printf(&b->scratch, "unknown field \"%.100s\"; %s has %s", unknown,
                                  at.field, pipeline_field_list(fields, list)));
    }
    limit->per_minute = doc_get(v, "per_minute") != NULL;
    if (rate && limit->per_minute == (doc_get(v, "per_second") != NULL)) {
        return fault(b, at, "", "rate_limit must have only one of per_second and per_minute");
    }
    enum err e = read_count(b, at, v,
                            !rate               ? "limit"
                            : limit->per_minute ? "per_minute"
                                                : "per_second",
                            limit);
    return e == ERR_OK ? read_key(b, at, v, limit) : e;
}

enum err pipeline_read_shared_top(struct pipeline_build *b, const struct doc_value *root)
{
    struct pipeline_limit looked_at = {0};
    b->concurrency = doc_get(root, "concurrency");
    b->rate = doc_get(root, "rate_limit");
    enum err e = read_limit(b, (struct spot){STEP_NONE, "concurrency"}, b->concurrency, &looked_at);
    return e == ERR_OK ? read_limit(b, (struct spot){STEP_NONE, "rate_limit"}, b->rate, &looked_at)
                       : e;
}

enum err pipeline_read_shared(struct pipeline_build *b, uint32_t i)
{
    struct pipeline_step *s = &b->p->steps[i];
    const struct doc_value *concurrency = doc_get(b->places[i].value, "concurrency");
    const struct doc_value *rate = doc_get(b->places[i].value, "rate_limit");
    if (s->joins || s->wait.kind != WAIT_NONE) {
        return ERR_OK;
    }
    enum err e = read_limit(b, (struct spot){i, "concurrency"},
                            concurrency != NULL ? concurrency : b->concurrency, &s->concurrency);
    if (e == ERR_OK) {
        e = read_limit(b, (struct spot){i, "rate_limit"}, rate != NULL ? rate : b->rate, &s->rate);
    }
    s->keyed = s->concurrency.template != NULL || s->rate.template != NULL;
    s->resolves = s->resolves || s->keyed;
    return e;
}

static void put_limit(struct buf *out, const char *name, const struct pipeline_limit *limit,
                      const char *count)
{
    if (limit->key != NULL) {
        buf_addf(out, ",\"%s\":{\"key\":", name);
        json_put_string(out, bytes_str(limit->key));
        buf_addf(out, ",\"%s\":%u}", count, limit->count);
    }
}

void pipeline_put_shared(struct buf *out, const struct pipeline_step *s)
{
    put_limit(out, "concurrency", &s->concurrency, "limit");
    put_limit(out, "rate_limit", &s->rate, s->rate.per_minute ? "per_minute" : "per_second");
}
