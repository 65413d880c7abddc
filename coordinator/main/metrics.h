/* A coordinator's counters in the text format of Prometheus. */
#ifndef MARATHON_MAIN_METRICS_H
#define MARATHON_MAIN_METRICS_H

#include "base/bytes.h"
#include "core/core.h"
#include "store/store.h"

/* backend: "redis" or "memory". */
void metrics_put(const struct core_stats *c, const struct store_stats *s, const char *backend,
                 struct buf *out);
/* Does it serve? Where not, why, in one line. */
bool metrics_ready(const struct core_stats *c, struct buf *out);

#endif
