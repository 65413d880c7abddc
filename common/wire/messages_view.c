/* Views of tasks and workers, and the events of tasks. */
#include "wire/messages.h"

#include "model/limits.h"

static const struct field step_view[] = {
    FIELD_OF_ENUM(struct step_view, state, STEP_STATE_COUNT),
    FIELD(struct step_view, started_at),
    FIELD(struct step_view, completed_at),
    FIELD(struct step_view, retry_at),
    FIELD(struct step_view, duration_ms),
    FIELD(struct step_view, retry_count),
    FIELD(struct step_view, deaths),
    FIELD(struct step_view, max_retries),
    FIELD(struct step_view, progress),
    FIELD(struct step_view, order),
    FIELD(struct step_view, result_offset),
    FIELD(struct step_view, result_len),
    FIELD_OF_ENUM(struct step_view, error_code, CODE_COUNT),
    FIELD(struct step_view, error),
    FIELD(struct step_view, waiting_for),
    FIELD(struct step_view, name),
    FIELD(struct step_view, description),
    FIELD(struct step_view, function),
    FIELD(struct step_view, waiting_until),
    FIELD(struct step_view, function_code),
    FIELD(struct step_view, fans_out),
    FIELD(struct step_view, items),
    FIELD(struct step_view, items_done),
    FIELD(struct step_view, items_failed),
    FIELD(struct step_view, items_running),
    FIELD(struct step_view, checkpoint_bytes),
    FIELD(struct step_view, checkpoint_at),
    FIELD(struct step_view, checkpoint),
    FIELD_OF_LIST(struct step_view, usage, usage_count, usage_part_layout, USAGE_MODELS_MAX),
    FIELD(struct step_view, log),
};
static const struct layout step_view_layout = LAYOUT(struct step_view, step_view);

static const struct field item_view[] = {
    FIELD(struct item_view, item),
    FIELD_OF_ENUM(struct item_view, state, STEP_STATE_COUNT),
    FIELD(struct item_view, started_at),
    FIELD(struct item_view, completed_at),
    FIELD(struct item_view, retry_at),
    FIELD(struct item_view, duration_ms),
    FIELD(struct item_view, retry_count),
    FIELD(struct item_view, deaths),
    FIELD(struct item_view, progress),
    FIELD_OF_ENUM(struct item_view, error_code, CODE_COUNT),
    FIELD(struct item_view, error),
    FIELD(struct item_view, result),
    FIELD(struct item_view, checkpoint_bytes),
    FIELD(struct item_view, checkpoint_at),
    FIELD(struct item_view, checkpoint),
    FIELD(struct item_view, log),
    FIELD(struct item_view, function_code),
};
static const struct layout item_view_layout = LAYOUT(struct item_view, item_view);

static const struct field items[] = {
    FIELD_OF_LIST(struct message, items.items, items.count, item_view_layout, ITEMS_PAGE_MAX),
    FIELD(struct message, items.next),
    FIELD(struct message, items.total),
};
const struct body body_items = BODY(items);

static const struct field usage_group[] = {
    FIELD(struct usage_group, day),
    FIELD(struct usage_group, model),
    FIELD(struct usage_group, task_type),
    FIELD(struct usage_group, sum.input_tokens),
    FIELD(struct usage_group, sum.output_tokens),
    FIELD(struct usage_group, sum.cost_nano),
};
static const struct layout usage_group_layout = LAYOUT(struct usage_group, usage_group);

static const struct field usage[] = {
    FIELD_OF_LIST(struct message, usage.rows, usage.count, usage_group_layout, USAGE_GROUPS_MAX),
    FIELD(struct message, usage.cut),
    FIELD(struct message, usage.partitions),
};
const struct body body_usage = BODY(usage);

static const struct field status[] = {
    FIELD(struct task_view, task_id),
    FIELD(struct task_view, task_type),
    FIELD(struct task_view, session_id),
    FIELD(struct task_view, run),
    FIELD_OF_ENUM(struct task_view, state, TASK_STATE_COUNT),
    FIELD(struct task_view, progress),
    FIELD(struct task_view, seq),
    FIELD(struct task_view, created_at),
    FIELD(struct task_view, started_at),
    FIELD(struct task_view, completed_at),
    FIELD(struct task_view, estimated_completion),
    FIELD_OF_ENUM(struct task_view, error_code, CODE_COUNT),
    FIELD(struct task_view, error),
    FIELD(struct task_view, error_step),
    FIELD(struct task_view, can_recover),
    FIELD(struct task_view, checkpoints),
    FIELD(struct task_view, checkpoint_interval_s),
    FIELD(struct task_view, max_retries),
    FIELD(struct task_view, recovery_enabled),
    FIELD(struct task_view, backend),
    FIELD(struct task_view, doc_revision),
    FIELD(struct task_view, results_bytes),
    FIELD_OF_LIST(struct task_view, steps, step_count, step_view_layout, STEPS_MAX),
    FIELD_OF_LIST(struct task_view, usage, usage_count, usage_part_layout, USAGE_MODELS_MAX),
    FIELD(struct task_view, budget.cost_nano),
    FIELD(struct task_view, budget.tokens),
    FIELD(struct task_view, budget.steps),
    FIELD(struct task_view, attempts_over),
    FIELD(struct task_view, pipeline_version),
};
const struct body body_status = BODY_AT(struct task_view, status, status);

