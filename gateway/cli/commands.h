/* The table of commands. Each cmd_*.c defines its own; main.c dispatches; help.c prints. */
#ifndef MARATHON_CLI_COMMANDS_H
#define MARATHON_CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct command command_dev, command_run, command_start, command_watch, command_status,
    command_list, command_result, command_cancel, command_pause, command_resume, command_signal,
    command_history, command_recover, command_fork, command_pipelines, command_workers,
    command_usage, command_dead_letters, command_keys, command_healthcheck, command_doctor,
    command_items, command_logs;

#define COMMAND_COUNT 23
/* In the order of the overview. */
extern const struct command *const commands[COMMAND_COUNT];
/* cmd_definitions.c: verbs of `pipelines`. */
enum cli_exit definitions_validate(struct cli *cli);
enum cli_exit definitions_apply(struct cli *cli);
/* The options that every command takes. */
extern const struct arg_option shared_options[];
extern const size_t shared_option_count;

/* NULL if there is none of that name. */
const struct command *command_find(const char *name);
/* Finds the command, parses its arguments and runs it; argv as main got it. */
enum cli_exit command_main(int argc, char **argv);

/* Appends the overview of all commands, or the help of one. Pure. */
void help_overview(struct buf *out);
void help_command(struct buf *out, const struct command *c);

#endif
