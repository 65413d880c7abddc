#include "api/event_json.h"

#include "api/status_json.h"
#include "api/usage_json.h"
#include "json/scan.h"
#include "model/limits.h"

static const char *event_name(enum event_type t)
{
    switch (t) {
    case EVENT_PROGRESS:
        return "progress_update";
    case EVENT_STEP_COMPLETED:
        return "step_completed";
    case EVENT_STEP_RETRY:
        return "step_retry";
    case EVENT_TASK_COMPLETE:
        return "task_complete";
    case EVENT_TASK_ERROR:
        return "task_error";
    case EVENT_TASK_CANCELLED:
        return "task_cancelled";
    case EVENT_TASK_RECOVERING:
        return "task_recovering";
    case EVENT_TASK_PAUSED:
        return "task_paused";
    case EVENT_TASK_RESUMED:
        return "task_resumed";
    case EVENT_STEP_FAILED:
        return "step_failed";
    case EVENT_STEP_SKIPPED:
        return "step_skipped";
    case EVENT_TASK_FAILING:
        return "task_failing";
    case EVENT_STEP_WAITING:
        return "step_waiting";
    case EVENT_SIGNAL:
        return "signal";
    case EVENT_TASK_FORKED:
        return "task_forked";
    case EVENT_STEP_CHECKPOINT:
        return "step_checkpoint";
    case EVENT_BUDGET_WARNING:
        return "budget_warning";
    case EVENT_BUDGET_EXCEEDED:
        return "budget_exceeded";
    case EVENT_BUDGET_CHANGED:
        return "budget_changed";
    case EVENT_TYPE_COUNT:
        break;
    }
    return "unknown"; /* a newer coordinator's: clients ignore unknown types */
}

bool event_is_final(enum event_type type)
{
    return type == EVENT_TASK_COMPLETE || type == EVENT_TASK_ERROR || type == EVENT_TASK_CANCELLED;
}

static void open_put(struct buf *out, enum event_type type, struct bytes task_id,
                     enum task_state state)
{
    buf_addf(out, "{\"type\":\"%s\",\"data\":{\"task_id\":", event_name(type));
    json_put_string(out, task_id);
    json_put_member(out, "status", bytes_str(task_state_name(state)));
}

static void close_put(struct buf *out, unix_ms at, uint64_t seq)
{
    buf_add_char(out, '}');
    json_put_time(out, "timestamp", at);
    buf_addf(out, ",\"seq\":%llu}", (unsigned long long)seq);
}

static void code_put(struct buf *out, enum code code)
{
    bool known = code > CODE_NONE && code < CODE_COUNT;
    json_put_member_or_null(out, "code", known ? bytes_str(code_info(code)->name) : BYTES_NONE);
}

static void progress_put(struct buf *out, const struct task_event *e)
{
    buf_add_str(out, ",\"progress\":");
    json_put_number(out, e->progress);
    json_put_member_or_null(out, "current_step", e->step_name);
    buf_addf(out, ",\"step_index\":%u,\"total_steps\":%u", e->step + 1, e->total_steps);
    if (e->items > 0) {
        buf_addf(out, ",\"items\":{\"total\":%u,\"completed\":%u,\"failed\":%u}", e->items,
                 e->items_done, e->items_failed);
    }
}

static void step_put(struct buf *out, const struct task_event *e)
{
    json_put_member_or_null(out, "step", e->step_name);
    buf_addf(out, ",\"step_id\":\"step_%u\"", e->step);
}

static void failure_put(struct buf *out, const struct task_event *e)
{
    step_put(out, e);
    buf_addf(out, ",\"attempt\":%u", e->attempt);
    json_put_member_or_null(out, "error", e->message);
    code_put(out, e->code);
}

static void error_put(struct buf *out, struct bytes error, enum code code, struct bytes step)
{
    json_put_member_or_null(out, "error", error);
    code_put(out, code);
    json_put_member_or_null(out, "step", step);
}

static void deed_put(struct buf *out, const struct deed *deed)
{
    if (deed->actor.len > 0) {
        json_put_member(out, "actor", deed->actor);
    }
    if (deed->reason.len > 0) {
        json_put_member(out, "reason", deed->reason);
    }
}

/* Members of events about the task as a whole. */
static void task_event_put(struct buf *out, const struct task_event *e)
{
    switch ((int)e->type) {
    case EVENT_TASK_FAILING:
        error_put(out, e->message, e->code, e->step_name);
        break;
    case EVENT_TASK_FORKED:
        progress_put(out, e);
        json_put_member(out, "forked_from", e->message);
        deed_put(out, &e->deed);
        break;
    case EVENT_TASK_ERROR:
        error_put(out, e->message, e->code, e->step_name);
        buf_addf(out, ",\"can_recover\":%s", e->can_recover ? "true" : "false");
        break;
    case EVENT_TASK_COMPLETE:
        buf_addf(out, ",\"total_steps\":%u,\"results\":{}", e->total_steps);
        break;
    case EVENT_TASK_RECOVERING:
        if (e->message.len > 0) {
            buf_add_char(out, ',');
            buf_add_bytes(out, e->message);
        }
        deed_put(out, &e->deed);
        break;
    case EVENT_BUDGET_WARNING:
    case EVENT_BUDGET_EXCEEDED:
    case EVENT_BUDGET_CHANGED:
        buf_add_str(out, ",\"budget\":");
        buf_add_bytes(out, e->message.len > 0 ? e->message : BYTES_LIT("null"));
        deed_put(out, &e->deed);
        break;
    case EVENT_TASK_CANCELLED:
    case EVENT_TASK_PAUSED:
    case EVENT_TASK_RESUMED:
        deed_put(out, &e->deed);
        break;
    default:
        break;
    }
}

