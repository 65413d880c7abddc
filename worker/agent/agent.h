/* The state machine of a worker. PURE: no I/O, no clock, no logging, no threads; equal (state,
 * event) give equal (state, effects).
 *
 * It talks to any number of coordinators, accepts orders while it has room, has them run by the
 * runners, and keeps each outcome until a coordinator has acknowledged it. README.md draws the life
 * of an attempt. Same shape as the coordinator's core: events in, effects out.
 *
 * Slices in events are borrowed for the call, except those of a message: they must stay until the
 * event's effects have been carried out, since an order that starts at once is handed to its runner
 * without a copy. Slices in effects live until the next agent_step. */
#ifndef MARATHON_AGENT_AGENT_H
#define MARATHON_AGENT_AGENT_H

#include "agent/attempt.h"
#include "base/histogram.h"
#include "base/log.h"
#include "base/shared.h"

typedef uint64_t peer_id; /* a connection to a coordinator; 0 is none */

enum agent_event_kind {
    AGENT_EV_TIME,      /* only time has passed: the time given by agent_next_deadline has come */
    AGENT_EV_PEER_UP,   /* a connection is established; HELLO goes out */
    AGENT_EV_PEER_DOWN, /* a connection is gone */
    AGENT_EV_MESSAGE,   /* a decoded message of a peer */
    AGENT_EV_NEWS,      /* a running attempt has reported something */
    AGENT_EV_ENDED,     /* a runner is done with an attempt */
    /* SIGTERM: accept no more, end within drain_ms; AGENT_FX_DRAINED when done */
    AGENT_EV_DRAIN,
};

struct agent_event {
    enum agent_event_kind kind;
    /* an AGENT_EV_TIME follows at the end of this turn: what is sent once per turn waits for it */
    bool more;
    peer_id peer;                        /* PEER_UP, PEER_DOWN, MESSAGE */
    const struct message *message;       /* MESSAGE */
    uint64_t number;                     /* NEWS, ENDED */
    const struct attempt_news *news;     /* NEWS */
    const struct attempt_result *result; /* ENDED */
    mono_ms drain_ms;                    /* DRAIN */
};

enum agent_effect_kind {
    AGENT_FX_SEND,
    AGENT_FX_READY, /* the peer welcomed us: heartbeats may go to it */
    AGENT_FX_CLOSE, /* close the connection, and dial again after retry_ms */
    AGENT_FX_START, /* hand call to a runner; exactly one ENDED follows, in a later event */
    AGENT_FX_STOP,  /* ask the runner to stop (kill: by force); ENDED still follows */
    AGENT_FX_LOG,
    AGENT_FX_DRAINED, /* nothing is left to do, or the time is up: the process may end */
};

struct agent_effect {
    enum agent_effect_kind kind;
    peer_id peer;                  /* SEND, READY, CLOSE */
    const struct message *message; /* SEND */
    /* SEND: the buffer that contains the message's long slices, or NULL; owned by the effect */
    struct shared *lender;
    mono_ms retry_ms;         /* CLOSE: 0 = at once */
    struct attempt_call call; /* START */
    uint64_t number;          /* STOP */
    bool kill;                /* STOP */
    enum log_level level;     /* LOG */
    const char *log_event;
    const char *text; /* LOG: key=value pairs */
};

struct agent_effects {
    struct agent_effect *items;
    size_t count;
    size_t cap;
    size_t lent;        /* how many items have a lender */
    struct arena arena; /* what the items point to */
};

void agent_effects_free(struct agent_effects *fx);

