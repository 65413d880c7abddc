/* The checkpoint document: {"results":{...}<tail>. The results come first and the small fields
 * last, so that a step's write overwrites only the tail. */
#include "core/change.h"
#include "json/scan.h"

void document_put_tail(const struct core *c, const struct task *t, struct buf *out)
{
    char at[TIME_TEXT_BYTES];
    buf_add_str(out, "},\"task_id\":");
    json_put_string(out, t->id);
    buf_addf(out, ",\"step\":%u,\"timestamp\":\"%s\",\"state_snapshot\":{", t->completed,
             time_format(c->now.wall, at));
    buf_addf(out,
             "\"storage_backend\":\"%s\",\"checkpoint_interval\":%u,\"max_retries\":%u,"
             "\"enable_recovery\":%s}}",
             c->config.backend, t->checkpoint_interval_s, t->max_retries,
             c->config.recovery_enabled ? "true" : "false");
}
