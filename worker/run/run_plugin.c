/* plugin: shared objects in child processes (plugin_host.c) that are kept between steps and serve
 * one call at a time. */
#include "run/runners.h"

#include <stdlib.h>
#include <string.h>

#include "run/environment.h"
#include "run/envelope.h"
#include "run/exit_result.h"
#include "run/news_lines.h"
#include "run/plugin_frame.h"
#include "run/plugin_host.h"
#include "run/process.h"
#include "run/said_error.h"

/* A host that was idle for this long is ended. */
#define IDLE_MS 60000

/* One host process. It exists from its first call until it ends; number is 0 while it has no
 * call. */
struct host {
    struct run_plugin *owner;
    struct host *next;
    const char *path;
    struct process *process;  /* NULL: exists only to refuse its call */
    struct loop_timer *timer; /* for the idle time, or the refusal */
    uint64_t number;
    bool going;      /* it was stopped, or is not needed any more: gets no further call */
    bool broken;     /* its further output is ignored */
    struct buf in;   /* input from fd 3 */
    struct buf text; /* a message decoded from news */
    struct tail log;
    struct said_error said; /* of the current call */
};

struct run_plugin {
    struct runner base; /* first member */
    const struct runner_world *world;
    struct host *hosts;
};

static void host_free(struct host *h)
{
    struct host **at = &h->owner->hosts;
    while (*at != h) {
        at = &(*at)->next;
    }
    *at = h->next;
    if (h->process != NULL) {
        process_destroy(h->process);
    }
    loop_timer_destroy(h->timer);
    buf_free(&h->in);
    buf_free(&h->text);
    said_error_free(&h->said);
    free(h);
}

/* Frees the host before telling the listener of the end, which may order the next call at once. */
static void host_tell(struct host *h, const struct attempt_result *result)
{
    const struct runner_world *world = h->owner->world;
    uint64_t number = h->number;
    h->number = 0;
    loop_timer_set(h->timer, loop_now(world->loop).mono + IDLE_MS);
    world->listener.ended(world->listener.user, number, result);
}

static void host_fail(struct host *h, enum code code, bool permanent, struct bytes message)
{
    struct buf text = {0};
    buf_add_bytes(&text, message);
    if (h->process != NULL) {
        process_read(h->process, SPAWN_STDERR); /* what it wrote before its answer */
    }
    struct attempt_result result = result_failure(code, permanent, &text, &h->log);
    said_error_apply(&h->said, &result);
    host_tell(h, &result);
    buf_free(&text);
}

/* The host is unusable: the call fails now, and the process is killed. */
static void host_break(struct host *h, enum code code, const char *what, struct bytes why)
{
    struct buf text = {0};
    buf_addf(&text, "%s: %s: %.*s", h->path, what, (int)why.len,
             why.len > 0 ? (const char *)why.ptr : "");
    h->going = h->broken = true;
    process_kill(h->process);
    if (h->number != 0) {
        host_fail(h, code, false, buf_bytes(&text));
    }
    buf_free(&text);
}

static void on_news(void *user, const struct attempt_news *news)
{
    const struct host *h = user;
    const struct runner_listener *to = &h->owner->world->listener;
    if (h->number != 0) {
        to->news(to->user, h->number, news);
    }
}

/* alone: h->in contains nothing else. */
static void news_take(struct host *h, struct bytes line, bool alone)
{
    struct attempt_news news;
    if (news_line_read(line, &h->text, &news) == ERR_OK) {
        news.holder = alone ? &h->in : NULL;
        if (news.error.given) {
            said_error_take(&h->said, &news.error);
        }
        on_news(h, &news);
    }
}

static void result_take(struct host *h, struct bytes payload, bool alone)
{
    struct buf text = {0};
    struct attempt_result result = result_of_output(payload, &text, &h->log);
    result.holder = alone ? &h->in : NULL;
    host_tell(h, &result);
    buf_free(&text);
}

static void frame_take(struct host *h, const struct plugin_frame *frame, bool alone)
{
    if (frame->kind == PLUGIN_UNUSABLE) {
        host_break(h, CODE_FUNCTION_UNAVAILABLE, "unusable", frame->payload);
    } else if (h->number == 0 || frame->kind == PLUGIN_CALL) {
        host_break(h, CODE_FUNCTION_BAD_OUTPUT, "broke the protocol",
                   BYTES_LIT("answer without a call"));
    } else if (frame->kind == PLUGIN_NEWS) {
        news_take(h, frame->payload, alone);
    } else if (frame->kind == PLUGIN_RESULT) {
        result_take(h, frame->payload, alone);
    } else if (frame->kind == PLUGIN_TOO_LARGE) {
        host_fail(h, CODE_RESULT_TOO_LARGE, true, BYTES_LIT("the result is larger than 1 MiB"));
    } else if (frame->kind == PLUGIN_PERMANENT) {
        host_fail(h, CODE_FUNCTION_REJECTED, true, frame->payload);
    } else {
        host_fail(h, CODE_FUNCTION_FAILED, false, frame->payload);
    }
}