/* Members of events about a step. plan: the one whose text is out, which may lend a payload; or
 * NULL. */
static void step_event_put(struct buf *out, const struct task_event *e, struct body_plan *plan)
{
    switch ((int)e->type) {
    case EVENT_PROGRESS:
        progress_put(out, e);
        if (e->message.len > 0) {
            json_put_member(out, "message", e->message);
        }
        break;
    case EVENT_STEP_COMPLETED:
        progress_put(out, e);
        step_put(out, e);
        if (e->code != CODE_NONE) { /* the step failed, and its on_failure supplied the result */
            json_put_member_or_null(out, "error", e->message);
            code_put(out, e->code);
        } else if (e->message.len > 0) {
            json_put_member(out, "log", e->message);
        }
        break;
    case EVENT_STEP_RETRY:
        failure_put(out, e);
        json_put_time(out, "retry_at", e->retry_at);
        break;
    case EVENT_STEP_FAILED:
        failure_put(out, e);
        break;
    case EVENT_STEP_SKIPPED:
        step_put(out, e);
        break;
    case EVENT_STEP_WAITING:
        step_put(out, e);
        json_put_time(out, "waiting_until", e->retry_at);
        break;
    case EVENT_STEP_CHECKPOINT:
        progress_put(out, e);
        step_put(out, e);
        buf_addf(out, ",\"attempt\":%u", e->attempt);
        if (plan != NULL) {
            checkpoint_plan(plan, e->checkpoint, e->checkpoint_bytes);
        } else {
            json_put_checkpoint(out, e->checkpoint, e->checkpoint_bytes);
        }
        break;
    case EVENT_SIGNAL:
        step_put(out, e);
        json_put_member(out, "name", e->message);
        deed_put(out, &e->deed);
        break;
    default:
        break;
    }
}

static void event_put(struct bytes task_id, const struct task_event *e, struct buf *out,
                      struct body_plan *plan)
{
    open_put(out, e->type, task_id, e->state);
    task_event_put(out, e);
    step_event_put(out, e, plan);
    usage_sum_member_put(out, &e->usage);
    close_put(out, e->at, e->seq);
}

void event_render(struct bytes task_id, const struct task_event *e, struct buf *out)
{
    event_put(task_id, e, out, NULL);
}

void history_render(const struct message *events, uint64_t after, uint32_t limit,
                    struct body_plan *plan)
{
    struct buf *out = &plan->text;
    uint32_t count = events->events.count < limit ? events->events.count : limit;
    uint64_t oldest = events->events.oldest;
    buf_add_str(out, "{\"items\":[");
    for (uint32_t i = 0; i < count; i++) {
        buf_add_str(out, i > 0 ? "," : "");
        event_put(events->events.task_id, &events->events.events[i], out, plan);
    }
    buf_add_str(out, "],\"next_cursor\":");
    if (count < limit && count < EVENTS_PAGE_MAX) {
        buf_add_str(out, "null");
    } else {
        buf_addf(out, "\"%llu\"", (unsigned long long)events->events.events[count - 1].seq);
    }
    uint64_t missing = oldest > after + 1 ? oldest - after - 1 : 0;
    buf_addf(out, ",\"missing\":%llu}", (unsigned long long)missing);
}

uint64_t initial_state_seq(const struct task_view *v)
{
    return task_state_ended(v->state) && v->seq > 0 ? v->seq - 1 : v->seq;
}

void initial_state_render(const struct task_view *v, struct body_plan *plan)
{
    buf_add_str(&plan->text, "{\"type\":\"initial_state\",\"state\":");
    status_render(v, true, plan);
    buf_addf(&plan->text, ",\"seq\":%llu}", (unsigned long long)initial_state_seq(v));
}

void final_render(const struct task_view *v, struct body_plan *plan)
{
    struct buf *out = &plan->text;
    if (v->state == TASK_COMPLETED) {
        open_put(out, EVENT_TASK_COMPLETE, v->task_id, v->state);
        buf_addf(out, ",\"total_steps\":%u,\"results\":", v->step_count);
        results_render(v, plan);
    } else if (v->state == TASK_FAILED) {
        open_put(out, EVENT_TASK_ERROR, v->task_id, v->state);
        error_put(out, v->error, v->error_code, v->error_step);
        buf_addf(out, ",\"can_recover\":%s", v->can_recover ? "true" : "false");
    } else {
        open_put(out, EVENT_TASK_CANCELLED, v->task_id, v->state);
    }
    usage_member_put(out, v->usage, v->usage_count);
    close_put(out, v->completed_at, v->seq);
}

void gap_render(struct bytes task_id, uint64_t after, struct buf *out)
{
    buf_add_str(out, "{\"type\":\"gap\",\"data\":{\"task_id\":");
    json_put_string(out, task_id);
    buf_addf(out, ",\"after\":%llu}}", (unsigned long long)after);
}