struct agent_config {
    /* random, new at each start of the process; all slices here are borrowed for the agent's
     * life */
    struct bytes id;
    struct bytes host;
    struct bytes software;
    uint32_t pid;
    uint32_t version_min, version_max; /* protocol versions, sent in HELLO */
    uint32_t slots;                    /* 1..SLOTS_MAX */
    uint32_t prefetch;     /* 0..PREFETCH_MAX: orders that may wait here beyond the slots; used only
                              while functions take less than AGENT_QUICK_MS */
    uint32_t coordinators; /* how many we dial */
    struct bytes *functions;
    uint32_t function_count;
    struct order_keeper keeper;
    struct bytes *labels; /* "name=value" */
    uint32_t label_count;
    mono_ms stop_grace_ms; /* time between asking a function to stop and killing it */
    /* 1000: an outcome that is not acknowledged is sent again after this; the delay doubles up to
     * AGENT_RESEND_MS_MAX on one connection */
    mono_ms resend_ms;
    mono_ms silence_ms;       /* 2000: a coordinator that was not heard for this long is given up */
    enum log_level log_level; /* unless it is LOG_DEBUG, debug lines are not even formatted */
};

/* Prefetched orders wait behind running ones, which is only useful (and harmless) while steps take
 * less than this on average. */
#define AGENT_QUICK_MS 100
/* An order that has waited this long for a slot is declined: another worker may have a free
 * slot. */
#define AGENT_WAIT_MS 250
/* A coordinator that ordered a step of a partition after the partition had moved gets no credit for
 * this long. It repeats such orders until it learns of the move; without the pause they would go
 * back and forth as fast as messages travel. */
#define AGENT_OVERTAKEN_MS 50
/* Longest time between two sends of one outcome over one connection: a coordinator that waits for
 * its store is not flooded. */
#define AGENT_RESEND_MS_MAX 8000
/* Least time between two messages with news of one attempt. */
#define AGENT_NEWS_MS 100
/* For this long after a connection was lost, its share of the credits is lent to the other
 * coordinators. */
#define AGENT_LEND_MS 1000
/* A coordinator that refused us (another protocol version) is asked again this much later. */
#define AGENT_REFUSED_MS 5000
/* Attempts stopped at the end of a drain have this long before they are killed. */
#define AGENT_DRAIN_GRACE_MS 2000
/* A coordinator whose loop has not turned for this long counts as silent. */
#define AGENT_PEER_STALL_MS 10000
#define AGENT_PEERS_MAX     64
/* No further credit is granted while unacknowledged outcomes exceed this size, or number
 * HELD_PER_SLOT_MAX per slot. */
#define AGENT_HELD_BYTES_MAX (64u << 20)

/* Fills in the defaults above; the caller must set ids, slots and functions. */
struct agent_config agent_config_default(void);

struct agent;

struct agent *agent_create(const struct agent_config *config);
void agent_destroy(struct agent *a);

/* Handles one event and replaces the content of fx by the resulting effects. now never goes
 * back. */
void agent_step(struct agent *a, struct moment now, const struct agent_event *event,
                struct agent_effects *fx);
/* The latest time for the next AGENT_EV_TIME; NEVER_MS for never. */
mono_ms agent_next_deadline(const struct agent *a);

struct agent_stats {
    uint32_t waiting, running, held; /* attempts */
    uint32_t credits;                /* granted and unused, sum over all coordinators */
    uint32_t peers;                  /* coordinators that have welcomed us */
    uint64_t orders_total, duplicates_total, declined_total, outcomes_total, timeouts_total,
        rejected_total;
    uint64_t failures_total; /* outcomes that were failures */
    uint64_t joins_total;    /* how often a coordinator has welcomed us */
    uint64_t resends_total;  /* outcomes that were sent again */
    uint64_t held_bytes;
    uint64_t bad_lines_total; /* lines of functions' news that were not understood */
    struct histogram run;     /* durations of attempts that ran to their end */
};
/* Sets how many coordinators are dialled now: the number changes if they are found by name. */
void agent_coordinators(struct agent *a, uint32_t count);
struct agent_stats agent_stats(const struct agent *a);

/* Asserts the invariants: slots, steps that run alone, unique numbers, counters. For tests. */
void agent_check(const struct agent *a);

#endif
