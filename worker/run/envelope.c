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

enum err envelope_write(const struct attempt_call *call, struct buf *out)
{
    const struct step_order *o = call->order;
    size_t before = out->len;
    char deadline[TIME_TEXT_BYTES];
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
    add(out, "input", o->input, "{}");
    add(out, "results", o->results.whole, "{}");
    add(out, "progress_checkpoint", o->progress_checkpoint, "null");
    buf_addf(out, ",\"deadline\":\"%s\"}", time_format(call->deadline, deadline));
    if (out->len - before > ENVELOPE_BYTES_MAX) {
        out->len = before;
        return ERR_TOO_LARGE;
    }
    return ERR_OK;
}
