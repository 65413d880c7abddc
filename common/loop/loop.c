#include "loop/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "loop/loop_impl.h"

void turn_begin(struct turn *t)
{
    if (!t->begun) {
        t->begun = true;
        t->now = clock_now();
        atomic_store_explicit(&t->last_us, clock_mono_us(), memory_order_relaxed);
    }
}

/* A round runs the callbacks that were registered when it began; those removed meanwhile are
 * skipped. */
static void ends_run(struct loop *l)
{
    size_t count = l->end_count;
    l->ending = true;
    for (size_t i = 0; i < count; i++) {
        if (l->ends[i].fn != NULL) {
            l->ends[i].fn(l->ends[i].user);
        }
    }
    l->ending = false;
    size_t kept = 0;
    for (size_t i = 0; i < l->end_count; i++) {
        if (l->ends[i].fn != NULL) {
            l->ends[kept++] = l->ends[i];
        }
    }
    l->end_count = kept;
}

static void on_tick(uv_timer_t *handle)
{
    struct loop *l = handle->data;
    turn_begin(l->turn);
    timers_run(l);
}

static void on_prepare(uv_prepare_t *handle)
{
    struct loop *l = handle->data;
    turn_begin(l->turn);
    ends_run(l);
    interests_tell(&l->interests);
    memory_look(&l->memory, l->turn->now.mono);
    uint64_t sleep_ms = l->again ? 0 : timers_sleep_ms(l);
    l->again = false;
    l->turn->begun = false;
    int rc = uv_timer_start(&l->tick, on_tick, sleep_ms, 0);
    assert(rc == 0);
}

static void on_check(uv_check_t *handle)
{
    struct loop *l = handle->data;
    interests_tell(&l->interests);
}

struct loop *loop_create(void)
{
    struct loop *l = mem_zalloc(sizeof *l);
    l->turn = mem_zalloc(sizeof *l->turn);
    atomic_store(&l->turn->last_us, clock_mono_us());
    if (uv_loop_init(&l->uv) != 0) {
        die("cannot create an event loop (out of file descriptors?)");
    }
    mailbox_init(l);
    int rc = uv_prepare_init(&l->uv, &l->prepare);
    assert(rc == 0);
    l->prepare.data = l;
    rc = uv_prepare_start(&l->prepare, on_prepare);
    assert(rc == 0);
    rc = uv_check_init(&l->uv, &l->check);
    assert(rc == 0);
    l->check.data = l;
    rc = uv_check_start(&l->check, on_check);
    assert(rc == 0);
    rc = uv_timer_init(&l->uv, &l->tick);
    assert(rc == 0);
    l->tick.data = l;
    signal(SIGPIPE, SIG_IGN);
    return l;
}

void loop_destroy(struct loop *l)
{
    mailbox_close(l);
    uv_close((uv_handle_t *)&l->prepare, NULL);
    uv_close((uv_handle_t *)&l->check, NULL);
    uv_close((uv_handle_t *)&l->tick, NULL);
    watches_close(l);
    uv_run(&l->uv, UV_RUN_NOWAIT); /* close callbacks run, and free their handles */
    int rc = uv_loop_close(&l->uv);
    assert(rc == 0 && "a foreign handle is still open on this loop");
    mailbox_free(l);
    timers_free(l);
    interests_free(&l->interests);
    free(l->ends);
    free(l->turn);
    free(l);
}

void loop_run(struct loop *l)
{
    l->running = true;
    uv_run(&l->uv, UV_RUN_DEFAULT);
    if (l->turn->begun) { /* loop_stop came before the end of the last turn */
        ends_run(l);
        l->turn->begun = false;
    }
    l->running = false;
}

void loop_stop(struct loop *l)
{
    uv_stop(&l->uv);
}

struct moment loop_now(const struct loop *l)
{
    if (!l->running) {
        return clock_now();
    }
    turn_begin(l->turn);
    return l->turn->now;
}

int64_t loop_last_turn_us(const struct loop *l)
{
    return atomic_load_explicit(&l->turn->last_us, memory_order_relaxed);
}

void loop_on_turn_end(struct loop *l, loop_fn *fn, void *user)
{
    MEM_GROW(l->ends, l->end_count, l->end_cap);
    l->ends[l->end_count++] = (struct turn_end){fn, user};
}

void loop_off_turn_end(struct loop *l, loop_fn *fn, void *user)
{
    for (size_t i = 0; i < l->end_count; i++) {
        if (l->ends[i].fn == fn && l->ends[i].user == user) {
            l->ends[i].fn = NULL;
            return;
        }
    }
}

void loop_turn_again(struct loop *l)
{
    if (l->ending) {
        l->again = true;
    }
}
