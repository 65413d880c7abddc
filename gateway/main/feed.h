/* The feed of one watched task: its newest events, as they come from the owner, for all clients of
 * this gateway that watch it.
 *
 *   SUBSCRIBING --WATCHED, first--> LIVE --owner lost--> SUBSCRIBING
 *     `--WATCHED, again--> PROBING --status, same run--> LIVE
 *                            `-------other run---------> reset
 *
 * Events stand in a ring by their seq; holes (after a reconnect) are filled from the owner's
 * history. Where that cannot be done, or the task began a fresh run, the feed is reset: its epoch
 * rises, and each client tells its watcher of a gap and starts again from the state. */
#ifndef MARATHON_GATEWAY_FEED_H
#define MARATHON_GATEWAY_FEED_H

#include "main/snapshot.h"

/* The largest backlog of a client: one that is further behind gets a gap */
#define FEED_RING_BYTES_MAX  (256u << 10)
#define FEED_RING_EVENTS_MIN 8u   /* enough for most tasks, which have an event now and then */
#define FEED_RING_EVENTS_MAX 512u /* a burst of steps between two turns of a healthy client */

/* Bound of all rings and bursts together. A client that keeps up needs no ring: this is for clients
 * that do not, and for those that come back within seconds. It is 64 of the largest backlogs, or
 * 0.8 KiB (the newest events) for each of WATCHERS_MAX tasks; a share of what deploy/ gives a
 * gateway (tests/lint/room.py). Above it the rings of the tasks that have been silent longest are
 * dropped: those of their clients that were behind get a gap and the state anew, as each alone
 * would have got in time. */
#define FEEDS_BYTES_MAX (16u << 20)

struct feed_event {
    struct buf text; /* JSON; no bytes = not there yet */
    enum event_type type;
};

/* Many clients that join at once share one read of the state: four reads a second, however many
 * come. Only where no newer event is known, and only for watchers, which get every later event
 * anyway. */
#define SNAPSHOT_SHARED_MS 250

/* In one write; a client that stops reading holds it until it is closed */
#define FEED_BURST_BYTES_MAX (16u << 10)

/* Consecutive events as they are sent to all clients of one form that have the same cursor. */
struct feed_burst {
    uint64_t after, last; /* the events with after < seq <= last; last = after: none */
    uint64_t head;        /* the feed's head when this was made */
    struct buf bytes;
};

enum feed_form { FORM_FRAMES /* WebSocket */, FORM_LINES /* SSE */, FORM_COUNT };

enum feed_state { FEED_SUBSCRIBING, FEED_PROBING, FEED_LIVE };

struct feed_client {
    struct feed *feed;
    struct feed_client *prev, *next;
    struct feed_client *want_prev, *want_next;
    bool wants_snapshot;                    /* it is in the list `wanting` of the feed */
    bool shares_snapshot;                   /* a snapshot read a moment ago will do */
    uint64_t snapshot_min;                  /* the snapshot must have at least this seq */
    void (*changed)(struct feed_client *c); /* events, or a reset */
    void (*snapshot)(struct feed_client *c,
                     /* the one that was wanted; the client takes a reference of its own */
                     struct snapshot *s);
    /* The feed cannot serve it (unknown task, no owner): the client leaves in this call. */
    void (*failed)(struct feed_client *c, const struct problem *why);
};

struct feed {
    struct gateway *gateway;
    char task_id[ID_BYTES_MAX + 1];
    enum feed_state state;
    bool subscribed_once;
    conn_id conn; /* the connection on which it is subscribed */
    wire_id watch_request, history_request;
    struct snapshot_load *probe, *load;
    struct snapshot *recent; /* the last one read */
    mono_ms recent_at;
    struct loop_timer *soon; /* gives `recent` to the clients that share it */
    struct feed_client *wanting;
    bool run_known;
    uint32_t run;
    uint64_t epoch;
    struct feed_event *ring; /* slot = seq % ring_slots; NULL where there is none */
    uint32_t ring_slots;
    struct feed *ring_prev, *ring_next; /* in gateway.rings */
    uint64_t base;                      /* oldest seq in the ring */
    uint64_t head;                      /* all of base..head are there; base - 1 where none is */
    uint64_t known;                     /* newest seq that is known to exist */
    uint64_t known_once;                /* the value of `known` before it was asked for anew */
    size_t ring_bytes, text_memory;     /* sums over the events: text bytes, buffer capacities */
    size_t counted;                     /* the bytes of it that are counted in gateway.rings */
    struct feed_burst bursts[FORM_COUNT];
    struct feed_client *clients;
    size_t client_count;
    bool notifying;
};

/* Joins the task's feed, which is made where there is none. Only `snapshot`, `changed` and `failed`
 * need to be set. */
void feed_join(struct gateway *g, struct bytes task_id, struct feed_client *c);
void feed_leave(struct feed_client *c);              /* not joined is allowed */
void feed_want_snapshot_none(struct feed_client *c); /* not any more */
/* Asks for the state with at least this seq; `snapshot` is called later, never from within this
 * call. */
void feed_want_snapshot(struct feed_client *c, uint64_t min_seq);
/* The event of that seq, NULL where the ring has none. */
const struct feed_event *feed_event(const struct feed *f, uint64_t seq);

/* The events after `after` that are in the ring, except one that ends the task, rendered once for
 * all clients that ask alike. Borrowed until the feed changes. Empty where there are none. */
struct bytes feed_burst(struct feed *f, enum feed_form form, uint64_t after, uint64_t *ret_last);

/* One message as the lines of an event stream; seq 0 has no id. */
void feed_line_put(struct buf *out, uint64_t seq, struct bytes json);

/* From the gateway. */
void feeds_events(struct gateway *g, int peer, const struct message *m);
void feeds_owners_changed(struct gateway *g);
void feeds_tick(struct gateway *g); /* repeats requests for which there was no room */

/* feed_state.c, for feed.c */
void feed_load_wanted(struct feed *f); /* reads the state where anyone wants it */
void feed_state_stop(struct feed *f);
void feed_forget_recent(struct feed *f);

/* feed.c, for feed_state.c */
void feed_reset(struct feed *f, uint64_t head);
/* The caller must not use f afterwards: the feed may be gone. */
void feed_changed(struct feed *f);
/* While held, the feed is not freed when its last client leaves; feed_end_if_left or feed_changed
 * must follow. */
void feed_hold(struct feed *f, bool held);
void feed_end_if_left(struct feed *f);

/* feed_ring.c, for feed.c and feed_burst.c */
void feed_ring_put(struct feed *f, const struct task_event *e);
void feed_ring_clear(struct feed *f, uint64_t head); /* frees all of its memory */
void feed_count(struct feed *f);                     /* updates what gateway.rings counts of it */

/* feed_burst.c */
void feed_bursts_forget(struct feed *f);

#endif
