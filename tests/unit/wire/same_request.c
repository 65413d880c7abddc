/* What gateways ask, held against each other. */
#include "same_member.h"

static void same_start_request(const struct start_request *a, const struct start_request *b)
{
    SAME_BYTES(task_id);
    SAME_BYTES(task_type);
    SAME_BYTES(steps);
    SAME_BYTES(session_id);
    SAME_BYTES(input);
    SAME_BYTES(idempotency_key);
    SAME_BYTES(body_hash);
    SAME(enable_checkpoints);
    SAME(checkpoint_interval_s);
    SAME(max_retries);
    SAME(max_duration_s);
    SAME(priority);
    SAME_BYTES(fork_of);
    SAME(pipeline_version);
    SAME(kept_count);
    for (uint32_t i = 0; i < a->kept_count; i++) {
        SAME(kept[i].step);
        SAME_BYTES(kept[i].result);
        SAME(kept[i].started_at);
        SAME(kept[i].completed_at);
        SAME(kept[i].duration_ms);
        SAME(kept[i].failures);
        SAME(kept[i].error_code);
        SAME_BYTES(kept[i].error);
    }
    SAME_BYTES(deed.actor);
    SAME_BYTES(deed.reason);
    same_budget(&a->budget, &b->budget);
    assert_int_equal(a->own_key, b->own_key);
}

static void same_recover_request(const struct recover_request *a, const struct recover_request *b)
{
    SAME_BYTES(task_id);
    SAME_BYTES(from_step);
    SAME_BYTES(checkpoint_id);
    SAME(only_failed);
    SAME_BYTES(deed.actor);
    SAME_BYTES(deed.reason);
    SAME_BYTES(input);
    SAME(key);
    SAME(own_input);
}

static void same_items_request(const struct items_request *a, const struct items_request *b)
{
    SAME_BYTES(task_id);
    SAME_BYTES(step);
    SAME(state);
    SAME(from);
    SAME(limit);
}

static void same_doc_request(const struct doc_request *a, const struct doc_request *b)
{
    SAME_BYTES(task_id);
    SAME(run);
    SAME(revision);
    SAME(offset);
    SAME(len);
}

static void same_history_request(const struct history_request *a, const struct history_request *b)
{
    SAME_BYTES(task_id);
    SAME(after);
}

static void same_list_request(const struct list_request *a, const struct list_request *b)
{
    SAME(state);
    SAME_BYTES(task_type);
    SAME(before);
    SAME_BYTES(before_id);
    SAME(limit);
}

void same_get_items_body(const struct message *a, const struct message *b)
{
    same_items_request(&a->get_items, &b->get_items);
}

void same_start_body(const struct message *a, const struct message *b)
{
    same_start_request(&a->start, &b->start);
}

void same_recover_body(const struct message *a, const struct message *b)
{
    same_recover_request(&a->recover, &b->recover);
}

void same_get_doc_body(const struct message *a, const struct message *b)
{
    same_doc_request(&a->get_doc, &b->get_doc);
}

void same_get_history_body(const struct message *a, const struct message *b)
{
    same_history_request(&a->get_history, &b->get_history);
}

void same_get_list_body(const struct message *a, const struct message *b)
{
    same_list_request(&a->get_list, &b->get_list);
}

void same_task(const struct message *a, const struct message *b)
{
    SAME_BYTES(task.task_id);
    SAME_BYTES(task.deed.actor);
    SAME_BYTES(task.deed.reason);
    same_budget(&a->task.budget, &b->task.budget);
}

void same_signal_body(const struct message *a, const struct message *b)
{
    SAME_BYTES(signal.task_id);
    SAME_BYTES(signal.name);
    SAME_BYTES(signal.data);
    SAME(signal.key);
    SAME_BYTES(signal.deed.actor);
    SAME_BYTES(signal.deed.reason);
}
