/* The whole worker: the agent, its coordinators and its runners on one loop. */
#ifndef MARATHON_MAIN_DAEMON_H
#define MARATHON_MAIN_DAEMON_H

#include "conf/conf.h"
#include "run/functions.h"
#include "tls/identity.h"

struct daemon_options {
    const struct conf *conf; /* has main.c's table */
    const struct functions *functions;
    struct tls_identity *identity; /* the daemon takes ownership; NULL: no TLS */
    const char *id;                /* of this process, new at each start */
    const char *software;          /* version text */
};

/* Runs until SIGTERM or SIGINT and the drain that follows. Returns an exit status only if it cannot
 * start; otherwise it ends the process. */
int daemon_run(const struct daemon_options *options);

#endif
