#include "cli/commands.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/api_key.h"
#include "cli/duration.h"

const struct command *const commands[COMMAND_COUNT] = {
    &command_dev,       &command_run,         &command_start,  &command_watch,
    &command_status,    &command_list,        &command_items,  &command_logs,
    &command_result,    &command_cancel,      &command_pause,  &command_resume,
    &command_signal,    &command_recover,     &command_fork,   &command_history,
    &command_pipelines, &command_workers,     &command_usage,  &command_dead_letters,
    &command_keys,      &command_healthcheck, &command_doctor,
};

const struct arg_option shared_options[] = {
    {"server", 's', "URL", "the gateway (MARATHON_URL; default " CLI_SERVER_DEFAULT ")"},
    {"output", 'o', "FORM", "table (default) or json, on standard output"},
    {"quiet", 'q', NULL, "no progress, only errors"},
    {"no-color", 0, NULL, "no colours (as with the environment variable NO_COLOR)"},
    {"retry-for", 0, "TIME", "how long to retry while the server is away: 30s, 5m; 0 = not at all"},
    {"help", 'h', NULL, "this text"},
};
const size_t shared_option_count = sizeof shared_options / sizeof shared_options[0];

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static bool colour_wanted(const struct cli *cli)
{
    const char *no_color = getenv("NO_COLOR");
    return !args_has(&cli->args, "no-color") && (no_color == NULL || no_color[0] == '\0');
}

static void find_terminals(struct cli *cli)
{
    const char *term = getenv("TERM");
    bool dumb = term == NULL || term[0] == '\0' || strcmp(term, "dumb") == 0;
    bool utf8 = setlocale(LC_CTYPE, "") != NULL && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    bool colour = colour_wanted(cli);
    cli->out_terminal = isatty(STDOUT_FILENO) == 1 && !dumb;
    cli->err_terminal = isatty(STDERR_FILENO) == 1 && !dumb;
    cli->out_style = (struct text_style){.colour = colour && cli->out_terminal, .utf8 = utf8};
    cli->err_style = (struct text_style){.colour = colour && cli->err_terminal, .utf8 = utf8};
}

static enum cli_exit take_shared(struct cli *cli)
{
    const char *form = args_value(&cli->args, "output");
    const char *retry = args_value(&cli->args, "retry-for");
    const char *server = args_value(&cli->args, "server");
    const char *from_environment = getenv("MARATHON_URL");
    if (form != NULL && strcmp(form, "table") != 0 && strcmp(form, "json") != 0) {
        return cli_usage(cli, "--output is \"%s\": it must be table or json", form);
    }
    cli->json = form != NULL && strcmp(form, "json") == 0;
    cli->quiet = args_has(&cli->args, "quiet");
    cli->retry_for_ms = -1;
    if (retry != NULL && duration_parse(retry, &cli->retry_for_ms) != ERR_OK) {
        return cli_usage(cli, "--retry-for is \"%s\": it must be a time like 30s, 5m or 1h", retry);
    }
    cli->server = server != NULL                                            ? server
                  : from_environment != NULL && from_environment[0] != '\0' ? from_environment
                                                                            : CLI_SERVER_DEFAULT;
    find_terminals(cli);
    return CLI_COMPLETED;
}

static enum cli_exit check_operands(const struct cli *cli)
{
    const struct command *c = cli->command;
    size_t count = cli->args.operand_count;
    if (count > c->operands_max) {
        return cli_usage(cli, "\"%s\" is one argument too many",
                         cli->args.operands[c->operands_max]);
    }
    if (count < c->operands_min) {
        return cli_usage(cli, "%s is missing", c->operands);
    }
    return CLI_COMPLETED;
}

static enum cli_exit run_command(struct cli *cli)
{
    enum cli_exit code = take_shared(cli);
    if (code == CLI_COMPLETED) {
        code = check_operands(cli);
    }
    if (code != CLI_COMPLETED) {
        return code;
    }
    if (cli->command->local) {
        return cli->command->run(cli);
    }
    cli_catch_signals();
    if (http_client_create(cli->server, cli_stopped, &cli->http) != ERR_OK) {
        return cli_usage(cli, "\"%s\" is not the address of a server: it must be like %s",
                         cli->server, CLI_SERVER_DEFAULT);
    }
    struct buf key = {0}, message = {0};
    if (api_key_read(&key, &message) == ERR_OK) {
        http_client_key(cli->http, buf_bytes(&key));
        code = cli->command->run(cli);
    } else {
        code = cli_usage(cli, "%s", buf_cstr(&message));
    }
    buf_free(&key);
    buf_free(&message);
    http_client_destroy(cli->http);
    return code;
}

static enum cli_exit print_help(const struct command *c)
{
    struct buf text = {0};
    if (c != NULL) {
        help_command(&text, c);
    } else {
        help_overview(&text);
    }
    cli_out(&text);
    buf_free(&text);
    return CLI_COMPLETED;
}

static enum cli_exit without_command(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "help") == 0 && argc > 2 && command_find(argv[2]) != NULL) {
        return print_help(command_find(argv[2]));
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        return print_help(NULL);
    }
    if (argc < 2) {
        struct buf text = {0};
        help_overview(&text);
        cli_err(&text);
        buf_free(&text);
    } else {
        cli_say("there is no command \"%s\"; `marathon --help` lists them", word);
    }
    return CLI_USAGE;
}

enum cli_exit command_main(int argc, char **argv)
{
    struct cli cli = {.command = argc > 1 ? command_find(argv[1]) : NULL};
    if (cli.command == NULL) {
        return without_command(argc, argv);
    }
    struct arg_tables tables = {cli.command->options, cli.command->option_count, shared_options,
                                shared_option_count};
    struct buf message = {0};
    enum err e = args_parse(&tables, argc - 2, argv + 2, &cli.args, &message);
    enum cli_exit code;
    if (e != ERR_OK) {
        code = cli_usage(&cli, "%s", buf_cstr(&message));
    } else if (args_has(&cli.args, "help")) {
        code = print_help(cli.command);
    } else {
        code = run_command(&cli);
    }
    buf_free(&message);
    return code;
}
