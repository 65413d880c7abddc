#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void copy(char *out, size_t size, struct bytes b)
{
    (void)snprintf(out, size, "%.*s", (int)b.len, b.len > 0 ? (const char *)b.ptr : "");
}

static void on_news(void *user, uint64_t number, const struct attempt_news *news)
{
    struct bench *b = user;
    struct bench_call *c = &b->calls[number];
    assert_false(c->ended);
    c->news += news->log.len == 0; /* how often a log is heard is a matter of timing */
    usage_sum_add(&c->used, &news->usage.sum);
    if (news->fraction >= 0) {
        c->fraction = news->fraction;
    }
    if (news->message.len > 0) {
        copy(c->message, sizeof c->message, news->message);
    }
    if (news->checkpoint.len > 0) {
        copy(c->checkpoint, sizeof c->checkpoint, news->checkpoint);
    }
}

static void on_ended(void *user, uint64_t number, const struct attempt_result *result)
{
    struct bench *b = user;
    struct bench_call *c = &b->calls[number];
    assert_false(c->ended);
    c->ended = true;
    c->result = *result;
    c->result.result = arena_bytes(&c->memory, result->result);
    c->result.message = arena_bytes(&c->memory, result->message);
    c->result.function_code = arena_bytes(&c->memory, result->function_code);
    c->took_ms = loop_now(b->loop).mono - c->began;
    b->running--;
    if (b->running == 0) {
        loop_stop(b->loop);
    }
}

static void on_deadline(void *user)
{
    (void)user;
    fail_msg("still waiting after %d ms", BENCH_WAIT_MS);
}

struct bench *bench_open(const char *functions)
{
    static const char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin",
                                              "MARATHON_COORDINATORS=tcp://secret",
                                              "REDIS_URL=redis://:secret@host",
                                              "MARATHON_DATA_DIR=/data",
                                              "LANG=C.UTF-8",
                                              NULL};
    struct bench *b = mem_zalloc(sizeof *b);
    (void)snprintf(b->folder, sizeof b->folder, "/tmp/marathon-run-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    b->loop = loop_create();
    b->reaper = reaper_create(b->loop, "bench");
    functions_add_builtins(&b->functions);
    struct functions_fault fault;
    if (functions != NULL &&
        functions_parse(&b->functions, bytes_str(functions), b->folder, &fault) != ERR_OK) {
        fail_msg("%s: %s", fault.pointer, fault.detail);
    }
    union {
        const char *const *ours;
        char *const *theirs;
    } env = {environment};
    b->world = (struct runner_world){.loop = b->loop,
                                     .reaper = b->reaper,
                                     .listener = {on_news, on_ended, b},
                                     .program = MARATHON_WORKER,
                                     .cwd = b->folder,
                                     .environment = env.theirs};
    b->runners = runners_create(&b->world, &b->functions);
    b->deadline = loop_timer_create(b->loop, on_deadline, b);
    return b;
}

struct bench *bench_open_sh(const char *script)
{
    struct buf text = {0};
    buf_add_str(&text, "{\"functions\":{\"f\":{\"exec\":[\"/bin/sh\",\"-c\",\"");
    for (const char *c = script; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            buf_add_char(&text, '\\');
        }
        buf_add_char(&text, *c);
    }
    buf_add_str(&text, "\"]}}}");
    struct bench *b = bench_open(buf_cstr(&text));
    buf_free(&text);
    return b;
}

static bool all_gone(void *user)
{
    struct bench *b = user;
    return reaper_count(b->reaper) == 0;
}

void bench_close(struct bench *b)
{
    runners_destroy(b->runners);
    bench_until(b, all_gone, b);
    reaper_destroy(b->reaper);
    loop_timer_destroy(b->deadline);
    loop_destroy(b->loop);
    functions_free(&b->functions);
    for (size_t i = 0; i < BENCH_CALLS_MAX; i++) {
        arena_free(&b->calls[i].memory);
    }
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", b->folder);
    assert_int_equal(system(command), 0);
    free(b);
}

struct step_order bench_order(const char *function, const char *input)
{
    return (struct step_order){
        .ref = {.task_id = BYTES_LIT("task-1"), .run = 1, .step = 2, .attempt = 1},
        .name = BYTES_LIT("extract"),
        .function = bytes_str(function),
        .idempotency_key = BYTES_LIT("key-1"),
        .timeout_ms = 60000,
        .input.whole = bytes_str(input != NULL ? input : "{\"a\":1}"),
        .results.whole = BYTES_LIT("{\"before\":[1,2]}")};
}

