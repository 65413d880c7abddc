/* Both ends in one process: an ordered queue of events, delivered in the next turn. */
#include "transport/transport.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "transport/stream_frames.h"
#include "wire/frame.h"

enum event_kind { CONNECT, FRAMES, CLOSED, STOP };

struct event {
    enum event_kind kind;
    conn_id conn;    /* FRAMES, CLOSED: the receiving end */
    uint32_t dialer; /* CONNECT */
    enum transport_closed why;
    uint8_t *data; /* FRAMES: owned */
    size_t len;
};

struct events {
    struct event *items;
    size_t count;
    size_t cap;
};

struct end {
    conn_id id;
    conn_id peer;
    uint32_t dialer; /* 0: the accepted end */
    struct transport_handler handler;
    size_t behind; /* bytes sent to it that are not delivered yet */
    bool closing;  /* closed by its own side: no callback but `closed` any more */
};

struct listening {
    char *url;
    struct transport_handler handler;
    struct listening *next;
};

struct dialing {
    uint32_t number;
    char *url;
    struct transport_handler handler;
    bool open;
    struct dialing *next;
};

struct transport_memory {
    struct transport base; /* first member: a transport is its transport_memory */
    struct loop *loop;
    struct loop_timer *turn; /* delivers in the next turn */
    struct listening *listenings;
    struct dialing *dialings;
    uint32_t dialer_last;
    loop_fn *stopped;
    void *stopped_user;

    pthread_mutex_t lock; /* guards what send_urgent needs: */
    struct map ends;      /* the open ends, by id */
    struct events events;
    bool posted;
    bool doomed; /* destroyed while a post was queued: the post frees it */
};

static struct transport_memory *self(struct transport *t)
{
    return (struct transport_memory *)t;
}

static struct end *end_find(struct transport_memory *t, conn_id id)
{
    return map_get(&t->ends, bytes_of(&id, sizeof id));
}

/* Under the lock. */
static void push(struct transport_memory *t, struct event e)
{
    MEM_GROW(t->events.items, t->events.count, t->events.cap);
    t->events.items[t->events.count++] = e;
}

static void push_later(struct transport_memory *t, struct event e)
{
    pthread_mutex_lock(&t->lock);
    push(t, e);
    pthread_mutex_unlock(&t->lock);
    loop_timer_set(t->turn, 0);
}

/* ---- delivery ---- */

static struct end *end_open(struct transport_memory *t, struct transport_handler handler,
                            uint32_t dialer)
{
    struct end *e = mem_zalloc(sizeof *e);
    e->id = conn_id_next();
    e->handler = handler;
    e->dialer = dialer;
    pthread_mutex_lock(&t->lock);
    map_put(&t->ends, bytes_of(&e->id, sizeof e->id), e);
    pthread_mutex_unlock(&t->lock);
    return e;
}

static struct dialing *dialing_of(struct transport_memory *t, uint32_t number)
{
    struct dialing *d = t->dialings;
    while (d != NULL && d->number != number) {
        d = d->next;
    }
    return d;
}

static void connect_now(struct transport_memory *t, uint32_t dialer)
{
    struct dialing *d = dialing_of(t, dialer);
    struct listening *l = t->listenings;
    while (d != NULL && l != NULL && strcmp(l->url, d->url) != 0) {
        l = l->next;
    }
    if (d == NULL || d->open || l == NULL) { /* a later listen connects those who wait */
        return;
    }
    d->open = true;
    struct end *near = end_open(t, d->handler, d->number);
    struct end *far = end_open(t, l->handler, 0);
    near->peer = far->id;
    far->peer = near->id;
    /* A callback may close either end, but that only queues an event: both stay valid for these two
     * calls. */
    far->handler.opened(far->handler.user, far->id, 0);
    near->handler.opened(near->handler.user, near->id, near->dialer);
}

/* The peer hears of it after the frames that were sent before. */
static void end_close(struct transport_memory *t, struct end *e, enum transport_closed why)
{
    pthread_mutex_lock(&t->lock);
    if (!e->closing) {
        e->closing = true;
        push(t, (struct event){.kind = CLOSED, .conn = e->id, .why = why});
        push(t, (struct event){.kind = CLOSED, .conn = e->peer, .why = CLOSED_BY_PEER});
    }
    pthread_mutex_unlock(&t->lock);
    loop_timer_set(t->turn, 0);
}

static void frames_now(struct transport_memory *t, const struct event *event)
{
    pthread_mutex_lock(&t->lock);
    struct end *e = end_find(t, event->conn);
    if (e != NULL) {
        e->behind -= event->len;
    }
    pthread_mutex_unlock(&t->lock);
    struct bytes stream = bytes_of(event->data, event->len);
    struct bytes frame;
    while (e != NULL && !e->closing && stream.len > 0) {
        if (stream_cut(&stream, &frame) != CUT_FRAME) {
            end_close(t, e, CLOSED_GARBAGE);
            break;
        }
        e->handler.frame(e->handler.user, e->id, frame);
    }
}

