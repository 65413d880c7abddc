#include "cli/dev.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/dev_child.h"
#include "cli/dev_lines.h"
#include "cli/duration.h"
#include "json/doc.h"
#include "loop/loop.h"

#define RESTART_WAIT_MS     250  /* doubled with each death ... */
#define RESTART_WAIT_MS_MAX 8000 /* ... up to this */
/* a process that lived this long restarts with the first wait again */
#define HEALTHY_MS 10000
/* more deaths than this before the cluster was ever ready are no accident */
#define START_DEATHS_MAX 5
#define EXIT_USAGE       2     /* of our programs: an unknown setting, or a bad one */
#define EXIT_SETTINGS    78    /* settings, files or definitions with which no start can succeed */
#define REDIS_POLL_MS    5     /* until Redis listens, which takes it about 20 ... */
#define REDIS_LISTEN_MS  10000 /* ... so after this long it never will */
#define READY_POLL_MS    100
#define READY_ANSWER_MS  400
#define READY_SLOW_MS    15000 /* then it prints what it waits for */
#define READ_BYTES       65536

/* How long each role may take to stop by itself. Workers hand back what they run. */
static const int drain_ms[DEV_ROLE_COUNT] = {
    [DEV_REDIS] = 5000, [DEV_COORDINATOR] = 4000, [DEV_WORKER] = 6000, [DEV_GATEWAY] = 4000};

struct process {
    struct dev *dev;
    const struct dev_program *program;
    pid_t pid;  /* 0 = not running */
    int output; /* -1 = none */
    struct loop_watch *watch;
    struct loop_timer *restart;
    struct dev_lines lines;
    mono_ms started_at;
    unsigned deaths; /* in a row */
};

struct dev {
    struct cli *cli;
    const struct dev_plan *plan;
    const char *hint;
    struct loop *loop;
    struct loop_timer *redis, *poll, *drain;
    struct process processes[DEV_PROGRAMS_MAX];
    mono_ms begun_at;
    bool ready, told_slow;
    bool stopping;
    int stage; /* role being stopped, while stopping */
    enum cli_exit code;
};

