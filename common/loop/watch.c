/* Watched descriptors and signals. libuv closes a handle in a later turn, so each object frees
 * itself in its close callback. */
#include "loop/loop_impl.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"

struct loop_watch {
    uv_poll_t poll; /* first member: a handle pointer is its watch pointer */
    struct loop *loop;
    loop_watch_fn *fn;
    void *user;
    struct loop_watch *next;
    struct loop_watch *prev;
};

struct loop_signal {
    uv_signal_t signal; /* first member, likewise */
    struct loop *loop;
    loop_fn *fn;
    void *user;
    struct loop_signal *next;
};

static void on_handle_closed(uv_handle_t *handle)
{
    free(handle);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct loop_watch *w = (struct loop_watch *)handle;
    turn_begin(w->loop->turn);
    int ready = 0;
    if (status < 0) {
        ready = LOOP_READABLE | LOOP_WRITABLE;
    } else {
        ready |= (events & UV_READABLE) != 0 ? LOOP_READABLE : 0;
        ready |= (events & UV_WRITABLE) != 0 ? LOOP_WRITABLE : 0;
    }
    w->fn(w->user, ready);
}

struct loop_watch *loop_watch_create(struct loop *l, int fd, loop_watch_fn *fn, void *user)
{
    struct loop_watch *w = mem_zalloc(sizeof *w);
    int rc = uv_poll_init(&l->uv, &w->poll, fd);
    assert(rc == 0 && "a descriptor that cannot be watched, or is watched already");
    w->loop = l;
    w->fn = fn;
    w->user = user;
    w->next = l->watches;
    if (w->next != NULL) {
        w->next->prev = w;
    }
    l->watches = w;
    return w;
}

void loop_watch_set(struct loop_watch *w, int interest)
{
    int rc = 0;
    if (interest == 0) {
        rc = interest_stop(&w->poll);
    } else {
        int events = (interest & LOOP_READABLE) != 0 ? UV_READABLE : 0;
        events |= (interest & LOOP_WRITABLE) != 0 ? UV_WRITABLE : 0;
        rc = interest_start(&w->poll, events, on_poll);
    }
    assert(rc == 0);
}

void loop_watch_destroy(struct loop_watch *w)
{
    if (w->next != NULL) {
        w->next->prev = w->prev;
    }
    if (w->prev != NULL) {
        w->prev->next = w->next;
    } else {
        w->loop->watches = w->next;
    }
    uv_close((uv_handle_t *)&w->poll, on_handle_closed);
}

static void on_signal(uv_signal_t *handle, int signo)
{
    (void)signo;
    struct loop_signal *s = (struct loop_signal *)handle;
    turn_begin(s->loop->turn);
    s->fn(s->user);
}

void loop_on_signal(struct loop *l, int signo, loop_fn *fn, void *user)
{
    struct loop_signal *s = mem_zalloc(sizeof *s);
    int rc = uv_signal_init(&l->uv, &s->signal);
    assert(rc == 0);
    s->loop = l;
    s->fn = fn;
    s->user = user;
    s->next = l->signals;
    l->signals = s;
    rc = uv_signal_start(&s->signal, on_signal, signo);
    assert(rc == 0 && "not a signal that can be caught");
}

void watches_close(struct loop *l)
{
    while (l->watches != NULL) {
        loop_watch_destroy(l->watches);
    }
    while (l->signals != NULL) {
        struct loop_signal *s = l->signals;
        l->signals = s->next;
        uv_close((uv_handle_t *)&s->signal, on_handle_closed);
    }
}
