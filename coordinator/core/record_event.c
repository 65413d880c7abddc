#include "core/record.h"

void record_put_event(const struct task_event *e, struct lenders *lenders, struct slices *text)
{
    struct buf *out = &text->own;
    pack_uint(out, RECORD_FORMAT);
    pack_uint(out, e->seq);
    pack_uint(out, e->type);
    pack_int(out, e->at);
    pack_uint(out, e->state);
    pack_double(out, e->progress);
    pack_uint(out, e->step);
    pack_bytes(out, e->step_name);
    pack_uint(out, e->total_steps);
    pack_uint(out, e->attempt);
    pack_int(out, e->retry_at);
    pack_uint(out, e->code);
    pack_bytes(out, e->message);
    pack_uint(out, e->can_recover);
    pack_bytes(out, e->deed.actor);
    pack_bytes(out, e->deed.reason);
    pack_uint(out, e->items);
    pack_uint(out, e->items_done);
    pack_uint(out, e->items_failed);
    pack_uint(out, e->checkpoint_bytes);
    pack_bytes_lent(text, e->checkpoint, lenders);
    if (!usage_sum_none(&e->usage)) { /* the last, as with steps */
        pack_uint(out, e->usage.input_tokens);
        pack_uint(out, e->usage.output_tokens);
        pack_uint(out, e->usage.cost_nano);
    }
}

enum err record_get_event(struct bytes blob, struct task_event *ret_event)
{
    struct unpack u = record_open(blob);
    struct task_event e = {0};
    e.seq = unpack_uint(&u);
    e.type = unpack_enum(&u, EVENT_TYPE_COUNT);
    e.at = unpack_int(&u);
    e.state = unpack_enum(&u, TASK_STATE_COUNT);
    e.progress = unpack_double(&u);
    e.step = unpack_u32(&u);
    e.step_name = unpack_bytes(&u);
    e.total_steps = unpack_u32(&u);
    e.attempt = unpack_u32(&u);
    e.retry_at = unpack_int(&u);
    e.code = unpack_enum(&u, CODE_COUNT);
    e.message = unpack_bytes(&u);
    e.can_recover = unpack_uint(&u) != 0;
    e.deed.actor = unpack_bytes(&u);
    e.deed.reason = unpack_bytes(&u);
    e.items = unpack_u32(&u);
    e.items_done = unpack_u32(&u);
    e.items_failed = unpack_u32(&u);
    e.checkpoint_bytes = unpack_u32(&u);
    e.checkpoint = unpack_bytes(&u);
    if (u.at < u.end) {
        e.usage.input_tokens = unpack_uint(&u);
        e.usage.output_tokens = unpack_uint(&u);
        e.usage.cost_nano = unpack_uint(&u);
    }
    if (u.bad) {
        return ERR_INVALID;
    }
    *ret_event = e;
    return ERR_OK;
}