static void say(struct dev *d, enum text_colour colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(struct dev *d, enum text_colour colour, const char *format, ...)
{
    struct buf out = {0};
    struct dev_lines lines = {.label = "marathon", .colour = colour};
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    dev_lines_feed(&lines, bytes_str(text), &d->cli->err_style, &out);
    dev_lines_end(&lines, &d->cli->err_style, &out);
    cli_err(&out);
    buf_free(&out);
    dev_lines_free(&lines);
}

static mono_ms now_of(const struct dev *d)
{
    return loop_now(d->loop).mono;
}

/* ---- output ---- */

static void output_close(struct process *p)
{
    if (p->output < 0) {
        return;
    }
    struct buf out = {0};
    dev_lines_end(&p->lines, &p->dev->cli->err_style, &out);
    cli_err(&out);
    buf_free(&out);
    loop_watch_destroy(p->watch);
    (void)close(p->output);
    p->watch = NULL;
    p->output = -1;
}

/* Reads what is there now. Returns false at the end of the output. */
static bool output_read(struct process *p)
{
    uint8_t piece[READ_BYTES];
    ssize_t n = read(p->output, piece, sizeof piece);
    if (n <= 0) {
        return n < 0 && (errno == EAGAIN || errno == EINTR);
    }
    struct buf out = {0};
    dev_lines_feed(&p->lines, bytes_of(piece, (size_t)n), &p->dev->cli->err_style, &out);
    cli_err(&out);
    buf_free(&out);
    return true;
}

static void on_output(void *user, int ready)
{
    struct process *p = user;
    (void)ready;
    if (!output_read(p)) {
        output_close(p);
    }
}

/* ---- life of a process ---- */

static void stop_begin(struct dev *d, enum cli_exit code);

/* Anything may be called redis-server in a PATH. */
static void give_up(struct process *p)
{
    if (p->program->role == DEV_REDIS) {
        say(p->dev, TEXT_RED,
            "    do: see whether that is a Redis of version 7 or later: %s --version",
            p->program->argv[0]);
    }
    stop_begin(p->dev, CLI_FAILED);
}

static void process_start(struct process *p)
{
    struct dev *d = p->dev;
    output_close(p); /* of the previous process, if a grandchild still holds it */
    if (dev_child_start(p->program->argv, p->program->env, &p->pid, &p->output) != ERR_OK) {
        p->pid = 0;
        say(d, TEXT_RED, "cannot start %s: %s", p->program->argv[0], strerror(errno));
        give_up(p);
        return;
    }
    p->started_at = now_of(d);
    p->watch = loop_watch_create(d->loop, p->output, on_output, p);
    loop_watch_set(p->watch, LOOP_READABLE);
}

static void on_restart(void *user)
{
    struct process *p = user;
    if (!p->dev->stopping && p->pid == 0) {
        process_start(p);
    }
}

/* Does this exit status say that another start would end the same way? */
static bool refuses(int status)
{
    return WIFEXITED(status) &&
           (WEXITSTATUS(status) == EXIT_USAGE || WEXITSTATUS(status) == EXIT_SETTINGS);
}

static void process_died(struct process *p, int status)
{
    struct dev *d = p->dev;
    char text[DURATION_TEXT_BYTES];
    if (now_of(d) - p->started_at >= HEALTHY_MS) {
        p->deaths = 0;
    }
    int64_t wait_ms = p->deaths < 5 ? RESTART_WAIT_MS << p->deaths : RESTART_WAIT_MS_MAX;
    p->deaths++;
    if (!d->ready && refuses(status)) {
        say(d, TEXT_RED, "%s %s, its settings are wrong: giving up; its own lines above say why",
            p->program->label, dev_child_end_text(status));
        give_up(p);
        return;
    }
    if (!d->ready && p->deaths >= START_DEATHS_MAX) {
        say(d, TEXT_RED,
            "%s %s again, %u times: giving up; its own lines above say why, where "
            "there are any",
            p->program->label, dev_child_end_text(status), p->deaths);
        give_up(p);
        return;
    }
    say(d, TEXT_YELLOW, "%s %s, starting it again in %s", p->program->label,
        dev_child_end_text(status), duration_text(wait_ms, text));
    loop_timer_set(p->restart, now_of(d) + wait_ms);
}

static void stop_next(struct dev *d);

static void on_child(void *user)
{
    struct dev *d = user;
    int status = 0;
    for (pid_t pid; (pid = dev_child_reap(&status)) != 0;) {
        for (size_t i = 0; i < d->plan->count; i++) {
            struct process *p = &d->processes[i];
            if (p->pid != pid) {
                continue;
            }
            p->pid = 0;
            while (p->output >= 0 && output_read(p) && errno != EAGAIN) {
                errno = 0;
            }
            if (!d->stopping) {
                process_died(p, status);
            }
        }
    }
    if (d->stopping) {
        stop_next(d);
    }
}

/* ---- stopping ---- */

static size_t alive(const struct dev *d, int role)
{
    size_t n = 0;
    for (size_t i = 0; i < d->plan->count; i++) {
        n += (int)d->plan->programs[i].role == role && d->processes[i].pid != 0 ? 1 : 0;
    }
    return n;
}

static void signal_role(struct dev *d, int role, int signo)
{
    for (size_t i = 0; i < d->plan->count; i++) {
        if ((int)d->plan->programs[i].role == role && d->processes[i].pid != 0) {
            dev_child_signal(d->processes[i].pid, signo);
        }
    }
}

/* Proceeds to the previous role as soon as no process of this one is left. */
static void stop_next(struct dev *d)
{
    while (d->stage >= 0 && alive(d, d->stage) == 0) {
        d->stage--;
        if (d->stage >= 0) {
            signal_role(d, d->stage, SIGTERM);
            loop_timer_set(d->drain, now_of(d) + drain_ms[d->stage]);
        }
    }
    if (d->stage < 0) {
        loop_stop(d->loop);
    }
}

static void on_drain_over(void *user)
{
    struct dev *d = user;
    if (d->stage >= 0) {
        say(d, TEXT_YELLOW, "not stopped within %d ms: killed", drain_ms[d->stage]);
        signal_role(d, d->stage, SIGKILL);
    }
}

static void stop_begin(struct dev *d, enum cli_exit code)
{
    if (d->stopping) {
        return;
    }
    d->stopping = true;
    d->code = code;
    d->stage = DEV_ROLE_COUNT;
    say(d, TEXT_DIM, "stopping");
    loop_timer_set(d->poll, NEVER_MS);
    stop_next(d);
}

static void on_terminate(void *user)
{
    stop_begin(user, CLI_COMPLETED);
}

/* Only a second Ctrl-C means impatience: a script's SIGTERM may well follow its terminal's
 * SIGINT. */
static void on_interrupt(void *user)
{
    struct dev *d = user;
    if (!d->stopping) {
        stop_begin(d, CLI_COMPLETED);
        return;
    }
    say(d, TEXT_YELLOW, "once more: killing all");
    for (int role = 0; role < DEV_ROLE_COUNT; role++) {
        signal_role(d, role, SIGKILL);
    }
}

/* ---- readiness ---- */

static void tell_ready(struct dev *d)
{
    struct buf out = {0};
    char text[DURATION_TEXT_BYTES];
    say(d, TEXT_GREEN, "ready after %s", duration_text(now_of(d) - d->begun_at, text));
    buf_addf(&out, "%s\n", d->plan->url);
    cli_out(&out);
    buf_free(&out);
    say(d, TEXT_GREEN, "try: %s", d->hint);
    say(d, TEXT_DIM, "what Redis holds: redis-cli -s %s", d->plan->redis_socket);
    say(d, TEXT_DIM, "Ctrl-C stops it all");
}

/* Of a problem its errors, which say what is awaited; of anything else what there is room for. */
static void why_put(struct buf *out, struct bytes body)
{
    struct doc *parsed = NULL;
    struct doc_fault fault;
    if (doc_parse(body, &parsed, &fault) == ERR_OK) {
        const struct doc_value *errors = doc_get(doc_root(parsed), "errors");
        for (size_t i = 0; i < doc_count(errors); i++) {
            buf_add_str(out, i > 0 ? "; " : "");
            text_put_clean(out, doc_string(doc_get(doc_at(errors, i), "detail")));
        }
        doc_free(parsed);
    }
    if (out->len == 0) {
        text_put_fit(out, body, 300, false);
    }
}

static void tell_slow(struct dev *d, const struct http_reply *reply)
{
    struct buf why = {0};
    why_put(&why, buf_bytes(&reply->body));
    say(d, TEXT_YELLOW, "not ready yet: %s",
        reply->status != 0 ? buf_cstr(&why) : http_client_fault(d->cli->http));
    buf_free(&why);
    d->told_slow = true;
}

static void on_poll(void *user)
{
    struct dev *d = user;
    struct http_request request = {
        .method = "GET", .path = "/readyz?verbose", .timeout_ms = READY_ANSWER_MS};
    struct http_reply reply = {0};
    enum err e = http_call(d->cli->http, &request, &reply);
    if (e == ERR_OK && reply.status == 200) {
        d->ready = true;
        tell_ready(d);
    } else {
        if (!d->told_slow && now_of(d) - d->begun_at > READY_SLOW_MS) {
            tell_slow(d, &reply);
        }
        loop_timer_set(d->poll, now_of(d) + READY_POLL_MS);
    }
    http_reply_free(&reply);
}

/* ---- all of it ---- */

static bool redis_listens(const struct dev *d)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", d->plan->redis_socket);
    bool listens = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return listens;
}

