/* The commands that show what there is: list, workers, healthcheck. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/show.h"
#include "model/limits.h"
#include "model/state.h"

#define LIST_LIMIT_DEFAULT 20

static void add_text(struct table *t, const struct doc_value *object, const char *key)
{
    table_add(t, doc_string(doc_get(object, key)));
}

/* 0 where there is none. */
static unix_ms time_of(const struct doc_value *object, const char *key)
{
    unix_ms at = 0;
    return time_parse(doc_string(doc_get(object, key)), &at) == ERR_OK ? at : 0;
}

static void add_span(struct table *t, unix_ms from, unix_ms to)
{
    char text[DURATION_TEXT_BYTES];
    table_add(t, from != 0 ? bytes_str(duration_clock(to - from, text)) : BYTES_NONE);
}

static void add_task(struct table *t, const struct doc_value *task, unix_ms now)
{
    unix_ms started = time_of(task, "started_at");
    unix_ms ended = time_of(task, "completed_at");
    add_text(t, task, "task_id");
    add_text(t, task, "task_type");
    add_text(t, task, "status");
    table_addf(t, "%" PRId64 "/%" PRId64, doc_int(doc_get(task, "steps_completed")),
               doc_int(doc_get(task, "total_steps")));
    add_span(t, time_of(task, "created_at"), now);
    add_span(t, started, ended != 0 ? ended : now);
    struct bytes error = doc_string(doc_get(task, "error"));
    table_add(t, error.len > 0 ? error
                 : ended == 0  ? doc_string(doc_get(task, "current_step_name"))
                               : BYTES_NONE);
}

static enum cli_exit list_path(const struct cli *cli, struct buf *path)
{
    const char *state = args_value(&cli->args, "status");
    const char *type = args_value(&cli->args, "type");
    const char *cursor = args_value(&cli->args, "cursor");
    struct buf message = {0};
    int64_t limit = LIST_LIMIT_DEFAULT;
    enum task_state parsed;
    if (state != NULL && task_state_parse(bytes_str(state), &parsed) != ERR_OK) {
        return cli_usage(cli, "--status is \"%s\": it must be " TASK_STATES_TEXT, state);
    }
    if (args_number(&cli->args, "limit", LIST_PAGE_MAX, &limit, &message) != ERR_OK) {
        (void)cli_usage(cli, "%s", buf_cstr(&message));
        buf_free(&message);
        return CLI_USAGE;
    }
    buf_addf(path, CLI_API "/tasks?limit=%" PRId64, limit > 0 ? limit : 1);
    const char *const values[][2] = {{"status", state}, {"task_type", type}, {"cursor", cursor}};
    for (size_t i = 0; i < 3; i++) {
        if (values[i][1] != NULL) {
            buf_addf(path, "&%s=", values[i][0]);
            call_escape(path, values[i][1]);
        }
    }
    return CLI_COMPLETED;
}

static void print_tasks(const struct cli *cli, const struct doc *d)
{
    static const char *const headings[] = {"TASK", "TYPE",     "STATUS", "STEPS",
                                           "AGE",  "DURATION", "NOTE"};
    const struct doc_value *items = doc_get(doc_root(d), "items");
    struct bytes cursor = doc_string(doc_get(doc_root(d), "next_cursor"));
    unix_ms now = clock_now().wall;
    struct table t;
    table_init(&t, headings, 7);
    for (size_t i = 0; i < doc_count(items); i++) {
        add_task(&t, doc_at(items, i), now);
    }
    show_table(cli, &t);
    if (cursor.len > 0) {
        cli_note(cli, "there are more: marathon list --cursor %.*s%s", (int)cursor.len,
                 (const char *)cursor.ptr, cli_server_flag(cli));
    }
}

static enum cli_exit run_list(struct cli *cli)
{
    struct buf path = {0};
    enum cli_exit code = list_path(cli, &path);
    if (code == CLI_COMPLETED) {
        code = show_answer(cli, "list the tasks", buf_cstr(&path), print_tasks);
    }
    buf_free(&path);
    return code;
}

static const struct arg_option list_options[] = {
    {"status", 0, "STATE", "only tasks in this state"},
    {"type", 't', "PIPELINE", "only tasks of this pipeline"},
    {"limit", 'n', "N", "at most so many, 1 to 200 (default 20)"},
    {"cursor", 0, "CURSOR", "go on behind an earlier list, as it said"},
};

const struct command command_list = {
    .name = "list",
    .operands = "",
    .summary = "list tasks, newest first",
    .examples = "  marathon list --status failed\n"
                "  marathon list --type full_analysis -n 100 -o json\n",
    .options = list_options,
    .option_count = 4,
    .run = run_list,
};

