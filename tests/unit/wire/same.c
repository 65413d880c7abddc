#include "same.h"

#include "same_member.h"

static void same_texts(const struct bytes *a, const struct bytes *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_true(bytes_eq(a[i], b[i]));
    }
}

static void same_attempt_ref(const struct attempt_ref *a, const struct attempt_ref *b)
{
    SAME_BYTES(task_id);
    SAME(run);
    SAME(step);
    SAME(generation);
    SAME(attempt);
    SAME(delivery);
    assert_memory_equal(a->token, b->token, TOKEN_BYTES);
    SAME(item);
}

static void same_step_order(const struct step_order *a, const struct step_order *b)
{
    same_attempt_ref(&a->ref, &b->ref);
    SAME_BYTES(name);
    SAME_BYTES(function);
    SAME_BYTES(idempotency_key);
    SAME(timeout_ms);
    SAME(alone);
    SAME_BYTES(input.whole);
    SAME_BYTES(results.whole);
    SAME_BYTES(progress_checkpoint);
    SAME(progress_timeout_ms);
}

static void same_step_outcome(const struct step_outcome *a, const struct step_outcome *b)
{
    same_attempt_ref(&a->ref, &b->ref);
    SAME(number);
    SAME(ok);
    SAME_BYTES(result);
    SAME(code);
    SAME_BYTES(message);
    SAME(permanent);
    SAME(started_at);
    SAME(duration_ms);
    SAME_BYTES(function_code);
    SAME(retry_after_ms);
    SAME(usage_count);
    same_used(a->usage, b->usage, a->usage_count);
    SAME(execution);
}

static void same_step_ack(const struct step_ack *a, const struct step_ack *b)
{
    SAME(number);
    SAME(verdict);
}

static void same_step_progress(const struct step_progress *a, const struct step_progress *b)
{
    same_attempt_ref(&a->ref, &b->ref);
    SAME(fraction);
    SAME_BYTES(message);
    SAME_BYTES(checkpoint);
    SAME_BYTES(log);
    SAME(usage_count);
    same_used(a->usage, b->usage, a->usage_count);
    SAME(execution);
}

static void same_step_stop(const struct step_stop *a, const struct step_stop *b)
{
    same_attempt_ref(&a->ref, &b->ref);
    SAME(reason);
    SAME(elsewhere);
}

static void same_item_view(const struct item_view *a, const struct item_view *b)
{
    SAME(item);
    SAME(state);
    SAME(started_at);
    SAME(completed_at);
    SAME(retry_at);
    SAME(duration_ms);
    SAME(retry_count);
    SAME(deaths);
    SAME(progress);
    SAME(error_code);
    SAME_BYTES(error);
    SAME_BYTES(result);
    SAME_BYTES(log);
    SAME_BYTES(function_code);
}

static void same_items_body(const struct message *a, const struct message *b)
{
    SAME(items.next);
    SAME(items.total);
    assert_int_equal(a->items.count, b->items.count);
    for (uint32_t i = 0; i < a->items.count; i++) {
        same_item_view(&a->items.items[i], &b->items.items[i]);
    }
}

static void same_step_view(const struct step_view *a, const struct step_view *b)
{
    SAME(state);
    SAME(started_at);
    SAME(completed_at);
    SAME(retry_at);
    SAME(duration_ms);
    SAME(retry_count);
    SAME(deaths);
    SAME(max_retries);
    SAME(progress);
    SAME(order);
    SAME(result_offset);
    SAME(result_len);
    SAME(fans_out);
    SAME(items);
    SAME(items_done);
    SAME(items_failed);
    SAME(items_running);
    SAME(checkpoint_bytes);
    SAME(checkpoint_at);
    SAME_BYTES(checkpoint);
    SAME(error_code);
    SAME_BYTES(error);
    SAME_BYTES(function_code);
    SAME_BYTES(waiting_for);
    SAME_BYTES(name);
    SAME_BYTES(description);
    SAME_BYTES(function);
    SAME(waiting_until);
    SAME(usage_count);
    same_used(a->usage, b->usage, a->usage_count);
    SAME_BYTES(log);
}

static void same_task_view(const struct task_view *a, const struct task_view *b)
{
    SAME_BYTES(task_id);
    SAME_BYTES(task_type);
    SAME_BYTES(session_id);
    SAME(run);
    SAME(state);
    SAME(progress);
    SAME(seq);
    SAME(created_at);
    SAME(started_at);
    SAME(completed_at);
    SAME(estimated_completion);
    SAME(error_code);
    SAME_BYTES(error);
    SAME_BYTES(error_step);
    SAME(can_recover);
    SAME(checkpoints);
    SAME(checkpoint_interval_s);
    SAME(max_retries);
    SAME(recovery_enabled);
    SAME_BYTES(backend);
    SAME(doc_revision);
    SAME(results_bytes);
    SAME(step_count);
    for (uint32_t i = 0; i < a->step_count; i++) {
        same_step_view(&a->steps[i], &b->steps[i]);
    }
    SAME(usage_count);
    same_used(a->usage, b->usage, a->usage_count);
    same_budget(&a->budget, &b->budget);
    SAME(attempts_over);
    SAME(pipeline_version);
}

