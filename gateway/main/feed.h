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

/* A client's backlog: who is further behind gets a gap */
#define FEED_RING_BYTES_MAX  (256u << 10)
#define FEED_RING_EVENTS_MIN 8u   /* most tasks say something now and then */
#define FEED_RING_EVENTS_MAX 512u /* a burst of steps between two turns of a healthy client */

/* Of all rings, and what is made of them. A client that takes what it is told needs no ring, so
 * that this is for those that do not, and for who comes back within seconds: 64 of the largest
 * backlogs; of WATCHERS_MAX tasks, each watched by one, 0.8 KiB, which are the newest events. A
 * share of what deploy/ gives a gateway (tests/lint/room.py). Above it the rings of tasks that were
 * silent for longest are given up; of their clients those that were behind get a gap and the state
 * anew, as each alone would have got in time. */
#define FEEDS_BYTES_MAX (16u << 20)

struct feed_event {
    struct buf text; /* JSON; no bytes = not there yet */
    enum event_type type;
};

/* A crowd that joins shares one reading of the state: four readings a second, however many come.
 * Only where no newer event is known, and only for watchers, which get every later event anyway. */
#define SNAPSHOT_SHARED_MS 250

/* In one write; who stops taking holds it until it is closed */
#define FEED_BURST_BYTES_MAX (16u << 10)

/* Events in a row as they go out to all clients of a kind that stand at the same place. */
struct feed_burst {
    uint64_t after, last; /* of the events after < seq <= last; last = after: none */
    uint64_t head;        /* the feed's, when it was made */
    struct buf bytes;
};

enum feed_form { FORM_FRAMES /* WebSocket */, FORM_LINES /* SSE */, FORM_COUNT };

enum feed_state { FEED_SUBSCRIBING, FEED_PROBING, FEED_LIVE };

struct feed_client {
    struct feed *feed;
    struct feed_client *prev, *next;
    struct feed_client *want_prev, *want_next;
    bool wants_snapshot;                    /* in the feed's list of those */
    bool shares_snapshot;                   /* one read a moment ago will do */
    uint64_t snapshot_min;                  /* with at least this seq */
    void (*changed)(struct feed_client *c); /* events, or a reset */
    void (*snapshot)(struct feed_client *c,
                     struct snapshot *s); /* as wanted; takes a reference of its own */
    /* The feed cannot serve it (unknown task, no owner): the client leaves in this call. */
    void (*failed)(struct feed_client *c, const struct problem *why);
};

struct feed {
    struct gateway *gateway;
    char task_id[ID_BYTES_MAX + 1];
    enum feed_state state;
    bool subscribed_once;
    conn_id conn; /* where it is subscribed */
    wire_id watch_request, history_request;
    struct snapshot_load *probe, *load;
    struct snapshot *recent; /* the last one read */
    mono_ms recent_at;
    struct loop_timer *soon; /* tells the recent one to those who share it */
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
    uint64_t known_once;                /* the same, before it was asked for anew */
    size_t ring_bytes, text_memory;     /* of the events' texts, and of their buffers */
    size_t counted;                     /* bytes, in gateway.rings */
    struct feed_burst bursts[FORM_COUNT];
    struct feed_client *clients;
    size_t client_count;
    bool notifying;
};

/* Joins the task's feed, made where there is none. Only `snapshot`, `changed` and `failed` need to
 * be set. */
void feed_join(struct gateway *g, struct bytes task_id, struct feed_client *c);
void feed_leave(struct feed_client *c);              /* not joined is allowed */
void feed_want_snapshot_none(struct feed_client *c); /* not any more */
/* Asks for the state with at least this seq; `snapshot` is called later, never from within. */
void feed_want_snapshot(struct feed_client *c, uint64_t min_seq);
/* The event of that seq, NULL where the ring has none. */
const struct feed_event *feed_event(const struct feed *f, uint64_t seq);

/* The events behind `after` that are there, but for one that ends the task, made once for all that
 * ask alike. Borrowed until the feed changes. Empty where there are none. */
struct bytes feed_burst(struct feed *f, enum feed_form form, uint64_t after, uint64_t *ret_last);

/* One message as the lines of an event stream; seq 0 has no id. */
void feed_line_put(struct buf *out, uint64_t seq, struct bytes json);

/* From the gateway. */
void feeds_events(struct gateway *g, int peer, const struct message *m);
void feeds_owners_changed(struct gateway *g);
void feeds_tick(struct gateway *g); /* tries again what could not be asked for want of room */

/* feed_state.c, for feed.c */
void feed_load_wanted(struct feed *f); /* reads the state where anyone wants it */
void feed_state_stop(struct feed *f);
void feed_forget_recent(struct feed *f);

/* feed.c, for feed_state.c */
void feed_reset(struct feed *f, uint64_t head);
/* Must be the caller's last word on f: the feed may be gone. */
void feed_changed(struct feed *f);
/* While true, no leaving client ends the feed; then feed_end_if_left or feed_changed must follow.
 */
void feed_hold(struct feed *f, bool held);
void feed_end_if_left(struct feed *f);

/* feed_ring.c, for feed.c and feed_burst.c */
void feed_ring_put(struct feed *f, const struct task_event *e);
void feed_ring_clear(struct feed *f, uint64_t head); /* gives all of its memory back */
void feed_count(struct feed *f);                     /* what it holds by now */

/* feed_burst.c */
void feed_bursts_forget(struct feed *f);

#endif
