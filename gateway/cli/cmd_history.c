/* `marathon history`: every event of a task, page by page. */
#include "cli/commands.h"
#include "cli/history.h"
#include "cli/show.h"

/* What an event says besides its type and its step. */
static struct bytes note_of(const struct doc_value *data)
{
    static const char *const keys[] = {"reason", "error", "message", "name", "waiting_until"};
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

static void add_page(const struct cli *cli, const struct doc *d, bool brief, struct table *t)
{
    const struct doc_value *items = doc_get(doc_root(d), "items");
    history_tell_missing(cli, d);
    for (size_t i = 0; i < doc_count(items); i++) {
        const struct doc_value *event = doc_at(items, i);
        if (!brief || !bytes_is(doc_string(doc_get(event, "type")), "progress_update")) {
            add_event(t, event);
        }
    }
}

static enum cli_exit show_pages(struct cli *cli, const char *id, struct buf *cursor)
{
    static const char *const headings[] = {"SEQ", "TIME", "EVENT", "STATUS", "STEP", "WHO", "NOTE"};
    bool brief = args_has(&cli->args, "brief");
    struct table t;
    struct doc *d = NULL;
    table_init(&t, headings, 7);
    enum cli_exit code = history_page(cli, id, cursor, &d);
    while (code == CLI_COMPLETED) {
        add_page(cli, d, brief, &t);
        doc_free(d);
        d = NULL;
        if (!brief || cursor->len == 0 || cli_stopped()) {
            show_table(cli, &t);
            return code;
        }
        code = history_page(cli, id, cursor, &d); /* brief: all pages in one table */
    }
    table_free(&t);
    return code;
}

static enum cli_exit run_history(struct cli *cli)
{
    const char *id = cli->args.operands[0];
    const char *from = args_value(&cli->args, "cursor");
    struct buf cursor = {0};
    enum cli_exit code;
    if (!cli_id_good(cli, id)) {
        return CLI_USAGE;
    }
    if (cli->json && args_has(&cli->args, "brief")) {
        return cli_usage(cli, "--brief applies to the table only: -o json has every event");
    }
    buf_add_str(&cursor, from != NULL ? from : "");
    if (cli->json) {
        struct doc *d = NULL;
        code = history_page(cli, id, &cursor, &d);
        if (code == CLI_COMPLETED) {
            show_doc(cli, d);
        }
        doc_free(d);
    } else {
        code = show_pages(cli, id, &cursor);
    }
    if (code == CLI_COMPLETED && cursor.len > 0) {
        cli_note(cli, "there are more: marathon history %s --cursor %s%s", id, buf_cstr(&cursor),
                 cli_server_flag(cli));
    }
    buf_free(&cursor);
    return code;
}

static const struct arg_option history_options[] = {
    {"brief", 'b', NULL, "leave out progress updates, and show all pages"},
    {"cursor", 0, "CURSOR", "continue after an earlier page, with the cursor that it printed"},
};

const struct command command_history = {
    .name = "history",
    .operands = "TASK",
    .summary = "show every event of a task, and who asked for what and why",
    .examples = "  marathon history analysis_123 --brief\n"
                "  marathon history analysis_123 -o json | jq '.items[] | select(.data.actor)'\n",
    .options = history_options,
    .option_count = sizeof history_options / sizeof history_options[0],
    .operands_min = 1,
    .operands_max = 1,
    .run = run_history,
};
