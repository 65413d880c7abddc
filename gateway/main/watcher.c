#include "main/watcher.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/event_json.h"
#include "main/body_stream.h"
#include "main/state_message.h"
#include "main/watcher_replay.h"

/* Of a WebSocket that stops taking, what is left of a frame is kept until it is closed: of a
 * thousand 16 MiB. */
#define PIECE_BYTES_MAX (16u << 10)

#define CLOSE_NORMAL    1000
#define CLOSE_AWAY      1001
#define CLOSE_TRY_LATER 1013
#define CLOSE_UNKNOWN   4404

enum stage {
    STAGE_STATE, /* waits for the state */
    STAGE_LIVE,  /* follows the feed (or a replay) from cursor on */
    STAGE_FINAL, /* waits for the state that carries the results of the end */
};

struct watcher {
    struct exchange exchange;
    struct feed_client client;
    struct gateway *gateway;
    struct watch_options options;
    char request_id[64];
    enum stage stage;
    uint64_t epoch;  /* of the feed, when the state was taken */
    uint64_t cursor; /* seq of the last message given */
    bool begun;      /* an event stream's head is out */
    bool greeted;
    bool gap_due;
    bool caught_up; /* has followed the ring: falling behind it then is a gap */
    struct replay replay;
    struct body_stream *stream; /* a message under way */
    struct snapshot *ended;     /* the final message of which comes behind the stream */
    bool stream_first, stream_final;
    uint64_t stream_seq;
    mono_ms said;
    bool comment_due;
    struct watcher *prev, *next;
};

static struct watcher *of_client(struct feed_client *c)
{
    return (struct watcher *)(void *)((char *)c - offsetof(struct watcher, client));
}

static void watcher_free(struct watcher *w)
{
    exchange_remove(w->gateway, &w->exchange);
    replay_stop(&w->replay);
    body_stream_destroy(w->stream);
    snapshot_unref(w->ended);
    *(w->prev != NULL ? &w->prev->next : &w->gateway->watcher_list) = w->next;
    if (w->next != NULL) {
        w->next->prev = w->prev;
    }
    w->gateway->watchers--;
    feed_leave(&w->client);
    free(w);
}

static void on_gone(struct exchange *x)
{
    watcher_free((struct watcher *)x);
}

/* Ends it from our side. The last word on w. */
static void watcher_close(struct watcher *w, unsigned code, const char *reason)
{
    struct http_server *http = w->gateway->http;
    exchange_id id = w->exchange.id;
    bool sse = w->options.sse;
    watcher_free(w);
    if (sse) {
        server_finish(http, id);
    } else {
        server_close_socket(http, id, code, reason);
    }
}

static void wake(void *user)
{
    struct watcher *w = user;
    if (w->begun || !w->options.sse) {
        server_wake(w->gateway->http, w->exchange.id);
    }
}

/* ---- giving ---- */

/* Lines of an event stream. */
static void give_lines(struct watcher *w, struct bytes lines)
{
    w->said = loop_now(w->gateway->loop).mono;
    server_write(w->gateway->http, w->exchange.id, lines);
}

/* A whole message; seq 0 has no id. */
static void give_message(struct watcher *w, struct bytes json, uint64_t seq)
{
    w->gateway->messages_total++;
    if (!w->options.sse) {
        w->said = loop_now(w->gateway->loop).mono;
        server_write_text(w->gateway->http, w->exchange.id, json);
        return;
    }
    struct buf lines = {0};
    feed_line_put(&lines, seq, json);
    give_lines(w, buf_bytes(&lines));
    buf_free(&lines);
}

