#include "transport/nng_impl.h"

#include <assert.h>

static void on_post(void *user)
{
    struct inbox *i = user;
    pthread_mutex_lock(&i->lock);
    i->woken = false;
    pthread_mutex_unlock(&i->lock);
    inbox_drain(i);
}

void inbox_init(struct inbox *i, struct loop *l)
{
    int rc = pthread_mutex_init(&i->lock, NULL);
    assert(rc == 0);
    i->loop = l;
}

void inbox_free(struct inbox *i)
{
    pthread_mutex_destroy(&i->lock);
}

/* If the loop's mailbox is full, the note stays: the next put tries again, and each turn's end
 * checks the inbox anyway. */
static void wake(struct inbox *i)
{
    if (!i->woken) {
        i->woken = loop_post(i->loop, on_post, i) == ERR_OK;
    }
}

void inbox_put(struct inbox *i, struct note *n)
{
    pthread_mutex_lock(&i->lock);
    if (!n->queued) {
        n->queued = true;
        n->next = NULL;
        n->prev = i->last;
        if (i->last != NULL) {
            i->last->next = n;
        } else {
            i->first = n;
        }
        i->last = n;
        i->count++;
    }
    wake(i);
    pthread_mutex_unlock(&i->lock);
}

static void unlink_note(struct inbox *i, struct note *n)
{
    if (n->prev != NULL) {
        n->prev->next = n->next;
    } else {
        i->first = n->next;
    }
    if (n->next != NULL) {
        n->next->prev = n->prev;
    } else {
        i->last = n->prev;
    }
    n->queued = false;
    i->count--;
}

void inbox_forget(struct inbox *i, struct note *n)
{
    pthread_mutex_lock(&i->lock);
    if (n->queued) {
        unlink_note(i, n);
    }
    pthread_mutex_unlock(&i->lock);
}

static struct note *take(struct inbox *i)
{
    pthread_mutex_lock(&i->lock);
    struct note *n = i->first;
    if (n != NULL) {
        unlink_note(i, n);
    }
    pthread_mutex_unlock(&i->lock);
    return n;
}

static size_t waiting(struct inbox *i)
{
    pthread_mutex_lock(&i->lock);
    size_t count = i->count;
    pthread_mutex_unlock(&i->lock);
    return count;
}

void inbox_drain(struct inbox *i)
{
    for (size_t left = waiting(i); left > 0; left--) {
        struct note *n = take(i);
        if (n == NULL) {
            break;
        }
        n->fn(n->owner); /* may free the note */
    }
}

void inbox_rescue(struct inbox *i)
{
    pthread_mutex_lock(&i->lock);
    bool stuck = i->count > 0 && !i->woken;
    pthread_mutex_unlock(&i->lock);
    if (stuck) {
        inbox_drain(i);
    }
}

bool inbox_asleep(struct inbox *i)
{
    pthread_mutex_lock(&i->lock);
    bool asleep = i->count == 0 && !i->woken;
    pthread_mutex_unlock(&i->lock);
    return asleep;
}