static void closed_now(struct transport_memory *t, const struct event *event)
{
    pthread_mutex_lock(&t->lock);
    struct end *e = map_remove(&t->ends, bytes_of(&event->conn, sizeof event->conn));
    pthread_mutex_unlock(&t->lock);
    if (e == NULL) {
        return; /* both sides have closed */
    }
    e->handler.closed(e->handler.user, e->id, event->why);
    struct dialing *d = e->dialer != 0 ? dialing_of(t, e->dialer) : NULL;
    if (d != NULL) {
        d->open = false;
        push_later(t, (struct event){.kind = CONNECT, .dialer = d->number});
    }
    free(e);
}

static void lists_free(struct transport_memory *t)
{
    while (t->dialings != NULL) {
        struct dialing *d = t->dialings;
        t->dialings = d->next;
        free(d->url);
        free(d);
    }
    while (t->listenings != NULL) {
        struct listening *l = t->listenings;
        t->listenings = l->next;
        free(l->url);
        free(l);
    }
}

static void stop_now(struct transport_memory *t)
{
    lists_free(t);
    void *value;
    for (size_t i = 0; map_next(&t->ends, &i, &value);) {
        struct end *e = value;
        closed_now(t, &(struct event){.conn = e->id, .why = CLOSED_BY_US});
    }
}

/* True if this was the stop. */
static bool event_now(struct transport_memory *t, const struct event *e)
{
    switch (e->kind) {
    case CONNECT:
        connect_now(t, e->dialer);
        break;
    case FRAMES:
        frames_now(t, e);
        break;
    case CLOSED:
        closed_now(t, e);
        break;
    case STOP:
        stop_now(t);
        return true;
    }
    return false;
}

static void on_turn(void *user)
{
    struct transport_memory *t = user;
    pthread_mutex_lock(&t->lock);
    struct events taken = t->events;
    t->events = (struct events){0};
    pthread_mutex_unlock(&t->lock);
    bool stop = false;
    for (size_t i = 0; i < taken.count; i++) {
        stop = event_now(t, &taken.items[i]) || stop;
        free(taken.items[i].data);
    }
    free(taken.items);
    if (stop) {
        t->stopped(t->stopped_user); /* may destroy t */
    }
}

/* ---- the calls ---- */

static enum err memory_listen(struct transport *base, const char *url,
                              struct transport_handler handler)
{
    struct transport_memory *t = self(base);
    if (t->stopped != NULL) {
        return ERR_CONFLICT;
    }
    for (struct listening *l = t->listenings; l != NULL; l = l->next) {
        if (strcmp(l->url, url) == 0) {
            return ERR_IO; /* in use */
        }
    }
    struct listening *l = mem_zalloc(sizeof *l);
    l->url = mem_str(url);
    l->handler = handler;
    l->next = t->listenings;
    t->listenings = l;
    for (struct dialing *d = t->dialings; d != NULL; d = d->next) {
        push_later(t, (struct event){.kind = CONNECT, .dialer = d->number});
    }
    return ERR_OK;
}

static enum err memory_dial(struct transport *base, const char *url,
                            struct transport_handler handler, uint32_t *ret_dialer)
{
    struct transport_memory *t = self(base);
    if (t->stopped != NULL) {
        return ERR_CONFLICT;
    }
    struct dialing *d = mem_zalloc(sizeof *d);
    d->number = ++t->dialer_last;
    d->url = mem_str(url);
    d->handler = handler;
    d->next = t->dialings;
    t->dialings = d;
    push_later(t, (struct event){.kind = CONNECT, .dialer = d->number});
    *ret_dialer = d->number;
    return ERR_OK;
}

static void memory_undial(struct transport *base, uint32_t dialer)
{
    struct transport_memory *t = self(base);
    struct dialing **at = &t->dialings;
    while (*at != NULL && (*at)->number != dialer) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        return;
    }
    struct dialing *d = *at;
    *at = d->next;
    free(d->url);
    free(d);
    void *value;
    for (size_t i = 0; map_next(&t->ends, &i, &value);) {
        struct end *e = value;
        if (e->dialer == dialer) {
            end_close(t, e, CLOSED_BY_US);
        }
    }
}

/* Under the lock. Takes ownership of framed's content, whatever it returns. */
static enum err frames_push(struct transport_memory *t, conn_id conn, struct buf *framed)
{
    struct end *e = end_find(t, conn);
    struct end *peer = e != NULL ? end_find(t, e->peer) : NULL;
    enum err result = ERR_OK;
    if (e == NULL || e->closing) {
        result = ERR_NOT_FOUND;
    } else if (peer == NULL || peer->closing) {
        result = ERR_OK; /* lost on the way, as on a real connection; `closed` follows */
    } else if (framed->len > TRANSPORT_BACKLOG_BYTES_MAX - peer->behind) {
        result = ERR_FULL;
    } else {
        peer->behind += framed->len;
        push(t, (struct event){
                    .kind = FRAMES, .conn = peer->id, .data = framed->ptr, .len = framed->len});
        return ERR_OK;
    }
    buf_free(framed);
    return result;
}

