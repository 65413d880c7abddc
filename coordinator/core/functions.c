#include "core/functions.h"

#include <assert.h>
#include <stdlib.h>

#include "core/fx.h"
#include "core/plant.h"
#include "core/ready.h"
#include "core/state.h"
#include "core/workers.h"
#include "model/label.h"
#include "model/limits.h"

/* Functions without workers that /readyz names, at most: whoever starts workers for these sees the
 * next ones */
#define WARNINGS_MAX 8

static bool may_run(const struct worker *w, const struct function *f)
{
    return planted(PLANT_LABELS_IGNORED) ||
           labels_meet(w->labels, w->label_count, bytes_str(f->requires));
}

static void workers_add(struct core *c, struct function *f, struct worker *w)
{
    MEM_GROW(f->workers, f->worker_count, f->worker_cap);
    f->workers[f->worker_count++] = w;
    if (f->warned) {
        fx_log(c, LOG_INFO, "function_has_worker", "function=%s requires=%s", f->name, f->requires);
        f->warned = false;
    }
}

/* Name and labels as one key, separated by a space: neither contains one. */
static void key_put(struct buf *out, struct bytes name, const char *requires)
{
    buf_add_bytes(out, name);
    buf_add_char(out, ' ');
    buf_add_str(out, requires);
}

static size_t free_place(struct core *c)
{
    for (size_t i = 0; i < c->function_count; i++) {
        if (c->functions[i].name == NULL) {
            return i;
        }
    }
    MEM_GROW(c->functions, c->function_count, c->function_cap);
    return c->function_count++;
}

static bool offers(struct core *c, const struct worker *w, struct bytes name)
{
    for (uint32_t i = 0; i < w->function_count; i++) {
        if (bytes_is(name, c->functions[w->functions[i]].name)) {
            return true;
        }
    }
    return false;
}

uint32_t function_intern(struct core *c, struct bytes name, const char *requires)
{
    struct buf *key = &c->scratch;
    buf_clear(key);
    key_put(key, name, requires);
    union {
        void *pointer;
        uintptr_t number;
    } place = {.pointer = map_get(&c->function_places, buf_bytes(key))};
    if (place.number != 0) {
        return (uint32_t)(place.number - 1);
    }
    size_t at = free_place(c);
    struct function *f = &c->functions[at];
    *f = (struct function){.name = mem_str_bytes(name),
                           .requires = mem_str_bytes(bytes_str(requires)),
                           .key = bytes_own(buf_bytes(key)),
                           .ready = {.before = ready_before}};
    place.number = at + 1;
    map_put(&c->function_places, f->key, place.pointer);
    for (size_t i = 0; requires[0] != '\0' && i < c->worker_count; i++) {
        if (offers(c, c->by_serial[i], name) && may_run(c->by_serial[i], f)) {
            workers_add(c, f, c->by_serial[i]);
        }
    }
    return (uint32_t)at;
}

static void function_free(struct function *f)
{
    free(f->name);
    free(f->requires);
    bytes_free(f->key);
    free(f->workers);
    heap_free(&f->ready);
    *f = (struct function){0};
}

/* Clients may name any functions and labels: a slot that no worker offers and nothing waits for is
 * freed; one with labels as soon as nothing waits for it. */
void function_release(struct core *c, uint32_t index)
{
    struct function *f = &c->functions[index];
    if (f->ready.count + f->laned > 0 || (f->worker_count > 0 && f->requires[0] == '\0')) {
        return;
    }
    map_remove(&c->function_places, f->key);
    function_free(f);
    while (c->function_count > 0 && c->functions[c->function_count - 1].name == NULL) {
        c->function_count--;
    }
}

struct function *function_of(struct core *c, const struct step *s)
{
    const struct pipeline_step *def = step_def(s);
    uint32_t index = function_intern(c, bytes_str(def->function), def->requires);
    return &c->functions[index]; /* the table may have moved */
}

static void labels_take(struct worker *w, const struct message *hello)
{
    w->labels = mem_zalloc((hello->hello.label_count + 1) * sizeof *w->labels);
    for (uint32_t i = 0; i < hello->hello.label_count; i++) {
        w->labels[w->label_count++] = bytes_own(hello->hello.labels[i]);
    }
}

