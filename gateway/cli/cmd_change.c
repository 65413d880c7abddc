/* The commands that change an existing task: cancel, pause, resume, signal, recover, fork. */
#include <stdio.h>
#include <stdlib.h>

#include "base/id.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/source.h"
#include "cli/watch.h"
#include "json/scan.h"
#include "model/limits.h"

#define CHANGE_PATIENCE_MS 30000

#define DEED_OPTIONS                                                                               \
    {"reason", 0, "TEXT", "why; kept in the task's history"},                                      \
    {                                                                                              \
        "by", 0, "NAME", "who; kept in the task's history (default: the environment's USER)"       \
    }

/* Appends actor and reason as members of a body that is still open. */
static void put_deed(const struct cli *cli, struct buf *out)
{
    const char *reason = args_value(&cli->args, "reason");
    const char *by = args_value(&cli->args, "by");
    by = by != NULL ? by : getenv("USER");
    if (by != NULL && by[0] != '\0' && strlen(by) <= ACTOR_BYTES_MAX) {
        buf_add_str(out, out->len > 1 ? ",\"actor\":" : "\"actor\":");
        json_put_string(out, bytes_str(by));
    }
    if (reason != NULL) {
        buf_add_str(out, out->len > 1 ? ",\"reason\":" : "\"reason\":");
        json_put_string(out, bytes_str(reason));
    }
}

/* POSTs to one task; prints the answer, as JSON or as "ID STATE". */
static enum cli_exit change(struct cli *cli, const char *doing, const char *path, struct bytes body)
{
    struct http_reply reply;
    struct call call = {.doing = doing,
                        .method = "POST",
                        .path = path,
                        .body = body,
                        .idempotency_key = args_value(&cli->args, "key"),
                        .patience_ms = CHANGE_PATIENCE_MS};
    enum cli_exit code = call_perform(cli, &call, &reply);
    if (code != CLI_COMPLETED) {
        return code;
    }
    if (cli->json) {
        cli_out_json(cli, buf_bytes(&reply.body));
    } else {
        struct doc *d = NULL;
        struct doc_fault fault;
        struct buf text = {0};
        if (doc_parse(buf_bytes(&reply.body), &d, &fault) == ERR_OK) {
            text_put_clean(&text, doc_string(doc_get(doc_root(d), "task_id")));
            buf_add_char(&text, ' ');
            text_put_clean(&text, doc_string(doc_get(doc_root(d), "status")));
            buf_add_char(&text, '\n');
            cli_out(&text);
        }
        doc_free(d);
        buf_free(&text);
    }
    http_reply_free(&reply);
    return CLI_COMPLETED;
}

/* The same change for each task named; the exit code is that of the first failure. */
static enum cli_exit change_each(struct cli *cli, const char *verb, struct bytes budget)
{
    enum cli_exit worst = CLI_COMPLETED;
    struct buf body = {0};
    for (size_t i = 0; i < cli->args.operand_count; i++) {
        if (!cli_id_good(cli, cli->args.operands[i])) {
            return CLI_USAGE;
        }
    }
    buf_add_char(&body, '{');
    if (budget.len > 0) {
        buf_add_str(&body, "\"budget\":");
        buf_add_bytes(&body, budget);
    }
    put_deed(cli, &body);
    buf_add_char(&body, '}');
    for (size_t i = 0; i < cli->args.operand_count && !cli_stopped(); i++) {
        char path[CALL_PATH_BYTES];
        char doing[CALL_PATH_BYTES];
        (void)snprintf(path, sizeof path, CLI_API "/%s/%s", verb, cli->args.operands[i]);
        (void)snprintf(doing, sizeof doing, "%s %s", verb, cli->args.operands[i]);
        enum cli_exit code = change(cli, doing, path, buf_bytes(&body));
        worst = worst == CLI_COMPLETED ? code : worst;
    }
    buf_free(&body);
    return worst;
}

static const struct arg_option deed_options[] = {DEED_OPTIONS};

static enum cli_exit run_cancel(struct cli *cli)
{
    return change_each(cli, "cancel", BYTES_NONE);
}

