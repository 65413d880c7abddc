/* A cluster in one terminal: starts the programs of a plan in order, shows their output, restarts
 * those that die, and stops all in reverse order. Runs its own loop on the calling thread. */
#ifndef MARATHON_CLI_DEV_H
#define MARATHON_CLI_DEV_H

#include "cli/cli.h"
#include "cli/dev_plan.h"

/* Runs until Ctrl-C, SIGTERM or SIGHUP (CLI_COMPLETED), or until it is clear that the cluster will
 * not come up (CLI_FAILED). When it returns, none of its processes is left. Prints `hint` once the
 * cluster is ready. */
enum cli_exit dev_run(struct cli *cli, const struct dev_plan *plan, const char *hint);

#endif
