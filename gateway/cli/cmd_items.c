/* `marathon items`: the state of each item of a step with for_each. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/show.h"
#include "model/limits.h"
#include "model/pipeline.h"
#include "model/state.h"

#define ITEMS_LIMIT_DEFAULT 50

static void add_item(struct table *t, const struct doc_value *item, unix_ms now)
{
    char text[DURATION_TEXT_BYTES];
    unix_ms retry_at = 0;
    struct bytes state = doc_string(doc_get(item, "status"));
    int64_t failures = doc_int(doc_get(item, "retry_count"));
    int64_t took = doc_int(doc_get(item, "duration_ms"));
    struct buf note = {0};
    table_addf(t, "%" PRId64, doc_int(doc_get(item, "index")));
    table_add(t, state);
    table_addf(t, "%d%%", (int)(doc_number(doc_get(item, "progress")) * 100));
    table_add(t, took > 0 ? bytes_str(duration_text(took, text)) : BYTES_NONE);
    table_addf(t, "%" PRId64, failures);
    if (time_parse(doc_string(doc_get(item, "retry_at")), &retry_at) == ERR_OK) {
        buf_addf(&note, "next attempt in %s: ", duration_clock(retry_at - now, text));
    }
    /* while it runs, or once it is completed */
    struct bytes log = doc_string(doc_get(item, "log"));
    if (log.len > 0) {
        buf_add_bytes(&note, text_last_line(log));
    } else if (!bytes_is(state, step_state_name(STEP_COMPLETED))) {
        /* otherwise the error was of an attempt before the successful one */
        struct bytes own = doc_string(doc_get(item, "function_code"));
        buf_add_bytes(&note, own);
        buf_add_str(&note, own.len > 0 ? ": " : "");
        buf_add_bytes(&note, doc_string(doc_get(item, "error_message")));
    }
    table_add(t, buf_bytes(&note));
    buf_free(&note);
}

static void print_items(const struct cli *cli, const struct doc *d)
{
    static const char *const headings[] = {"ITEM",     "STATUS",   "DONE",
                                           "DURATION", "FAILURES", "NOTE"};
    static const struct show_columns columns = {headings, 6, add_item};
    size_t count = show_items(cli, d, &columns);
    const char *state = args_value(&cli->args, "status");
    struct buf command = {0};
    buf_addf(&command, "marathon items %s %s%s%s", cli->args.operands[0], cli->args.operands[1],
             state != NULL ? " --status " : "", state != NULL ? state : "");
    if (!show_more(cli, d, buf_cstr(&command)) && count == 0) {
        if (state != NULL) {
            cli_note(cli, "none of its %" PRId64 " items is %s",
                     doc_int(doc_get(doc_root(d), "total")), state);
        } else {
            cli_note(cli, "it has no items");
        }
    }
    buf_free(&command);
}

static void put_path(const struct cli *cli, int64_t limit, struct buf *path)
{
    static const char *const passed_on[] = {"status", "cursor"};
    buf_addf(path, CLI_API "/tasks/%s/steps/", cli->args.operands[0]);
    call_escape(path, cli->args.operands[1]);
    buf_addf(path, "/items?limit=%" PRId64, limit);
    for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++) {
        const char *value = args_value(&cli->args, passed_on[i]);
        if (value != NULL) {
            buf_addf(path, "&%s=", passed_on[i]);
            call_escape(path, value);
        }
    }
}

static enum cli_exit run_items(struct cli *cli)
{
    struct buf text = {0};
    int64_t limit = ITEMS_LIMIT_DEFAULT;
    if (!cli_id_good(cli, cli->args.operands[0])) {
        return CLI_USAGE;
    }
    if (!step_name_valid(bytes_str(cli->args.operands[1]))) {
        return cli_usage(
            cli,
            "\"%.140s\" is not a step: give its name or step_id, as `marathon status` prints them",
            cli->args.operands[1]);
    }
    if (args_number(&cli->args, "limit", (struct arg_range){1, ITEMS_PAGE_MAX}, &limit, &text) !=
        ERR_OK) {
        (void)cli_usage(cli, "%s", buf_cstr(&text));
        buf_free(&text);
        return CLI_USAGE;
    }
    put_path(cli, limit, &text);
    enum cli_exit code = show_answer(cli, "list the items", buf_cstr(&text), print_items);
    buf_free(&text);
    return code;
}

static const struct arg_option items_options[] = {
    {"status", 0, "STATE", "only pending, running, completed, failed or cancelled ones"},
    {"limit", 'n', "N", "how many at most, 1 to 200 (default 50)"},
    {"cursor", 0, "CURSOR", "continue after an earlier page, with the cursor that it printed"},
};

const struct command command_items = {
    .name = "items",
    .operands = "TASK STEP",
    .summary = "show the items of a step with for_each",
    .text = "In the order of its list, from 0. With -o json their results, too.\n",
    .examples = "  marathon items analysis_123 profile --status failed\n"
                "  marathon recover analysis_123 --from-step profile --only-failed\n",
    .options = items_options,
    .option_count = sizeof items_options / sizeof items_options[0],
    .operands_min = 2,
    .operands_max = 2,
    .run = run_items,
};
