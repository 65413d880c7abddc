/* The checkpoint document: {"results":{...}<tail>. The results come first and the small fields
 * last, so that a step's write overwrites only the tail. */
#include "core/change.h"
#include "json/scan.h"

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
