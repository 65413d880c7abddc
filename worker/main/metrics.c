#include "main/metrics.h"

#include "base/metric_text.h"

void metrics_put(const struct agent_stats *a, const struct worker_size *size, struct buf *out)
{
    struct metric_text text = {out, "marathon_worker_"};
    struct metric_text *t = &text;
    metric_single(t, "slots", "Steps it may run at once.", size->slots);
    metric_single(t, "slots_busy", "Steps that run.", a->running);
    metric_single(t, "functions", "Functions it offers.", size->functions);
    metric_single(t, "orders_waiting", "Orders that wait for a slot.", a->waiting);
    metric_single(t, "credits", "Orders it has asked for and not been sent.", a->credits);
    metric_single(t, "outcomes_held", "Outcomes that no coordinator has acknowledged yet.",
                  a->held);
    metric_single(t, "outcomes_held_bytes", "Size of these.", a->held_bytes);
    metric_single(t, "orders_total", "Orders taken.", a->orders_total);
    metric_single(t, "orders_duplicate_total", "Orders for what was here already.",
                  a->duplicates_total);
    metric_single(t, "orders_declined_total", "Orders handed back because no slot came free.",
                  a->declined_total);
    metric_begin(t, "steps_total", "Steps that ended here, by result.");
    metric_labelled(t, "steps_total", "result", "ok", a->outcomes_total - a->failures_total);
    metric_labelled(t, "steps_total", "result", "failed", a->failures_total);
    metric_single(t, "steps_timed_out_total", "Steps stopped at their time limit.",
                  a->timeouts_total);
    metric_histogram(t, "step_seconds", "What functions took, failed ones too.", &a->run);
    metric_single(t, "outcomes_resent_total", "Outcomes told again to the same coordinator.",
                  a->resends_total);
    metric_single(t, "outcomes_rejected_total",
                  "Outcomes that a coordinator did not accept at all.", a->rejected_total);
    metric_single(t, "news_not_understood_total",
                  "Lines of functions' news that were not understood, and passed over.",
                  a->bad_lines_total);
    metric_single(t, "coordinators_configured", "Coordinators it dials.", size->coordinators);
    metric_single(t, "coordinators_connected", "Coordinators that this process is connected to.",
                  a->peers);
    metric_single(t, "coordinator_joins_total", "Times that a coordinator welcomed it.",
                  a->joins_total);
}

bool metrics_ready(const struct agent_stats *a, bool draining, struct buf *out)
{
    if (draining) {
        buf_add_str(out, "this worker is shutting down");
    } else if (a->peers == 0) {
        buf_add_str(out, "no coordinator has welcomed it");
    } else {
        return true;
    }
    return false;
}
