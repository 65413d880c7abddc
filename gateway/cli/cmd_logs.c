/* `marathon logs`: what the functions of a task have written to stderr, as far as it is kept: the
 * end of each attempt's log, from the history; for running attempts, from the status. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/call.h"
#include "cli/commands.h"
#include "cli/history.h"
#include "cli/text.h"
#include "json/scan.h"

struct logs {
    struct cli *cli;
    const char *step; /* name; NULL: all of them */
    size_t shown;
    /* what was shown last, since the next event may repeat the same text: once for the step and
     * once for its task */
    struct buf last_step, last_text;
};

struct entry {
    struct bytes step, event, at, text;
    const char *what; /* the event in words */
};

static void put_json(const struct entry *e, struct buf *out)
{
    buf_add_str(out, "{\"step\":");
    json_put_string(out, e->step);
    buf_add_str(out, ",\"event\":");
    json_put_string(out, e->event);
    if (e->at.len > 0) {
        buf_add_str(out, ",\"timestamp\":");
        json_put_string(out, e->at);
    }
    buf_add_str(out, ",\"log\":");
    json_put_string(out, e->text);
    buf_add_char(out, '}');
}

/* Prints a heading like tail(1) does for several files. */
static void put_text(const struct entry *e, bool first, struct buf *out)
{
    buf_add_str(out, first ? "==> " : "\n==> ");
    text_put_clean(out, e->step);
    buf_addf(out, " %s", e->what);
    if (e->at.len > 0) {
        buf_add_char(out, ' ');
        text_put_clean(out, e->at);
    }
    buf_add_str(out, " <==\n");
    for (size_t at = 0; at < e->text.len;) {
        struct bytes line = bytes_part(e->text, at, e->text.len);
        const uint8_t *end = memchr(line.ptr, '\n', line.len);
        line.len = end != NULL ? (size_t)(end - line.ptr) : line.len;
        text_put_clean(out, line);
        buf_add_char(out, '\n');
        at += line.len + 1;
    }
}

static void forget_last(struct logs *l)
{
    buf_clear(&l->last_step);
    buf_clear(&l->last_text);
}

static void show(struct logs *l, const struct entry *e)
{
    struct buf out = {0};
    if (e->text.len == 0 || (l->step != NULL && !bytes_is(e->step, l->step)) ||
        (bytes_eq(e->step, buf_bytes(&l->last_step)) &&
         bytes_eq(e->text, buf_bytes(&l->last_text)))) {
        return;
    }
    if (l->cli->json) {
        put_json(e, &out);
        cli_out_json(l->cli, buf_bytes(&out));
    } else {
        put_text(e, l->shown == 0, &out);
        cli_out(&out);
    }
    buf_free(&out);
    l->shown++;
    forget_last(l);
    buf_add_bytes(&l->last_step, e->step);
    buf_add_bytes(&l->last_text, e->text);
}

/* True for events after which the log is that of another attempt, which may well have the same
 * text. */
static bool begins_anew(struct bytes event)
{
    return bytes_is(event, "step_retry") || bytes_is(event, "task_recovering") ||
           bytes_is(event, "task_resumed");
}

/* Shows an event that ends an attempt: its error is followed by the end of the log. */
static void show_event(struct logs *l, const struct doc_value *event)
{
    static const char *const ends[][2] = {{"step_completed", "completed"},
                                          {"step_retry", "failed, to be tried again"},
                                          {"step_failed", "failed"},
                                          {"task_failing", "failed"},
                                          {"task_error", "failed"}};
    const struct doc_value *data = doc_get(event, "data");
    struct entry e = {.step = doc_string(doc_get(data, "step")),
                      .event = doc_string(doc_get(event, "type")),
                      .at = doc_string(doc_get(event, "timestamp")),
                      .text = doc_string(doc_get(data, "log"))};
    if (e.text.len == 0) {
        e.text = doc_string(doc_get(data, "error"));
    }
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (bytes_is(e.event, ends[i][0])) {
            e.what = ends[i][1];
            show(l, &e);
        }
    }
    if (begins_anew(e.event)) {
        forget_last(l);
    }
}

