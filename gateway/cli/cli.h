/* What every command of `marathon` receives, and how it prints: data to standard output, progress
 * and error messages to standard error. */
#ifndef MARATHON_CLI_CLI_H
#define MARATHON_CLI_CLI_H

#include <stdbool.h>

#include "cli/args.h"
#include "cli/exit.h"
#include "cli/http_client.h"
#include "cli/text.h"

#define CLI_SERVER_DEFAULT "http://127.0.0.1:8000"
#define CLI_API            "/api/v1/marathon"

struct cli {
    const struct command *command;
    struct args args;
    const char *server;
    struct http_client *http; /* NULL for commands that talk to no server */
    bool quiet;               /* -q: no progress, only errors */
    bool json;                /* -o json */
    bool out_terminal, err_terminal;
    struct text_style out_style, err_style;
    int64_t retry_for_ms; /* --retry-for, -1 = each command's own default */
};

struct command {
    const char *name;
    const char *operands; /* as in the usage line: "TASK..." */
    const char *summary;  /* one line, for the overview */
    const char *text;     /* further text for the command's own --help; may be NULL */
    const char *examples; /* lines, each with its LF */
    const struct arg_option *options;
    size_t option_count;
    size_t operands_min, operands_max;
    bool local; /* talks to no server */
    enum cli_exit (*run)(struct cli *cli);
};

/* Writes all of it; if standard output is gone (a closed pipe), ends the program quietly. */
void cli_out(const struct buf *text);
void cli_err(const struct buf *text);
/* A JSON text from the server: indented on a terminal, otherwise as it is. */
void cli_out_json(const struct cli *cli, struct bytes json);
/* Prints "marathon: ..." and a line end to standard error. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, but not with -q. */
void cli_note(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints "marathon COMMAND: ..." and where to find its help; returns CLI_USAGE. */
enum cli_exit cli_usage(const struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Is this operand a valid id? If not, tells the user. */
bool cli_id_good(const struct cli *cli, const char *id);
/* " --server URL" if the user gave one, else "": for commands that we suggest. Static. */
const char *cli_server_flag(const struct cli *cli);

/* Was Ctrl-C pressed, or SIGTERM or SIGHUP received? */
bool cli_stopped(void);
void cli_catch_signals(void);
/* Sleeps; returns false as soon as cli_stopped(). */
bool cli_sleep(int64_t ms);

#endif
