#include "main/metrics.h"

#include "base/id.h"
#include "base/metric_text.h"

static void tasks_put(struct metric_text *t, const struct core_stats *c)
{
    metric_single(t, "tasks_live", "Live tasks in memory.", c->tasks_live);
    metric_single(t, "tasks_started_total", "Tasks admitted.", c->tasks_started_total);
    metric_begin(t, "tasks_ended_total", "Tasks that ended on this coordinator, by state.");
    metric_labelled(t, "tasks_ended_total", "state", "completed", c->tasks_completed_total);
    metric_labelled(t, "tasks_ended_total", "state", "failed", c->tasks_failed_total);
    metric_labelled(t, "tasks_ended_total", "state", "cancelled", c->tasks_cancelled_total);
    metric_single(t, "starts_refused_total",
                  "Starts refused: with 503 (store away, or starts closed) or 429 (full).",
                  c->starts_refused_total);
    metric_begin(t, "steps", "Steps in progress, by phase.");
    metric_labelled(t, "steps", "phase", "ready", c->steps_ready);
    metric_labelled(t, "steps", "phase", "running", c->steps_running);
    metric_labelled(t, "steps", "phase", "delayed", c->steps_delayed);
    metric_single(t, "limit_lanes",
                  "Keys of concurrency and rate_limit, with a function, that ready steps wait for.",
                  c->limit_lanes);
    metric_single(t, "limit_holds",
                  "Places in concurrency limits that attempts of this coordinator hold.",
                  c->limit_holds);
    metric_begin(
        t, "steps_unplaced",
        "Ready steps that no connected worker may run, by function and labels; 16 at most.");
    for (size_t i = 0; i < UNPLACED_SHOWN && c->unplaced[i].wants != NULL; i++) {
        metric_labelled(t, "steps_unplaced", "wants", c->unplaced[i].wants, c->unplaced[i].steps);
    }
    metric_single(t, "steps_completed_total", "Steps completed.", c->steps_completed_total);
    metric_single(t, "attempts_failed_total", "Attempts that failed.", c->attempts_failed_total);
    metric_single(t, "dead_letters_total", "Tasks that failed because a step became a dead letter.",
                  c->dead_letters_total);
    metric_single(t, "redeliveries_total", "Steps sent out again because their worker died.",
                  c->redeliveries_total);
    metric_begin(
        t, "outcomes_refused_total",
        "Outcomes of attempts that were not applied (late, repeated or rejected), by verdict.");
    metric_labelled(t, "outcomes_refused_total", "verdict", "replay", c->outcomes_replayed_total);
    metric_labelled(t, "outcomes_refused_total", "verdict", "late", c->outcomes_late_total);
    metric_labelled(t, "outcomes_refused_total", "verdict", "rejected", c->outcomes_rejected_total);
    metric_histogram(t, "step_wait_seconds",
                     "Time from a step being ready to being sent to a worker.", &c->step_wait);
    metric_histogram(t, "step_run_seconds",
                     "Run time of completed steps, as measured by their workers.", &c->step_run);
}

static void peers_put(struct metric_text *t, const struct core_stats *c)
{
    metric_single(t, "workers", "Workers that are connected, or briefly disconnected.", c->workers);
    metric_single(t, "workers_lost_total", "Workers that left or died.", c->workers_lost_total);
    metric_single(t, "gateways", "Gateways connected.", c->gateways);
    metric_single(t, "watches", "Pairs of a gateway and a task that it watches.", c->watches);
}

static void ownership_put(struct metric_text *t, const struct core_stats *c)
{
    metric_single(t, "partitions_owned", "Partitions that this coordinator owns, of 64.",
                  (uint64_t)__builtin_popcountll(c->partitions));
    metric_single(t, "takeovers_total", "Partitions taken over from a coordinator that was silent.",
                  c->takeovers_total);
    metric_single(t, "partitions_dropped_total",
                  "Partitions given up because the lease or a write failed.",
                  c->partitions_dropped_total);
    metric_single(t, "fenced_total",
                  "Writes refused because another coordinator owns the partition.",
                  c->fenced_total);
    const char *closed =
        c->admission_closed != NULL ? c->admission_closed : c->remarks[REMARK_FULL];
    metric_single(t, "admission_open",
                  "1 while the start gate lets starts pass and Redis takes them, else 0.",
                  closed == NULL);
    metric_begin(t, "admission_closed", "1 while starts are refused, with the reason.");
    if (closed != NULL) {
        metric_labelled(t, "admission_closed", "reason", closed, 1);
    }
}

