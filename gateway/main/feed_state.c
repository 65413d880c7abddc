/* The state of a watched task for those of its clients that want it: read once for all that wait.
 */
#include <stdlib.h>

#include "main/feed.h"

void feed_want_snapshot_none(struct feed_client *c)
{
    struct feed *f = c->feed;
    if (!c->wants_snapshot) {
        return;
    }
    c->wants_snapshot = false;
    *(c->want_prev != NULL ? &c->want_prev->want_next : &f->wanting) = c->want_next;
    if (c->want_next != NULL) {
        c->want_next->want_prev = c->want_prev;
    }
}

void feed_want_snapshot(struct feed_client *c, uint64_t min_seq)
{
    struct feed *f = c->feed;
    c->snapshot_min = min_seq;
    if (!c->wants_snapshot) {
        c->wants_snapshot = true;
        c->want_prev = NULL;
        c->want_next = f->wanting;
        if (f->wanting != NULL) {
            f->wanting->want_prev = c;
        }
        f->wanting = c;
    }
    feed_load_wanted(f);
}

void feed_forget_recent(struct feed *f)
{
    snapshot_unref(f->recent);
    f->recent = NULL;
}

static bool recent_is_fresh(const struct feed *f)
{
    return f->recent != NULL && f->recent->view->seq >= f->known &&
           loop_now(f->gateway->loop).mono - f->recent_at < SNAPSHOT_SHARED_MS;
}

/* All that want the state, or only those that share it; clients may leave meanwhile, their own
 * only. */
static struct feed_client **wanting(const struct feed *f, bool sharing, size_t *ret_count)
{
    struct feed_client **all = mem_alloc((f->client_count + 1) * sizeof *all);
    size_t n = 0;
    for (struct feed_client *c = f->wanting; c != NULL; c = c->want_next) {
        if (!sharing || c->shares_snapshot) {
            all[n++] = c;
        }
    }
    *ret_count = n;
    return all;
}

static void tell(struct feed *f, struct snapshot *s, bool sharing)
{
    size_t count;
    struct feed_client **all = wanting(f, sharing, &count);
    feed_hold(f, true);
    for (size_t i = 0; i < count; i++) {
        struct feed_client *c = all[i];
        if (s->view->seq >= c->snapshot_min) {
            feed_want_snapshot_none(c);
            c->snapshot(c, s);
        }
    }
    feed_hold(f, false);
    free(all);
}

static void tell_failed(struct feed *f, const struct problem *why)
{
    size_t count;
    struct feed_client **all = wanting(f, false, &count);
    feed_hold(f, true);
    for (size_t i = 0; i < count; i++) {
        feed_want_snapshot_none(all[i]);
        all[i]->failed(all[i], why);
    }
    feed_hold(f, false);
    free(all);
}

static void on_load(void *user, struct snapshot *s, const struct problem *why)
{
    struct feed *f = user;
    f->load = NULL;
    if (s == NULL) {
        tell_failed(f, why);
        feed_end_if_left(f);
        return;
    }
    bool reset = f->run_known && s->view->run != f->run;
    if (reset) {
        feed_reset(f, s->view->seq);
    }
    f->run_known = true;
    f->run = s->view->run;
    feed_forget_recent(f);
    f->recent = snapshot_ref(s);
    f->recent_at = loop_now(f->gateway->loop).mono;
    tell(f, s, false);
    snapshot_unref(s);
    feed_load_wanted(f);
    if (reset) {
        feed_changed(f);
    } else {
        feed_end_if_left(f);
    }
}

static void on_soon(void *user)
{
    struct feed *f = user;
    if (recent_is_fresh(f)) {
        struct snapshot *s = snapshot_ref(f->recent);
        tell(f, s, true);
        snapshot_unref(s);
    } else {
        feed_forget_recent(f);
    }
    feed_load_wanted(f);
    feed_end_if_left(f);
}

void feed_load_wanted(struct feed *f)
{
    if (!recent_is_fresh(f)) {
        feed_forget_recent(f); /* nobody is to have it: it would fill the gateway */
    }
    if (f->wanting == NULL || f->load != NULL || f->state == FEED_SUBSCRIBING) {
        return;
    }
    /* The newest stands first. One that the recent state cannot serve has it read anew, for all. */
    const struct feed_client *c = f->wanting;
    if (c->shares_snapshot && recent_is_fresh(f) && f->recent->view->seq >= c->snapshot_min) {
        if (f->soon == NULL) {
            f->soon = loop_timer_create(f->gateway->loop, on_soon, f);
        }
        loop_timer_set(f->soon, 0); /* never from within the asking */
        return;
    }
    struct problem why; /* for want of room: feeds_tick tries again */
    f->load = snapshot_load_start(f->gateway, bytes_str(f->task_id),
                                  (struct snapshot_ask){true, on_load, f}, &why);
}

void feed_state_stop(struct feed *f)
{
    snapshot_load_stop(f->load);
    feed_forget_recent(f);
    if (f->soon != NULL) {
        loop_timer_destroy(f->soon);
    }
}