static enum err push_in_turn(struct transport_memory *t, conn_id conn, struct buf *framed)
{
    pthread_mutex_lock(&t->lock);
    enum err e = frames_push(t, conn, framed);
    pthread_mutex_unlock(&t->lock);
    if (e == ERR_FULL) {
        end_close(t, end_find(t, conn), CLOSED_BACKLOG);
    }
    loop_timer_set(t->turn, 0);
    return e;
}

/* Since both ends are in one process, delivered frames are copies, lent memory included. */
static enum err memory_send(struct transport *base, conn_id conn, const struct slices *framed)
{
    struct buf copy = {0};
    slices_copy(framed, (struct slices_place){0}, slices_len(framed), &copy);
    return push_in_turn(self(base), conn, &copy);
}

static enum err memory_send_message(struct transport *base, conn_id conn, const struct message *m,
                                    struct lenders *lenders)
{
    (void)lenders;
    struct buf frame = {0};
    enum err e = frame_encode(m, &frame);
    if (e != ERR_OK) {
        buf_free(&frame);
        return e;
    }
    return push_in_turn(self(base), conn, &frame);
}

/* Each held frame is a sheet of its own. */
static enum err memory_send_held(struct transport *base, conn_id conn, const struct message *m,
                                 struct lenders *lenders, struct held_frame *ret_frame)
{
    struct sheet *sheet = sheet_create(0);
    enum err e = frame_encode_lent(m, lenders, &sheet->text);
    if (e == ERR_OK) {
        e = memory_send(base, conn, &sheet->text);
    }
    if (e == ERR_OK) {
        *ret_frame = frame_hold(sheet, (struct slices_place){0});
    }
    sheet_release(sheet);
    return e;
}

static void memory_free(struct transport_memory *t)
{
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static void on_post(void *user)
{
    struct transport_memory *t = user;
    pthread_mutex_lock(&t->lock);
    t->posted = false;
    bool doomed = t->doomed;
    pthread_mutex_unlock(&t->lock);
    if (doomed) {
        memory_free(t);
    } else {
        on_turn(t);
    }
}

static enum err memory_send_urgent(struct transport *base, conn_id conn, struct bytes framed)
{
    struct transport_memory *t = self(base);
    struct buf copy = {0};
    buf_add_bytes(&copy, framed);
    pthread_mutex_lock(&t->lock);
    enum err e = frames_push(t, conn, &copy);
    if (e == ERR_OK && !t->posted) {
        t->posted = loop_post(t->loop, on_post, t) == ERR_OK;
    }
    pthread_mutex_unlock(&t->lock);
    return e;
}

static void memory_close(struct transport *base, conn_id conn)
{
    struct transport_memory *t = self(base);
    struct end *e = end_find(t, conn);
    if (e != NULL) {
        end_close(t, e, CLOSED_BY_US);
    }
}

/* Queued frames are delivered before the stop, in one turn: there is no wait for flush_ms to
 * bound. */
static void memory_shutdown(struct transport *base, mono_ms flush_ms, loop_fn *done, void *user)
{
    (void)flush_ms;
    struct transport_memory *t = self(base);
    t->stopped = done;
    t->stopped_user = user;
    push_later(t, (struct event){.kind = STOP});
}

static void memory_destroy(struct transport *base)
{
    struct transport_memory *t = self(base);
    lists_free(t);
    loop_timer_destroy(t->turn);
    void *value;
    for (size_t i = 0; map_next(&t->ends, &i, &value);) {
        free(value);
    }
    map_free(&t->ends);
    for (size_t i = 0; i < t->events.count; i++) {
        free(t->events.items[i].data);
    }
    free(t->events.items);
    pthread_mutex_lock(&t->lock);
    t->doomed = t->posted;
    pthread_mutex_unlock(&t->lock);
    if (!t->doomed) {
        memory_free(t);
    }
}

static const struct transport_ops ops = {
    .listen = memory_listen,
    .dial = memory_dial,
    .undial = memory_undial,
    .send = memory_send,
    .send_message = memory_send_message,
    .send_held = memory_send_held,
    .send_urgent = memory_send_urgent,
    .close = memory_close,
    .shutdown = memory_shutdown,
    .destroy = memory_destroy,
};

struct transport *transport_memory_create(struct loop *loop)
{
    struct transport_memory *t = mem_zalloc(sizeof *t);
    t->base.ops = &ops;
    t->loop = loop;
    t->turn = loop_timer_create(loop, on_turn, t);
    int rc = pthread_mutex_init(&t->lock, NULL);
    assert(rc == 0);
    return &t->base;
}