/* The order as its message has it, and that is gone by the time its function begins. */
static void start_waited(struct bench *b, struct attempt_call *call)
{
    struct step_order order = *call->order;
    struct bytes *parts[] = {&order.input.whole, &order.results.whole, &order.progress_checkpoint};
    struct buf kept = {0};
    struct arena message = {0};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *parts[i] = arena_bytes(&message, *parts[i]);
    }
    runners_keep(&b->functions, &order, &kept);
    arena_free(&message);
    call->order = &order;
    call->kept = &kept;
    runners_start(b->runners, call);
    buf_free(&kept);
}

uint64_t bench_start_order(struct bench *b, const struct step_order *order)
{
    uint64_t number = ++b->last;
    assert_true(number < BENCH_CALLS_MAX);
    b->calls[number].began = loop_now(b->loop).mono;
    struct attempt_call call = {.number = number, .order = order, .deadline = 1700000000000};
    b->running++;
    if (b->waiting) {
        start_waited(b, &call);
    } else {
        runners_start(b->runners, &call);
    }
    return number;
}

uint64_t bench_start(struct bench *b, const char *function, const char *input)
{
    struct step_order order = bench_order(function, input);
    return bench_start_order(b, &order);
}

static void run_bounded(struct bench *b)
{
    loop_timer_set(b->deadline, clock_now().mono + BENCH_WAIT_MS);
    loop_run(b->loop);
    loop_timer_set(b->deadline, NEVER_MS);
}

void bench_wait(struct bench *b)
{
    while (b->running > 0) {
        run_bounded(b);
    }
}

const struct bench_call *bench_run(struct bench *b, const char *function, const char *input)
{
    uint64_t number = bench_start(b, function, input);
    bench_wait(b);
    return &b->calls[number];
}

void bench_run_both(struct bench *b, const char *function, const char *input)
{
    const struct bench_call *first = bench_run(b, function, input);
    b->waiting = true;
    const struct bench_call *second = bench_run(b, function, input);
    b->waiting = false;
    assert_int_equal(first->result.ok, second->result.ok);
    assert_int_equal(first->result.code, second->result.code);
    assert_true(bytes_eq(first->result.result, second->result.result));
    assert_true(bytes_eq(first->result.message, second->result.message));
}

struct watch {
    struct bench *bench;
    bool (*done)(void *user);
    void *user;
    struct loop_timer *timer;
    bool reached;
};

static void on_look(void *user)
{
    struct watch *w = user;
    if (w->done(w->user)) {
        w->reached = true;
        loop_stop(w->bench->loop);
        return;
    }
    loop_timer_set(w->timer, loop_now(w->bench->loop).mono + 5);
}

void bench_until(struct bench *b, bool (*done)(void *user), void *user)
{
    struct watch w = {.bench = b, .done = done, .user = user};
    w.timer = loop_timer_create(b->loop, on_look, &w);
    loop_timer_set(w.timer, loop_now(b->loop).mono);
    while (!w.reached) {
        run_bounded(b);
    }
    loop_timer_destroy(w.timer);
}

long bench_number(const struct bench *b, const char *file)
{
    char path[160];
    char text[32] = "";
    (void)snprintf(path, sizeof path, "%s/%s", b->folder, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return n > 0 && text[n - 1] == '\n' ? strtol(text, NULL, 10) : 0;
}

struct pid_watch {
    const struct bench *bench;
    const char *file;
    pid_t pid;
};

static bool pid_there(void *user)
{
    struct pid_watch *w = user;
    w->pid = (pid_t)bench_number(w->bench, w->file);
    return w->pid != 0;
}

static bool pid_gone(void *user)
{
    const struct pid_watch *w = user;
    return kill(w->pid, 0) != 0 && errno == ESRCH;
}

pid_t bench_wait_pid(struct bench *b, const char *file)
{
    struct pid_watch w = {.bench = b, .file = file};
    bench_until(b, pid_there, &w);
    return w.pid;
}

void bench_wait_gone(struct bench *b, pid_t pid)
{
    struct pid_watch w = {.bench = b, .pid = pid};
    bench_until(b, pid_gone, &w);
}

void bench_assert_failed(const struct bench_call *c, enum code code, const char *part)
{
    assert_true(c->ended);
    assert_false(c->result.ok);
    if (c->result.code != code) {
        fail_msg("code %s: %s", code_info(c->result.code)->name,
                 (const char *)c->result.message.ptr);
    }
    if (memmem(c->result.message.ptr, c->result.message.len, part, strlen(part)) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", part, (const char *)c->result.message.ptr);
    }
    bool permanent = code == CODE_FUNCTION_REJECTED || code == CODE_RESULT_TOO_LARGE ||
                     code == CODE_INPUT_TOO_LARGE;
    assert_int_equal(c->result.permanent, permanent);
}

void bench_assert_result(const struct bench_call *c, const char *json)
{
    assert_true(c->ended);
    if (!c->result.ok) {
        fail_msg("%s: %s", code_info(c->result.code)->name, (const char *)c->result.message.ptr);
    }
    assert_string_equal((const char *)c->result.result.ptr, json);
}
