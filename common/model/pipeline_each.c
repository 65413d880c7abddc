/* The fields of a fan-out step: the items, how many run at once, how many may fail. */
#include "model/pipeline_build.h"

#include "model/limits.h"

static enum err read_max_parallel(struct pipeline_build *b, uint32_t i, const struct doc_value *v)
{
    struct pipeline_step *s = &b->p->steps[i];
    s->max_parallel = MAX_PARALLEL_DEFAULT;
    if (v == NULL) {
        return ERR_OK;
    }
    if (!doc_is_int(v) || doc_int(v) < 1 || doc_int(v) > (int64_t)MAX_PARALLEL_MAX) {
        return pipeline_fault_step(b, i, ERR_INVALID, "max_parallel",
                                   "max_parallel must be a whole number from 1 to %u",
                                   MAX_PARALLEL_MAX);
    }
    s->max_parallel = (uint32_t)doc_int(v);
    return ERR_OK;
}

/* "10%" -> 10, or -1. */
static int32_t percent(struct bytes text)
{
    int32_t n = 0;
    if (text.len < 2 || text.len > 4 || text.ptr[text.len - 1] != '%') {
        return -1;
    }
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return -1;
        }
        n = n * 10 + (text.ptr[i] - '0');
    }
    return n <= 100 ? n : -1;
}

static enum err read_tolerate(struct pipeline_build *b, uint32_t i, const struct doc_value *v)
{
    struct pipeline_step *s = &b->p->steps[i];
    if (v == NULL) {
        return ERR_OK;
    }
    if (doc_is_int(v) && doc_int(v) >= 0 && doc_int(v) <= (int64_t)ITEMS_MAX) {
        s->tolerate = (uint32_t)doc_int(v);
        return ERR_OK;
    }
    int32_t share = doc_kind(v) == JSON_STRING ? percent(doc_string(v)) : -1;
    if (share < 0) {
        return pipeline_fault_step(b, i, ERR_INVALID, "tolerate",
                                   "tolerate must be a whole number of items from 0 to %u, or a "
                                   "share of them from \"0%%\" to \"100%%\"",
                                   ITEMS_MAX);
    }
    s->tolerate = (uint32_t)share;
    s->tolerate_percent = true;
    return ERR_OK;
}

enum err pipeline_read_each(struct pipeline_build *b, uint32_t i)
{
    static const char *const fields[] = {"max_parallel", "tolerate"};
    const struct doc_value *step = b->places[i].value;
    if (doc_get(step, "for_each") == NULL) {
        for (size_t k = 0; k < sizeof fields / sizeof fields[0]; k++) {
            if (doc_get(step, fields[k]) != NULL) {
                return pipeline_fault_step(b, i, ERR_INVALID, fields[k],
                                           "%s applies to the items of a step: it needs for_each, "
                                           "an expression that gives their list",
                                           fields[k]);
            }
        }
        return ERR_OK;
    }
    b->p->steps[i].resolves = true;
    enum err e = pipeline_read_expr(b, i, "for_each", &b->p->steps[i].for_each);
    if (e == ERR_OK) {
        e = read_max_parallel(b, i, doc_get(step, "max_parallel"));
    }
    if (e == ERR_OK) {
        e = read_tolerate(b, i, doc_get(step, "tolerate"));
    }
    return e;
}
