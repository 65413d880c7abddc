/* The state of a task, on standard output. */
#ifndef MARATHON_CLI_SUMMARY_H
#define MARATHON_CLI_SUMMARY_H

#include "cli/cli.h"

/* For a task that was watched to its end: prints one row, unless bars have just shown it on the
 * same terminal (with -o json the whole status with its results), and to standard error what to do
 * next. */
enum cli_exit summary_print(struct cli *cli, const char *task_id);
/* The whole state: the task, then a row for each step. With -o json the status as the server sent
 * it. */
enum cli_exit summary_print_steps(struct cli *cli, const char *task_id);

#endif
