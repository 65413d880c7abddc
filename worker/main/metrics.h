/* A worker's counters in the Prometheus text format. */
#ifndef MARATHON_MAIN_METRICS_H
#define MARATHON_MAIN_METRICS_H

#include "agent/agent.h"

struct worker_size {
    uint64_t slots, functions, coordinators; /* as configured */
};

void metrics_put(const struct agent_stats *a, const struct worker_size *size, struct buf *out);
/* Can it accept work? If not, appends the reason, one line. */
bool metrics_ready(const struct agent_stats *a, bool draining, struct buf *out);

#endif
