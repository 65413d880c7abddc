/* How a task stands, on standard output. */
#ifndef MARATHON_CLI_SUMMARY_H
#define MARATHON_CLI_SUMMARY_H

#include "cli/cli.h"

/* For a task that was watched to its end: one row, unless bars have just shown it on the same
 * terminal (or, with -o json, the whole status with its results), and on standard error what to do
 * next. */
enum cli_exit summary_print(struct cli *cli, const char *task_id);
/* The whole state: what the task is, then a row for each step. With -o json the status as the
 * server gave it. */
enum cli_exit summary_print_steps(struct cli *cli, const char *task_id);

#endif
