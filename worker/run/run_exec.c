/* exec: an argv, no shell. Envelope on stdin, one JSON value on stdout, JSON lines on fd 3; stderr
 * is the log. */
#include "run/runners.h"

#include <stdlib.h>

#include "json/scan.h"
#include "run/environment.h"
#include "run/envelope.h"
#include "run/exit_result.h"
#include "run/news_lines.h"
#include "run/process.h"
#include "run/said_error.h"

/* Leaves room for white space around a result, which does not count against its bound. */
#define OUTPUT_BYTES_MAX (RESULT_BYTES_MAX + 4096u)

struct exec_run {
    struct run_exec *owner;
    struct exec_run *next;
    uint64_t number;
    const struct function *function;
    struct process *process;    /* NULL: refused before it began */
    struct loop_timer *refused; /* reports that in the next turn */
    struct buf output;          /* its stdout */
    bool overflow;
    struct tail log;
    struct news_lines news;
    struct said_error said;
};

struct run_exec {
    struct runner base; /* first member */
    const struct runner_world *world;
    struct exec_run *runs;
};

static void run_free(struct exec_run *run)
{
    struct exec_run **at = &run->owner->runs;
    while (*at != run) {
        at = &(*at)->next;
    }
    *at = run->next;
    if (run->process != NULL) {
        process_destroy(run->process);
    }
    if (run->refused != NULL) {
        loop_timer_destroy(run->refused);
    }
    buf_free(&run->output);
    news_lines_free(&run->news);
    said_error_free(&run->said);
    free(run);
}

static void run_tell(struct exec_run *run, const struct attempt_result *result)
{
    const struct runner_listener *to = &run->owner->world->listener;
    to->ended(to->user, run->number, result);
    run_free(run);
}

static void on_news(void *user, const struct attempt_news *news)
{
    struct exec_run *run = user;
    const struct runner_listener *to = &run->owner->world->listener;
    if (news->error.given) {
        said_error_take(&run->said, &news->error);
    }
    to->news(to->user, run->number, news);
}

static void on_output(void *user, int stream, struct bytes data)
{
    struct exec_run *run = user;
    if (stream == SPAWN_STDERR) {
        tail_add(&run->log, data);
        tail_tell(&run->log, on_news, run);
    } else if (stream == SPAWN_NEWS) {
        news_lines_grown(&run->news, data.len, on_news, run);
    } else if (run->overflow) {
        buf_clear(&run->output);
    } else if (run->output.len > OUTPUT_BYTES_MAX) {
        run->overflow = true;
        buf_clear(&run->output);
        process_kill(run->process);
    }
}

static void on_ended(void *user, const struct process_end *end)
{
    struct exec_run *run = user;
    struct buf text = {0};
    struct attempt_result result;
    news_lines_end(&run->news, on_news, run);
    if (run->overflow) {
        buf_addf(&text, "the output is larger than %u bytes", RESULT_BYTES_MAX);
        result = result_failure(CODE_RESULT_TOO_LARGE, true, &text, &run->log);
    } else if (end->error == NULL && end->status == 0) {
        result = result_of_output(buf_bytes(&run->output), &text, &run->log);
        result.holder = &run->output;
    } else {
        result = result_of_end(end, run->function->argv[0], &text, &run->log);
    }
    said_error_apply(&run->said, &result);
    result.bad_lines = run->news.bad;
    result.bad_line = run->news.why;
    run_tell(run, &result);
    buf_free(&text);
}

static void on_refused(void *user)
{
    struct buf text = {0};
    buf_addf(&text, "the input and the results of earlier steps are larger than %u bytes",
             ENVELOPE_BYTES_MAX);
    struct attempt_result result = result_failure(CODE_INPUT_TOO_LARGE, true, &text, NULL);
    run_tell(user, &result);
    buf_free(&text);
}

static void exec_start(struct runner *r, const struct function *f, const struct attempt_call *call)
{
    struct run_exec *exec = (struct run_exec *)r;
    const struct runner_world *world = exec->world;
    struct exec_run *run = mem_zalloc(sizeof *run);
    run->owner = exec;
    run->number = call->number;
    run->function = f;
    run->next = exec->runs;
    exec->runs = run;
    struct buf envelope = {0};
    if (envelope_make(call, &envelope) == ERR_OK) {
        struct arena arena = {0};
        struct spawn_spec spec = {.argv = f->argv,
                                  .env = environment_make(&arena, world->environment, f->env, call),
                                  .cwd = f->cwd != NULL ? f->cwd : world->cwd};
        struct process_handler handler = {
            .output = on_output,
            .kept = {[SPAWN_STDOUT] = &run->output, [SPAWN_NEWS] = &run->news.line},
            .ended = on_ended,
            .user = run};
        run->process = process_start(world->loop, world->reaper, &spec, handler);
        process_write(run->process, &envelope);
        process_close_input(run->process);
        arena_free(&arena);
    } else {
        run->refused = loop_timer_create(world->loop, on_refused, run);
        loop_timer_set(run->refused, loop_now(world->loop).mono);
    }
    buf_free(&envelope);
}

static void exec_stop(struct runner *r, uint64_t number, bool by_force)
{
    struct run_exec *exec = (struct run_exec *)r;
    for (struct exec_run *run = exec->runs; run != NULL; run = run->next) {
        if (run->number == number && run->process != NULL) {
            if (by_force) {
                process_kill(run->process);
            } else {
                process_stop(run->process);
            }
        }
    }
}

static void exec_destroy(struct runner *r)
{
    struct run_exec *exec = (struct run_exec *)r;
    while (exec->runs != NULL) {
        run_free(exec->runs);
    }
    free(exec);
}

struct runner *run_exec_create(const struct runner_world *world)
{
    static const struct runner_ops ops = {exec_start, exec_stop, exec_destroy};
    struct run_exec *exec = mem_zalloc(sizeof *exec);
    exec->base.ops = &ops;
    exec->world = world;
    return &exec->base;
}
