/* Which worker may run a step, and in which order: `requires`, `priority`. A pipeline's own
 * `requires` applies to each step that runs a function and has none itself; the canonical text has
 * it in those steps. */
#include <stdio.h>
#include <stdlib.h>

#include "model/label.h"
#include "model/limits.h"
#include "model/pipeline_build.h"

#define LABEL_RULE "1 to 64 of A-Z a-z 0-9 _ . : -"

/* A field of a step or, with step = STEP_NONE, of the definition. */
struct spot {
    uint32_t step;
    const char *field;
};

static enum err fault(struct pipeline_build *b, struct spot at, const char *text)
{
    return at.step == STEP_NONE
               ? pipeline_fault_top(b, ERR_INVALID, at.field, "%s", text)
               : pipeline_fault_step(b, at.step, ERR_INVALID, at.field, "%s", text);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Converts the pairs of an object to one text. */
static enum err read_requires(struct pipeline_build *b, struct spot at, const struct doc_value *v,
                              const char **ret_text)
{
    size_t count = doc_count(v);
    if (doc_kind(v) != JSON_OBJECT || count > LABELS_MAX) {
        return fault(b, at,
                     arena_printf(&b->scratch,
                                  "requires must be an object of at most %u labels that the worker "
                                  "must have, such as {\"gpu\": \"true\"}",
                                  LABELS_MAX));
    }
    const char **labels = arena_alloc(&b->scratch, (count + 1) * sizeof *labels);
    for (size_t k = 0; k < count; k++) {
        const char *key;
        const struct doc_value *value = doc_member(v, k, &key);
        char part[POINTER_PART_BYTES];
        const char *field =
            arena_printf(&b->scratch, "%s/%s", at.field, pipeline_pointer_part(key, part));
        if (!label_part_valid(bytes_str(key))) {
            return fault(b, (struct spot){at.step, field},
                         "the name of a label must be " LABEL_RULE);
        }
        if (doc_kind(value) != JSON_STRING || !label_part_valid(doc_string(value))) {
            return fault(b, (struct spot){at.step, field},
                         "the value of a label must be a string of " LABEL_RULE
                         ", such as \"true\": the worker's must be equal");
        }
        labels[k] = arena_printf(&b->scratch, "%s=%s", key, (const char *)doc_string(value).ptr);
    }
    qsort(labels, count, sizeof *labels, by_text);
    struct buf text = {0};
    for (size_t k = 0; k < count; k++) {
        buf_addf(&text, "%s%s", k > 0 ? "," : "", labels[k]);
    }
    *ret_text = arena_printf(b->arena, "%s", buf_cstr(&text));
    buf_free(&text);
    return ERR_OK;
}

enum err pipeline_read_order_top(struct pipeline_build *b, const struct doc_value *root)
{
    const struct doc_value *priority = doc_get(root, "priority");
    const struct doc_value *requires = doc_get(root, "requires");
    if (priority != NULL && (!doc_is_int(priority) || doc_int(priority) < PRIORITY_MIN ||
                             doc_int(priority) > PRIORITY_MAX)) {
        return pipeline_fault_top(b, ERR_INVALID, "priority",
                                  "priority must be a whole number from %d to %d", PRIORITY_MIN,
                                  PRIORITY_MAX);
    }
    b->p->priority = priority != NULL ? (int32_t)doc_int(priority) : 0;
    b->requires = "";
    return requires != NULL
               ? read_requires(b, (struct spot){STEP_NONE, "requires"}, requires, &b->requires)
               : ERR_OK;
}

enum err pipeline_read_order(struct pipeline_build *b, uint32_t i)
{
    struct pipeline_step *s = &b->p->steps[i];
    const struct doc_value *requires = doc_get(b->places[i].value, "requires");
    s->requires = "";
    if (s->joins || s->wait.kind != WAIT_NONE) {
        return ERR_OK;
    }
    s->requires = b->requires != NULL ? b->requires : "";
    return requires != NULL ? read_requires(b, (struct spot){i, "requires"}, requires, &s->requires)
                            : ERR_OK;
}

void pipeline_put_order(struct buf *out, const struct pipeline_step *s)
{
    if (s->requires[0] != '\0') {
        buf_add_str(out, ",\"requires\":");
        labels_put_json(out, bytes_str(s->requires));
    }
}
