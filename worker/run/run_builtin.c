/* The built-in functions, for trials and tests: echo, sleep, fail, stamp. They run on the loop
 * itself, and do not parse their input into a tree. */
#include "run/runners.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "json/scan.h"

/* how often sleep reports progress */
#define PROGRESS_MS 200
#define SECONDS_MAX 31536000.0

struct builtin_run {
    struct run_builtin *owner;
    struct builtin_run *next, *prev;
    uint64_t number;
    struct buf output;      /* the input, or the error's text */
    struct usage_part used; /* reported at its end */
    struct buf model;
    bool ok, stopped;
    enum code code;
    bool permanent;
    mono_ms began, ends;
    struct loop_timer *timer;
};

struct run_builtin {
    struct runner base; /* first member */
    const struct runner_world *world;
    struct builtin_run *runs;
};

static void run_free(struct builtin_run *run)
{
    if (run->prev != NULL) {
        run->prev->next = run->next;
    } else {
        run->owner->runs = run->next;
    }
    if (run->next != NULL) {
        run->next->prev = run->prev;
    }
    loop_timer_destroy(run->timer);
    buf_free(&run->output);
    buf_free(&run->model);
    free(run);
}

static void on_timer(void *user)
{
    struct builtin_run *run = user;
    const struct runner_world *world = run->owner->world;
    const struct runner_listener *to = &world->listener;
    mono_ms now = loop_now(world->loop).mono;
    if (now < run->ends && !run->stopped) {
        struct attempt_news news = {.fraction = (double)(now - run->began) /
                                                (double)(run->ends - run->began)};
        mono_ms next = now + PROGRESS_MS;
        loop_timer_set(run->timer, next < run->ends ? next : run->ends);
        to->news(to->user, run->number, &news);
        return;
    }
    if (!usage_sum_none(&run->used.sum)) {
        const struct attempt_news last = {.fraction = -1, .usage = run->used};
        to->news(to->user, run->number, &last);
    }
    struct attempt_result result = {
        .ok = run->ok && !run->stopped, .code = run->code, .permanent = run->permanent};
    if (result.ok) {
        result.result = buf_bytes(&run->output);
        result.holder = &run->output;
    } else if (run->stopped) {
        result.code = CODE_FUNCTION_FAILED;
        result.message = BYTES_LIT("stopped");
    } else {
        result.message = buf_bytes(&run->output);
    }
    to->ended(to->user, run->number, &result);
    run_free(run);
}

static void run_reject(struct builtin_run *run, const char *message)
{
    run->ok = false;
    run->code = CODE_FUNCTION_REJECTED;
    run->permanent = true;
    buf_clear(&run->output);
    buf_add_str(&run->output, message);
}

/* Reads a plain integer from 0 to max; 0 if the member is absent. */
static bool count_read(struct bytes member, uint64_t max, uint64_t *ret_count)
{
    uint64_t count = 0;
    for (size_t i = 0; i < member.len; i++) {
        if (member.ptr[i] < '0' || member.ptr[i] > '9' || count > max) {
            return false;
        }
        count = count * 10 + (uint64_t)(member.ptr[i] - '0');
    }
    *ret_count = count;
    return count <= max;
}

/* The usage that sleep and fail pretend: the input's "usage". */
static void usage_prepare(struct builtin_run *run, struct bytes usage)
{
    if (usage.len > 0 &&
        (json_kind_of(usage) != JSON_OBJECT || !usage_read(usage, &run->model, &run->used))) {
        run_reject(run,
                   "the input's \"usage\" must be a report, {\"model\": ..., \"cost_usd\": ...}");
    }
}

/* Copies the input out of its message; if it was kept meanwhile, takes it: echo is the last to use
 * it. */
static void echo_prepare(struct builtin_run *run, struct bytes input,
                         const struct attempt_call *call)
{
    if (call->kept != NULL && input.ptr == call->kept->ptr) {
        run->output = *call->kept;
        run->output.len = input.len;
        *call->kept = (struct buf){0};
    } else {
        buf_add_bytes(&run->output, input);
    }
}

static void sleep_prepare(struct builtin_run *run, struct bytes input,
                          const struct attempt_call *call)
{
    static const char *const names[] = {"seconds", "usage"};
    struct bytes members[2];
    json_members(input, names, 2, members);
    double seconds = json_number(members[0]);
    usage_prepare(run, members[1]);
    if (members[0].len == 0 || json_kind_of(members[0]) != JSON_NUMBER ||
        !(seconds >= 0 && seconds <= SECONDS_MAX)) {
        run_reject(run, "sleep: the input needs \"seconds\", a number from 0 to a year");
        return;
    }
    run->ends = run->began + (mono_ms)(seconds * 1000);
    if (run->ok) {
        echo_prepare(run, input, call);
    }
}

