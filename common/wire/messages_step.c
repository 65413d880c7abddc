/* Orders to workers and their outcomes. */
#include "wire/messages.h"

static const struct field attempt_ref[] = {
    FIELD(struct attempt_ref, task_id), FIELD(struct attempt_ref, run),
    FIELD(struct attempt_ref, step),    FIELD(struct attempt_ref, generation),
    FIELD(struct attempt_ref, attempt), FIELD(struct attempt_ref, delivery),
    FIELD(struct attempt_ref, token),   FIELD(struct attempt_ref, item),
};
static const struct layout attempt_ref_layout = LAYOUT(struct attempt_ref, attempt_ref);

static const struct field usage_part[] = {
    FIELD(struct usage_part, model),
    FIELD(struct usage_part, sum.input_tokens),
    FIELD(struct usage_part, sum.output_tokens),
    FIELD(struct usage_part, sum.cost_nano),
};
const struct layout usage_part_layout = LAYOUT(struct usage_part, usage_part);

static const struct field running[] = {
    FIELD_OF_LIST(struct message, running.refs, running.count, attempt_ref_layout, LIST_ANY_MAX),
    FIELD(struct message, running.heard),
    FIELD(struct message, running.stopping),
};
const struct body body_running = BODY(running);

static const struct field decline[] = {
    FIELD_OF_STRUCT(struct message, decline.ref, attempt_ref_layout),
};
const struct body body_decline = BODY(decline);

static const struct field outcome[] = {
    FIELD_OF_STRUCT(struct step_outcome, ref, attempt_ref_layout),
    FIELD(struct step_outcome, number),
    FIELD(struct step_outcome, ok),
    FIELD(struct step_outcome, result),
    FIELD_OF_ENUM(struct step_outcome, code, CODE_COUNT),
    FIELD(struct step_outcome, message),
    FIELD(struct step_outcome, permanent),
    FIELD(struct step_outcome, started_at),
    FIELD(struct step_outcome, duration_ms),
    FIELD(struct step_outcome, function_code),
    FIELD(struct step_outcome, retry_after_ms),
    FIELD_OF_LIST(struct step_outcome, usage, usage_count, usage_part_layout, USAGE_MODELS_MAX),
    FIELD(struct step_outcome, execution),
};
const struct body body_outcome = BODY_AT(struct step_outcome, outcome, outcome);

static const struct field progress[] = {
    FIELD_OF_STRUCT(struct step_progress, ref, attempt_ref_layout),
    FIELD(struct step_progress, fraction),
    FIELD(struct step_progress, message),
    FIELD(struct step_progress, checkpoint),
    FIELD(struct step_progress, log),
    FIELD_OF_LIST(struct step_progress, usage, usage_count, usage_part_layout, USAGE_MODELS_MAX),
    FIELD(struct step_progress, execution),
};
const struct body body_progress = BODY_AT(struct step_progress, progress, progress);

static const struct field order[] = {
    FIELD_OF_STRUCT(struct step_order, ref, attempt_ref_layout),
    FIELD(struct step_order, name),
    FIELD(struct step_order, function),
    FIELD(struct step_order, idempotency_key),
    FIELD(struct step_order, timeout_ms),
    FIELD(struct step_order, alone),
    FIELD(struct step_order, input),
    FIELD(struct step_order, results),
    FIELD(struct step_order, progress_checkpoint),
    FIELD(struct step_order, progress_timeout_ms),
};
const struct body body_order = BODY_AT(struct step_order, order, order);

static const struct field ack[] = {
    FIELD(struct step_ack, number),
    FIELD_OF_ENUM(struct step_ack, verdict, VERDICT_REJECTED + 1),
};
const struct body body_ack = BODY_AT(struct step_ack, ack, ack);

static const struct field stop[] = {
    FIELD_OF_STRUCT(struct step_stop, ref, attempt_ref_layout),
    FIELD_OF_ENUM(struct step_stop, reason, STOP_TASK_ENDED + 1),
    FIELD(struct step_stop, elsewhere),
};
const struct body body_stop = BODY_AT(struct step_stop, stop, stop);
