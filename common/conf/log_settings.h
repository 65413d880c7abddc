/* The settings of the log, the same for every daemon: two rows of its table, and their reading. */
#ifndef MARATHON_CONF_LOG_SETTINGS_H
#define MARATHON_CONF_LOG_SETTINGS_H

#include "base/log.h"
#include "conf/conf.h"

/* clang-format off */
#define CONF_LOG_ENTRIES                                                                           \
    {.env = "MARATHON_LOG_LEVEL", .kind = CONF_CHOICE, .fallback = "info",                         \
     .choices = "debug|info|warn|error", .help = "lines below it are dropped"},                    \
    {.env = "MARATHON_LOG_FORMAT", .kind = CONF_CHOICE, .fallback = "logfmt",                      \
     .choices = "logfmt|json", .help = "form of the log on stderr"}
/* clang-format on */

/* From a conf whose table has CONF_LOG_ENTRIES. role is borrowed. */
struct log_options conf_log_options(const struct conf *c, const char *role);
/* Once the log is open: a line for each variable of the environment (envp, as environ) that is none
 * of the program's, but nearly: it counts for nothing, and its writer believes otherwise. Those of
 * other programs, which often share one environment, are passed over. */
void conf_log_slips(struct conf *c, char *const *envp);

#endif
