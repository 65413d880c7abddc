/* The commands that show what exists: list, workers, healthcheck. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/show.h"
#include "json/scan.h"
#include "model/limits.h"
#include "model/state.h"

#define LIST_LIMIT_DEFAULT 20

static void add_text(struct table *t, const struct doc_value *object, const char *key)
{
    table_add(t, doc_string(doc_get(object, key)));
}

/* 0 if there is none. */
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

/* Most pages that one command asks for. With a filter, each page is the outcome of examining some
 * thousands of tasks, so a rare match among very many tasks takes seconds, not minutes. The hint at
 * the end shows how to continue. */
#define LIST_PAGES_MAX 100
#define LIST_QUIET_MS  2000 /* after that it says that it is still searching */

/* What was asked for, and what has arrived so far. */
struct listing {
    const char *status, *type;
    int64_t limit;
    struct buf cursor; /* where to go on; empty = at the beginning, or at the end */
    int64_t count;
    struct table table;
    struct buf json; /* the items */
    unix_ms now;
};

static enum cli_exit read_options(const struct cli *cli, struct listing *l)
{
    const char *cursor = args_value(&cli->args, "cursor");
    struct buf message = {0};
    enum task_state parsed;
    l->status = args_value(&cli->args, "status");
    l->type = args_value(&cli->args, "type");
    l->limit = LIST_LIMIT_DEFAULT;
    if (l->status != NULL && task_state_parse(bytes_str(l->status), &parsed) != ERR_OK) {
        return cli_usage(cli, "--status is \"%s\": it must be " TASK_STATES_TEXT, l->status);
    }
    if (args_number(&cli->args, "limit", (struct arg_range){1, LIST_PAGE_MAX}, &l->limit,
                    &message) != ERR_OK) {
        (void)cli_usage(cli, "%s", buf_cstr(&message));
        buf_free(&message);
        return CLI_USAGE;
    }
    buf_add_str(&l->cursor, cursor != NULL ? cursor : "");
    return CLI_COMPLETED;
}

static void put_path(struct listing *l, struct buf *path)
{
    const char *cursor = l->cursor.len > 0 ? buf_cstr(&l->cursor) : NULL;
    const char *const values[][2] = {
        {"status", l->status}, {"task_type", l->type}, {"cursor", cursor}};
    buf_addf(path, CLI_API "/tasks?limit=%" PRId64, l->limit - l->count);
    for (size_t i = 0; i < 3; i++) {
        if (values[i][1] != NULL) {
            buf_addf(path, "&%s=", values[i][0]);
            call_escape(path, values[i][1]);
        }
    }
}

static void take_page(const struct cli *cli, struct listing *l, const struct doc *d)
{
    const struct doc_value *items = doc_get(doc_root(d), "items");
    for (size_t i = 0; i < doc_count(items); i++) {
        if (cli->json) {
            buf_add_str(&l->json, l->json.len > 0 ? "," : "");
            doc_write(doc_at(items, i), &l->json);
        } else {
            add_task(&l->table, doc_at(items, i), l->now);
        }
        l->count++;
    }
    buf_clear(&l->cursor);
    buf_add_bytes(&l->cursor, doc_string(doc_get(doc_root(d), "next_cursor")));
}

/* Fetches pages until there are as many items as asked for. */
static enum cli_exit gather(struct cli *cli, struct listing *l)
{
    mono_ms began = clock_now().mono;
    bool told = false;
    for (int page = 0; page < LIST_PAGES_MAX && l->count < l->limit && !cli_stopped(); page++) {
        struct buf path = {0};
        struct doc *d = NULL;
        put_path(l, &path);
        enum cli_exit code = call_get_doc(cli, "list the tasks", buf_cstr(&path), &d);
        buf_free(&path);
        if (code != CLI_COMPLETED) {
            return code;
        }
        take_page(cli, l, d);
        doc_free(d);
        if (l->cursor.len == 0) {
            break;
        }
        if (!told && clock_now().mono - began > LIST_QUIET_MS) {
            told = true;
            cli_note(cli, "still looking, %" PRId64 " found", l->count);
        }
    }
    return CLI_COMPLETED;
}

