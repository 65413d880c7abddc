#include "cli/watch.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/bars.h"
#include "cli/call.h"
#include "cli/duration.h"
#include "cli/news.h"
#include "cli/problem.h"
#include "cli/screen.h"
#include "cli/sse.h"
#include "cli/summary.h"

#define FRAME_MS 120 /* between two drawings: enough for a spinner, and cheap */
/* Between two status requests: messages do not tell the progress of several steps each. */
#define REFRESH_MS 500
/* Time-out of such a request; a slower server is asked again later. */
#define REFRESH_WAIT_MS 2000
/* after that the status is requested, if lines are printed */
#define SILENT_MS       1000
#define HEAD_WAIT_MS    10000          /* for the head of the stream */
#define PATIENCE_NEW_MS INT64_C(30000) /* if the server was never heard */
/* if it was: a restart or a failover is worth waiting for */
#define PATIENCE_MS INT64_C(600000)

struct watch {
    struct cli *cli;
    const struct watch_options *options;
    struct view view;
    struct sse sse;
    struct news news;
    struct screen screen;
    bool live;  /* shows bars; else lines */
    bool heard; /* a message has ever come */
    bool final; /* the last message has come */
    bool fresh; /* a message has come on this connection */
    unsigned tick;
    mono_ms heard_at;                        /* of the last message */
    mono_ms drawn_at, refreshed_at, lost_at; /* lost_at 0 = connected */
    unsigned tries;
};

static void draw(struct watch *w, struct moment now)
{
    if (!w->live || w->view.state_text[0] == '\0') {
        return;
    }
    struct bars_screen screen = {.style = w->cli->err_style, .tick = w->tick++};
    struct buf text = {0};
    screen_size(&screen.columns, &screen.rows);
    size_t lines = bars_render(&text, &w->view, &screen, now.wall);
    screen_draw(&w->screen, buf_bytes(&text), lines);
    w->drawn_at = now.mono;
    buf_free(&text);
}

static void tell(struct watch *w)
{
    if (w->live || w->cli->quiet) {
        return;
    }
    struct buf text = {0};
    news_write(&w->news, &w->view, clock_now().wall, &text);
    cli_err(&text);
    buf_free(&text);
}

static void on_event(void *user, const struct sse_event *event)
{
    struct watch *w = user;
    struct doc *d = NULL;
    struct doc_fault fault;
    if (doc_parse(event->data, &d, &fault) != ERR_OK) {
        return; /* not one of our messages: ignored like an unknown type */
    }
    w->heard = true;
    w->heard_at = clock_now().mono;
    w->fresh = true;
    w->final = view_take_message(&w->view, doc_root(d), clock_now().wall) == VIEW_FINAL || w->final;
    doc_free(d);
    if (w->options->messages) {
        struct buf line = {0};
        buf_add_bytes(&line, event->data);
        buf_add_char(&line, '\n');
        cli_out(&line);
        buf_free(&line);
    }
}

static enum err on_piece(void *user, struct bytes piece)
{
    struct watch *w = user;
    enum err e = sse_feed(&w->sse, piece, on_event, w);
    /* not at each message: those that arrive together would report states that a step only passed
     * through */
    tell(w);
    return e;
}

/* Takes the status if it comes quickly; meanwhile the stream keeps feeding the view. */
static void refresh(struct watch *w)
{
    char path[CALL_PATH_BYTES];
    (void)snprintf(path, sizeof path, CLI_API "/status/%s?results=false", w->options->task_id);
    struct http_request request = {.method = "GET", .path = path, .timeout_ms = REFRESH_WAIT_MS};
    struct http_reply reply = {0};
    struct doc *d = NULL;
    struct doc_fault fault;
    if (http_call(w->cli->http, &request, &reply) == ERR_OK && reply.status == 200 &&
        doc_parse(buf_bytes(&reply.body), &d, &fault) == ERR_OK) {
        enum err e = view_take_status(&w->view, doc_root(d));
        w->heard = w->heard || e == ERR_OK;
    }
    doc_free(d);
    http_reply_free(&reply);
    w->refreshed_at = clock_now().mono;
}

