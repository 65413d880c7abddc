#include "cli/summary.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/call.h"
#include "cli/duration.h"
#include "cli/show.h"
#include "cli/text.h"
#include "cli/view.h"

struct status {
    struct doc *doc;
    struct view view;
};

/* CLI_COMPLETED: free with status_free. */
static enum cli_exit status_get(struct cli *cli, const char *task_id, struct status *ret)
{
    char path[CALL_PATH_BYTES];
    struct doc *d = NULL;
    (void)snprintf(path, sizeof path, CLI_API "/status/%s?results=false", task_id);
    enum cli_exit code = call_get_doc(cli, "get the status", path, &d);
    if (code != CLI_COMPLETED) {
        return code;
    }
    view_init(&ret->view, task_id);
    if (view_take_status(&ret->view, doc_root(d)) != ERR_OK) {
        cli_say("cannot read the status of %s: is %s a Marathon gateway?", task_id, cli->server);
        view_free(&ret->view);
        doc_free(d);
        return CLI_FAILED;
    }
    ret->doc = d;
    return CLI_COMPLETED;
}

static void status_free(struct status *s)
{
    view_free(&s->view);
    doc_free(s->doc);
}

static enum cli_exit print_json(struct cli *cli, const char *task_id)
{
    char path[CALL_PATH_BYTES];
    struct http_reply reply;
    (void)snprintf(path, sizeof path, CLI_API "/status/%s", task_id);
    enum cli_exit code = call_get(cli, "get the status", path, &reply);
    if (code == CLI_COMPLETED) {
        cli_out_json(cli, buf_bytes(&reply.body));
        http_reply_free(&reply);
    }
    return code;
}

static void advise(const struct cli *cli, const struct view *v)
{
    const char *flag = cli_server_flag(cli);
    if (v->ended && v->end == TASK_COMPLETED) {
        cli_note(cli, "the results: marathon result %s%s", v->task_id, flag);
    } else if (v->ended && v->can_recover) {
        cli_note(cli, "to go on from its checkpoint: marathon recover %s%s", v->task_id, flag);
    } else if (strcmp(v->state_text, task_state_name(TASK_PAUSED)) == 0) {
        cli_note(cli, "to go on: marathon resume %s%s", v->task_id, flag);
    } else if (strcmp(v->state_text, task_state_name(TASK_BUDGET_EXCEEDED)) == 0) {
        cli_note(cli, "to go on with a larger budget: marathon resume %s --budget JSON%s",
                 v->task_id, flag);
    }
}

/* Appends the names in `without_cost` of a budget or of what was used. */
static void put_without_cost(struct buf *out, const struct doc_value *of)
{
    const struct doc_value *models = doc_get(of, "without_cost");
    for (size_t i = 0; i < doc_count(models); i++) {
        buf_add_str(out, i > 0 ? ", " : "");
        text_put_clean(out, doc_string(doc_at(models, i)));
    }
}

/* Warns of a budget in dollars that cannot be enforced. */
static void warn_without_cost(const struct cli *cli, const struct doc *status)
{
    struct buf names = {0};
    put_without_cost(&names, doc_get(doc_root(status), "budget"));
    if (names.len > 0) {
        cli_note(
            cli,
            "the budget in USD does not count what %s used: tokens were reported without cost_usd\n"
            "    do: let the function report it, or give a budget of tokens, too",
            buf_cstr(&names));
    }
    buf_free(&names);
}

enum cli_exit summary_print(struct cli *cli, const char *task_id)
{
    static const char *const headings[] = {"TASK", "TYPE", "STATUS", "STEPS", "DURATION"};
    if (cli->json) {
        return print_json(cli, task_id);
    }
    struct status s;
    enum cli_exit code = status_get(cli, task_id, &s);
    if (code != CLI_COMPLETED) {
        return code;
    }
    warn_without_cost(cli, s.doc);
    if (cli->out_terminal && cli->err_terminal && !cli->quiet) {
        advise(cli, &s.view); /* the bars above have already shown what the row would */
        status_free(&s);
        return CLI_COMPLETED;
    }
    char text[DURATION_TEXT_BYTES];
    struct table t;
    table_init(&t, headings, 5);
    table_add(&t, bytes_str(task_id));
    table_add(&t, bytes_str(s.view.task_type));
    table_add(&t, bytes_str(s.view.state_text));
    table_addf(&t, "%zu/%zu", view_count(&s.view, STEP_COMPLETED), s.view.step_count);
    table_add(&t, bytes_str(duration_text(view_elapsed_ms(&s.view, clock_now().wall), text)));
    show_table(cli, &t);
    advise(cli, &s.view);
    status_free(&s);
    return CLI_COMPLETED;
}