/* False: there is no room, and w is gone. */
static bool stream_start(struct watcher *w, struct snapshot *s, enum state_message which)
{
    struct body_plan plan = {0};
    struct problem full;
    assert(w->stream == NULL);
    enum feed_form form = w->options.sse ? FORM_LINES : FORM_FRAMES;
    w->stream_seq = state_message_plan(s->view, which, form, &plan);
    if (answers_full(w->gateway, body_stream_memory(&plan), &full)) {
        body_plan_free(&plan);
        watcher_close(w, CLOSE_TRY_LATER, "too much waits for slow clients");
        return false;
    }
    w->stream = body_stream_create(w->gateway, s, &plan, wake, w);
    if (w->options.sse) {
        body_stream_one_line(w->stream);
    }
    w->stream_first = true;
    w->stream_final = which == STATE_FINAL;
    w->gateway->messages_total++;
    return true;
}

/* All is said, unless the task lives again. The last word on w. */
static void close_if_ended(struct watcher *w)
{
    const struct feed *f = w->client.feed;
    if (f->epoch == w->epoch && f->known <= w->cursor) {
        watcher_close(w, CLOSE_NORMAL, "task ended");
    } else {
        wake(w);
    }
}

static void stream_done(struct watcher *w)
{
    body_stream_destroy(w->stream);
    w->stream = NULL;
    w->cursor = w->stream_seq;
    w->stage = STAGE_LIVE;
    if (w->stream_final) {
        close_if_ended(w);
        return;
    }
    if (w->ended != NULL) {
        struct snapshot *ended = w->ended;
        w->ended = NULL;
        bool begun = stream_start(w, ended, STATE_FINAL);
        snapshot_unref(ended);
        if (!begun) {
            return;
        }
    }
    wake(w);
}

/* What the client takes of it: an event stream's as much as there is room for, a WebSocket's all,
 * as a frame, of which what there is no room for is kept behind it. */
static size_t pieces_give(struct watcher *w, const struct body_pieces *pieces, bool last)
{
    struct http_server *http = w->gateway->http;
    if (w->options.sse) {
        return server_lend(http, w->exchange.id, pieces->items, pieces->count);
    }
    server_lend_text(http, w->exchange.id, pieces->items, pieces->count,
                     (struct text_part){w->stream_first, last});
    return pieces->len;
}

static void stream_give(struct watcher *w)
{
    static struct body_pieces pieces; /* the loop's thread only */
    enum stream_state state = body_stream_next(w->stream, PIECE_BYTES_MAX, &pieces);
    if (state == STREAM_BROKEN) {
        watcher_close(w, CLOSE_TRY_LATER, "the results changed while they were sent");
        return;
    }
    if (state == STREAM_WAIT) {
        return;
    }
    size_t taken = pieces_give(w, &pieces, state == STREAM_LAST);
    w->said = loop_now(w->gateway->loop).mono;
    w->stream_first = w->stream_first && taken == 0;
    if (body_stream_taken(w->stream, taken)) {
        stream_done(w);
    } else {
        wake(w);
    }
}

static void resync(struct watcher *w)
{
    w->gap_due = true;
    w->stage = STAGE_STATE;
    replay_stop(&w->replay);
    feed_want_snapshot(&w->client, 0);
    wake(w);
}

static void give_gap(struct watcher *w)
{
    struct buf text = {0};
    w->gap_due = false;
    gap_render(bytes_str(w->client.feed->task_id), w->cursor, &text);
    give_message(w, buf_bytes(&text), 0);
    buf_free(&text);
}

/* Without another turn at the socket for each of a thousand watchers where there is nothing. */
static void wake_for_more(struct watcher *w)
{
    const struct feed *f = w->client.feed;
    if (w->cursor < f->head || w->epoch != f->epoch || w->comment_due ||
        replay_event(&w->replay, w->cursor + 1) != NULL) {
        wake(w);
    }
}

/* The event behind the cursor, from the ring or the replay. */
static void give_event(struct watcher *w, enum event_type type, struct bytes text)
{
    uint64_t seq = w->cursor + 1;
    if (type == EVENT_TASK_COMPLETE) {
        w->stage = STAGE_FINAL;
        feed_want_snapshot(&w->client, seq);
        return;
    }
    give_message(w, text, seq);
    w->cursor = seq;
    replay_passed(&w->replay, seq);
    if (event_is_final(type)) {
        close_if_ended(w);
    } else {
        wake_for_more(w);
    }
}