const struct command command_cancel = {
    .name = "cancel",
    .operands = "TASK...",
    .summary = "cancel tasks and stop what runs",
    .text = "Returns once the end is durable. Exit code: that of the first one that could not be "
            "cancelled.\n",
    .examples = "  marathon cancel analysis_123 --reason \"wrong file\"\n"
                "  marathon list --status running -o json | jq -r .items[].task_id | xargs "
                "marathon cancel\n",
    .options = deed_options,
    .option_count = sizeof deed_options / sizeof deed_options[0],
    .operands_min = 1,
    .operands_max = ARGS_OPERANDS_MAX,
    .run = run_cancel,
};

static enum cli_exit run_pause(struct cli *cli)
{
    return change_each(cli, "pause", BYTES_NONE);
}

const struct command command_pause = {
    .name = "pause",
    .operands = "TASK...",
    .summary = "start no further step of tasks until they are resumed",
    .text = "What runs goes on to its end. A pause outlives any restart, and does not count as "
            "running time.\n",
    .examples = "  marathon pause analysis_123 --reason \"the scraper is being fixed\"\n",
    .options = deed_options,
    .option_count = sizeof deed_options / sizeof deed_options[0],
    .operands_min = 1,
    .operands_max = ARGS_OPERANDS_MAX,
    .run = run_pause,
};

static enum cli_exit run_resume(struct cli *cli)
{
    const char *budget = args_value(&cli->args, "budget");
    struct buf json = {0};
    enum cli_exit code = CLI_USAGE;
    if (budget == NULL || source_read(cli, "budget", budget, &json) == ERR_OK) {
        code = change_each(cli, "resume", buf_bytes(&json));
    }
    buf_free(&json);
    return code;
}

static const struct arg_option resume_options[] = {
    {"budget", 0, "JSON", "new limits on all that it has spent: cost_usd, tokens, steps"},
    DEED_OPTIONS,
};

const struct command command_resume = {
    .name = "resume",
    .operands = "TASK...",
    .summary = "let paused tasks go on, or those that have spent their budget",
    .text = "With --budget the tasks may also run: they get the new limits.\n",
    .examples = "  marathon resume analysis_123\n"
                "  marathon resume analysis_123 --budget '{\"cost_usd\":2}' --reason \"worth it\"\n"
                "  marathon list --status paused -o json | jq -r .items[].task_id | xargs "
                "marathon resume\n",
    .options = resume_options,
    .option_count = sizeof resume_options / sizeof resume_options[0],
    .operands_min = 1,
    .operands_max = ARGS_OPERANDS_MAX,
    .run = run_resume,
};

static enum cli_exit print_signalled(const struct cli *cli, struct bytes body)
{
    struct doc *d = NULL;
    struct doc_fault fault;
    struct buf text = {0};
    if (cli->json) {
        cli_out_json(cli, body);
    } else if (doc_parse(body, &d, &fault) == ERR_OK) {
        bool kept = doc_bool(doc_get(doc_root(d), "kept"));
        text_put_clean(&text, doc_string(doc_get(doc_root(d), "task_id")));
        buf_add_str(&text, kept ? " keeps it for the step " : " has it, the step ");
        text_put_clean(&text, doc_string(doc_get(doc_root(d), "step")));
        buf_add_str(&text, kept ? "\n" : " is completed\n");
        cli_out(&text);
        doc_free(d);
    }
    buf_free(&text);
    return CLI_COMPLETED;
}

