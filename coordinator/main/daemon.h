/* The coordinator's loop: carries the core's effects out and feeds answers back. All on the loop's
 * thread. */
#ifndef MARATHON_COORDINATOR_DAEMON_H
#define MARATHON_COORDINATOR_DAEMON_H

#include "conf/conf.h"

struct daemon;

/* Borrows conf for its life. */
struct daemon *daemon_create(const struct conf *conf);
/* Runs until SIGTERM or SIGINT has drained it, or something that cannot be mended; the process's
 * exit code. */
int daemon_run(struct daemon *d);

#endif
