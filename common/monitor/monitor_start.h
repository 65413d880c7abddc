/* The monitor as daemons have it: one row of their table of settings, and its start. */
#ifndef MARATHON_MONITOR_MONITOR_START_H
#define MARATHON_MONITOR_MONITOR_START_H

#include "conf/conf.h"
#include "monitor/monitor.h"

/* clang-format off */
#define CONF_MONITOR_ENTRY                                                                         \
    {.env = "MARATHON_METRICS_LISTEN", .kind = CONF_TEXT, .fallback = "",                          \
     .help = "address and port for /metrics, /livez and /readyz, as 127.0.0.1:7480; empty: none"}
/* clang-format on */

/* Where the setting is empty, nothing. Needs MARATHON_INSECURE_LISTEN in the table too. Like
 * conf_load it prints what is wrong and exits: 2 for a bad setting, 78 for one that has to be
 * meant, 1 where it cannot listen. program: "marathon-worker". It lives as long as the process. */
void monitor_start(struct loop *loop, const struct conf *conf, const char *program,
                   struct monitor_handler handler);

#endif