/* All events behind the cursor that the feed has, but for one that ends the task. */
static void give_burst(struct watcher *w)
{
    struct gateway *g = w->gateway;
    uint64_t last;
    struct bytes burst =
        feed_burst(w->client.feed, w->options.sse ? FORM_LINES : FORM_FRAMES, w->cursor, &last);
    g->messages_total += last - w->cursor;
    w->said = loop_now(g->loop).mono;
    w->cursor = last;
    replay_passed(&w->replay, last);
    if (w->options.sse) {
        server_write(g->http, w->exchange.id, burst);
    } else {
        server_write_frames(g->http, w->exchange.id, burst);
    }
    wake_for_more(w);
}

static void on_replay(void *user, bool complete)
{
    struct watcher *w = user;
    if (!complete) {
        resync(w);
    } else {
        wake(w);
    }
}

static void live_give(struct watcher *w)
{
    struct feed *f = w->client.feed;
    if (w->epoch != f->epoch) {
        resync(w);
        return;
    }
    const struct feed_event *e = feed_event(f, w->cursor + 1);
    const struct feed_event *old = e == NULL ? replay_event(&w->replay, w->cursor + 1) : NULL;
    if (e != NULL || w->cursor + 1 >= f->base) {
        w->caught_up = true;
    }
    if (e != NULL && w->cursor < f->head && !event_is_final(e->type)) {
        give_burst(w);
    } else if (e != NULL && w->cursor < f->head) {
        give_event(w, e->type, buf_bytes(&e->text));
    } else if (old != NULL) {
        give_event(w, old->type, buf_bytes(&old->text));
    } else if (w->cursor + 1 < f->base && w->caught_up) {
        resync(w);
    } else if (w->cursor + 1 < f->base) {
        replay_ask(&w->replay, w->gateway, bytes_str(f->task_id), w->cursor);
    }
}

static void greet(struct watcher *w)
{
    w->greeted = true;
    give_lines(w, BYTES_LIT("retry: 2000\n\n"));
    wake(w);
}

static void on_writable(struct exchange *x)
{
    struct watcher *w = (struct watcher *)x;
    if (w->options.sse && !w->greeted) {
        greet(w);
    } else if (w->gap_due && (w->stream == NULL || w->stream_first)) {
        give_gap(w);
        wake(w);
    } else if (w->stream != NULL) {
        stream_give(w);
    } else if (w->comment_due) {
        w->comment_due = false;
        give_lines(w, BYTES_LIT(": still here\n\n"));
        wake(w);
    } else if (w->stage == STAGE_LIVE) {
        live_give(w);
    }
    /* w may be gone */
}

/* ---- the feed's calls ---- */

static void on_changed(struct feed_client *c)
{
    struct watcher *w = of_client(c);
    if (w->stage == STAGE_LIVE && w->stream == NULL) {
        wake(w);
    } else if (w->stage == STAGE_FINAL && w->stream == NULL && w->epoch != c->feed->epoch) {
        resync(w); /* what is being given is given to its end first */
    }
}

/* The head of an event stream; nothing where it is out already, and for a WebSocket. */
static void head_give(struct watcher *w)
{
    if (!w->options.sse || w->begun) {
        return;
    }
    static const struct http_head head = {
        .status = 200,
        .content_type = "text/event-stream",
        .headers = {{"cache-control", "no-cache"}, {"x-accel-buffering", "no"}}};
    w->begun = true;
    w->gateway->answers_by_class[2]++;
    server_begin(w->gateway->http, w->exchange.id, &head, -1);
}

/* The first state, for one that named the last message it has seen. False: it needs the state like
 * anyone else. */