static void on_output(void *user, int stream, struct bytes data)
{
    struct host *h = user;
    if (stream != SPAWN_NEWS) {
        tail_add(&h->log, data);
        tail_tell(&h->log, on_news, h);
        return;
    }
    size_t at = 0; /* data is already in h->in, after an incomplete frame */
    while (!h->broken) {
        struct plugin_frame frame;
        size_t taken = 0;
        struct bytes rest = bytes_part(buf_bytes(&h->in), at, h->in.len);
        enum err e = plugin_frame_read(rest, &frame, &taken);
        if (e == ERR_NOT_FOUND) {
            break;
        }
        if (e != ERR_OK) {
            host_break(h, CODE_FUNCTION_BAD_OUTPUT, "broke the protocol", BYTES_LIT("no frame"));
            break;
        }
        bool alone = at == 0 && taken == h->in.len;
        at += taken;
        frame_take(h, &frame, alone);
    }
    buf_drop_front(&h->in, h->broken ? h->in.len : at);
}

static void on_ended(void *user, const struct process_end *end)
{
    struct host *h = user;
    if (h->number != 0) {
        struct buf text = {0};
        struct attempt_result result = result_of_end(end, h->path, &text, &h->log);
        host_tell(h, &result);
        buf_free(&text);
    }
    host_free(h);
}

static void on_timer(void *user)
{
    struct host *h = user;
    if (h->process != NULL) { /* idle for long: closing its stdin makes it end */
        h->going = true;
        process_close_input(h->process);
        return;
    }
    struct buf text = {0};
    buf_addf(&text, "the input and the results of earlier steps are larger than %u bytes",
             ENVELOPE_BYTES_MAX);
    host_fail(h, CODE_INPUT_TOO_LARGE, true, buf_bytes(&text));
    buf_free(&text);
    host_free(h);
}

static struct host *host_create(struct run_plugin *owner, const char *path)
{
    struct host *h = mem_zalloc(sizeof *h);
    h->owner = owner;
    h->path = path;
    h->timer = loop_timer_create(owner->world->loop, on_timer, h);
    h->next = owner->hosts;
    owner->hosts = h;
    return h;
}

static void host_launch(struct host *h)
{
    const struct runner_world *world = h->owner->world;
    const char *const argv[] = {world->program, PLUGIN_HOST_FLAG, h->path, NULL};
    struct arena arena = {0};
    struct spawn_spec spec = {.argv = argv,
                              .env = environment_make(&arena, world->environment, NULL, NULL),
                              .cwd = world->cwd};
    struct process_handler handler = {
        .output = on_output, .kept = {[SPAWN_NEWS] = &h->in}, .ended = on_ended, .user = h};
    h->process = process_start(world->loop, world->reaper, &spec, handler);
    arena_free(&arena);
}

static struct host *host_idle(struct run_plugin *owner, const char *path)
{
    for (struct host *h = owner->hosts; h != NULL; h = h->next) {
        if (h->number == 0 && !h->going && h->process != NULL && strcmp(h->path, path) == 0) {
            return h;
        }
    }
    return NULL;
}

void plugin_call_begin(const struct function *f, const struct step_order *order, struct buf *out)
{
    plugin_frame_begin(out, PLUGIN_CALL);
    buf_add(out, f->name, strlen(f->name) + 1);
    envelope_begin(order, out);
}

/* Makes the frame of a call in an empty buffer. */
static enum err call_make(const struct function *f, const struct attempt_call *call,
                          struct buf *frame)
{
    if (call->kept != NULL) {
        *frame = *call->kept;
        *call->kept = (struct buf){0};
    } else {
        plugin_call_begin(f, call->order, frame);
    }
    enum err e = envelope_end(call->deadline, PLUGIN_FRAME_HEAD_BYTES + strlen(f->name) + 1, frame);
    plugin_frame_end(frame);
    return e;
}

static void plugin_start(struct runner *r, const struct function *f,
                         const struct attempt_call *call)
{
    struct run_plugin *owner = (struct run_plugin *)r;
    struct buf frame = {0};
    if (call_make(f, call, &frame) != ERR_OK) {
        struct host *h = host_create(owner, f->path);
        h->said.given = false;
        h->number = call->number;
        loop_timer_set(h->timer, loop_now(owner->world->loop).mono);
        buf_free(&frame);
        return;
    }
    struct host *h = host_idle(owner, f->path);
    if (h == NULL) {
        h = host_create(owner, f->path);
        host_launch(h);
    }
    h->said.given = false;
    h->number = call->number;
    h->log = (struct tail){0};
    loop_timer_set(h->timer, NEVER_MS);
    process_write(h->process, &frame);
}

static void plugin_stop(struct runner *r, uint64_t number, bool by_force)
{
    struct run_plugin *owner = (struct run_plugin *)r;
    for (struct host *h = owner->hosts; h != NULL; h = h->next) {
        if (h->number == number && h->process != NULL) {
            h->going = true;
            if (by_force) {
                process_kill(h->process);
            } else {
                process_stop(h->process);
            }
        }
    }
}

static void plugin_destroy(struct runner *r)
{
    struct run_plugin *owner = (struct run_plugin *)r;
    while (owner->hosts != NULL) {
        host_free(owner->hosts);
    }
    free(owner);
}

struct runner *run_plugin_create(const struct runner_world *world)
{
    static const struct runner_ops ops = {plugin_start, plugin_stop, plugin_destroy};
    struct run_plugin *owner = mem_zalloc(sizeof *owner);
    owner->base.ops = &ops;
    owner->world = world;
    return &owner->base;
}
