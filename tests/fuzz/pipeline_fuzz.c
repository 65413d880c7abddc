/* pipeline_parse takes any bytes; what it accepts is sound, and its source gives the same pipeline
 * again. */
#include <assert.h>
#include <stdlib.h>

#include "model/limits.h"
#include "model/pipeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_step(const struct pipeline *p, uint32_t i)
{
    const struct pipeline_step *s = &p->steps[i];
    assert(s->name[0] != '\0' &&
           (s->function[0] != '\0' || s->joins || s->wait.kind != WAIT_NONE) &&
           s->description != NULL);
    assert(s->timeout_ms > 0 && s->max_retries >= -1 && s->max_retries <= (int32_t)RETRIES_MAX);
    assert(pipeline_find(p, bytes_str(s->name)) == (int32_t)i);
    for (uint32_t k = 0; k < s->needs_count; k++) {
        assert(s->needs[k] < p->step_count && s->needs[k] != i);
        assert(k == 0 || s->needs[k] > s->needs[k - 1]);
    }
    bool *flags = calloc(p->step_count, sizeof *flags);
    pipeline_ancestors(p, i, flags);
    assert(!flags[i]); /* or there is a circle */
    free(flags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pipeline *p, *again;
    struct pipeline_fault fault = {0};
    if (pipeline_parse(bytes_of(data, size), &p, &fault) != ERR_OK) {
        assert(fault.detail[0] != '\0');
        assert(fault.pointer[0] == '\0' || fault.pointer[0] == '/');
        return 0;
    }
    assert(p->step_count >= 1 && p->step_count <= STEPS_MAX);
    for (uint32_t i = 0; i < p->step_count && i < 64; i++) {
        check_step(p, i);
    }
    if (pipeline_parse(p->source, &again, &fault) != ERR_OK) {
        abort();
    }
    assert(bytes_eq(p->source, again->source));
    assert(memcmp(p->hash.digest, again->hash.digest, SHA256_BYTES) == 0);
    pipeline_unref(again);
    pipeline_unref(p);
    return 0;
}
