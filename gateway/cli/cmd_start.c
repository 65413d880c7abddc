/* `marathon start` and `marathon run`: create a task, by a request that can be repeated safely. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/id.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/source.h"
#include "cli/start_body.h"
#include "cli/watch.h"
#include "crypto/random.h"
#include "model/limits.h"

#define START_PATIENCE_MS 30000
#define KEY_BYTES_MAX     255 /* the server's bound on an Idempotency-Key */

static const struct arg_option options[] = {
    {"input", 'i', "JSON", "the task's input_data: JSON, @file, or - for standard input"},
    {"steps", 0, "JSON", "an inline pipeline: an array of steps or a definition; JSON, @file or -"},
    {"version", 0, "N", "the version of the pipeline (default: the newest)"},
    {"id", 0, "ID", "the task's id (default: the server makes one)"},
    {"session", 0, "ID", "the session it belongs to"},
    {"key", 'k', "KEY",
     "idempotency key: the same never starts a second task (with --id: of that id)"},
    {"priority", 'p', "N", "-10 to 10; higher runs first"},
    {"max-retries", 0, "N", "further attempts of a step that failed, 0 to 100"},
    {"budget", 0, "JSON", "what it may spend: cost_usd, tokens, steps; JSON, @file or -"},
    {"max-duration", 0, "SECONDS", "after this running time the task fails"},
    {"checkpoint-interval", 0, "SECONDS",
     "seconds at most until what a running step has saved is durable (default 60)"},
    {"no-checkpoints", 0, NULL, "if its coordinator dies, the task starts again at its first step"},
};

/* The texts that the request borrows. */
struct start {
    struct buf input, steps, budget, body;
    char key[KEY_BYTES_MAX + 1];
};

static void start_free(struct start *s)
{
    buf_free(&s->input);
    buf_free(&s->steps);
    buf_free(&s->budget);
    buf_free(&s->body);
}

static bool key_good(const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; i < len; i++) {
        if (key[i] < 0x20 || key[i] > 0x7E) {
            return false;
        }
    }
    return len > 0 && len <= KEY_BYTES_MAX;
}

static enum cli_exit take_key(const struct cli *cli, struct start *s)
{
    const char *given = args_value(&cli->args, "key");
    if (given != NULL) {
        if (!key_good(given)) {
            return cli_usage(cli, "--key must be 1 to %d printable ASCII characters",
                             KEY_BYTES_MAX);
        }
        memcpy(s->key, given, strlen(given) + 1);
        return CLI_COMPLETED;
    }
    uint8_t random[16];
    random_bytes(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++) {
        (void)snprintf(s->key + 2 * i, 3, "%02x", random[i]);
    }
    return CLI_COMPLETED;
}

static enum cli_exit take_numbers(const struct cli *cli, struct start_body *b)
{
    struct buf message = {0};
    enum err e = args_number(&cli->args, "max-retries", (struct arg_range){0, RETRIES_MAX},
                             &b->max_retries, &message);
    if (e == ERR_OK) {
        e = args_number(&cli->args, "max-duration", (struct arg_range){1, TASK_DURATION_S_MAX},
                        &b->max_duration_s, &message);
    }
    if (e == ERR_OK) {
        e = args_number(&cli->args, "checkpoint-interval", (struct arg_range){1, INTERVAL_S_MAX},
                        &b->checkpoint_interval_s, &message);
    }
    if (e == ERR_OK) {
        e = args_number(&cli->args, "version", (struct arg_range){1, PIPELINE_VERSIONS_MAX},
                        &b->version, &message);
    }
    const char *priority = args_value(&cli->args, "priority");
    if (e == ERR_OK && priority != NULL) {
        char *end = NULL;
        b->priority = strtol(priority, &end, 10);
        if (end == priority || *end != '\0' || b->priority < PRIORITY_MIN ||
            b->priority > PRIORITY_MAX) {
            buf_addf(&message, "--priority is \"%s\": it must be from %d to %d", priority,
                     PRIORITY_MIN, PRIORITY_MAX);
            e = ERR_INVALID;
        }
    }
    enum cli_exit code = e == ERR_OK ? CLI_COMPLETED : cli_usage(cli, "%s", buf_cstr(&message));
    buf_free(&message);
    return code;
}

static enum cli_exit take_sources(const struct cli *cli, struct start *s)
{
    const char *input = args_value(&cli->args, "input");
    const char *steps = args_value(&cli->args, "steps");
    if (input != NULL && steps != NULL && strcmp(input, "-") == 0 && strcmp(steps, "-") == 0) {
        return cli_usage(cli, "--input and --steps cannot both be standard input");
    }
    const char *budget = args_value(&cli->args, "budget");
    if ((budget != NULL && source_read(cli, "budget", budget, &s->budget) != ERR_OK) ||
        (input != NULL && source_read(cli, "input", input, &s->input) != ERR_OK) ||
        (steps != NULL && source_read(cli, "steps", steps, &s->steps) != ERR_OK)) {
        return CLI_USAGE;
    }
    if (cli->args.operand_count == 0 && steps == NULL) {
        return cli_usage(cli, "PIPELINE is missing (or give --steps)");
    }
    return CLI_COMPLETED;
}

