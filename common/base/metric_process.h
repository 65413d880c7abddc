/* What the kernel knows of this process, under the names that Prometheus' own clients use, so that
 * dashboards and rules made for any process work for ours. Reads /proc; any thread. */
#ifndef MARATHON_BASE_METRIC_PROCESS_H
#define MARATHON_BASE_METRIC_PROCESS_H

#include "base/bytes.h"

/* process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes,
 * process_start_time_seconds, process_threads, process_open_fds, process_max_fds; what cannot be
 * read is left out. */
void metric_process(struct buf *out);

#endif