static void add_functions(struct table *t, const struct doc_value *functions)
{
    struct buf text = {0};
    for (size_t i = 0; i < doc_count(functions); i++) {
        buf_add_str(&text, i > 0 ? ", " : "");
        buf_add_bytes(&text, doc_string(doc_at(functions, i)));
    }
    table_add(t, buf_bytes(&text));
    buf_free(&text);
}

static void put_labels(struct buf *out, const struct doc_value *labels, const char *between)
{
    const char *name;
    const struct doc_value *value;
    for (size_t i = 0; (value = doc_member(labels, i, &name)) != NULL; i++) {
        buf_addf(out, "%s%s=", i > 0 ? between : "", name);
        buf_add_bytes(out, doc_string(value));
    }
}

static void add_labels(struct table *t, const struct doc_value *labels)
{
    struct buf text = {0};
    put_labels(&text, labels, ",");
    table_add(t, buf_bytes(&text));
    buf_free(&text);
}

/* Which workers are missing. */
static void note_waiting(const struct cli *cli, const struct doc_value *waiting)
{
    for (size_t i = 0; i < doc_count(waiting); i++) {
        const struct doc_value *w = doc_at(waiting, i);
        const struct doc_value *requires = doc_get(w, "requires");
        struct bytes function = doc_string(doc_get(w, "function"));
        struct buf text = {0};
        buf_addf(&text, "%" PRId64 " ready: no worker offers %.*s", doc_int(doc_get(w, "steps")),
                 (int)function.len, (const char *)function.ptr);
        buf_add_str(&text, doc_count(requires) > 0 ? " and has the labels " : "");
        put_labels(&text, requires, ", ");
        cli_note(cli, "%s", buf_cstr(&text));
        buf_free(&text);
    }
}

static void print_workers(const struct cli *cli, const struct doc *d)
{
    static const char *const headings[] = {"WORKER", "HOST",  "PID",    "STATE",
                                           "BUSY",   "HEARD", "LABELS", "FUNCTIONS"};
    const struct doc_value *items = doc_get(doc_root(d), "items");
    unix_ms now = clock_now().wall;
    struct table t;
    table_init(&t, headings, 8);
    for (size_t i = 0; i < doc_count(items); i++) {
        const struct doc_value *w = doc_at(items, i);
        add_text(&t, w, "worker_id");
        add_text(&t, w, "host");
        table_addf(&t, "%" PRId64, doc_int(doc_get(w, "pid")));
        add_text(&t, w, "state");
        table_addf(&t, "%" PRId64 "/%" PRId64, doc_int(doc_get(w, "busy")),
                   doc_int(doc_get(w, "slots")));
        add_span(&t, time_of(w, "last_heard_at"), now);
        add_labels(&t, doc_get(w, "labels"));
        add_functions(&t, doc_get(w, "functions"));
    }
    show_table(cli, &t);
    if (doc_count(items) == 0) {
        cli_note(cli, "no worker is connected: steps wait until one is (marathon-worker --help)");
    }
    note_waiting(cli, doc_get(doc_root(d), "waiting"));
}

static enum cli_exit run_workers(struct cli *cli)
{
    return show_answer(cli, "list the workers", CLI_API "/workers", print_workers);
}

const struct command command_workers = {
    .name = "workers",
    .operands = "",
    .summary = "list the workers, what they offer and how busy they are",
    .examples = "  marathon workers\n"
                "  marathon workers -o json | jq '[.items[].slots] | add'\n",
    .run = run_workers,
};

static enum cli_exit run_healthcheck(struct cli *cli)
{
    bool live = args_has(&cli->args, "live");
    struct http_reply reply;
    enum cli_exit code = call_get(cli, live ? "see it alive" : "see it ready",
                                  live ? "/livez" : "/readyz", &reply); /* no key is needed */
    if (code != CLI_COMPLETED) {
        return CLI_UNREACHABLE; /* whatever the refusal: probes ask yes or no */
    }
    if (cli->json) {
        cli_out_json(cli, buf_bytes(&reply.body));
    } else if (!cli->quiet) {
        struct buf text = {0};
        buf_addf(&text, "%s\n", live ? "alive" : "ready");
        cli_out(&text);
        buf_free(&text);
    }
    http_reply_free(&reply);
    return CLI_COMPLETED;
}

static const struct arg_option healthcheck_options[] = {
    {"live", 0, NULL, "only whether the gateway lives, not whether all behind it is ready"},
};

const struct command command_healthcheck = {
    .name = "healthcheck",
    .operands = "",
    .summary = "exit 0 if the server is ready, 5 if not (for probes)",
    .examples = "  marathon healthcheck -q --server http://127.0.0.1:8000\n"
                "  marathon healthcheck --retry-for 30s\n",
    .options = healthcheck_options,
    .option_count = 1,
    .run = run_healthcheck,
};
