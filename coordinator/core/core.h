/* The state machine of a coordinator. PURE: no I/O, no clock, no logging, no threads; equal (state,
 * event) give equal (state, effects).
 *
 * What happened comes in as an event with its time; what is to be done comes out as effects, in
 * order. The loop (main/) carries effects out and feeds the answers back. A message that depends on
 * a write is held back by the core itself until that write is acknowledged, so the loop may carry
 * out each effect at once.
 *
 * Slices in events are borrowed for the call, except those of a store's answer: these must stay
 * valid until the effects of the same core_step are carried out, since messages point into them.
 * Slices in effects live until the next core_step. The loop may carry out the messages of a
 * core_step before its other effects. */
#ifndef MARATHON_CORE_CORE_H
#define MARATHON_CORE_CORE_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/histogram.h"
#include "base/log.h"
#include "core/storage.h"
#include "model/message.h"

typedef uint64_t peer_id; /* a connection; 0 is none */

enum event_kind {
    EV_TIME, /* only time has passed: core_next_deadline has come, or 500 ms since the last event */
    EV_PIPELINE,   /* a stored pipeline version; before EV_STORE_UP and whenever one is added */
    EV_STORE_UP,   /* the store answers (again): partitions may be claimed */
    EV_STORE_DOWN, /* the connection is gone: every write not yet answered has an unknown outcome
                      (its answers came before as STORE_UNKNOWN) */
    EV_WRITTEN,
    EV_READ,
    EV_PEER_UP, /* message is its HELLO */
    EV_PEER_DOWN,
    EV_MESSAGE,   /* from a peer that said HELLO */
    EV_DRAIN,     /* SIGTERM: hand the partitions over; FX_DRAINED when done */
    EV_ADMISSION, /* the start gate: open, or closed with the reason in text */
    EV_PUBLISHED, /* the answer to an FX_PUBLISH; the EV_PIPELINE of it came before */
    EV_REMARK,    /* of the store, in text; empty = that is over */
};

struct event {
    enum event_kind kind;
    peer_id peer;                            /* PEER_UP, PEER_DOWN, MESSAGE */
    const struct message *message;           /* PEER_UP, MESSAGE */
    const struct store_written *written;     /* WRITTEN */
    const struct store_answer *answer;       /* READ */
    const struct store_published *published; /* PUBLISHED */
    struct bytes text; /* PIPELINE: its source; ADMISSION: why it is closed, empty = open; REMARK */
    enum store_remark remark; /* REMARK */
    uint32_t version;         /* PIPELINE */
    const uint8_t *secret;    /* STORE_UP: SECRET_BYTES */
};

enum effect_kind { FX_SEND, FX_CLOSE, FX_WRITE, FX_READ, FX_PUBLISH, FX_LOG, FX_DRAINED };

struct effect {
    enum effect_kind kind;
    peer_id peer;                        /* SEND, CLOSE */
    const struct message *message;       /* SEND */
    const struct store_row *row;         /* WRITE */
    const struct store_read *read;       /* READ */
    const struct store_publish *publish; /* PUBLISH */
    enum log_level level;                /* LOG */
    const char *log_event;
    const char *text; /* LOG: key=value pairs; CLOSE: why */
};

struct effects {
    struct effect *items;
    size_t count;
    size_t cap;
    struct arena arena; /* what the items point to; long slices of messages may lie in the texts
                           that it holds: who is to send them may hold these, too */
};

void effects_free(struct effects *fx);

struct core_config {
    const char *name; /* of this coordinator, for people: host:pid or the like, and behind a space
                         the URL at which all peers reach it, where it is known; borrowed */
    const char *backend;           /* "redis" or "memory"; borrowed */
    uint8_t instance[NONCE_BYTES]; /* random, new at each start: the nonce of its fences, and its id
                                      for peers */
    uint64_t seed;                 /* of its jitter */
    mono_ms lease_ms;              /* 3000 */
    mono_ms renew_ms;              /* 1000 */
    mono_ms observe_ms;            /* 250 */
    mono_ms claim_grace_ms;  /* 200: how long a takeover waits for workers to say what they run; for
                                those that are connected and have not answered, silence_ms */
    mono_ms resume_grace_ms; /* 200: how long a closed worker may take to come back */
    mono_ms silence_ms;      /* 2000: a peer that is not heard so long is gone */
    uint32_t checkpoint_interval_s;
    uint32_t max_retries;
    uint32_t max_duration_s;
    uint32_t ttl_s; /* of ended tasks */
    bool recovery_enabled;
    bool checkpoints_enabled;
    bool standby;        /* asks for no share of the partitions: takes over from the dead only */
    mono_ms priority_ms; /* 60000: a point of priority counts as so much waiting. Of two tasks of
                            the furthest priorities, the lower one waits 20 of these behind those
                            that come later, at most */
    uint32_t tasks_max;  /* live tasks in memory; beyond it starts get TOO_MANY_REQUESTS */
};