static void put_labelled(struct buf *out, const char *label, struct bytes text)
{
    buf_addf(out, "%-13s ", label);
    text_put_clean(out, text);
    buf_add_char(out, '\n');
}

/* "0.02 of 0.05 USD, 7 of 100 steps": one part for each limit. */
static void put_budget(struct buf *out, const struct doc_value *budget)
{
    static const char *const limits[][2] = {
        {"cost_usd", "USD"}, {"tokens", "tokens"}, {"steps", "attempts"}};
    const char *comma = "";
    buf_addf(out, "%-13s ", "budget");
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const struct doc_value *limit = doc_get(budget, limits[i][0]);
        if (limit != NULL) {
            buf_add_str(out, comma);
            text_put_amount(out, doc_number(doc_get(doc_get(budget, "spent"), limits[i][0])));
            buf_add_str(out, " of ");
            text_put_amount(out, doc_number(limit));
            buf_addf(out, " %s", limits[i][1]);
            comma = ", ";
        }
    }
    buf_add_char(out, '\n');
}

static void put_spent(struct buf *out, const struct doc_value *status)
{
    const struct doc_value *usage = doc_get(status, "usage");
    const struct doc_value *budget = doc_get(status, "budget");
    if (doc_kind(usage) == JSON_OBJECT) {
        buf_addf(out, "%-13s %" PRId64 " input and %" PRId64 " output tokens, ", "used",
                 doc_int(doc_get(usage, "input_tokens")), doc_int(doc_get(usage, "output_tokens")));
        text_put_amount(out, doc_number(doc_get(usage, "cost_usd")));
        buf_add_str(out, " USD");
        if (doc_count(doc_get(usage, "without_cost")) > 0) {
            buf_add_str(out, " (cost 0 or not reported: ");
            put_without_cost(out, usage);
            buf_add_char(out, ')');
        }
        buf_add_char(out, '\n');
    }
    if (doc_kind(budget) == JSON_OBJECT) {
        put_budget(out, budget);
    }
}

static void put_head(struct buf *out, const struct status *s)
{
    static const char *const members[][2] = {
        {"session", "session_id"},
        {"created", "created_at"},
        {"started", "started_at"},
        {"ended", "completed_at"},
        {"expected end", "estimated_completion"},
    };
    char text[DURATION_TEXT_BYTES];
    const struct view *v = &s->view;
    buf_addf(out, "%-13s %s\n", "task", v->task_id);
    if (v->task_type != NULL) {
        buf_addf(out, "%-13s %s", "pipeline", v->task_type);
        int64_t version = doc_int(doc_get(doc_root(s->doc), "pipeline_version"));
        if (version > 0) {
            buf_addf(out, ", version %" PRId64, version);
        }
        buf_add_char(out, '\n');
    }
    buf_addf(out, "%-13s %s, %d%%, %zu of %zu steps", "status", v->state_text,
             (int)(v->progress * 100), view_count(v, STEP_COMPLETED), v->step_count);
    if (view_count(v, STEP_SKIPPED) > 0) {
        buf_addf(out, " (%zu skipped)", view_count(v, STEP_SKIPPED));
    }
    int64_t elapsed = view_elapsed_ms(v, clock_now().wall);
    if (elapsed > 0) {
        buf_addf(out, ", %s", duration_text(elapsed, text));
    }
    buf_add_char(out, '\n');
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        struct bytes value = doc_string(doc_get(doc_root(s->doc), members[i][1]));
        if (value.len > 0 && !(i == 4 && v->ended)) {
            put_labelled(out, members[i][0], value);
        }
    }
    put_spent(out, doc_root(s->doc));
    if (v->error != NULL) {
        buf_addf(out, "%-13s ", "error");
        text_put_clean(out, bytes_str(v->error));
        buf_addf(out, "%s\n", v->can_recover ? " (can be recovered)" : "");
    }
    buf_add_char(out, '\n');
}

