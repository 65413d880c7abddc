/* The checkpoint document: {"results":{...}<tail>. The results come first and the small fields
 * last, so that a step's write overwrites only the tail. */
#include "core/document.h"

#include <assert.h>

#include "core/fx.h"
#include "core/state.h"
#include "json/scan.h"

struct shared *document_begin(struct core *c, size_t results_bytes_max)
{
    struct shared *results = shared_make(strlen(DOCUMENT_LEAD) + results_bytes_max);
    results->bytes.len = 0;
    buf_add_str(&results->bytes, DOCUMENT_LEAD);
    arena_hold(fx_arena(c), results);
    shared_drop(results); /* the arena's alone */
    return results;
}

size_t document_result_bytes(const struct pipeline_step *def, size_t result_bytes)
{
    return strlen(",\"\":") + strlen(def->name) + result_bytes;
}

void document_add_result(struct shared *results, struct step *s, struct bytes result)
{
    struct buf *out = &results->bytes;
    assert(document_result_bytes(step_def(s), result.len) <= out->cap - out->len); /* never grows */
    buf_add_str(out, out->len > strlen(DOCUMENT_LEAD) ? ",\"" : "\"");
    buf_add_str(out, step_def(s)->name);
    buf_add_str(out, "\":");
    s->result_offset = (uint32_t)out->len; /* lengths within a document are 32 bits */
    s->result_len = (uint32_t)result.len;
    buf_add_bytes(out, result);
}

void document_put_tail(const struct core *c, const struct task *t, struct buf *out)
{
    char at[TIME_TEXT_BYTES];
    buf_add_str(out, "},\"task_id\":");
    json_put_string(out, t->id);
    buf_add_str(out, ",\"step\":"); /* each step writes it: no format is read here */
    buf_add_uint(out, t->completed);
    buf_add_str(out, ",\"timestamp\":\"");
    buf_add_str(out, time_format(c->now.wall, at));
    buf_add_str(out, "\",\"state_snapshot\":{\"storage_backend\":\"");
    buf_add_str(out, c->config.backend);
    buf_add_str(out, "\",\"checkpoint_interval\":");
    buf_add_uint(out, t->checkpoint_interval_s);
    buf_add_str(out, ",\"max_retries\":");
    buf_add_uint(out, t->max_retries);
    buf_add_str(out, ",\"enable_recovery\":");
    buf_add_str(out, c->config.recovery_enabled ? "true}}" : "false}}");
}