static bool resume(struct watcher *w, const struct snapshot *s)
{
    const struct task_view *v = s->view;
    w->options.has_after = false;
    if (w->options.after > v->seq) {
        w->gap_due = true; /* of another run, or made up */
        w->cursor = w->options.after;
        return false;
    }
    if (w->options.after == v->seq && task_state_ended(v->state)) {
        struct gateway *g = w->gateway;
        exchange_id id = w->exchange.id;
        if (w->options.sse) {
            watcher_free(w);
            answer_empty(g, id, 204, NULL);
        } else {
            watcher_close(w, CLOSE_NORMAL, "task ended");
        }
        return true;
    }
    w->cursor = w->options.after;
    w->stage = STAGE_LIVE;
    head_give(w);
    wake(w);
    return true;
}

static void on_snapshot(struct feed_client *c, struct snapshot *s)
{
    struct watcher *w = of_client(c);
    bool ended = task_state_ended(s->view->state);
    if (w->stage == STAGE_FINAL) {
        if (w->epoch == c->feed->epoch && s->view->state == TASK_COMPLETED) {
            if (stream_start(w, s, STATE_FINAL)) {
                wake(w);
            }
        } else {
            resync(w);
        }
        return;
    }
    w->epoch = c->feed->epoch;
    w->caught_up = false;
    if (w->options.has_after && resume(w, s)) {
        return;
    }
    head_give(w);
    if (!stream_start(w, s, STATE_FIRST)) {
        return;
    }
    if (ended) {
        w->ended = snapshot_ref(s);
    }
    wake(w);
}

static void on_failed(struct feed_client *c, const struct problem *why)
{
    struct watcher *w = of_client(c);
    if (w->options.sse && !w->begun) {
        struct gateway *g = w->gateway;
        exchange_id id = w->exchange.id;
        char request_id[sizeof w->request_id];
        memcpy(request_id, w->request_id, sizeof request_id);
        watcher_free(w);
        answer_problem(g, id, why, bytes_str(request_id));
    } else if (why->code == CODE_TASK_NOT_FOUND) {
        watcher_close(w, CLOSE_UNKNOWN, "unknown task");
    } else {
        watcher_close(w, CLOSE_TRY_LATER, "try again later");
    }
}

void watcher_start(struct gateway *g, exchange_id id, struct bytes task_id,
                   const struct watch_options *options)
{
    if (g->watchers >= WATCHERS_MAX) {
        struct problem p;
        problem_full(&p);
        if (options->sse) {
            answer_problem(g, id, &p, options->request_id);
        } else {
            server_close_socket(g->http, id, CLOSE_TRY_LATER, "too many watchers");
        }
        return;
    }
    struct watcher *w = mem_zalloc(sizeof *w);
    w->gateway = g;
    w->options = *options;
    w->options.request_id = BYTES_NONE;
    (void)snprintf(w->request_id, sizeof w->request_id, "%.*s", (int)options->request_id.len,
                   (const char *)options->request_id.ptr);
    w->exchange = (struct exchange){.id = id, .writable = on_writable, .gone = on_gone};
    w->client = (struct feed_client){.shares_snapshot = true,
                                     .changed = on_changed,
                                     .snapshot = on_snapshot,
                                     .failed = on_failed};
    w->replay = (struct replay){.done = on_replay, .user = w};
    w->said = loop_now(g->loop).mono;
    w->next = g->watcher_list;
    if (w->next != NULL) {
        w->next->prev = w;
    }
    g->watcher_list = w;
    g->watchers++;
    exchange_add(g, &w->exchange);
    feed_join(g, task_id, &w->client);
    feed_want_snapshot(&w->client, 0);
}

void watchers_tick(struct gateway *g)
{
    mono_ms now = loop_now(g->loop).mono;
    for (struct watcher *w = g->watcher_list; w != NULL; w = w->next) {
        w->comment_due = w->begun && w->stream == NULL && now - w->said >= STREAM_COMMENT_MS;
        if (w->comment_due) {
            server_wake(g->http, w->exchange.id);
        }
    }
}

void watchers_drain(struct gateway *g)
{
    struct watcher *next;
    for (struct watcher *w = g->watcher_list; w != NULL; w = next) {
        next = w->next;
        if (w->options.sse && !w->begun) {
            continue; /* its answer is on its way */
        }
        watcher_close(w, CLOSE_AWAY, "this gateway is shutting down");
    }
}