static enum cli_exit make_request(const struct cli *cli, struct start *s)
{
    struct start_body body = {.version = START_UNSET,
                              .priority = START_UNSET,
                              .max_retries = START_UNSET,
                              .max_duration_s = START_UNSET,
                              .checkpoint_interval_s = START_UNSET,
                              .task_id = args_value(&cli->args, "id"),
                              .session_id = args_value(&cli->args, "session"),
                              .no_checkpoints = args_has(&cli->args, "no-checkpoints")};
    body.pipeline = cli->args.operand_count > 0 ? cli->args.operands[0] : NULL;
    if ((body.pipeline != NULL && !cli_id_good(cli, body.pipeline)) ||
        (body.task_id != NULL && !cli_id_good(cli, body.task_id))) {
        return CLI_USAGE;
    }
    enum cli_exit code = take_key(cli, s);
    code = code == CLI_COMPLETED ? take_numbers(cli, &body) : code;
    code = code == CLI_COMPLETED ? take_sources(cli, s) : code;
    if (code != CLI_COMPLETED) {
        return code;
    }
    struct buf message = {0};
    body.input = buf_bytes(&s->input);
    body.steps = buf_bytes(&s->steps);
    body.budget = buf_bytes(&s->budget);
    if (start_body_write(&body, &s->body, &message) != ERR_OK) {
        code = cli_usage(cli, "%s", buf_cstr(&message));
    }
    buf_free(&message);
    return code;
}

/* The id in the answer, to be freed; NULL if it has none. */
static char *answer_id(struct bytes body)
{
    struct doc *d = NULL;
    struct doc_fault fault;
    if (doc_parse(body, &d, &fault) != ERR_OK) {
        return NULL;
    }
    struct bytes id = doc_string(doc_get(doc_root(d), "task_id"));
    char *text = id_valid(id) ? mem_str_bytes(id) : NULL;
    doc_free(d);
    return text;
}

/* A hint for users who pass a file in place of a pipeline's name. */
static void hint_at_file(const struct cli *cli)
{
    static const char *const endings[] = {".json", ".yaml", ".yml"};
    const char *given = cli->args.operand_count > 0 ? cli->args.operands[0] : "";
    const char *ending = strrchr(given, '.');
    for (size_t i = 0; ending != NULL && i < sizeof endings / sizeof endings[0]; i++) {
        if (strcmp(ending, endings[i]) == 0 && access(given, R_OK) == 0) {
            cli_note(cli,
                     "%s is a file: `marathon pipelines apply %s` stores the pipeline in it, which "
                     "is run by its name",
                     given, given);
        }
    }
}

/* CLI_COMPLETED: *ret_id and *ret_reply are to be freed. */
static enum cli_exit start_task(struct cli *cli, struct http_reply *ret_reply, char **ret_id)
{
    struct start s = {.key = ""};
    enum cli_exit code = make_request(cli, &s);
    if (code == CLI_COMPLETED) {
        struct call call = {.doing = "start the task",
                            .method = "POST",
                            .path = CLI_API "/start",
                            .body = buf_bytes(&s.body),
                            .idempotency_key = s.key,
                            .patience_ms = START_PATIENCE_MS,
                            .repeatable = true};
        code = call_perform(cli, &call, ret_reply);
        if (code == CLI_UNREACHABLE || code == CLI_DETACHED) {
            cli_note(cli, "the same command with --key %s starts it at most once", s.key);
        }
    }
    start_free(&s);
    if (code == CLI_NOT_FOUND || code == CLI_USAGE) {
        hint_at_file(cli);
    }
    if (code != CLI_COMPLETED) {
        return code;
    }
    *ret_id = answer_id(buf_bytes(&ret_reply->body));
    if (*ret_id == NULL) {
        cli_say("cannot read the answer of %s: it has no task_id", cli->server);
        http_reply_free(ret_reply);
        return CLI_FAILED;
    }
    return CLI_COMPLETED;
}

static enum cli_exit run_start(struct cli *cli)
{
    struct http_reply reply;
    char *id = NULL;
    enum cli_exit code = start_task(cli, &reply, &id);
    if (code != CLI_COMPLETED) {
        return code;
    }
    if (cli->json) {
        cli_out_json(cli, buf_bytes(&reply.body));
    } else {
        struct buf text = {0};
        buf_addf(&text, "%s\n", id);
        cli_out(&text);
        buf_free(&text);
        cli_note(cli, "follow it: marathon watch %s%s", id, cli_server_flag(cli));
    }
    http_reply_free(&reply);
    free(id);
    return CLI_COMPLETED;
}

static enum cli_exit run_run(struct cli *cli)
{
    struct http_reply reply;
    char *id = NULL;
    enum cli_exit code = start_task(cli, &reply, &id);
    if (code != CLI_COMPLETED) {
        return code;
    }
    http_reply_free(&reply);
    code = watch_and_summarise(cli, id);
    free(id);
    return code;
}

const struct command command_start = {
    .name = "start",
    .operands = "[PIPELINE]",
    .summary = "start a task and print its id",
    .examples = "  marathon start full_analysis --input @input.json\n"
                "  marathon start full_analysis --id analysis_123 --key order-17\n"
                "  marathon start --steps '[{\"name\":\"hello\",\"function\":\"echo\"}]' --input "
                "'{\"hi\":1}'\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .operands_max = 1,
    .run = run_start,
};

const struct command command_run = {
    .name = "run",
    .operands = "[PIPELINE]",
    .summary = "start a task and watch it to its end",
    .text = "Shows live bars on a terminal, and one line per change elsewhere, on standard error. "
            "Standard\n"
            "output gets one row about the task, with -o json its whole status. Ctrl-C leaves the "
            "task running.\n"
            "Exit code: 0 completed, 1 failed, 2 wrong usage or data, 3 not found, 5 server out of "
            "reach,\n"
            "7 cancelled, 130 detached.\n",
    .examples = "  marathon run full_analysis --input @input.json\n"
                "  marathon run full_analysis -o json | jq .accumulated_results\n"
                "  marathon run --steps '[{\"name\":\"nap\",\"function\":\"sleep\"}]' --input "
                "'{\"seconds\":5}'\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .operands_max = 1,
    .run = run_run,
};