static enum cli_exit run_signal(struct cli *cli)
{
    const char *id = cli->args.operands[0];
    const char *data = args_value(&cli->args, "data");
    char path[CALL_PATH_BYTES];
    struct buf body = {0}, json = {0};
    struct http_reply reply;
    if (!cli_id_good(cli, id) || !cli_id_good(cli, cli->args.operands[1])) {
        return CLI_USAGE;
    }
    if (data != NULL && source_read(cli, "data", data, &json) != ERR_OK) {
        return CLI_USAGE;
    }
    (void)snprintf(path, sizeof path, CLI_API "/signal/%s", id);
    buf_addf(&body, "{\"name\":\"%s\"", cli->args.operands[1]);
    if (json.len > 0) {
        buf_add_str(&body, ",\"data\":");
        buf_add_bytes(&body, buf_bytes(&json));
    }
    put_deed(cli, &body);
    buf_add_char(&body, '}');
    struct call call = {.doing = "signal the task",
                        .method = "POST",
                        .path = path,
                        .body = buf_bytes(&body),
                        .idempotency_key = args_value(&cli->args, "key"),
                        .patience_ms = CHANGE_PATIENCE_MS};
    enum cli_exit code = call_perform(cli, &call, &reply);
    buf_free(&body);
    buf_free(&json);
    if (code == CLI_COMPLETED) {
        code = print_signalled(cli, buf_bytes(&reply.body));
        http_reply_free(&reply);
    }
    return code;
}

static const struct arg_option signal_options[] = {
    {"data", 'd', "JSON", "the step's result: JSON, @file or - for standard input (default null)"},
    {"key", 0, "KEY", "idempotency key: makes a repetition safe"},
    DEED_OPTIONS,
};

const struct command command_signal = {
    .name = "signal",
    .operands = "TASK NAME",
    .summary = "give a task the signal that a step of it waits for",
    .text = "The data becomes the step's result. The first signal of a name wins; one that comes "
            "early is kept.\n",
    .examples =
        "  marathon signal analysis_123 approve --data '{\"ok\":true}' --reason \"looks good\"\n",
    .options = signal_options,
    .option_count = sizeof signal_options / sizeof signal_options[0],
    .operands_min = 2,
    .operands_max = 2,
    .run = run_signal,
};

static enum cli_exit put_recover_body(const struct cli *cli, struct buf *out)
{
    const char *input = args_value(&cli->args, "input");
    struct buf json = {0};
    if (input != NULL && source_read(cli, "input", input, &json) != ERR_OK) {
        return CLI_USAGE;
    }
    const char *from = args_value(&cli->args, "from-step");
    const char *checkpoint = args_value(&cli->args, "checkpoint");
    buf_add_char(out, '{');
    if (from != NULL) {
        buf_add_str(out, "\"from_step\":");
        json_put_string(out, bytes_str(from));
    }
    if (checkpoint != NULL) {
        buf_addf(out, "%s\"checkpoint_id\":", from != NULL ? "," : "");
        json_put_string(out, bytes_str(checkpoint));
    }
    if (json.len > 0) {
        buf_add_str(out, out->len > 1 ? ",\"input_data\":" : "\"input_data\":");
        buf_add_bytes(out, buf_bytes(&json));
    }
    buf_free(&json);
    if (args_has(&cli->args, "only-failed")) {
        buf_add_str(out, out->len > 1 ? ",\"only_failed\":true" : "\"only_failed\":true");
    }
    put_deed(cli, out);
    buf_add_char(out, '}');
    return CLI_COMPLETED;
}

static enum cli_exit run_recover(struct cli *cli)
{
    const char *id = cli->args.operands[0];
    char path[CALL_PATH_BYTES];
    struct buf body = {0};
    if (!cli_id_good(cli, id)) {
        return CLI_USAGE;
    }
    (void)snprintf(path, sizeof path, CLI_API "/recover/%s", id);
    if (put_recover_body(cli, &body) != CLI_COMPLETED) {
        buf_free(&body);
        return CLI_USAGE;
    }
    bool watch = args_has(&cli->args, "watch");
    enum cli_exit code = change(cli, "recover the task", path, buf_bytes(&body));
    buf_free(&body);
    if (code != CLI_COMPLETED) {
        return code;
    }
    if (!watch) {
        cli_note(cli, "follow it: marathon watch %s%s", id, cli_server_flag(cli));
        return CLI_COMPLETED;
    }
    struct watch_options o = {.task_id = id, .messages = cli->json};
    return watch_task(cli, &o);
}

