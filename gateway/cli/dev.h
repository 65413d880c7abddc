/* A cluster in one terminal: starts the programs of a plan in order, shows their output, restarts
 * what dies, stops all in reverse order. Runs its own loop on the calling thread. */
#ifndef MARATHON_CLI_DEV_H
#define MARATHON_CLI_DEV_H

#include "cli/cli.h"
#include "cli/dev_plan.h"

/* Until Ctrl-C, SIGTERM or SIGHUP (CLI_COMPLETED), or until it is clear that the cluster does not
 * come up (CLI_FAILED). When it returns, none of its processes is left. `hint` is printed once the
 * cluster is ready. */
enum cli_exit dev_run(struct cli *cli, const struct dev_plan *plan, const char *hint);

#endif