static void show_listing(const struct cli *cli, struct listing *l)
{
    if (!cli->json) {
        show_table(cli, &l->table);
        return;
    }
    struct buf text = {0};
    buf_add_str(&text, "{\"items\":[");
    buf_add_bytes(&text, buf_bytes(&l->json));
    buf_add_str(&text, "],\"next_cursor\":");
    if (l->cursor.len > 0) {
        json_put_string(&text, buf_bytes(&l->cursor));
    } else {
        buf_add_str(&text, "null");
    }
    buf_add_char(&text, '}');
    cli_out_json(cli, buf_bytes(&text));
    buf_free(&text);
}

static void hint(const struct cli *cli, struct listing *l)
{
    const char *const values[][2] = {{"status", l->status}, {"type", l->type}};
    struct buf text = {0};
    buf_add_str(&text, "there are more: marathon list");
    for (size_t i = 0; i < 2; i++) {
        if (values[i][1] != NULL) {
            buf_addf(&text, " --%s %s", values[i][0], values[i][1]);
        }
    }
    if (l->limit != LIST_LIMIT_DEFAULT) {
        buf_addf(&text, " -n %" PRId64, l->limit);
    }
    buf_addf(&text, " --cursor %s", buf_cstr(&l->cursor));
    cli_note(cli, "%s%s", buf_cstr(&text), cli_server_flag(cli));
    buf_free(&text);
}

static enum cli_exit run_list(struct cli *cli)
{
    static const char *const headings[] = {"TASK", "TYPE",     "STATUS", "STEPS",
                                           "AGE",  "DURATION", "NOTE"};
    struct listing l = {.now = clock_now().wall};
    table_init(&l.table, headings, 7);
    enum cli_exit code = read_options(cli, &l);
    if (code == CLI_COMPLETED) {
        code = gather(cli, &l);
    }
    if (code == CLI_COMPLETED) {
        show_listing(cli, &l);
        if (l.cursor.len > 0 && !cli->json) {
            hint(cli, &l);
        }
    }
    table_free(&l.table);
    buf_free(&l.cursor);
    buf_free(&l.json);
    return code;
}

static const struct arg_option list_options[] = {
    {"status", 0, "STATE", "only tasks in this state"},
    {"type", 't', "PIPELINE", "only tasks of this pipeline"},
    {"limit", 'n', "N", "how many at most, 1 to 200 (default 20)"},
    {"cursor", 0, "CURSOR", "continue after an earlier list, with the cursor that it printed"},
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

/* Tells which workers are missing. */
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

static void add_worker(struct table *t, const struct doc_value *w, unix_ms now)
{
    add_text(t, w, "worker_id");
    add_text(t, w, "host");
    table_addf(t, "%" PRId64, doc_int(doc_get(w, "pid")));
    add_text(t, w, "state");
    table_addf(t, "%" PRId64 "/%" PRId64, doc_int(doc_get(w, "busy")),
               doc_int(doc_get(w, "slots")));
    add_span(t, time_of(w, "last_heard_at"), now);
    add_text(t, w, "version");
    add_labels(t, doc_get(w, "labels"));
    add_functions(t, doc_get(w, "functions"));
}

static void print_workers(const struct cli *cli, const struct doc *d)
{
    static const char *const headings[] = {"WORKER", "HOST",    "PID",    "STATE",    "BUSY",
                                           "HEARD",  "VERSION", "LABELS", "FUNCTIONS"};
    static const struct show_columns columns = {headings, 9, add_worker};
    if (show_items(cli, d, &columns) == 0) {
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
    {"live", 0, NULL,
     "only check that the gateway is alive, not that everything behind it is ready"},
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
