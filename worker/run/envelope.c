#include "run/envelope.h"

#include <inttypes.h>

#include "json/scan.h"
#include "model/limits.h"

static void add(struct buf *out, const char *key, struct bytes json, const char *absent)
{
    buf_addf(out, ",\"%s\":", key);
    if (json.len > 0) {
        buf_add_bytes(out, json);
    } else {
        buf_add_str(out, absent);
    }
}

#define NAMES_BYTES_USUAL 1024 /* everything except the payloads */

void envelope_begin(const struct step_order *o, struct buf *out)
{
    buf_reserve(out, o->input.whole.len + o->results.whole.len + o->progress_checkpoint.len +
                         NAMES_BYTES_USUAL);
    buf_add_str(out, "{\"task_id\":");
    json_put_string(out, o->ref.task_id);
    buf_addf(out, ",\"step_id\":\"step_%" PRIu32 "\"", o->ref.step);
    if (o->ref.item != ITEM_NONE) {
        buf_addf(out, ",\"index\":%" PRIu32, o->ref.item - 1);
    }
    buf_add_str(out, ",\"name\":");
    json_put_string(out, o->name);
    buf_addf(out, ",\"attempt\":%" PRIu32 ",\"idempotency_key\":", o->ref.attempt);
    json_put_string(out, o->idempotency_key);
    add(out, "input", o->input.whole, "{}");
    add(out, "results", o->results.whole, "{}");
    add(out, "progress_checkpoint", o->progress_checkpoint, "null");
}

enum err envelope_end(unix_ms deadline, size_t start, struct buf *out)
{
    char text[TIME_TEXT_BYTES];
    buf_addf(out, ",\"deadline\":\"%s\"}", time_format(deadline, text));
    return out->len - start <= ENVELOPE_BYTES_MAX ? ERR_OK : ERR_TOO_LARGE;
}

enum err envelope_make(const struct attempt_call *call, struct buf *out)
{
    if (call->kept != NULL) {
        *out = *call->kept;
        *call->kept = (struct buf){0};
    } else {
        envelope_begin(call->order, out);
    }
    return envelope_end(call->deadline, 0, out);
}
