/* The brain of a worker. PURE: no I/O, no clock, no logging, no threads; equal (state, event) give
 * equal (state, effects).
 *
 * It speaks with any number of coordinators, takes orders while it has room, has them run by the
 * runners, and keeps each outcome until a coordinator has acknowledged it. README.md draws the life
 * of an attempt. Same shape as the coordinator's core: events in, effects out.
 *
 * Slices in events are borrowed for the call; a message until its effects have been carried out: an
 * order that starts at once is handed on as it lies there. Slices in effects live until the next
 * agent_step. */
#ifndef MARATHON_AGENT_AGENT_H
#define MARATHON_AGENT_AGENT_H

#include "agent/attempt.h"
#include "base/histogram.h"
#include "base/log.h"
#include "base/shared.h"

typedef uint64_t peer_id; /* a connection to a coordinator; 0 is none */

enum agent_event_kind {
    AGENT_EV_TIME,      /* nothing but the time: agent_next_deadline has come */
    AGENT_EV_PEER_UP,   /* a connection is there; HELLO goes out */
    AGENT_EV_PEER_DOWN, /* it is gone */
    AGENT_EV_MESSAGE,   /* a decoded frame of it */
    AGENT_EV_NEWS,      /* of a running attempt */
    AGENT_EV_ENDED,     /* a runner is done with an attempt */
    AGENT_EV_DRAIN,     /* SIGTERM: take no more, end within drain_ms; AGENT_FX_DRAINED when done */
};

struct agent_event {
    enum agent_event_kind kind;
    bool more;                           /* a TIME comes at the end of this turn: what is told once
                                            a turn waits for it */
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
    AGENT_FX_CLOSE, /* close the connection; dial again, but not before retry_ms */
    AGENT_FX_START, /* hand call to a runner; exactly one ENDED must follow, in a later event */
    AGENT_FX_STOP,  /* ask the runner to stop (kill: by force); ENDED follows all the same */
    AGENT_FX_LOG,
    AGENT_FX_DRAINED, /* nothing is left, or the time is over: the process may end */
};

struct agent_effect {
    enum agent_effect_kind kind;
    peer_id peer;                  /* SEND, READY, CLOSE */
    const struct message *message; /* SEND */
    struct shared *lender;         /* SEND: what long slices of it lie in, or NULL; the effect's */
    mono_ms retry_ms;              /* CLOSE: 0 = at once */
    struct attempt_call call;      /* START */
    uint64_t number;               /* STOP */
    bool kill;                     /* STOP */
    enum log_level level;          /* LOG */
    const char *log_event;
    const char *text; /* LOG: key=value pairs */
};

struct agent_effects {
    struct agent_effect *items;
    size_t count;
    size_t cap;
    size_t lent;        /* of them with a lender */
    struct arena arena; /* what the items point to */
};

void agent_effects_free(struct agent_effects *fx);

struct agent_config {
    struct bytes id; /* of the process: random, new at each start; all slices here are borrowed for
                        the agent's life */
    struct bytes host;
    struct bytes software;
    uint32_t pid;
    uint32_t version_min, version_max; /* of the protocol, for HELLO */
    uint32_t slots;                    /* 1..SLOTS_MAX */
    uint32_t prefetch;     /* 0..PREFETCH_MAX: orders beyond the slots that may wait here; used only
                              while functions take less than AGENT_QUICK_MS */
    uint32_t coordinators; /* that we dial */
    struct bytes *functions;
    uint32_t function_count;
    struct order_keeper keeper;
    struct bytes *labels; /* "name=value" */
    uint32_t label_count;
    mono_ms stop_grace_ms;    /* between asking a function to stop and killing it */
    mono_ms resend_ms;        /* 1000: an outcome not acknowledged is sent again; doubles up to
                                 AGENT_RESEND_MS_MAX on one connection */
    mono_ms silence_ms;       /* 2000: a coordinator not heard for so long is given up */
    enum log_level log_level; /* LOG_DEBUG; else debug lines are not even made */
};

/* Prefetched orders wait behind running ones: only worth it (and harmless) while steps are this
 * quick on average. */
#define AGENT_QUICK_MS 100
/* An order that has waited so long for a slot is declined: another worker may have one. */
#define AGENT_WAIT_MS 250
/* A coordinator whose order came behind its partition's move gets no further credit for so long: it
 * sends the same again, as fast as messages travel, while it and this worker believe unlike. */
#define AGENT_OVERTAKEN_MS 50
/* Longest wait between two sends of one outcome over one connection: a coordinator that waits for
 * its store is not flooded. */
#define AGENT_RESEND_MS_MAX 8000
/* News of one attempt: at most ten a second. */
#define AGENT_NEWS_MS 100
/* After a connection was lost, its share of the credits is lent to the other coordinators. */
#define AGENT_LEND_MS 1000
/* A coordinator that refused us (another protocol version) is asked again this much later. */
#define AGENT_REFUSED_MS 5000
/* Attempts stopped at the end of a drain have this long before they are killed. */
#define AGENT_DRAIN_GRACE_MS 2000
/* A coordinator's loop that has not turned for so long counts as silence. */
#define AGENT_PEER_STALL_MS 10000
#define AGENT_PEERS_MAX     64
/* Outcomes not acknowledged: no further credit is given beyond these, or beyond HELD_PER_SLOT_MAX.
 */
#define AGENT_HELD_BYTES_MAX (64u << 20)

/* The defaults above; ids, slots and functions are the caller's to set. */
struct agent_config agent_config_default(void);

struct agent;

struct agent *agent_create(const struct agent_config *config);
void agent_destroy(struct agent *a);

/* Takes one event, replaces the content of fx by the effects. now never goes back. */
void agent_step(struct agent *a, struct moment now, const struct agent_event *event,
                struct agent_effects *fx);
/* When it wants an AGENT_EV_TIME at the latest; NEVER_MS for never. */
mono_ms agent_next_deadline(const struct agent *a);

struct agent_stats {
    uint32_t waiting, running, held; /* attempts */
    uint32_t credits;                /* granted and not used, over all coordinators */
    uint32_t peers;                  /* that welcomed us */
    uint64_t orders_total, duplicates_total, declined_total, outcomes_total, timeouts_total,
        rejected_total;
    uint64_t failures_total; /* of the outcomes */
    uint64_t joins_total;    /* times that a coordinator welcomed us */
    uint64_t resends_total;  /* outcomes told again */
    uint64_t held_bytes;
    uint64_t bad_lines_total; /* of functions' news, that were not understood */
    struct histogram run;     /* of what ran to its end */
};
/* How many coordinators are dialled now; they come and go where they are found by name. */
void agent_coordinators(struct agent *a, uint32_t count);
struct agent_stats agent_stats(const struct agent *a);

/* Asserts the bounds: slots, alone, unique numbers, counters. For tests. */
void agent_check(const struct agent *a);

#endif
