/* The worker as a whole: the agent, its coordinators, its runners, on one loop. */
#ifndef MARATHON_MAIN_DAEMON_H
#define MARATHON_MAIN_DAEMON_H

#include "conf/conf.h"
#include "run/functions.h"
#include "tls/identity.h"

struct daemon_options {
    const struct conf *conf; /* of main.c's table */
    const struct functions *functions;
    struct tls_identity *identity; /* becomes the daemon's; NULL: no TLS */
    const char *id;                /* of this process, new at each start */
    const char *software;          /* version text */
};

/* Runs until SIGTERM or SIGINT and the drain behind it. Returns an exit status only where it cannot
 * begin; else it ends the process. */
int daemon_run(const struct daemon_options *options);

#endif
