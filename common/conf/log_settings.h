/* The log settings, the same for every daemon: two entries for the table of settings, and how to
 * read them. */
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

/* Needs a conf whose table has CONF_LOG_ENTRIES. role is borrowed. */
struct log_options conf_log_options(const struct conf *c, const char *role);
/* Call once the log is open. Logs a line for each environment variable (envp has environ's form)
 * whose name is nearly one of the program's: it has no effect, and whoever set it believes
 * otherwise. Skips the variables of the other programs, since several often share one
 * environment. */
void conf_log_slips(struct conf *c, char *const *envp);

#endif
