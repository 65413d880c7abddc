/* Posts from other threads. The lock is held for a few instructions only, and a batch costs a
 * single wake-up: only the post that finds the list empty writes to libuv's async descriptor. */
#include "loop/loop_impl.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"

static void on_async(uv_async_t *handle)
{
    struct loop *l = handle->data;
    struct mailbox *m = &l->mailbox;
    turn_begin(l->turn);
    pthread_mutex_lock(&m->lock);
    struct post_list taken = m->filling;
    m->filling = m->draining;
    m->draining = taken;
    pthread_mutex_unlock(&m->lock);
    for (size_t i = 0; i < taken.count; i++) {
        taken.items[i].fn(taken.items[i].user);
    }
    m->draining.count = 0;
}

void mailbox_init(struct loop *l)
{
    struct mailbox *m = &l->mailbox;
    int rc = pthread_mutex_init(&m->lock, NULL);
    assert(rc == 0);
    if (uv_async_init(&l->uv, &m->async, on_async) != 0) {
        die("cannot create the event loop's mailbox (out of file descriptors?)");
    }
    m->async.data = l;
}

void mailbox_close(struct loop *l)
{
    uv_close((uv_handle_t *)&l->mailbox.async, NULL);
}

void mailbox_free(struct loop *l)
{
    pthread_mutex_destroy(&l->mailbox.lock);
    free(l->mailbox.filling.items);
    free(l->mailbox.draining.items);
}

enum err loop_post(struct loop *l, loop_fn *fn, void *user)
{
    struct mailbox *m = &l->mailbox;
    pthread_mutex_lock(&m->lock);
    if (m->filling.count >= POSTS_MAX) {
        pthread_mutex_unlock(&m->lock);
        return ERR_FULL;
    }
    MEM_GROW(m->filling.items, m->filling.count, m->filling.cap);
    m->filling.items[m->filling.count++] = (struct post){fn, user};
    bool first = m->filling.count == 1;
    pthread_mutex_unlock(&m->lock);
    if (first) {
        uv_async_send(&m->async);
    }
    return ERR_OK;
}
