#include "main/heart.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "wire/frame.h"

#define HEART_CONNS_MAX 64
#define STACK_BYTES     (128u << 10)

struct heart {
    struct loop *loop;
    struct transport *transport;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop; /* the rest is under the lock */
    conn_id conns[HEART_CONNS_MAX];
    size_t count;
};

static void beat(struct heart *h, const conn_id *conns, size_t count)
{
    int64_t age_us = clock_mono_us() - loop_last_turn_us(h->loop);
    struct message m = {.type = MSG_BEAT};
    m.beat.loop_age_ms = age_us > 0 ? (uint32_t)(age_us / 1000) : 0;
    struct buf frame = {0};
    if (frame_encode(&m, &frame) != ERR_OK) {
        die("a heartbeat does not fit into a frame");
    }
    for (size_t i = 0; i < count; i++) {
        /* The transport itself tells the loop of a closed connection. */
        enum err e = h->transport->ops->send_urgent(h->transport, conns[i], buf_bytes(&frame));
        (void)e;
    }
    buf_free(&frame);
}

static struct timespec after_ms(struct timespec from, long ms)
{
    from.tv_nsec += ms * 1000000;
    from.tv_sec += from.tv_nsec / 1000000000;
    from.tv_nsec %= 1000000000;
    return from;
}

static void *heart_run(void *user)
{
    struct heart *h = user;
    struct timespec next;
    (void)clock_gettime(CLOCK_MONOTONIC, &next);
    (void)pthread_mutex_lock(&h->lock);
    while (!h->stop) {
        if (pthread_cond_timedwait(&h->wake, &h->lock, &next) != ETIMEDOUT) {
            continue;
        }
        struct timespec now;
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        next = after_ms(now, HEART_BEAT_MS);
        conn_id conns[HEART_CONNS_MAX];
        size_t count = h->count;
        memcpy(conns, h->conns, count * sizeof *conns);
        (void)pthread_mutex_unlock(&h->lock);
        beat(h, conns, count);
        (void)pthread_mutex_lock(&h->lock);
    }
    (void)pthread_mutex_unlock(&h->lock);
    return NULL;
}

static void thread_start(struct heart *h)
{
    pthread_attr_t attr;
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's business */
    if (pthread_create(&h->thread, &attr, heart_run, h) != 0) {
        die("the heartbeat's thread cannot be started");
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
}

struct heart *heart_create(struct loop *loop, struct transport *transport)
{
    struct heart *h = mem_zalloc(sizeof *h);
    h->loop = loop;
    h->transport = transport;
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&h->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&h->lock, NULL);
    thread_start(h);
    return h;
}

void heart_add(struct heart *h, conn_id conn)
{
    (void)pthread_mutex_lock(&h->lock);
    if (h->count < HEART_CONNS_MAX) {
        h->conns[h->count++] = conn;
    }
    (void)pthread_mutex_unlock(&h->lock);
}

void heart_remove(struct heart *h, conn_id conn)
{
    (void)pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < h->count; i++) {
        if (h->conns[i] == conn) {
            h->conns[i] = h->conns[--h->count];
            break;
        }
    }
    (void)pthread_mutex_unlock(&h->lock);
}

void heart_destroy(struct heart *h)
{
    (void)pthread_mutex_lock(&h->lock);
    h->stop = true;
    (void)pthread_cond_signal(&h->wake);
    (void)pthread_mutex_unlock(&h->lock);
    (void)pthread_join(h->thread, NULL);
    (void)pthread_cond_destroy(&h->wake);
    (void)pthread_mutex_destroy(&h->lock);
    free(h);
}
