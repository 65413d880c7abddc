/* dead-letters: lists and requeues the steps that were set aside because they kept killing
 * workers. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/show.h"
#include "model/pipeline.h"

#define REQUEUE_PATIENCE_MS 30000

/* ---- list ---- */

static void add_letter(struct table *t, const struct doc_value *letter, unix_ms now)
{
    char age[DURATION_TEXT_BYTES];
    unix_ms at = 0;
    struct bytes error = doc_string(doc_get(letter, "error_message"));
    const uint8_t *line_end = error.len > 0 ? memchr(error.ptr, '\n', error.len) : NULL;
    if (line_end != NULL) { /* -o json has the rest: the end of its log */
        error.len = (size_t)(line_end - error.ptr);
    }
    table_add(t, doc_string(doc_get(letter, "task_id")));
    table_add(t, doc_string(doc_get(letter, "step_id")));
    table_add(t, doc_string(doc_get(letter, "name")));
    table_add(t, doc_string(doc_get(letter, "function")));
    table_addf(t, "%" PRId64, doc_int(doc_get(letter, "deaths")));
    table_add(t, doc_string(doc_get(letter, "error_code")));
    bool dated = time_parse(doc_string(doc_get(letter, "dead_at")), &at) == ERR_OK;
    table_add(t, dated ? bytes_str(duration_clock(now - at, age)) : BYTES_NONE);
    struct bytes own = doc_string(doc_get(letter, "function_code"));
    struct buf text = {0};
    buf_add_bytes(&text, own);
    buf_add_str(&text, own.len > 0 ? ": " : "");
    buf_add_bytes(&text, error);
    table_add(t, buf_bytes(&text));
    buf_free(&text);
}

static void print_letters(const struct cli *cli, const struct doc *d)
{
    static const char *const headings[] = {"TASK",   "STEP", "NAME", "FUNCTION",
                                           "DEATHS", "CODE", "AGE",  "ERROR"};
    static const struct show_columns columns = {headings, 8, add_letter};
    size_t count = show_items(cli, d, &columns);
    if (!show_more(cli, d, "marathon dead-letters") && count == 0) {
        cli_note(cli, "there are no dead letters");
    }
}

static enum cli_exit list_letters(struct cli *cli)
{
    const char *cursor = args_value(&cli->args, "cursor");
    struct buf path = {0};
    buf_add_str(&path, CLI_API "/dead-letters");
    if (cursor != NULL) {
        buf_add_str(&path, "?cursor=");
        call_escape(&path, cursor);
    }
    enum cli_exit code = show_answer(cli, "list the dead letters", buf_cstr(&path), print_letters);
    buf_free(&path);
    return code;
}

/* ---- requeue ---- */

static enum cli_exit post(struct cli *cli, const char *doing, const char *path,
                          struct http_reply *ret_reply)
{
    struct call call = {.doing = doing,
                        .method = "POST",
                        .path = path,
                        .idempotency_key = args_value(&cli->args, "key"),
                        .patience_ms = REQUEUE_PATIENCE_MS};
    return call_perform(cli, &call, ret_reply);
}

static enum cli_exit requeue_one(struct cli *cli, const char *id, const char *step)
{
    struct buf path = {0};
    struct http_reply reply;
    if (!cli_id_good(cli, id)) {
        return CLI_USAGE;
    }
    if (!step_name_valid(bytes_str(step))) {
        return cli_usage(cli,
                         "\"%.140s\" is not a step: give its name or step_id, as `marathon "
                         "dead-letters` prints them",
                         step);
    }
    buf_addf(&path, CLI_API "/dead-letters/%s/", id);
    call_escape(&path, step);
    buf_add_str(&path, "/requeue");
    enum cli_exit code = post(cli, "requeue the dead letter", buf_cstr(&path), &reply);
    buf_free(&path);
    if (code != CLI_COMPLETED) {
        return code;
    }
    if (cli->json) {
        cli_out_json(cli, buf_bytes(&reply.body));
    } else {
        struct buf text = {0};
        buf_addf(&text, "%s recovering\n", id);
        cli_out(&text);
        buf_free(&text);
        cli_note(cli, "follow it: marathon watch %s%s", id, cli_server_flag(cli));
    }
    http_reply_free(&reply);
    return CLI_COMPLETED;
}

struct requeue_sum {
    int64_t requeued, failed;
    struct buf cursor; /* of the next page, empty = that was the last one */
};