static void same_task_summary(const struct task_summary *a, const struct task_summary *b)
{
    SAME_BYTES(task_id);
    SAME_BYTES(task_type);
    SAME_BYTES(session_id);
    SAME(state);
    SAME(progress);
    SAME(created_at);
    SAME(started_at);
    SAME(completed_at);
    SAME(steps_completed);
    SAME(step_count);
    SAME_BYTES(current_step);
    SAME_BYTES(error);
}

static void same_worker_view(const struct worker_view *a, const struct worker_view *b)
{
    SAME_BYTES(worker_id);
    SAME_BYTES(host);
    SAME(pid);
    SAME(slots);
    SAME(busy);
    SAME(last_heard_at);
    SAME_BYTES(state);
    SAME(function_count);
    same_texts(a->functions, b->functions, a->function_count);
    SAME(label_count);
    same_texts(a->labels, b->labels, a->label_count);
    SAME_BYTES(software);
}

static void same_waiting_view(const struct waiting_view *a, const struct waiting_view *b)
{
    SAME_BYTES(function);
    SAME_BYTES(requires);
    SAME(steps);
}

static void same_task_event(const struct task_event *a, const struct task_event *b)
{
    SAME(seq);
    SAME(type);
    SAME(at);
    SAME(state);
    SAME(progress);
    SAME(step);
    SAME_BYTES(step_name);
    SAME(total_steps);
    SAME(attempt);
    SAME(retry_at);
    SAME(code);
    SAME_BYTES(message);
    SAME(can_recover);
    SAME_BYTES(deed.actor);
    SAME_BYTES(deed.reason);
    SAME(items);
    SAME(items_done);
    SAME(items_failed);
    SAME(checkpoint_bytes);
    SAME_BYTES(checkpoint);
    same_sum(&a->usage, &b->usage);
}

static void same_hello(const struct message *a, const struct message *b)
{
    SAME(hello.role);
    SAME(hello.version_min);
    SAME(hello.version_max);
    SAME_BYTES(hello.id);
    SAME_BYTES(hello.host);
    SAME(hello.pid);
    SAME_BYTES(hello.software);
    SAME(hello.slots);
    SAME(hello.function_count);
    same_texts(a->hello.functions, b->hello.functions, a->hello.function_count);
    SAME(hello.label_count);
    same_texts(a->hello.labels, b->hello.labels, a->hello.label_count);
}

static void same_welcome(const struct message *a, const struct message *b)
{
    SAME(welcome.version);
    SAME_BYTES(welcome.id);
    SAME_BYTES(welcome.reason);
}

static void same_beat(const struct message *a, const struct message *b)
{
    SAME(beat.loop_age_ms);
}

static void same_owned(const struct message *a, const struct message *b)
{
    SAME(owned.partitions);
    SAME(owned.number);
    SAME(owned.epoch_count);
    for (uint32_t i = 0; i < a->owned.epoch_count; i++) {
        assert_int_equal(a->owned.epochs[i].epoch, b->owned.epochs[i].epoch);
    }
}

static void same_credit(const struct message *a, const struct message *b)
{
    SAME(credit.count);
}

static void same_running(const struct message *a, const struct message *b)
{
    SAME(running.count);
    SAME(running.heard);
    SAME(running.stopping);
    for (uint32_t i = 0; i < a->running.count; i++) {
        same_attempt_ref(&a->running.refs[i], &b->running.refs[i]);
    }
}

static void same_signalled(const struct message *a, const struct message *b)
{
    SAME_BYTES(signalled.task_id);
    SAME(signalled.state);
    SAME_BYTES(signalled.step);
    SAME(signalled.kept);
    SAME(signalled.key);
}

static void same_refused(const struct message *a, const struct message *b)
{
    SAME(refused.code);
    SAME_BYTES(refused.detail);
    SAME_BYTES(refused.pointer);
    SAME(refused.state);
    SAME(refused.retry_after_s);
}

static void same_started(const struct message *a, const struct message *b)
{
    SAME_BYTES(started.task_id);
    SAME(started.replayed);
}

static void same_done(const struct message *a, const struct message *b)
{
    SAME_BYTES(done.task_id);
    SAME(done.state);
}

static void same_doc(const struct message *a, const struct message *b)
{
    SAME_BYTES(doc.data);
}

static void same_events(const struct message *a, const struct message *b)
{
    SAME_BYTES(events.task_id);
    SAME(events.count);
    for (uint32_t i = 0; i < a->events.count; i++) {
        same_task_event(&a->events.events[i], &b->events.events[i]);
    }
    SAME(events.oldest);
}

static void same_watched(const struct message *a, const struct message *b)
{
    SAME_BYTES(watched.task_id);
    SAME(watched.seq);
    SAME(watched.exists);
}

