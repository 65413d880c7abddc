/* Internal state of the agent, shared only by its files. */
#ifndef MARATHON_AGENT_STATE_H
#define MARATHON_AGENT_STATE_H

#include "agent/agent.h"
#include "base/heap.h"
#include "base/id.h"
#include "base/map.h"
#include "base/slices.h"
#include "model/claims.h"
#include "model/limits.h"

struct peer {
    peer_id id;
    bool welcomed;
    bool closing;     /* CLOSE was issued; nothing more is done with the peer */
    uint32_t granted; /* credits it has not used */
    uint32_t orders;  /* its orders that wait or run */
    struct claims claims;
    mono_ms credit_at; /* it gets no credit before */
    uint64_t heard;    /* the number in its last OWNED; 0 = none yet */
    mono_ms heard_at;
};

enum attempt_phase { ATTEMPT_WAITING, ATTEMPT_RUNNING, ATTEMPT_HELD };

enum attempt_link { LINK_ALL, LINK_PHASE, LINKS };

/* In order of arrival; the running ones in the order in which they began. */
struct attempt_list {
    struct attempt *first, *last;
    uint32_t count;
};

enum stop_cause {
    CAUSE_NONE,
    CAUSE_TIMEOUT,
    CAUSE_SILENT,
    CAUSE_STOPPED,
    CAUSE_DRAIN,
    CAUSE_NOT_BEGUN
};

struct attempt {
    uint64_t number;
    enum attempt_phase phase;
    struct {
        struct attempt *prev, *next;
    } links[LINKS];
    struct bytes key;        /* its key in by_ref */
    partition_id partition;  /* of its task */
    struct heap_node in_due; /* unless it is never due */
    mono_ms due;             /* when it has to be looked at next */
    peer_id from;
    struct arena payload;    /* of a waiting order: its names, */
    struct buf kept;         /* and what its keeper kept; released once passed on */
    struct step_order order; /* ref stays valid for the attempt's life */
    struct arena memory;     /* holds the task id and the outcome */
    mono_ms started;
    unix_ms started_wall;
    mono_ms
        deadline; /* of the next measure to end it: time limit, then kill; NEVER_MS after that */
    mono_ms silent_at; /* without news by then it is stopped; NEVER_MS: no such limit */
    enum stop_cause cause;
    bool stopped; /* by a coordinator, which now accepts at most a success */

    double fraction; /* news that is not sent yet */
    struct buf text;
    struct bytes checkpoint; /* within the lender */
    struct shared *checkpoint_lender;
    struct buf log; /* the newest end of its log; kept for a new owner that has not seen it */
    bool log_new;
    struct usage used;
    bool used_new;
    bool news;
    mono_ms news_due;

    struct step_outcome outcome; /* HELD */
    struct buf result;           /* contains the outcome's result, unless that is in memory */
    struct shared *lender;       /* or in this lender, if it is long */
    peer_id sent_to;
    mono_ms resend_at;
    mono_ms resend_wait;
};

#define HOLDER_BYTES_SPARE 4096u /* what a runner's first read may leave unused */

/* Memory of finished attempts, reused for new ones, so that a step needs no malloc. */
#define POOL_MAX         32u   /* attempts, and twice as many arenas: at most one MiB */
#define POOL_ARENA_BYTES 8192u /* larger arenas are freed */

struct attempt_pool {
    struct attempt *attempts[POOL_MAX];
    struct arena arenas[2 * POOL_MAX];
    size_t attempt_count, arena_count;
};

struct agent {
    struct agent_config config;
    struct map functions;
    struct moment now;
    struct agent_effects *fx; /* of the current step */

    struct peer peers[AGENT_PEERS_MAX];
    uint32_t peer_count;
    mono_ms lend_at;

    struct attempt_list all, in[ATTEMPT_HELD + 1];
    struct attempt *arrived; /* in this step: the payload of its order is still in the message */
    struct map by_number, by_ref;
    struct heap due;
    struct attempt **turn; /* the due attempts that this step handles */
    size_t turn_cap;
    bool reach_changed; /* which attempts have a peer to report to must be recomputed */
    struct buf key;     /* scratch for look-ups */
    uint64_t next_number;
    size_t held_bytes;
    uint32_t alone; /* waiting or running attempts that must run alone */
    uint32_t alone_running;
    mono_ms mean_ms; /* mean duration of attempts, weighted towards the latest */

    struct attempt **dead; /* freed in the next step, since effects may still point into them */
    size_t dead_count, dead_cap;
    struct attempt **begun; /* waited, and were passed on; likewise what was kept of them */
    size_t begun_count, begun_cap;
    struct attempt_pool pool;

    uint64_t owned_told; /* number of OWNED messages so far */
    bool draining, drained;
    mono_ms drain_at;
    struct agent_stats totals;
    mono_ms bad_lines_quiet_until;
};

