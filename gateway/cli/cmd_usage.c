/* `marathon usage`: what all tasks have used, by model, task type and day. */
#include <stdio.h>

#include "cli/call.h"
#include "cli/commands.h"
#include "cli/show.h"
#include "cli/text.h"
#include "json/scan.h"

static void add_sums(struct table *t, const struct doc_value *row)
{
    struct buf cost = {0};
    text_put_amount(&cost, doc_number(doc_get(row, "cost_usd")));
    table_addf(t, "%lld", (long long)doc_int(doc_get(row, "input_tokens")));
    table_addf(t, "%lld", (long long)doc_int(doc_get(row, "output_tokens")));
    table_add(t, buf_bytes(&cost));
    buf_free(&cost);
}

/* Its 0 USD may be the want of a report. */
static bool without_cost(const struct doc_value *row)
{
    return doc_number(doc_get(row, "cost_usd")) == 0 &&
           (doc_int(doc_get(row, "input_tokens")) > 0 ||
            doc_int(doc_get(row, "output_tokens")) > 0);
}

static void print_usage(const struct cli *cli, const struct doc *d)
{
    static const struct {
        const char *name, *heading;
    } keys[] = {{"day", "DAY"}, {"task_type", "TASK_TYPE"}, {"model", "MODEL"}};
    const struct doc_value *by = doc_get(doc_root(d), "group_by");
    const struct doc_value *items = doc_get(doc_root(d), "items");
    const char *headings[6];
    bool unsaid = false;
    size_t shown = doc_count(by) < 3 ? doc_count(by) : 3;
    for (size_t i = 0; i < shown; i++) {
        for (size_t k = 0; k < 3; k++) {
            headings[i] = bytes_is(doc_string(doc_at(by, i)), keys[k].name) ? keys[k].heading
                          : k == 0                                          ? ""
                                                                            : headings[i];
        }
    }
    headings[shown] = "INPUT_TOKENS";
    headings[shown + 1] = "OUTPUT_TOKENS";
    headings[shown + 2] = "COST_USD";
    struct table t;
    table_init(&t, headings, shown + 3);
    for (size_t i = 0; i < doc_count(items); i++) {
        for (size_t k = 0; k < shown; k++) {
            const char *key = (const char *)doc_string(doc_at(by, k)).ptr;
            table_add(&t, doc_string(doc_get(doc_at(items, i), key)));
        }
        add_sums(&t, doc_at(items, i));
        unsaid = unsaid || without_cost(doc_at(items, i));
    }
    show_table(cli, &t);
    if (doc_bool(doc_get(doc_root(d), "truncated"))) {
        cli_note(cli, "there are more than these: the last row is the sum of the others");
    } else if (doc_count(items) == 0) {
        cli_note(cli, "nothing was used in these days");
    }
    if (unsaid) {
        cli_note(cli, "0 USD beside tokens: their functions reported no cost_usd, or 0");
    }
}

static void put_argument(const struct cli *cli, const char *option, const char *name,
                         struct buf *path)
{
    const char *value = args_value(&cli->args, option);
    if (value != NULL) {
        buf_addf(path, "%s%s=", strchr(buf_cstr(path), '?') != NULL ? "&" : "?", name);
        call_escape(path, value);
    }
}

static enum cli_exit run_usage(struct cli *cli)
{
    struct buf path = {0};
    buf_add_str(&path, CLI_API "/usage");
    put_argument(cli, "by", "group_by", &path);
    put_argument(cli, "since", "since", &path);
    put_argument(cli, "until", "until", &path);
    enum cli_exit code = show_answer(cli, "read the usage", buf_cstr(&path), print_usage);
    buf_free(&path);
    return code;
}

static const struct arg_option usage_options[] = {
    {"by", 0, "LIST", "a row for each of: model, task_type, day, with commas (default: one sum)"},
    {"since", 0, "DAY", "from this day on, as 2026-11-01 (default: 30 days until --until)"},
    {"until", 0, "DAY", "up to this day (default: today); days are UTC"},
};

const struct command command_usage = {
    .name = "usage",
    .operands = "",
    .summary = "show what tasks have used: tokens and cost",
    .text = "Sums of what functions said they have used, failed attempts too. They are kept for "
            "92 days, and outlive the tasks.\n",
    .examples = "  marathon usage --by model,day\n"
                "  marathon usage --by task_type --since 2026-11-01 -o json | jq .total\n",
    .options = usage_options,
    .option_count = sizeof usage_options / sizeof usage_options[0],
    .run = run_usage,
};