static void same_list(const struct message *a, const struct message *b)
{
    SAME(list.count);
    for (uint32_t i = 0; i < a->list.count; i++) {
        same_task_summary(&a->list.items[i], &b->list.items[i]);
    }
    SAME(list.next_before);
    SAME_BYTES(list.next_before_id);
    SAME(list.partitions);
}

static void same_workers(const struct message *a, const struct message *b)
{
    SAME(workers.count);
    for (uint32_t i = 0; i < a->workers.count; i++) {
        same_worker_view(&a->workers.items[i], &b->workers.items[i]);
    }
    SAME(workers.waiting_count);
    for (uint32_t i = 0; i < a->workers.waiting_count; i++) {
        same_waiting_view(&a->workers.waiting[i], &b->workers.waiting[i]);
    }
}

static void same_ready(const struct message *a, const struct message *b)
{
    SAME(ready.ready);
    SAME_BYTES(ready.detail);
    SAME_BYTES(ready.backend);
    SAME(ready.partitions);
    SAME_BYTES(ready.store_full);
    SAME_BYTES(ready.store_unsafe);
}

typedef void same_fn(const struct message *a, const struct message *b);

/* Bodies that are structs with a name. */
static void same_outcome_body(const struct message *a, const struct message *b)
{
    same_step_outcome(&a->outcome, &b->outcome);
}

static void same_progress_body(const struct message *a, const struct message *b)
{
    same_step_progress(&a->progress, &b->progress);
}

static void same_order_body(const struct message *a, const struct message *b)
{
    same_step_order(&a->order, &b->order);
}

static void same_ack_body(const struct message *a, const struct message *b)
{
    same_step_ack(&a->ack, &b->ack);
}

static void same_decline_body(const struct message *a, const struct message *b)
{
    same_attempt_ref(&a->decline.ref, &b->decline.ref);
}

static void same_stop_body(const struct message *a, const struct message *b)
{
    same_step_stop(&a->stop, &b->stop);
}

static void same_status_body(const struct message *a, const struct message *b)
{
    same_task_view(&a->status, &b->status);
}

static void same_nothing(const struct message *a, const struct message *b)
{
    (void)a;
    (void)b;
}

static same_fn *const by_type[] = {
    [MSG_HELLO] = same_hello,
    [MSG_WELCOME] = same_welcome,
    [MSG_BEAT] = same_beat,
    [MSG_OWNED] = same_owned,
    [MSG_CREDIT] = same_credit,
    [MSG_RUNNING] = same_running,
    [MSG_OUTCOME] = same_outcome_body,
    [MSG_PROGRESS] = same_progress_body,
    [MSG_ORDER] = same_order_body,
    [MSG_ACK] = same_ack_body,
    [MSG_STOP] = same_stop_body,
    [MSG_DRAINING] = same_nothing,
    [MSG_DECLINE] = same_decline_body,
    [MSG_START] = same_start_body,
    [MSG_CANCEL] = same_task,
    [MSG_RECOVER] = same_recover_body,
    [MSG_GET_ITEMS] = same_get_items_body,
    [MSG_ITEMS] = same_items_body,
    [MSG_PUT_PIPELINE] = same_put_pipeline,
    [MSG_PIPELINE_STORED] = same_pipeline_stored,
    [MSG_GET_VERSIONS] = same_get_versions,
    [MSG_VERSIONS] = same_versions,
    [MSG_GET_USAGE] = same_get_usage,
    [MSG_USAGE] = same_usage,
    [MSG_GET_STATUS] = same_task,
    [MSG_GET_DOC] = same_get_doc_body,
    [MSG_GET_HISTORY] = same_get_history_body,
    [MSG_WATCH] = same_task,
    [MSG_UNWATCH] = same_task,
    [MSG_GET_LIST] = same_get_list_body,
    [MSG_GET_WORKERS] = same_nothing,
    [MSG_GET_PIPELINES] = same_get_pipelines,
    [MSG_GET_READY] = same_nothing,
    [MSG_PAUSE] = same_task,
    [MSG_RESUME] = same_task,
    [MSG_SIGNAL] = same_signal_body,
    [MSG_SIGNALLED] = same_signalled,
    [MSG_GET_DEAD] = same_get_list_body,
    [MSG_REQUEUE] = same_requeue,
    [MSG_GET_FORK] = same_recover_body,
    [MSG_FORK] = same_start_body,
    [MSG_REFUSED] = same_refused,
    [MSG_STARTED] = same_started,
    [MSG_DONE] = same_done,
    [MSG_STATUS] = same_status_body,
    [MSG_DOC] = same_doc,
    [MSG_EVENTS] = same_events,
    [MSG_WATCHED] = same_watched,
    [MSG_LIST] = same_list,
    [MSG_WORKERS] = same_workers,
    [MSG_PIPELINES] = same_pipelines,
    [MSG_READY] = same_ready,
    [MSG_DEAD] = same_dead,
    [MSG_MEMBERS] = same_members,
};

void assert_same_message(const struct message *a, const struct message *b)
{
    SAME(type);
    SAME(request);
    assert_true(a->type < sizeof by_type / sizeof *by_type && by_type[a->type] != NULL);
    by_type[a->type](a, b);
}