static void audit_put(struct metric_text *t, const struct core_stats *c)
{
    metric_begin(
        t, "audit_findings_total",
        "Inconsistencies that the auditor found and repaired, by kind: all should stay 0.");
    for (int k = 0; k < AUDIT_KIND_COUNT; k++) {
        metric_labelled(t, "audit_findings_total", "kind", audit_kind_name((enum audit_kind)k),
                        c->audit_found_total[k]);
    }
    metric_single(t, "store_rollbacks_total",
                  "Partitions whose store came back with older data: acknowledged work is lost.",
                  c->rollbacks_total);
    metric_single(t, "audit_rounds_total",
                  "Complete rounds of the auditor over everything on this coordinator.",
                  c->audit_rounds_total);
    metric_begin(t, "tasks", "Live tasks by state, as counted in the auditor's last round.");
    for (int s = 0; s < TASK_STATE_COUNT; s++) {
        if (!task_state_ended((enum task_state)s)) {
            metric_labelled(t, "tasks", "state", task_state_name((enum task_state)s),
                            c->tasks_by_state[s]);
        }
    }
}

static void usage_put(struct metric_text *t, const struct usage *u)
{
    metric_begin(t, "usage_input_tokens_total",
                 "Input tokens that functions reported, by model (16 models, then other).");
    for (uint32_t i = 0; i < u->count; i++) {
        metric_labelled(t, "usage_input_tokens_total", "model", (const char *)u->parts[i].model.ptr,
                        u->parts[i].sum.input_tokens);
    }
    metric_begin(t, "usage_output_tokens_total",
                 "Output tokens that functions reported, by model.");
    for (uint32_t i = 0; i < u->count; i++) {
        metric_labelled(t, "usage_output_tokens_total", "model",
                        (const char *)u->parts[i].model.ptr, u->parts[i].sum.output_tokens);
    }
    metric_begin(t, "usage_cost_usd_total",
                 "Cost in US dollars that functions reported, by model.");
    for (uint32_t i = 0; i < u->count; i++) {
        metric_labelled_nano(t, "usage_cost_usd_total", "model",
                             (const char *)u->parts[i].model.ptr, u->parts[i].sum.cost_nano);
    }
}

static void store_put(struct metric_text *t, const struct core_stats *c,
                      const struct store_stats *s, const char *backend)
{
    metric_begin(t, "store_up", "1 while the store is connected, else 0.");
    metric_labelled(t, "store_up", "backend", backend, c->store_up);
    metric_single(t, "store_connects_total",
                  "Times that the connection to the store was established.", s->connects_total);
    metric_single(t, "store_masters_total",
                  "Times that the sentinels named another master, the first one included.",
                  s->masters_total);
    metric_single(t, "store_unconfirmed_total",
                  "Times that fewer replicas than MARATHON_REDIS_WAIT confirmed what was written.",
                  s->unconfirmed_total);
    metric_single(t, "store_rows_total", "Rows sent to the store.", s->rows_total);
    metric_single(t, "store_rows_unknown_total",
                  "Rows sent to the store whose outcome never became known.", s->unknown_total);
    metric_single(t, "store_batches_total", "Batches of rows sent to the store.", s->batches_total);
    metric_single(t, "store_reads_total", "Reads requested from the store.", s->reads_total);
    metric_single(t, "store_reads_cached_total", "Reads answered from the store's cache.",
                  s->reads_cached_total);
    metric_single(t, "store_batches_in_flight", "Batches sent to the store and not yet answered.",
                  s->batches_in_flight);
    metric_histogram(t, "store_batch_seconds", "Time from sending a batch to its last answer.",
                     &s->call);
    metric_begin(t, "queue_length", "Entries waiting, by queue.");
    metric_labelled(t, "queue_length", "queue", "core_writes", c->writes_pending);
    metric_labelled(t, "queue_length", "queue", "core_reads", c->reads_pending);
    metric_labelled(t, "queue_length", "queue", "store_rows", s->rows_waiting);
    metric_labelled(t, "queue_length", "queue", "store_reads", s->reads_waiting);
}

void metrics_put(const struct core_stats *c, const struct store_stats *s, const char *backend,
                 struct buf *out)
{
    struct metric_text t = {out, "marathon_coordinator_"};
    tasks_put(&t, c);
    peers_put(&t, c);
    ownership_put(&t, c);
    audit_put(&t, c);
    usage_put(&t, c->used);
    store_put(&t, c, s, backend);
}

bool metrics_ready(const struct core_stats *c, struct buf *out)
{
    if (!c->store_up) {
        const char *why =
            c->admission_closed != NULL ? c->admission_closed : c->remarks[REMARK_AWAY];
        buf_add_str(out, "the store is away");
        if (why != NULL) {
            buf_add_str(out, ": ");
            buf_add_str(out, why);
        }
    } else if (!c->heard_store) {
        buf_add_str(out, "the store has not answered for 2 s");
    } else if (c->admission_closed != NULL) {
        buf_add_str(out, c->admission_closed);
    } else {
        return true;
    }
    return false;
}
