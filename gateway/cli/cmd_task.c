/* The commands that show one task: watch, status, result. Those that change it are in
 * cmd_change.c. */
#include <stdio.h>

#include "base/id.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/summary.h"
#include "cli/table.h"
#include "cli/watch.h"
#include "json/scan.h"

static enum cli_exit run_watch(struct cli *cli)
{
    struct watch_options o = {.task_id = cli->args.operands[0], .messages = cli->json};
    return cli_id_good(cli, o.task_id) ? watch_task(cli, &o) : CLI_USAGE;
}

const struct command command_watch = {
    .name = "watch",
    .operands = "TASK",
    .summary = "follow a task to its end",
    .text = "Live bars on a terminal, one line per change elsewhere. With -o json every message of "
            "the stream\n"
            "goes to standard output, one a line. Ctrl-C detaches: the task goes on.\n",
    .examples = "  marathon watch analysis_123\n"
                "  marathon watch analysis_123 -o json | jq -r .type\n",
    .operands_min = 1,
    .operands_max = 1,
    .run = run_watch,
};

/* Prints the task's keys in Redis; the partition is part of them only with Redis Cluster. */
static enum cli_exit print_keys(struct cli *cli, const char *id)
{
    static const char *const headings[] = {"KEY", "KEY IN REDIS CLUSTER"};
    struct table t;
    struct buf text = {0};
    unsigned partition = id_partition(bytes_str(id));
    if (cli->json) {
        buf_addf(&text,
                 "{\"checkpoint\":\"checkpoint:%s\",\"error\":\"error:%s\",\"cluster\":{"
                 "\"checkpoint\":\"checkpoint:{p%02u}:%s\",\"error\":\"error:{p%02u}:%s\"}}",
                 id, id, partition, id, partition, id);
        cli_out_json(cli, buf_bytes(&text));
    } else {
        table_init(&t, headings, 2);
        table_addf(&t, "checkpoint:%s", id);
        table_addf(&t, "checkpoint:{p%02u}:%s", partition, id);
        table_addf(&t, "error:%s", id);
        table_addf(&t, "error:{p%02u}:%s", partition, id);
        table_write(&t, &cli->out_style, &text);
        cli_out(&text);
        table_free(&t);
    }
    buf_free(&text);
    return CLI_COMPLETED;
}

static enum cli_exit run_status(struct cli *cli)
{
    const char *id = cli->args.operands[0];
    if (!cli_id_good(cli, id)) {
        return CLI_USAGE;
    }
    return args_has(&cli->args, "key") ? print_keys(cli, id) : summary_print_steps(cli, id);
}

static const struct arg_option status_options[] = {
    {"key", 'k', NULL, "print the task's keys in Redis instead"},
};

const struct command command_status = {
    .name = "status",
    .operands = "TASK",
    .summary = "show a task and its steps",
    .examples = "  marathon status analysis_123\n"
                "  marathon status analysis_123 -o json | jq .status\n"
                "  marathon status --key analysis_123\n",
    .options = status_options,
    .option_count = 1,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_status,
};

static enum cli_exit print_step(struct cli *cli, struct bytes results, const char *step)
{
    struct bytes value, result = BYTES_NONE;
    if (json_check(results, &value, NULL) == ERR_OK && json_kind_of(value) == JSON_OBJECT) {
        result = json_member(value, step);
    }
    if (result.len == 0) {
        cli_say("%s has no result of a step \"%s\"\n    do: marathon status %s lists its steps",
                cli->args.operands[0], step, cli->args.operands[0]);
        return CLI_NOT_FOUND;
    }
    cli_out_json(cli, result);
    return CLI_COMPLETED;
}

static enum cli_exit run_result(struct cli *cli)
{
    const char *step = args_value(&cli->args, "step");
    char path[CALL_PATH_BYTES];
    struct http_reply reply;
    if (!cli_id_good(cli, cli->args.operands[0])) {
        return CLI_USAGE;
    }
    (void)snprintf(path, sizeof path, CLI_API "/result/%s", cli->args.operands[0]);
    enum cli_exit code = call_get(cli, "get the result", path, &reply);
    if (code != CLI_COMPLETED) {
        return code;
    }
    if (step != NULL) {
        code = print_step(cli, buf_bytes(&reply.body), step);
    } else {
        cli_out_json(cli, buf_bytes(&reply.body));
    }
    http_reply_free(&reply);
    return code;
}

static const struct arg_option result_options[] = {
    {"step", 0, "NAME", "only the result of this step"},
};

const struct command command_result = {
    .name = "result",
    .operands = "TASK",
    .summary = "print the results of a completed task as JSON",
    .text = "An object with a member for each step; laid out on a terminal, compact elsewhere.\n",
    .examples = "  marathon result analysis_123\n"
                "  marathon result analysis_123 --step bcg_analysis\n",
    .options = result_options,
    .option_count = 1,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_result,
};