static void start_role(struct dev *d, bool redis)
{
    for (size_t i = 0; i < d->plan->count && !d->stopping; i++) {
        if ((d->plan->programs[i].role == DEV_REDIS) == redis) {
            process_start(&d->processes[i]);
        }
    }
}

/* Starts the others once Redis listens, so that none of them has to complain and retry. */
static void on_redis(void *user)
{
    struct dev *d = user;
    if (d->stopping) {
        return;
    }
    if (redis_listens(d)) {
        start_role(d, false);
    } else if (now_of(d) - d->begun_at < REDIS_LISTEN_MS) {
        loop_timer_set(d->redis, now_of(d) + REDIS_POLL_MS);
    } else {
        say(d, TEXT_RED,
            "redis does not listen on its socket, %d s after its start: giving up; its own lines "
            "above say why, where there are any",
            REDIS_LISTEN_MS / 1000);
        give_up(&d->processes[0]); /* a plan begins with it */
    }
}

static const enum text_colour role_colours[DEV_ROLE_COUNT] = {[DEV_REDIS] = TEXT_RED,
                                                              [DEV_COORDINATOR] = TEXT_BLUE,
                                                              [DEV_WORKER] = TEXT_YELLOW,
                                                              [DEV_GATEWAY] = TEXT_GREEN};

static void set_up(struct dev *d)
{
    d->loop = loop_create();
    d->redis = loop_timer_create(d->loop, on_redis, d);
    d->poll = loop_timer_create(d->loop, on_poll, d);
    d->drain = loop_timer_create(d->loop, on_drain_over, d);
    loop_on_signal(d->loop, SIGINT, on_interrupt, d);
    loop_on_signal(d->loop, SIGTERM, on_terminate, d);
    loop_on_signal(d->loop, SIGHUP, on_terminate, d);
    loop_on_signal(d->loop, SIGCHLD, on_child, d);
    d->begun_at = now_of(d);
    for (size_t i = 0; i < d->plan->count; i++) {
        struct process *p = &d->processes[i];
        p->dev = d;
        p->program = &d->plan->programs[i];
        p->output = -1;
        p->lines = (struct dev_lines){.label = p->program->label,
                                      .colour = role_colours[p->program->role]};
        p->restart = loop_timer_create(d->loop, on_restart, p);
    }
}

enum cli_exit dev_run(struct cli *cli, const struct dev_plan *plan, const char *hint)
{
    struct dev *d = mem_zalloc(sizeof *d);
    d->cli = cli;
    d->plan = plan;
    d->hint = hint;
    dev_child_adopt_orphans();
    set_up(d);
    start_role(d, true);
    loop_timer_set(d->redis, now_of(d) + REDIS_POLL_MS);
    loop_timer_set(d->poll, now_of(d) + READY_POLL_MS);
    loop_run(d->loop); /* where nothing could be started: for the stop to be heard */
    dev_child_kill_all();
    for (size_t i = 0; i < plan->count; i++) {
        output_close(&d->processes[i]);
        dev_lines_free(&d->processes[i].lines);
    }
    say(d, TEXT_DIM, "stopped");
    enum cli_exit code = d->code;
    loop_destroy(d->loop);
    free(d);
    return code;
}