struct core_config core_config_default(void);

struct core;

struct core *core_create(const struct core_config *config);
void core_destroy(struct core *c);

struct definitions;
/* Its parsed definitions (definitions.h): what is parsed there need not be again when it comes by
 * an event. */
struct definitions *core_definitions(struct core *c);

/* Takes one event, replaces the content of fx by the effects. Events must come in the order of time
 * (now never goes back). */
void core_step(struct core *c, struct moment now, const struct event *event, struct effects *fx);
/* When it wants an EV_TIME at the latest; NEVER_MS for never. */
mono_ms core_next_deadline(const struct core *c);

/* Asserts the invariants that core/README.md names (I5, I8, I11 and the structure of every task).
 * For tests and the simulator: O(everything). */
void core_check(const struct core *c);

/* What the auditor finds; each is repaired, and should never be. */
enum audit_kind {
    AUDIT_STEP_LOST,      /* a step that may run is in no queue, or with nobody */
    AUDIT_STEP_MISPLACED, /* one that may not run is in a queue */
    AUDIT_TIMER_LOST,     /* a moment that is waited for would never come */
    AUDIT_NEEDS_WRONG,    /* a step waits for another number of steps than it should */
    AUDIT_TTL_ON_LIVE,    /* the store would let a live task's keys expire */
    AUDIT_NOT_LISTED,     /* a takeover would not find a live task */
    AUDIT_ENDED_MARK,     /* the store holds a live task for ended */
    AUDIT_RECORD_LOST,    /* a live task's record is not there */
    AUDIT_VERSION,        /* memory and store have another version of a task */
    AUDIT_LISTED_ENDED,   /* the live index names a task that is gone or has ended */
    AUDIT_TASK_LOST,      /* a live task of an owned partition was not in memory */
    AUDIT_KIND_COUNT
};
const char *audit_kind_name(enum audit_kind k); /* "step_lost" */

#define UNPLACED_SHOWN 16 /* series of a metric: more say nothing new */

struct core_stats {
    uint64_t tasks_live, steps_ready, steps_running, steps_delayed, workers, writes_pending;
    uint64_t tasks_started_total, tasks_completed_total, tasks_failed_total, tasks_cancelled_total;
    uint64_t steps_completed_total, attempts_failed_total, redeliveries_total, dead_letters_total;
    uint64_t outcomes_replayed_total, outcomes_late_total, outcomes_rejected_total, fenced_total;
    struct unplaced {
        const char *wants; /* the function; a space, the labels; until the next core_step */
        uint64_t steps;
    } unplaced[UNPLACED_SHOWN]; /* ready steps that no worker may run; wants NULL behind the last */
    uint64_t partitions;        /* mask of the owned ones */
    uint64_t gateways, reads_pending, watches;
    uint64_t limit_lanes, limit_holds; /* functions and keys with ready steps; places taken */
    uint64_t starts_refused_total;     /* because the system is full, away or closed */
    uint64_t takeovers_total, partitions_dropped_total, workers_lost_total;
    struct histogram step_wait, step_run; /* ready until sent out; a success's own duration */
    uint64_t audit_found_total[AUDIT_KIND_COUNT];
    const struct usage *used;    /* what was counted here, by model. Until the next core_step */
    uint64_t rollbacks_total;    /* partitions whose store came back with older data */
    uint64_t audit_rounds_total; /* times that it has seen all that is here */
    uint64_t tasks_by_state[TASK_STATE_COUNT]; /* as the auditor counted them in its last round */
    bool store_up;
    bool heard_store;             /* it answered within the last 2 s */
    const char *admission_closed; /* why no start is taken; NULL = open. Until the next core_step */
    const char *remarks[REMARK_COUNT]; /* of the store; NULL = none. Likewise */
};
struct core_stats core_stats(const struct core *c);

#endif