static const struct field task_event[] = {
    FIELD(struct task_event, seq),
    FIELD_OF_ENUM(struct task_event, type, EVENT_TYPE_COUNT),
    FIELD(struct task_event, at),
    FIELD_OF_ENUM(struct task_event, state, TASK_STATE_COUNT),
    FIELD(struct task_event, progress),
    FIELD(struct task_event, step),
    FIELD(struct task_event, step_name),
    FIELD(struct task_event, total_steps),
    FIELD(struct task_event, attempt),
    FIELD(struct task_event, retry_at),
    FIELD_OF_ENUM(struct task_event, code, CODE_COUNT),
    FIELD(struct task_event, message),
    FIELD(struct task_event, can_recover),
    FIELD(struct task_event, deed.actor),
    FIELD(struct task_event, deed.reason),
    FIELD(struct task_event, items),
    FIELD(struct task_event, items_done),
    FIELD(struct task_event, items_failed),
    FIELD(struct task_event, checkpoint_bytes),
    FIELD(struct task_event, checkpoint),
    FIELD(struct task_event, usage.input_tokens),
    FIELD(struct task_event, usage.output_tokens),
    FIELD(struct task_event, usage.cost_nano),
};
static const struct layout task_event_layout = LAYOUT(struct task_event, task_event);

/* Live events are not limited to a history page: a batch may complete more steps than that. */
static const struct field events[] = {
    FIELD(struct message, events.task_id),
    FIELD_OF_LIST(struct message, events.events, events.count, task_event_layout, LIST_ANY_MAX),
    FIELD(struct message, events.oldest),
};
const struct body body_events = BODY(events);

static const struct field task_summary[] = {
    FIELD(struct task_summary, task_id),
    FIELD(struct task_summary, task_type),
    FIELD(struct task_summary, session_id),
    FIELD_OF_ENUM(struct task_summary, state, TASK_STATE_COUNT),
    FIELD(struct task_summary, progress),
    FIELD(struct task_summary, created_at),
    FIELD(struct task_summary, started_at),
    FIELD(struct task_summary, completed_at),
    FIELD(struct task_summary, steps_completed),
    FIELD(struct task_summary, step_count),
    FIELD(struct task_summary, current_step),
    FIELD(struct task_summary, error),
};
static const struct layout task_summary_layout = LAYOUT(struct task_summary, task_summary);

static const struct field list[] = {
    FIELD_OF_LIST(struct message, list.items, list.count, task_summary_layout, LIST_PAGE_MAX),
    FIELD(struct message, list.next_before),
    FIELD(struct message, list.next_before_id),
    FIELD(struct message, list.partitions),
};
const struct body body_list = BODY(list);

static const struct field dead_letter[] = {
    FIELD(struct dead_letter, task_id),
    FIELD(struct dead_letter, task_type),
    FIELD(struct dead_letter, step),
    FIELD(struct dead_letter, name),
    FIELD(struct dead_letter, function),
    FIELD(struct dead_letter, deaths),
    FIELD(struct dead_letter, at),
    FIELD(struct dead_letter, error),
    FIELD_OF_ENUM(struct dead_letter, error_code, CODE_COUNT),
    FIELD(struct dead_letter, function_code),
};
static const struct layout dead_letter_layout = LAYOUT(struct dead_letter, dead_letter);

static const struct field dead[] = {
    FIELD_OF_LIST(struct message, dead.items, dead.count, dead_letter_layout, DEAD_PAGE_MAX),
    FIELD(struct message, dead.next_before),
    FIELD(struct message, dead.next_before_id),
    FIELD(struct message, dead.partitions),
};
const struct body body_dead = BODY(dead);

static const struct field worker_view[] = {
    FIELD(struct worker_view, worker_id),
    FIELD(struct worker_view, host),
    FIELD(struct worker_view, pid),
    FIELD(struct worker_view, slots),
    FIELD(struct worker_view, busy),
    FIELD(struct worker_view, last_heard_at),
    FIELD(struct worker_view, state),
    FIELD_OF_TEXTS(struct worker_view, functions, function_count, FUNCTIONS_MAX),
    FIELD_OF_TEXTS(struct worker_view, labels, label_count, LABELS_MAX),
    FIELD(struct worker_view, software),
};
static const struct layout worker_view_layout = LAYOUT(struct worker_view, worker_view);

static const struct field waiting_view[] = {
    FIELD(struct waiting_view, function),
    FIELD(struct waiting_view, requires),
    FIELD(struct waiting_view, steps),
};
static const struct layout waiting_view_layout = LAYOUT(struct waiting_view, waiting_view);

static const struct field workers[] = {
    FIELD_OF_LIST(struct message, workers.items, workers.count, worker_view_layout, LIST_ANY_MAX),
    FIELD_OF_LIST(struct message, workers.waiting, workers.waiting_count, waiting_view_layout,
                  WAITING_VIEWS_MAX),
};
const struct body body_workers = BODY(workers);