static void take_page(const struct doc *d, struct requeue_sum *sum)
{
    const struct doc_value *failed = doc_get(doc_root(d), "failed");
    sum->requeued += doc_int(doc_get(doc_root(d), "requeued"));
    sum->failed += (int64_t)doc_count(failed);
    for (size_t i = 0; i < doc_count(failed); i++) {
        const struct doc_value *f = doc_at(failed, i);
        struct buf text = {0};
        text_put_clean(&text, doc_string(doc_get(f, "task_id")));
        buf_add_char(&text, ' ');
        text_put_clean(&text, doc_string(doc_get(f, "step_id")));
        buf_add_str(&text, ": ");
        text_put_clean(&text, doc_string(doc_get(f, "detail")));
        cli_say("cannot requeue %s", buf_cstr(&text));
        buf_free(&text);
    }
    buf_clear(&sum->cursor);
    buf_add_bytes(&sum->cursor, doc_string(doc_get(doc_root(d), "next_cursor")));
}

static enum cli_exit requeue_page(struct cli *cli, struct requeue_sum *sum)
{
    struct buf path = {0};
    struct http_reply reply;
    struct doc *d = NULL;
    struct doc_fault fault;
    buf_add_str(&path, CLI_API "/dead-letters/requeue");
    if (sum->cursor.len > 0) {
        buf_add_str(&path, "?cursor=");
        call_escape(&path, buf_cstr(&sum->cursor));
    }
    enum cli_exit code = post(cli, "requeue the dead letters", buf_cstr(&path), &reply);
    buf_free(&path);
    if (code != CLI_COMPLETED) {
        return code;
    }
    if (cli->json) { /* one line per page */
        cli_out_json(cli, buf_bytes(&reply.body));
    }
    if (doc_parse(buf_bytes(&reply.body), &d, &fault) == ERR_OK) {
        take_page(d, sum);
    } else {
        cli_say("cannot requeue the dead letters: the answer is not JSON (%s)", fault.reason);
        code = CLI_FAILED;
    }
    doc_free(d);
    http_reply_free(&reply);
    return code;
}

static enum cli_exit requeue_all(struct cli *cli)
{
    struct requeue_sum sum = {0};
    enum cli_exit code = CLI_COMPLETED;
    do {
        code = requeue_page(cli, &sum);
    } while (code == CLI_COMPLETED && sum.cursor.len > 0 && !cli_stopped());
    if (!cli->json) {
        struct buf text = {0};
        buf_addf(&text, "%" PRId64 " requeued, %" PRId64 " failed\n", sum.requeued, sum.failed);
        cli_out(&text);
        buf_free(&text);
    }
    buf_free(&sum.cursor);
    return code == CLI_COMPLETED && sum.failed > 0 ? CLI_FAILED : code;
}

static enum cli_exit run_dead(struct cli *cli)
{
    const struct args *a = &cli->args;
    const char *verb = a->operand_count > 0 ? a->operands[0] : "list";
    bool all = args_has(a, "all");
    if (strcmp(verb, "list") == 0 && a->operand_count <= 1 && !all) {
        return list_letters(cli);
    }
    if (strcmp(verb, "requeue") != 0) {
        return cli_usage(cli,
                         "\"%s\" is not understood: it must be list, requeue TASK STEP, or "
                         "requeue --all",
                         all ? "--all" : verb);
    }
    if (all && a->operand_count == 1) {
        return requeue_all(cli);
    }
    if (!all && a->operand_count == 3) {
        return requeue_one(cli, a->operands[1], a->operands[2]);
    }
    return cli_usage(cli, "requeue takes TASK and STEP, or --all alone");
}

static const struct arg_option dead_options[] = {
    {"all", 'a', NULL, "requeue all there are, page by page"},
    {"cursor", 0, "CURSOR",
     "list: continue after an earlier list, with the cursor that it printed"},
    {"key", 0, "KEY", "requeue TASK STEP: idempotency key, makes a repetition safe"},
};

const struct command command_dead_letters = {
    .name = "dead-letters",
    .operands = "[list | requeue TASK STEP | requeue --all]",
    .summary = "list and requeue steps that killed three workers, or ran out of attempts",
    .text = "Requeue runs the task on from its checkpoint; deaths and attempts count from 0 again. "
            "Fix the function first.\n"
            "Exit code of requeue --all: 1 where one of them could not be requeued.\n",
    .examples = "  marathon dead-letters -o json | jq -r '.items[].error_message'\n"
                "  marathon dead-letters requeue analysis_123 step_2\n"
                "  marathon dead-letters requeue party_7 soup/cook\n"
                "  marathon dead-letters requeue --all\n",
    .options = dead_options,
    .option_count = 3,
    .operands_max = 3,
    .run = run_dead,
};
