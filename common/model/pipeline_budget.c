/* The budget of a pipeline's tasks (`budget`), and the expected cost of a step (`cost`). */
#include "model/pipeline_build.h"

#include <stdio.h>

/* Reads a budget from a member of the text; false: ret_fault says why. */
static bool read(const struct doc_value *value, const char *what, struct budget *ret_budget,
                 struct budget_fault *ret_fault)
{
    struct buf text = {0};
    doc_write(value, &text);
    bool good = budget_read(buf_bytes(&text), what, ret_budget, ret_fault);
    buf_free(&text);
    return good;
}

static const char *field_of(const char *what, const struct budget_fault *f,
                            char field[POINTER_PART_BYTES + 8])
{
    char part[POINTER_PART_BYTES];
    (void)snprintf(field, POINTER_PART_BYTES + 8, "%s%s%s", what, f->field[0] != '\0' ? "/" : "",
                   pipeline_pointer_part(f->field, part));
    return field;
}

enum err pipeline_read_budget(struct pipeline_build *b, const struct doc_value *root)
{
    struct budget_fault f;
    char field[POINTER_PART_BYTES + 8];
    const struct doc_value *value = doc_get(root, "budget");
    if (value == NULL || read(value, "budget", &b->p->budget, &f)) {
        return ERR_OK;
    }
    return pipeline_fault_top(b, ERR_INVALID, field_of("budget", &f, field), "%s", f.detail);
}

enum err pipeline_read_cost(struct pipeline_build *b, uint32_t i, const struct doc_value *step)
{
    struct budget_fault f;
    char field[POINTER_PART_BYTES + 8];
    const struct doc_value *value = doc_get(step, "cost");
    if (value == NULL || read(value, "cost", &b->p->steps[i].cost, &f)) {
        return ERR_OK;
    }
    return pipeline_fault_step(b, i, ERR_INVALID, field_of("cost", &f, field), "%s", f.detail);
}

void pipeline_put_cost(struct buf *out, const struct pipeline_step *s)
{
    if (!budget_none(&s->cost)) {
        buf_add_str(out, ",\"cost\":");
        budget_put(out, &s->cost);
    }
}