/* Up to seq, the moment of the status. */
static enum cli_exit show_history(struct logs *l, const char *id, int64_t seq)
{
    struct buf cursor = {0};
    enum cli_exit code = CLI_COMPLETED;
    bool more = true;
    for (bool first = true; more && !cli_stopped(); first = false) {
        struct doc *page = NULL;
        code = history_page(l->cli, id, &cursor, &page);
        if (code != CLI_COMPLETED) {
            break;
        }
        const struct doc_value *items = doc_get(doc_root(page), "items");
        if (first) {
            history_tell_missing(l->cli, page);
        }
        more = cursor.len > 0;
        for (size_t i = 0; i < doc_count(items); i++) {
            const struct doc_value *event = doc_at(items, i);
            if (doc_int(doc_get(event, "seq")) > seq) {
                more = false;
                break;
            }
            show_event(l, event);
        }
        doc_free(page);
    }
    buf_free(&cursor);
    return code;
}

static void show_running(struct logs *l, const struct doc_value *steps)
{
    for (size_t i = 0; i < doc_count(steps); i++) {
        const struct doc_value *s = doc_at(steps, i);
        struct entry e = {.step = doc_string(doc_get(s, "name")),
                          .event = BYTES_LIT("running"),
                          .what = "running",
                          .text = doc_string(doc_get(s, "log"))};
        show(l, &e);
    }
}

/* The step asked for, by its name or step_id; NULL: there is none. */
static const struct doc_value *find_step(const struct doc_value *steps, const char *step)
{
    for (size_t i = 0; i < doc_count(steps); i++) {
        const struct doc_value *s = doc_at(steps, i);
        if (bytes_is(doc_string(doc_get(s, "name")), step) ||
            bytes_is(doc_string(doc_get(s, "step_id")), step)) {
            return s;
        }
    }
    return NULL;
}

static void advise(const struct logs *l, const char *id, const struct doc_value *step)
{
    const struct doc_value *items = doc_get(step, "items");
    if (doc_int(doc_get(items, "total")) > 0) {
        cli_note(l->cli, "those of its items: marathon items %s %s -o json%s", id, l->step,
                 cli_server_flag(l->cli));
    } else if (l->shown == 0) {
        cli_note(l->cli, "nothing was written to stderr%s",
                 step != NULL ? " by this step" : ", as far as it is kept");
    }
}

static enum cli_exit show_logs(struct cli *cli, const char *id, const struct doc *status)
{
    const struct doc_value *steps = doc_get(doc_root(status), "steps");
    const struct doc_value *step = NULL;
    struct logs l = {.cli = cli};
    if (cli->args.operand_count > 1) {
        step = find_step(steps, cli->args.operands[1]);
        if (step == NULL) {
            cli_say("%s has no step \"%.140s\"\n    do: marathon status %s lists its steps", id,
                    cli->args.operands[1], id);
            return CLI_NOT_FOUND;
        }
        l.step = (const char *)doc_string(doc_get(step, "name")).ptr;
    }
    enum cli_exit code = show_history(&l, id, doc_int(doc_get(doc_root(status), "seq")));
    if (code == CLI_COMPLETED) {
        show_running(&l, steps);
        advise(&l, id, step);
    }
    buf_free(&l.last_step);
    buf_free(&l.last_text);
    return code;
}

static enum cli_exit run_logs(struct cli *cli)
{
    const char *id = cli->args.operands[0];
    char path[CALL_PATH_BYTES];
    struct doc *status = NULL;
    if (!cli_id_good(cli, id)) {
        return CLI_USAGE;
    }
    (void)snprintf(path, sizeof path, CLI_API "/status/%s?results=false", id);
    enum cli_exit code = call_get_doc(cli, "get the status", path, &status);
    if (code == CLI_COMPLETED) {
        code = show_logs(cli, id, status);
    }
    doc_free(status);
    return code;
}

const struct command command_logs = {
    .name = "logs",
    .operands = "TASK [STEP]",
    .summary = "show what the functions of a task wrote to stderr",
    .text = "The end of it (2 KiB), of each attempt; one that failed, with its error. Of what runs "
            "now, as far as it\nwas heard. With -o json one object a line.\n",
    .examples = "  marathon logs analysis_123\n"
                "  marathon logs analysis_123 bcg_analysis\n",
    .operands_min = 1,
    .operands_max = 2,
    .run = run_logs,
};