static void animate(struct watch *w)
{
    struct moment now = clock_now();
    if (!w->live || now.mono - w->drawn_at < FRAME_MS) {
        return;
    }
    if (w->fresh && now.mono - w->refreshed_at >= REFRESH_MS) {
        refresh(w);
    }
    draw(w, clock_now());
}

/* No message says why a step does not begin: that no worker offers its function, or that a limit is
 * reached. If the stream is silent, the status is requested once to find out. */
static void look_where_silent(struct watch *w)
{
    if (!w->live && !w->cli->quiet && w->fresh && w->refreshed_at < w->heard_at &&
        clock_now().mono - w->heard_at >= SILENT_MS) {
        refresh(w);
        tell(w);
    }
}

static enum cli_exit detach(struct watch *w)
{
    const char *id = w->options->task_id;
    const char *flag = cli_server_flag(w->cli);
    screen_leave(&w->screen);
    cli_say(
        "detached; %s goes on\n  come back: marathon watch %s%s\n     end it: marathon cancel %s%s",
        id, id, flag, id, flag);
    return CLI_DETACHED;
}

/* After a lost connection: waits, and shows it. False if the patience has ended or the user
 * detached. */
static bool wait_for_server(struct watch *w, int http_status, int retry_after_s)
{
    mono_ms now = clock_now().mono;
    int64_t patience = w->cli->retry_for_ms >= 0 ? w->cli->retry_for_ms
                       : w->heard                ? PATIENCE_MS
                                                 : PATIENCE_NEW_MS;
    if (w->fresh || w->lost_at == 0) {
        w->lost_at = now;
        w->tries = 0;
    }
    w->tries++;
    int64_t wait_ms = call_wait_ms(w->tries, retry_after_s);
    if (now + wait_ms > w->lost_at + patience) {
        return false;
    }
    char text[DURATION_TEXT_BYTES];
    screen_wipe(&w->screen);
    if (http_status != 0) {
        cli_note(w->cli, "%s is busy (HTTP %d), trying again in %s", w->cli->server, http_status,
                 duration_text(wait_ms, text));
    } else {
        cli_note(w->cli, "%s %s (%s), trying again in %s",
                 w->heard ? "lost the connection to" : "no answer from", w->cli->server,
                 http_client_fault(w->cli->http), duration_text(wait_ms, text));
    }
    return cli_sleep(wait_ms);
}

static enum cli_exit end_code(const struct view *v)
{
    switch (v->end) {
    case TASK_FAILED:
        return CLI_FAILED;
    case TASK_CANCELLED:
        return CLI_CANCELLED;
    case TASK_COMPLETED:
    case TASK_PENDING:
    case TASK_RUNNING:
    case TASK_RECOVERING:
    case TASK_PAUSED:
    case TASK_WAITING:
    case TASK_BUDGET_EXCEEDED:
    case TASK_STATE_COUNT:
        break;
    }
    return CLI_COMPLETED;
}

static enum cli_exit finish(struct watch *w)
{
    refresh(w); /* for the exact times of all steps; the messages were enough for the rest */
    tell(w);
    draw(w, clock_now());
    screen_leave(&w->screen);
    if (!w->view.ended) {
        cli_say("the stream of %s ended, but the task is %s\n    do: marathon status %s%s",
                w->options->task_id, w->view.state_text[0] != '\0' ? w->view.state_text : "unknown",
                w->options->task_id, cli_server_flag(w->cli));
        return CLI_FAILED;
    }
    if (w->cli->quiet && w->view.end == TASK_FAILED) { /* an error, not progress */
        struct buf error = {0};
        text_put_clean(&error, w->view.error != NULL ? bytes_str(w->view.error)
                                                     : BYTES_LIT("without an error"));
        cli_say("%s failed: %s", w->options->task_id, buf_cstr(&error));
        buf_free(&error);
    }
    return end_code(&w->view);
}

