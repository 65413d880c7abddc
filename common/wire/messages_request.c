/* Requests of gateways to coordinators. */
#include "wire/messages.h"

#include "model/limits.h"

static const struct field kept_step[] = {
    FIELD(struct kept_step, step),        FIELD(struct kept_step, result),
    FIELD(struct kept_step, started_at),  FIELD(struct kept_step, completed_at),
    FIELD(struct kept_step, duration_ms), FIELD(struct kept_step, failures),
    FIELD(struct kept_step, error),       FIELD_OF_ENUM(struct kept_step, error_code, CODE_COUNT),
};
static const struct layout kept_step_layout = LAYOUT(struct kept_step, kept_step);

static const struct field start[] = {
    FIELD(struct start_request, task_id),
    FIELD(struct start_request, task_type),
    FIELD(struct start_request, steps),
    FIELD(struct start_request, session_id),
    FIELD(struct start_request, input),
    FIELD(struct start_request, idempotency_key),
    FIELD(struct start_request, body_hash),
    FIELD(struct start_request, enable_checkpoints),
    FIELD(struct start_request, checkpoint_interval_s),
    FIELD(struct start_request, max_retries),
    FIELD(struct start_request, max_duration_s),
    FIELD(struct start_request, priority),
    FIELD(struct start_request, fork_of),
    FIELD(struct start_request, pipeline_version),
    FIELD_OF_LIST(struct start_request, kept, kept_count, kept_step_layout, STEPS_MAX),
    FIELD(struct start_request, deed.actor),
    FIELD(struct start_request, deed.reason),
    FIELD(struct start_request, budget.cost_nano),
    FIELD(struct start_request, budget.tokens),
    FIELD(struct start_request, budget.steps),
    FIELD(struct start_request, own_key),
};
const struct body body_start = BODY_AT(struct start_request, start, start);

static const struct field task[] = {
    FIELD(struct task_request, task_id),       FIELD(struct task_request, deed.actor),
    FIELD(struct task_request, deed.reason),   FIELD(struct task_request, budget.cost_nano),
    FIELD(struct task_request, budget.tokens), FIELD(struct task_request, budget.steps),
};
const struct body body_task = BODY_AT(struct task_request, task, task);

static const struct field signal[] = {
    FIELD(struct signal_request, task_id),    FIELD(struct signal_request, name),
    FIELD(struct signal_request, data),       FIELD(struct signal_request, key),
    FIELD(struct signal_request, deed.actor), FIELD(struct signal_request, deed.reason),
};
const struct body body_signal = BODY_AT(struct signal_request, signal, signal);

static const struct field recover[] = {
    FIELD(struct recover_request, task_id),       FIELD(struct recover_request, from_step),
    FIELD(struct recover_request, checkpoint_id), FIELD(struct recover_request, deed.actor),
    FIELD(struct recover_request, deed.reason),   FIELD(struct recover_request, input),
    FIELD(struct recover_request, only_failed),   FIELD(struct recover_request, key),
    FIELD(struct recover_request, own_input),
};
const struct body body_recover = BODY_AT(struct recover_request, recover, recover);

static const struct field requeue[] = {
    FIELD(struct requeue_request, task_id),
    FIELD(struct requeue_request, step),
    FIELD(struct requeue_request, key),
};
const struct body body_requeue = BODY_AT(struct requeue_request, requeue, requeue);

static const struct field get_doc[] = {
    FIELD(struct doc_request, task_id),  FIELD(struct doc_request, run),
    FIELD(struct doc_request, revision), FIELD(struct doc_request, offset),
    FIELD(struct doc_request, len),
};
const struct body body_get_doc = BODY_AT(struct doc_request, get_doc, get_doc);

static const struct field get_items[] = {
    FIELD(struct items_request, task_id), FIELD(struct items_request, step),
    FIELD(struct items_request, state),   FIELD(struct items_request, from),
    FIELD(struct items_request, limit),
};
const struct body body_get_items = BODY_AT(struct items_request, get_items, get_items);

static const struct field get_history[] = {
    FIELD(struct history_request, task_id),
    FIELD(struct history_request, after),
};
const struct body body_get_history = BODY_AT(struct history_request, get_history, get_history);

static const struct field get_list[] = {
    FIELD(struct list_request, state),  FIELD(struct list_request, task_type),
    FIELD(struct list_request, before), FIELD(struct list_request, before_id),
    FIELD(struct list_request, limit),
};
const struct body body_get_list = BODY_AT(struct list_request, get_list, get_list);

static const struct field get_usage[] = {
    FIELD(struct usage_request, by),
    FIELD(struct usage_request, first_day),
    FIELD(struct usage_request, last_day),
};
const struct body body_get_usage = BODY_AT(struct usage_request, get_usage, get_usage);
