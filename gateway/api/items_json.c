#include "api/items_json.h"

#include "api/status_json.h"
#include "json/scan.h"
#include "model/limits.h"

bool items_query_parse(const struct query *q, struct items_request *ret_request,
                       struct problem *ret_problem)
{
    static const enum step_state states[] = {STEP_PENDING, STEP_RUNNING, STEP_COMPLETED,
                                             STEP_FAILED, STEP_CANCELLED};
    struct items_request r = {.state = -1, .from = 1};
    uint64_t limit = ITEMS_LIMIT_DEFAULT;
    uint64_t from = 0;
    struct bytes text;
    if (query_get(q, "status", &text) && text.len > 0) {
        for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
            if (bytes_is(text, step_state_name(states[i]))) {
                r.state = (int32_t)states[i];
            }
        }
        if (r.state < 0) {
            return query_fault(ret_problem, "status",
                               "pending, running, completed, failed or cancelled");
        }
    }
    if (!query_limit(q, ITEMS_PAGE_MAX, &limit, ret_problem)) {
        return false;
    }
    if (query_get(q, "cursor", &text) && text.len > 0 && !number_parse(text, ITEMS_MAX, &from)) {
        return query_fault(ret_problem, "cursor", "the next_cursor of an earlier answer");
    }
    r.from = (uint32_t)from + 1;
    r.limit = (uint32_t)limit;
    *ret_request = r;
    return true;
}

static void item_put(const struct item_view *v, struct body_plan *plan)
{
    struct buf *out = &plan->text;
    buf_addf(out, "{\"index\":%u", v->item - 1);
    json_put_member(out, "status", bytes_str(step_state_name(v->state)));
    json_put_time(out, "started_at", v->started_at);
    json_put_time(out, "completed_at", v->completed_at);
    if (v->completed_at != 0) {
        buf_addf(out, ",\"duration_ms\":%u", v->duration_ms);
    } else {
        buf_add_str(out, ",\"duration_ms\":null");
    }
    buf_addf(out, ",\"retry_count\":%u,\"deaths\":%u", v->retry_count, v->deaths);
    json_put_time(out, "retry_at", v->retry_at);
    buf_add_str(out, ",\"progress\":");
    json_put_number(out, v->progress);
    json_put_member_or_null(out, "error_message", v->error);
    json_put_member_or_null(out, "error_code",
                            v->error_code != CODE_NONE ? bytes_str(code_info(v->error_code)->name)
                                                       : BYTES_NONE);
    json_put_member_or_null(out, "function_code", v->function_code);
    if (v->log.len > 0) {
        json_put_member(out, "log", v->log);
    }
    checkpoint_plan(plan, v->checkpoint, v->checkpoint_bytes);
    json_put_time(out, "progress_checkpoint_at", v->checkpoint_at);
    buf_add_str(out, ",\"result\":");
    body_plan_lend(plan, v->result.len > 0 ? v->result : BYTES_LIT("null"));
    buf_add_char(out, '}');
}

void items_render(const struct message *reply, struct body_plan *plan)
{
    struct buf *out = &plan->text;
    buf_add_str(out, "{\"items\":[");
    for (uint32_t i = 0; i < reply->items.count; i++) {
        buf_add_str(out, i > 0 ? "," : "");
        item_put(&reply->items.items[i], plan);
    }
    buf_addf(out, "],\"total\":%u,\"next_cursor\":", reply->items.total);
    if (reply->items.next > 0) {
        buf_addf(out, "\"%u\"}", reply->items.next - 1);
    } else {
        buf_add_str(out, "null}");
    }
}