void functions_join(struct core *c, struct worker *w, const struct message *hello)
{
    labels_take(w, hello);
    w->functions = mem_zalloc((hello->hello.function_count + 1) * sizeof *w->functions);
    for (uint32_t i = 0; i < hello->hello.function_count; i++) {
        uint32_t index = function_intern(c, hello->hello.functions[i], "");
        bool twice = false;
        for (uint32_t k = 0; k < w->function_count; k++) {
            twice = twice || w->functions[k] == index;
        }
        if (!twice) {
            w->functions[w->function_count++] = index;
            workers_add(c, &c->functions[index], w);
        }
    }
    for (size_t i = 0; i < c->function_count; i++) {
        struct function *f = &c->functions[i];
        if (f->name != NULL && f->requires[0] != '\0' && offers(c, w, bytes_str(f->name)) &&
            may_run(w, f)) {
            workers_add(c, f, w);
        }
    }
}

void functions_leave(struct core *c, struct worker *w)
{
    for (size_t i = 0; i < c->function_count; i++) {
        struct function *f = &c->functions[i];
        for (size_t k = 0; k < f->worker_count; k++) {
            if (f->workers[k] == w) {
                f->workers[k] = f->workers[--f->worker_count];
                f->warned = f->warned && f->worker_count > 0;
                break;
            }
        }
    }
    for (uint32_t i = 0; i < w->function_count; i++) {
        function_release(c, w->functions[i]);
    }
}

void functions_free(struct core *c)
{
    for (size_t i = 0; i < c->function_count; i++) {
        if (c->functions[i].name != NULL) {
            function_free(&c->functions[i]);
        }
    }
    map_free(&c->function_places);
    free(c->functions);
}

const char *function_lack(const struct function *f, struct arena *arena)
{
    if (f->requires[0] == '\0') {
        return f->worker_count == 0
                   ? arena_printf(arena, "no worker offers the function %s", f->name)
                   : "all workers that offer the function are busy";
    }
    return arena_printf(arena,
                        f->worker_count == 0
                            ? "no worker that offers the function %s has the labels %s"
                            : "all workers that offer the function %s and have the labels %s are "
                              "busy",
                        f->name, f->requires);
}

struct waiting_view *functions_waiting(struct core *c, uint32_t *ret_count)
{
    struct waiting_view *views = arena_alloc(fx_arena(c), WAITING_VIEWS_MAX * sizeof *views);
    *ret_count = 0;
    for (size_t i = 0; i < c->function_count && *ret_count < WAITING_VIEWS_MAX; i++) {
        const struct function *f = &c->functions[i];
        if (f->name != NULL && f->ready.count + f->laned > 0 && f->worker_count == 0) {
            views[(*ret_count)++] =
                (struct waiting_view){.function = arena_bytes(fx_arena(c), bytes_str(f->name)),
                                      .requires = arena_bytes(fx_arena(c), bytes_str(f->requires)),
                                      .steps = (uint32_t)(f->ready.count + f->laned)};
        }
    }
    return views;
}

struct bytes functions_warning(struct core *c)
{
    struct buf text = {0};
    uint32_t count;
    const struct waiting_view *views = functions_waiting(c, &count);
    if (strcmp(c->config.backend, "memory") == 0) {
        buf_add_str(&text, "the store is memory: a restart loses all tasks");
    }
    for (uint32_t i = 0; i < count && i < WARNINGS_MAX; i++) {
        struct bytes requires = views[i].requires;
        buf_addf(&text, "%sno worker offers %.*s", text.len > 0 ? "; " : "",
                 (int)views[i].function.len, (const char *)views[i].function.ptr);
        if (requires.len > 0) {
            buf_addf(&text, " and has the labels %.*s", (int) requires.len,
                     (const char *) requires.ptr);
        }
        buf_addf(&text, " (steps ready: %u)", views[i].steps);
    }
    struct bytes copy = arena_bytes(fx_arena(c), buf_bytes(&text));
    buf_free(&text);
    return copy;
}
