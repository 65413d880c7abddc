/* `marathon history`: every event of a task, page by page. */
#include <stdio.h>

#include "base/clock.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/show.h"

/* What an event says beside its type and its step. */
static struct bytes note_of(const struct doc_value *data)
{
    static const char *const keys[] = {"reason", "error", "message", "name"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct bytes text = doc_string(doc_get(data, keys[i]));
        if (text.len > 0) {
            return text;
        }
    }
    return BYTES_NONE;
}

static void add_event(struct table *t, const struct doc_value *event)
{
    const struct doc_value *data = doc_get(event, "data");
    struct bytes step = doc_string(doc_get(data, "step"));
    if (step.len == 0) {
        step = doc_string(doc_get(data, "from_step")); /* of a recover */
    }
    table_addf(t, "%lld", (long long)doc_int(doc_get(event, "seq")));
    table_add(t, doc_string(doc_get(event, "timestamp")));
    table_add(t, doc_string(doc_get(event, "type")));
    table_add(t, doc_string(doc_get(data, "status")));
    table_add(t, step.len > 0 ? step : doc_string(doc_get(data, "current_step")));
    table_add(t, doc_string(doc_get(data, "actor")));
    table_add(t, note_of(data));
}

static void print_page(const struct cli *cli, const struct doc *d)
{
    static const char *const headings[] = {"SEQ", "TIME", "EVENT", "STATUS", "STEP", "WHO", "NOTE"};
    const struct doc_value *items = doc_get(doc_root(d), "items");
    int64_t missing = doc_int(doc_get(doc_root(d), "missing"));
    struct table t;
    if (missing > 0) {
        cli_note(cli, "%lld older events are no longer kept", (long long)missing);
    }
    table_init(&t, headings, 7);
    for (size_t i = 0; i < doc_count(items); i++) {
        add_event(&t, doc_at(items, i));
    }
    show_table(cli, &t);
}

static enum cli_exit run_history(struct cli *cli)
{
    const char *id = cli->args.operands[0];
    const char *cursor = args_value(&cli->args, "cursor");
    struct buf path = {0};
    struct doc *d = NULL;
    if (!cli_id_good(cli, id)) {
        return CLI_USAGE;
    }
    buf_addf(&path, CLI_API "/history/%s?limit=512", id);
    if (cursor != NULL) {
        buf_add_str(&path, "&cursor=");
        call_escape(&path, cursor);
    }
    enum cli_exit code = call_get_doc(cli, "read the history", buf_cstr(&path), &d);
    buf_free(&path);
    if (code != CLI_COMPLETED) {
        return code;
    }
    struct bytes next = doc_string(doc_get(doc_root(d), "next_cursor"));
    if (cli->json) {
        show_doc(cli, d);
    } else {
        print_page(cli, d);
    }
    if (next.len > 0) {
        cli_note(cli, "there are more: marathon history %s --cursor %.*s%s", id, (int)next.len,
                 (const char *)next.ptr, cli_server_flag(cli));
    }
    doc_free(d);
    return CLI_COMPLETED;
}

static const struct arg_option history_options[] = {
    {"cursor", 0, "CURSOR", "where a page before this one ended"},
};

const struct command command_history = {
    .name = "history",
    .operands = "TASK",
    .summary = "show every event of a task, and who asked for what and why",
    .examples = "  marathon history analysis_123\n"
                "  marathon history analysis_123 -o json | jq '.items[] | select(.data.actor)'\n",
    .options = history_options,
    .option_count = 1,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_history,
};
