/* The built-in functions, for trials and tests: echo, sleep, fail, stamp. They run on the loop
 * itself. */
#include "run/runners.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "json/doc.h"
#include "json/scan.h"

/* sleep tells its progress this often. */
#define PROGRESS_MS 200
#define SECONDS_MAX 31536000.0

struct builtin_run {
    struct run_builtin *owner;
    struct builtin_run *next, *prev;
    uint64_t number;
    struct buf output;      /* the input, or the error's text */
    struct usage_part used; /* told at its end */
    struct buf model;
    bool ok, stopped;
    enum code code;
    bool permanent;
    mono_ms began, ends;
    struct loop_timer *timer;
};

struct run_builtin {
    struct runner base; /* first */
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

static void sleep_prepare(struct builtin_run *run, const struct doc_value *input)
{
    const struct doc_value *value = doc_get(input, "seconds");
    double seconds = doc_number(value);
    if (doc_kind(value) != JSON_NUMBER || !(seconds >= 0 && seconds <= SECONDS_MAX)) {
        run_reject(run, "sleep: the input wants \"seconds\", a number from 0 to a year");
        return;
    }
    run->ends = run->began + (mono_ms)(seconds * 1000);
}

/* What sleep and fail pretend to have used: the input's "usage". */
static void usage_prepare(struct builtin_run *run)
{
    struct bytes value = json_member(buf_bytes(&run->output), "usage");
    if (value.len > 0 &&
        (json_kind_of(value) != JSON_OBJECT || !usage_read(value, &run->model, &run->used))) {
        run_reject(run,
                   "the input's \"usage\" must be a report, {\"model\": ..., \"cost_usd\": ...}");
    }
}

static void fail_prepare(struct builtin_run *run, const struct doc_value *input, uint32_t attempt)
{
    const struct doc_value *times = doc_get(input, "times");
    if (times != NULL && !(doc_is_int(times) && doc_int(times) >= 0)) {
        run_reject(run, "fail: the input's \"times\" is how many attempts fail, an integer");
        return;
    }
    if (times != NULL && (int64_t)attempt > doc_int(times)) {
        return;
    }
    struct bytes text = doc_string(doc_get(input, "error"));
    run->ok = false;
    run->code = CODE_FUNCTION_FAILED;
    buf_clear(&run->output);
    buf_add_bytes(&run->output, text.len > 0 ? bytes_part(text, 0, ERROR_BYTES_MAX)
                                             : BYTES_LIT("failed, as it was asked to"));
}

/* How long stamp's result is to be: the input's "bytes", a plain integer. No tree is made of the
 * input, since this function is what the bench measures with. */
static bool stamp_bytes(struct bytes text, size_t *ret_bytes)
{
    struct bytes input;
    if (json_check(text, &input, NULL) != ERR_OK) {
        return false;
    }
    struct bytes value =
        json_kind_of(input) == JSON_OBJECT ? json_member(input, "bytes") : BYTES_NONE;
    size_t bytes = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9' || bytes > RESULT_BYTES_MAX) {
            return false;
        }
        bytes = bytes * 10 + (size_t)(value.ptr[i] - '0');
    }
    *ret_bytes = bytes;
    return bytes <= RESULT_BYTES_MAX;
}

/* {"at_us":...,"fill":"xxx"}, so many bytes of it: what a step costs, and when it ran. */
static void stamp_prepare(struct builtin_run *run, struct bytes input)
{
    size_t bytes = 0;
    if (!stamp_bytes(input, &bytes)) {
        run_reject(run, "stamp: the input's \"bytes\" is the size of the result, 0 to 1 MiB");
        return;
    }
    struct buf *out = &run->output;
    buf_clear(out);
    buf_addf(out, "{\"at_us\":%lld", (long long)clock_mono_us());
    const size_t frame = sizeof ",\"fill\":\"\"}" - 1;
    if (bytes > out->len + frame) {
        size_t fill = bytes - out->len - frame;
        buf_add_str(out, ",\"fill\":\"");
        memset(buf_extend(out, fill), 'x', fill);
        buf_add_char(out, '"');
    }
    buf_add_char(out, '}');
}

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
    struct bytes input = order->input.len > 0 ? order->input : BYTES_LIT("{}");
    struct doc *d = NULL;
    struct doc_fault fault;
    bool echo = strcmp(f->name, "echo") == 0;
    bool stamp = strcmp(f->name, "stamp") == 0;
    if (!stamp) {
        buf_add_bytes(&run->output, input);
    }
    if (stamp) {
        stamp_prepare(run, input);
    } else if (!echo && doc_parse(input, &d, &fault) != ERR_OK) {
        run_reject(run, "the input cannot be read");
    } else if (strcmp(f->name, "sleep") == 0) {
        usage_prepare(run);
        sleep_prepare(run, doc_root(d));
    } else if (strcmp(f->name, "fail") == 0) {
        usage_prepare(run);
        fail_prepare(run, doc_root(d), order->ref.attempt);
    } else {
        assert(echo);
    }
    doc_free(d);
    mono_ms next = run->began + PROGRESS_MS;
    loop_timer_set(run->timer, next < run->ends ? next : run->ends);
}

static void builtin_stop(struct runner *r, uint64_t number, bool by_force)
{
    (void)by_force; /* they always obey */
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
