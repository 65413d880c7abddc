/* The events that each descriptor of one of our loops is polled for. libuv's own uv_poll_start()
 * and uv_poll_stop() remove the descriptor from epoll at each call and add it again at the end of
 * the turn, even if nothing changed. This file records the wanted events and, at the end of the
 * turn, tells libuv only of real changes. */
#include "loop/loop_impl.h"

#include <assert.h>
#include <dlfcn.h>
#include <stdlib.h>

#include "base/bytes.h"

typedef int poll_start_fn(uv_poll_t *poll, int events, uv_poll_cb fn);
typedef int poll_stop_fn(uv_poll_t *poll);

static poll_start_fn *libuv_start;
static poll_stop_fn *libuv_stop;

__attribute__((constructor)) static void find_libuv(void)
{
    *(void **)&libuv_start = dlsym(RTLD_NEXT, "uv_poll_start");
    *(void **)&libuv_stop = dlsym(RTLD_NEXT, "uv_poll_stop");
    if (libuv_start == NULL || libuv_stop == NULL) {
        die("libuv is not a library of its own");
    }
}

static int descriptor_of(const uv_poll_t *poll)
{
    uv_os_fd_t fd = -1;
    int rc = uv_fileno((const uv_handle_t *)poll, &fd);
    assert(rc == 0 && fd >= 0);
    return fd;
}

static struct interests *interests_of(const uv_poll_t *poll)
{
    return &((struct loop *)(void *)poll->loop)->interests; /* the uv_loop_t is the first member */
}

static struct interest *interest_of(const uv_poll_t *poll)
{
    struct interests *all = interests_of(poll);
    size_t fd = (size_t)descriptor_of(poll);
    while (all->count <= fd) {
        MEM_GROW(all->of, all->count, all->cap);
        all->of[all->count++] = (struct interest){0};
    }
    return &all->of[fd];
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct interest *in = interest_of(poll);
    uv_poll_cb fn = in->fn;
    if (status < 0) { /* libuv has stopped the handle */
        in->wanted = in->told = 0;
        fn(poll, status, 0);
    } else if ((events & in->wanted) != 0) {
        /* libuv may still report an event that is no longer wanted */
        fn(poll, 0, events & in->wanted);
    }
}

static void want(uv_poll_t *poll, struct interest *in, int events)
{
    struct interests *all = interests_of(poll);
    assert(in->poll == poll);
    in->wanted = (uint8_t)events;
    if (in->wanted != in->told && !in->changed) {
        in->changed = true;
        MEM_GROW(all->changed, all->changed_count, all->changed_cap);
        all->changed[all->changed_count++] = descriptor_of(poll);
    }
}

int interest_start(uv_poll_t *poll, int events, uv_poll_cb fn)
{
    struct interest *in = interest_of(poll);
    in->fn = fn;
    if (uv_is_active((const uv_handle_t *)poll)) {
        want(poll, in, events);
        return 0;
    }
    in->poll = poll;
    in->wanted = in->told = (uint8_t)events;
    return libuv_start(poll, events, on_poll);
}

int interest_stop(uv_poll_t *poll)
{
    if (uv_is_active((const uv_handle_t *)poll)) {
        want(poll, interest_of(poll), 0);
    }
    return 0;
}

static void tell(struct interest *in)
{
    in->changed = false;
    /* still open: closed handles were told of before they were freed */
    assert(in->poll->type == UV_POLL);
    if (in->wanted == in->told || uv_is_closing((const uv_handle_t *)in->poll)) {
        return;
    }
    in->told = in->wanted;
    int rc = in->told != 0 ? libuv_start(in->poll, in->told, on_poll) : libuv_stop(in->poll);
    assert(rc == 0);
}

void interests_tell(struct interests *all)
{
    for (size_t i = 0; i < all->changed_count; i++) {
        tell(&all->of[all->changed[i]]);
    }
    all->changed_count = 0;
}

void interests_free(struct interests *all)
{
    free(all->of);
    free(all->changed);
}
