#include "main/metrics.h"

#include "base/metric_text.h"

void metrics_put(const struct agent_stats *a, const struct worker_size *size, struct buf *out)
{
    struct metric_text text = {out, "marathon_worker_"};
    struct metric_text *t = &text;
    metric_single(t, "slots", "Steps it may run at once.", size->slots);
    metric_single(t, "slots_busy", "Steps that run.", a->running);
    metric_single(t, "functions", "Functions it offers.", size->functions);
    metric_single(t, "orders_waiting", "Steps received that wait for a slot.", a->waiting);
    metric_single(t, "credits", "Steps that it has asked for and not received yet.", a->credits);
    metric_single(t, "outcomes_held", "Outcomes of steps that no coordinator has acknowledged yet.",
                  a->held);
    metric_single(t, "outcomes_held_bytes",
                  "Bytes of outcomes that no coordinator has acknowledged yet.", a->held_bytes);
    metric_single(t, "orders_total", "Orders taken.", a->orders_total);
    metric_single(t, "orders_duplicate_total", "Steps received again that were already here.",
                  a->duplicates_total);
    metric_single(t, "orders_declined_total", "Steps handed back because no slot became free.",
                  a->declined_total);
    metric_begin(t, "steps_total", "Steps that ended here, by result.");
    metric_labelled(t, "steps_total", "result", "ok", a->outcomes_total - a->failures_total);
    metric_labelled(t, "steps_total", "result", "failed", a->failures_total);
    metric_single(t, "steps_timed_out_total", "Steps stopped at their time limit.",
                  a->timeouts_total);
    metric_histogram(t, "step_seconds", "Run time of functions, including failed ones.", &a->run);
    metric_single(t, "outcomes_resent_total", "Outcomes sent again to the same coordinator.",
                  a->resends_total);
    metric_single(t, "outcomes_rejected_total", "Outcomes that a coordinator refused.",
                  a->rejected_total);
    metric_single(
        t, "news_not_understood_total",
        "Lines that functions wrote to fd 3, or answered by HTTP, that were not understood.",
        a->bad_lines_total);
    metric_single(t, "coordinators_configured", "Coordinators it connects to.", size->coordinators);
    metric_single(t, "coordinators_connected", "Coordinators that this process is connected to.",
                  a->peers);
    metric_single(t, "coordinator_joins_total", "Connections to coordinators that were accepted.",
                  a->joins_total);
}

bool metrics_ready(const struct agent_stats *a, bool draining, struct buf *out)
{
    if (draining) {
        buf_add_str(out, "this worker is shutting down");
    } else if (a->peers == 0) {
        buf_add_str(out, "it is not connected to any coordinator");
    } else {
        return true;
    }
    return false;
}
