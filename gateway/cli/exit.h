/* The exit codes of `marathon`, for scripts. Documented in marathon.1: never renumber. */
#ifndef MARATHON_CLI_EXIT_H
#define MARATHON_CLI_EXIT_H

enum cli_exit {
    CLI_COMPLETED = 0,   /* the command did what it says; a watched task completed */
    CLI_FAILED = 1,      /* a watched task failed, or the server refused (409, 500) */
    CLI_USAGE = 2,       /* the command line or the data given is wrong (400, 413, 422) */
    CLI_NOT_FOUND = 3,   /* no such task, pipeline or step */
    CLI_UNREACHABLE = 5, /* no answer from the server, or 503 until the retries ended */
    CLI_CANCELLED = 7,   /* a watched task was cancelled */
    CLI_DETACHED = 130,  /* Ctrl-C while watching: the task continues */
};

#endif