static void fail_prepare(struct builtin_run *run, struct bytes input,
                         const struct attempt_call *call)
{
    static const char *const names[] = {"times", "error", "usage"};
    struct bytes members[3];
    uint64_t times = 0;
    json_members(input, names, 3, members);
    struct bytes error = members[1];
    usage_prepare(run, members[2]);
    if (!count_read(members[0], UINT32_MAX, &times)) {
        run_reject(run, "fail: the input's \"times\" is how many attempts fail, an integer");
        return;
    }
    if (members[0].len > 0 && call->order->ref.attempt > times) {
        if (run->ok) {
            echo_prepare(run, input, call);
        }
        return;
    }
    run->ok = false;
    run->code = CODE_FUNCTION_FAILED;
    buf_clear(&run->output);
    if (error.len > 2 && json_kind_of(error) == JSON_STRING) {
        json_unquote(error, &run->output);
        run->output.len = bytes_part(buf_bytes(&run->output), 0, ERROR_BYTES_MAX).len;
    } else {
        buf_add_str(&run->output, "failed, as it was asked to");
    }
}

/* {"at_us":...,"fill":"xxx"} of a given size: measures what a step costs, and when it ran. */
static void stamp_prepare(struct builtin_run *run, struct bytes input,
                          const struct attempt_call *call)
{
    static const char *const names[] = {"bytes"};
    struct bytes member;
    uint64_t bytes = 0;
    (void)call;
    json_members(input, names, 1, &member);
    if (!count_read(member, RESULT_BYTES_MAX, &bytes)) {
        run_reject(run, "stamp: the input's \"bytes\" is the size of the result, 0 to 1 MiB");
        return;
    }
    struct buf *out = &run->output;
    const size_t frame = sizeof ",\"fill\":\"\"}" - 1;
    buf_reserve(out, bytes);
    buf_add_str(out, "{\"at_us\":");
    buf_add_uint(out, (uint64_t)clock_mono_us());
    if (bytes > out->len + frame) {
        size_t fill = bytes - out->len - frame;
        buf_add_str(out, ",\"fill\":\"");
        memset(buf_extend(out, fill), 'x', fill);
        buf_add_char(out, '"');
    }
    buf_add_char(out, '}');
}

static const struct {
    const char *name;
    void (*prepare)(struct builtin_run *run, struct bytes input, const struct attempt_call *call);
} builtins[] = {
    {"echo", echo_prepare},
    {"fail", fail_prepare},
    {"sleep", sleep_prepare},
    {"stamp", stamp_prepare},
};
#define BUILTINS (sizeof builtins / sizeof builtins[0])

static void builtin_start(struct runner *r, const struct function *f,
                          const struct attempt_call *call)
{
    struct run_builtin *owner = (struct run_builtin *)r;
    const struct step_order *order = call->order;
    struct builtin_run *run = mem_zalloc(sizeof *run);
    run->owner = owner;
    run->number = call->number;
    run->ok = true;
    run->began = loop_now(owner->world->loop).mono;
    run->ends = run->began;
    run->timer = loop_timer_create(owner->world->loop, on_timer, run);
    run->next = owner->runs;
    if (run->next != NULL) {
        run->next->prev = run;
    }
    owner->runs = run;
    size_t which = 0;
    while (which < BUILTINS && strcmp(f->name, builtins[which].name) != 0) {
        which++;
    }
    assert(which < BUILTINS);
    builtins[which].prepare(run, order->input.whole.len > 0 ? order->input.whole : BYTES_LIT("{}"),
                            call);
    mono_ms next = run->began + PROGRESS_MS;
    loop_timer_set(run->timer, next < run->ends ? next : run->ends);
}

static void builtin_stop(struct runner *r, uint64_t number, bool by_force)
{
    (void)by_force; /* they stop in any case */
    struct run_builtin *owner = (struct run_builtin *)r;
    for (struct builtin_run *run = owner->runs; run != NULL; run = run->next) {
        if (run->number == number) {
            run->stopped = true;
            loop_timer_set(run->timer, loop_now(owner->world->loop).mono);
        }
    }
}

static void builtin_destroy(struct runner *r)
{
    struct run_builtin *owner = (struct run_builtin *)r;
    while (owner->runs != NULL) {
        run_free(owner->runs);
    }
    free(owner);
}

struct runner *run_builtin_create(const struct runner_world *world)
{
    static const struct runner_ops ops = {builtin_start, builtin_stop, builtin_destroy};
    struct run_builtin *owner = mem_zalloc(sizeof *owner);
    owner->base.ops = &ops;
    owner->world = world;
    return &owner->base;
}