static void put_items(struct buf *note, const struct view_step *s)
{
    buf_addf(note, "%" PRId64 " of %" PRId64 " items", s->items_done, s->items);
    if (s->items_failed > 0) {
        buf_addf(note, ", %" PRId64 " failed", s->items_failed);
    }
}

/* What else is known of a step: why it does not go on, until when, what went wrong, what it said
 * last. Omits the error of an attempt that a later one made good. */
static void put_note(struct buf *note, const struct view_step *s, struct bytes log,
                     unix_ms server_now)
{
    char text[DURATION_TEXT_BYTES];
    bool retries = s->state == STEP_PENDING && s->retry_at != 0;
    if (s->state == STEP_PENDING && !retries && s->waiting_for != NULL) {
        buf_add_str(note, s->waiting_for);
    } else if (s->error != NULL && s->state != STEP_COMPLETED) {
        if (retries) {
            buf_addf(note, "next attempt in %s: ", duration_clock(s->retry_at - server_now, text));
        }
        if (s->function_code != NULL) {
            buf_addf(note, "%s: ", s->function_code);
        }
        buf_add_str(note, s->error);
    } else if (s->items > 0) {
        put_items(note, s);
    } else if (s->state == STEP_RUNNING) {
        buf_add_bytes(note, text_last_line(log));
    }
}

/* Failed attempts, not counting one that was not retried: the number of retries. */
static uint32_t retries_of(const struct view_step *s)
{
    return s->state == STEP_FAILED && s->retry_count > 0 ? s->retry_count - 1 : s->retry_count;
}

static void add_step(struct table *t, const struct view_step *s, struct bytes log, unix_ms now)
{
    char text[DURATION_TEXT_BYTES];
    table_add(t, bytes_str(s->name));
    table_add(t, bytes_str(step_state_name(s->state)));
    table_addf(t, "%d%%", (int)(s->progress * 100));
    int64_t took =
        s->state == STEP_RUNNING && s->started_at != 0 ? now - s->started_at : s->duration_ms;
    table_add(t, took > 0 ? bytes_str(duration_text(took, text)) : BYTES_NONE);
    table_addf(t, "%" PRIu32 "/%" PRIu32, retries_of(s), s->max_retries);
    struct buf note = {0};
    put_note(&note, s, log, now);
    table_add(t, buf_bytes(&note));
    buf_free(&note);
}

static void advise_items(const struct cli *cli, const struct view *v)
{
    for (size_t i = 0; i < v->step_count; i++) {
        if (v->steps[i].items_failed > 0) {
            cli_note(cli, "which items failed: marathon items %s %s --status failed%s", v->task_id,
                     v->steps[i].name, cli_server_flag(cli));
            return;
        }
    }
}

enum cli_exit summary_print_steps(struct cli *cli, const char *task_id)
{
    static const char *const headings[] = {"STEP", "STATUS", "DONE", "DURATION", "RETRIES", "NOTE"};
    if (cli->json) {
        return print_json(cli, task_id);
    }
    struct status s;
    enum cli_exit code = status_get(cli, task_id, &s);
    if (code != CLI_COMPLETED) {
        return code;
    }
    struct buf head = {0};
    struct table t;
    put_head(&head, &s);
    cli_out(&head);
    buf_free(&head);
    table_init(&t, headings, 6);
    unix_ms now = clock_now().wall;
    const struct doc_value *steps = doc_get(doc_root(s.doc), "steps");
    for (size_t i = 0; i < s.view.step_count; i++) {
        add_step(&t, &s.view.steps[i], doc_string(doc_get(doc_at(steps, i), "log")), now);
    }
    show_table(cli, &t);
    warn_without_cost(cli, s.doc);
    advise_items(cli, &s.view);
    advise(cli, &s.view);
    status_free(&s);
    return CLI_COMPLETED;
}
