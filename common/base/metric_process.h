/* Metrics of this process from the kernel, under the names used by Prometheus' client libraries, so
 * that generic dashboards and rules work. Reads /proc; any thread. */
#ifndef MARATHON_BASE_METRIC_PROCESS_H
#define MARATHON_BASE_METRIC_PROCESS_H

#include "base/bytes.h"

/* Appends process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes,
 * process_start_time_seconds, process_threads, process_open_fds, process_max_fds; omits what cannot
 * be read. */
void metric_process(struct buf *out);

#endif