static enum cli_exit run_fork(struct cli *cli)
{
    const char *id = cli->args.operands[0];
    const char *new_id = args_value(&cli->args, "id");
    char path[CALL_PATH_BYTES];
    struct buf body = {0};
    struct http_reply reply;
    if (!cli_id_good(cli, id) || (new_id != NULL && !cli_id_good(cli, new_id))) {
        return CLI_USAGE;
    }
    if (put_recover_body(cli, &body) != CLI_COMPLETED) {
        buf_free(&body);
        return CLI_USAGE;
    }
    if (new_id != NULL) {
        body.len--; /* the closing brace */
        buf_addf(&body, "%s\"task_id\":\"%s\"}", body.len > 1 ? "," : "", new_id);
    }
    (void)snprintf(path, sizeof path, CLI_API "/fork/%s", id);
    struct call call = {.doing = "fork the task",
                        .method = "POST",
                        .path = path,
                        .body = buf_bytes(&body),
                        .idempotency_key = args_value(&cli->args, "key"),
                        .patience_ms = CHANGE_PATIENCE_MS};
    enum cli_exit code = call_perform(cli, &call, &reply);
    buf_free(&body);
    if (code != CLI_COMPLETED) {
        return code;
    }
    struct doc *d = NULL;
    struct doc_fault fault;
    struct buf text = {0};
    if (cli->json) {
        cli_out_json(cli, buf_bytes(&reply.body));
    } else if (doc_parse(buf_bytes(&reply.body), &d, &fault) == ERR_OK) {
        text_put_clean(&text, doc_string(doc_get(doc_root(d), "task_id")));
        buf_add_char(&text, '\n');
        cli_out(&text);
        doc_free(d);
    }
    buf_free(&text);
    http_reply_free(&reply);
    return CLI_COMPLETED;
}

static const struct arg_option fork_options[] = {
    {"from-step", 0, "STEP", "run again from this step on (its name or step_N)"},
    {"checkpoint", 0, "ID", "start from this checkpoint instead of the newest"},
    {"input", 'i', "JSON", "instead of the task's input: JSON, @file or - for standard input"},
    {"id", 0, "ID", "of the new task (default: a new one)"},
    {"key", 0, "KEY", "idempotency key: makes a repetition safe"},
    DEED_OPTIONS,
};

const struct command command_fork = {
    .name = "fork",
    .operands = "TASK",
    .summary = "start a new task from this one's checkpoint",
    .text = "Prints the new task's id. The task itself stays as it is, and may be running.\n",
    .examples = "  marathon fork analysis_123 --from-step campaign_generation --id try_2\n"
                "  marathon fork analysis_123 --from-step bcg_analysis --input @other.json\n",
    .options = fork_options,
    .option_count = sizeof fork_options / sizeof fork_options[0],
    .operands_min = 1,
    .operands_max = 1,
    .run = run_fork,
};

static const struct arg_option recover_options[] = {
    {"from-step", 0, "STEP", "run again from this step on (its name or step_N)"},
    {"only-failed", 0, NULL, "if that step has items: only those that are not completed"},
    {"checkpoint", 0, "ID", "run on from this checkpoint instead of the newest"},
    {"input", 'i', "JSON", "replaces the task's input: JSON, @file or - for standard input"},
    {"key", 0, "KEY", "idempotency key: makes a repetition safe"},
    {"watch", 'w', NULL, "follow the task to its end"},
    DEED_OPTIONS,
};

const struct command command_recover = {
    .name = "recover",
    .operands = "TASK",
    .summary = "run a failed or cancelled task on from its checkpoint",
    .text = "Completed steps are not run again, but for those from --from-step on.\n",
    .examples = "  marathon recover analysis_123 --watch\n"
                "  marathon recover analysis_123 --from-step bcg_analysis\n"
                "  marathon recover analysis_123 --input @corrected.json --reason \"typo\"\n",
    .options = recover_options,
    .option_count = sizeof recover_options / sizeof recover_options[0],
    .operands_min = 1,
    .operands_max = 1,
    .run = run_recover,
};