static enum cli_exit refused(struct watch *w, const struct http_reply *reply)
{
    struct buf text = {0};
    struct problem problem = {"watch the task", reply->status, buf_bytes(&reply->body)};
    problem_write(&text, &problem);
    screen_leave(&w->screen);
    cli_err(&text);
    buf_free(&text);
    return problem_exit(reply->status, problem_code(buf_bytes(&reply->body)));
}

/* Follows one connection to its end. */
static enum err follow(struct watch *w, struct http_stream *s)
{
    enum err e = ERR_OK;
    while (e == ERR_OK && !w->final) {
        e = http_stream_wait(s, FRAME_MS);
        animate(w);
        look_where_silent(w);
    }
    return e;
}

/* Decides what the end of a connection means. True: watching is over, with *ret_exit. */
static bool judge(struct watch *w, struct http_stream *s, enum err e, enum cli_exit *ret_exit)
{
    const struct http_reply *reply = http_stream_reply(s);
    int status = e == ERR_NOT_FOUND ? reply->status : 0;
    if (w->final || status == 204 || (e != ERR_OK && w->view.ended)) {
        *ret_exit = finish(w);
        return true;
    }
    if (e == ERR_CONFLICT || cli_stopped()) {
        *ret_exit = detach(w);
        return true;
    }
    if (e == ERR_INVALID || e == ERR_TOO_LARGE) {
        screen_leave(&w->screen);
        cli_say("cannot watch the task: %s", e == ERR_INVALID
                                                 ? http_client_fault(w->cli->http)
                                                 : "a message is too large to be shown");
        *ret_exit = e == ERR_INVALID ? CLI_USAGE : CLI_FAILED;
        return true;
    }
    if (status != 0 && status != 200 && !call_status_passes(status)) {
        *ret_exit = refused(w, reply);
        return true;
    }
    if (!wait_for_server(w, status == 200 ? 0 : status, reply->retry_after_s)) {
        *ret_exit = cli_stopped()                  ? detach(w)
                    : status != 0 && status != 200 ? refused(w, reply)
                                                   : call_unreachable(w->cli, "watch the task");
        return true;
    }
    return false;
}

enum cli_exit watch_task(struct cli *cli, const struct watch_options *options)
{
    struct watch w = {.cli = cli, .options = options};
    char path[CALL_PATH_BYTES];
    enum cli_exit code = CLI_COMPLETED;
    w.live = cli->err_terminal && !cli->quiet && !(options->messages && cli->out_terminal);
    view_init(&w.view, options->task_id);
    (void)snprintf(path, sizeof path, CLI_API "/stream/%s", options->task_id);
    for (bool done = false; !done;) {
        struct http_request request = {.method = "GET",
                                       .path = path,
                                       .last_event_id = buf_bytes(&w.sse.id),
                                       .timeout_ms = HEAD_WAIT_MS};
        sse_restart(&w.sse);
        w.fresh = false;
        struct http_stream *s = http_stream_open(cli->http, &request, on_piece, &w);
        enum err e = follow(&w, s);
        done = judge(&w, s, e, &code);
        http_stream_close(s);
    }
    view_free(&w.view);
    news_free(&w.news);
    sse_free(&w.sse);
    return code;
}

enum cli_exit watch_and_summarise(struct cli *cli, const char *task_id)
{
    struct watch_options options = {.task_id = task_id};
    enum cli_exit code = watch_task(cli, &options);
    bool ended = code == CLI_COMPLETED || code == CLI_FAILED || code == CLI_CANCELLED;
    if (ended) {
        enum cli_exit shown = summary_print(cli, task_id);
        code = shown == CLI_COMPLETED ? code : shown;
    }
    return code;
}