/* effects.c */
void fx_lenders_drop(struct agent_effects *fx);
struct agent_effect *fx_add(struct agent *a, enum agent_effect_kind kind);
struct message *fx_send(struct agent *a, peer_id peer, enum message_type type);
/* Lends a buffer to the message added last, some of whose long slices lie in it. Takes over one
 * reference to it. */
void fx_lend(struct agent *a, struct shared *lender);
void fx_log(struct agent *a, enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
const char *fx_ref_text(struct agent *a, const struct attempt_ref *ref);

/* peers.c */
struct peer *peer_find(struct agent *a, peer_id id);
void peer_up(struct agent *a, peer_id id);
void peer_down(struct agent *a, peer_id id);
void peer_welcome(struct agent *a, struct peer *p, const struct message *m);
void peer_owned(struct agent *a, struct peer *p, const struct message *m);
const struct peer *peer_owner(const struct agent *a,
                              partition_id partition); /* NULL: no peer claims it */
void peer_close(struct agent *a, struct peer *p, mono_ms retry_ms);
/* The peer to which news and outcomes of an attempt go, or NULL. */
const struct peer *peer_for(const struct agent *a, const struct attempt *t);
/* Tells all peers which attempts are here: what they had sent and do not find is ordered
 * elsewhere. */
void peers_claim(struct agent *a);
void peers_judge(struct agent *a);
void peers_forgive(struct agent *a);

/* credits.c */
void credits_grant(struct agent *a);

/* pool.c */
/* zeroed, except that its arena may hold memory */
struct attempt *pool_attempt(struct attempt_pool *p);
struct arena pool_arena(struct attempt_pool *p); /* empty, may hold memory */
void pool_take_attempt(struct attempt_pool *p, struct attempt *t);
void pool_take_arena(struct attempt_pool *p, struct arena *arena);
void pool_free(struct attempt_pool *p);

/* ledger.c */
#define DUE_AT_ONCE 0
struct attempt *attempt_find(struct agent *a, uint64_t number);
struct attempt *attempt_find_ref(struct agent *a, const struct attempt_ref *ref);
void attempt_keep(struct agent *a, struct attempt *t);
void attempt_enter(struct agent *a, struct attempt *t, enum attempt_phase phase);
void attempt_from(struct agent *a, struct attempt *t, peer_id from);
void attempt_drop(struct agent *a, struct attempt *t);
/* Call after each change of what the due time depends on: limits, news, what was sent to whom. */
void attempt_reckon(struct agent *a, struct attempt *t);
bool attempt_sooner(const struct heap_node *a, const struct heap_node *b);
mono_ms attempts_due(const struct agent *a);
/* Moves the due attempts from the heap into a->turn. */
size_t attempts_take_due(struct agent *a);
void ledger_check(const struct agent *a);

/* attempts.c */
void attempt_ordered(struct agent *a, struct peer *p, const struct step_order *order);
/* Its runner lacked the resources to begin it. */
void attempt_not_begun(struct agent *a, struct attempt *t, struct bytes why);
void attempt_stopped(struct agent *a, const struct peer *p, const struct step_stop *stop);
void attempts_start(struct agent *a);
void attempts_settle(struct agent *a);
void attempts_turn(struct agent *a);
void attempts_hand_back(struct agent *a);
void attempts_drain(struct agent *a);
/* The worker stood still for so long: what its functions reported meanwhile is still in their
 * pipes. */
void attempts_forgive(struct agent *a, mono_ms stood_ms);

/* outcomes.c */
void outcome_ended(struct agent *a, struct attempt *t, const struct attempt_result *r);
/* Ends an attempt that never ran. */
void outcome_refused(struct agent *a, struct attempt *t, enum code code, const char *message);
void outcome_acked(struct agent *a, const struct step_ack *ack);
void outcome_tell(struct agent *a, struct attempt *t);

/* keep.c: may a payload be kept in the buffer that its runner read it into (NULL: there is none)?
 * True if that buffer is not much larger than the payload, or can be made so by cutting off what
 * follows the payload, which is then done. */
bool holder_keep(struct buf *holder, struct bytes *payload);

/* news.c */
void news_take(struct agent *a, struct attempt *t, const struct attempt_news *news);
void news_checkpoint_drop(struct attempt *t);
void news_flush(struct agent *a, struct attempt *t);
/* All usage of the attempt by model, copied into arena: t->used.count entries. */
struct usage_part *news_usage(const struct agent *a, const struct attempt *t, struct arena *arena,
                              uint64_t *ret_execution);
/* Marks for resending what only the last owner has heard, and a new one needs should this worker
 * die: the log and the usage. */
void news_again(struct agent *a, struct attempt *t);

#endif
