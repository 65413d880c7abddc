/* The monitor as every daemon uses it: one entry for its table of settings, and the start. */
#ifndef MARATHON_MONITOR_MONITOR_START_H
#define MARATHON_MONITOR_MONITOR_START_H

#include "conf/conf.h"
#include "monitor/monitor.h"

/* clang-format off */
#define CONF_MONITOR_ENTRY                                                                         \
    {.env = "MARATHON_METRICS_LISTEN", .kind = CONF_TEXT, .fallback = "",                          \
     .help = "address and port for /metrics, /livez and /readyz, as 127.0.0.1:7480; empty: none"}
/* clang-format on */

/* Does nothing if the setting is empty. The table must also have MARATHON_INSECURE_LISTEN. Like
 * conf_load it prints what is wrong and exits: 2 for a bad setting, 78 for an open port without
 * that consent, 1 if it cannot listen. program: "marathon-worker". The monitor lives as long as the
 * process. */
void monitor_start(struct loop *loop, const struct conf *conf, const char *program,
                   struct monitor_handler handler);

#endif
