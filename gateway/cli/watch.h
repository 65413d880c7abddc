/* Watches one task until its end: the event stream, resumed when it breaks off, shown as live bars
 * or as lines. */
#ifndef MARATHON_CLI_WATCH_H
#define MARATHON_CLI_WATCH_H

#include "cli/cli.h"

struct watch_options {
    const char *task_id;
    /* print each message of the stream to standard output, one per line (watch -o json) */
    bool messages;
};

/* The exit code for the task's end, CLI_DETACHED after Ctrl-C, CLI_NOT_FOUND, CLI_UNREACHABLE. The
 * user has been told. */
enum cli_exit watch_task(struct cli *cli, const struct watch_options *options);
/* The same, then the task's state on standard output: a table row, or with -o json the whole
 * status. */
enum cli_exit watch_and_summarise(struct cli *cli, const char *task_id);

#endif
