/* The agent's own state, shared by its files only. */
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
    bool closing;     /* CLOSE was given out; nothing more is done with it */
    uint32_t granted; /* credits it has not used */
    uint32_t orders;  /* of it that wait or run */
    struct claims claims;
    mono_ms credit_at; /* it gets none before */
    uint64_t heard;    /* its own number of its last OWNED; 0 = none yet */
    mono_ms heard_at;
};

enum attempt_phase { ATTEMPT_WAITING, ATTEMPT_RUNNING, ATTEMPT_HELD };

enum attempt_link { LINK_ALL, LINK_PHASE, LINKS };

/* In order of arrival; those that run in the order in which they began. */
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
    struct bytes key;        /* in by_ref */
    partition_id partition;  /* of its task */
    struct heap_node in_due; /* unless it never is */
    mono_ms due;             /* when something is to be done with it */
    peer_id from;
    struct arena payload;    /* of an order that waits: what it is called, */
    struct buf kept;         /* and what its keeper kept; given back when it has been handed out */
    struct step_order order; /* ref stays valid for the attempt's life */
    struct arena memory;     /* task id, outcome */
    mono_ms started;
    unix_ms started_wall;
    mono_ms
        deadline; /* of the next step towards its end: time limit, then kill; NEVER_MS after that */
    mono_ms silent_at; /* without news until then it is stopped; NEVER_MS: no such limit */
    enum stop_cause cause;
    bool stopped; /* by a coordinator, which wants a success of it at most */

    double fraction; /* news not sent yet */
    struct buf text;
    struct bytes checkpoint; /* in the lender */
    struct shared *checkpoint_lender;
    struct buf log; /* the newest end of its log; kept, for an owner that has not heard it */
    bool log_new;
    struct usage used;
    bool used_new;
    bool news;
    mono_ms news_due;

    struct step_outcome outcome; /* HELD */
    struct buf result;           /* what the outcome's result lies in, unless it is in memory, */
    struct shared *lender;       /* or long enough to be lent */
    peer_id sent_to;
    mono_ms resend_at;
    mono_ms resend_wait;
};

#define HOLDER_BYTES_SPARE 4096u /* as much as a runner's first read may leave unused */

/* Memory of attempts that are gone, for those that come: a step asks malloc for nothing. */
#define POOL_MAX         32u   /* attempts, and twice as many arenas: a MiB at most */
#define POOL_ARENA_BYTES 8192u /* what held more than that is given back */

struct attempt_pool {
    struct attempt *attempts[POOL_MAX];
    struct arena arenas[2 * POOL_MAX];
    size_t attempt_count, arena_count;
};

struct agent {
    struct agent_config config;
    struct map functions;
    struct moment now;
    struct agent_effects *fx; /* of the step under way */

    struct peer peers[AGENT_PEERS_MAX];
    uint32_t peer_count;
    mono_ms lend_at;

    struct attempt_list all, in[ATTEMPT_HELD + 1];
    struct attempt *arrived; /* in this step: its order's payload lies in the message as yet */
    struct map by_number, by_ref;
    struct heap due;
    struct attempt **turn; /* of the due ones, whose turn it is in this step */
    size_t turn_cap;
    bool reach_changed; /* who can be told what is to be reckoned anew */
    struct buf key;     /* of what is looked for */
    uint64_t next_number;
    size_t held_bytes;
    uint32_t alone; /* waiting or running attempts that want the worker for themselves */
    uint32_t alone_running;
    mono_ms mean_ms; /* of the attempts' durations, weighted towards the latest */

    struct attempt **dead; /* let go at the next step: effects may still point into them */
    size_t dead_count, dead_cap;
    struct attempt **begun; /* that waited, and were handed out: likewise what was kept of them */
    size_t begun_count, begun_cap;
    struct attempt_pool pool;

    uint64_t owned_told; /* OWNED heard so far */
    bool draining, drained;
    mono_ms drain_at;
    struct agent_stats totals;
    mono_ms bad_lines_quiet_until;
};

/* effects.c */
void fx_lenders_drop(struct agent_effects *fx);
struct agent_effect *fx_add(struct agent *a, enum agent_effect_kind kind);
struct message *fx_send(struct agent *a, peer_id peer, enum message_type type);
/* To the message added last, long slices of which lie in the lender. Takes ownership of a hold on
 * it.
 */
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
                              partition_id partition); /* NULL: nobody says so */
void peer_close(struct agent *a, struct peer *p, mono_ms retry_ms);
/* The peer that news and outcomes of a task go to, or NULL. */
const struct peer *peer_for(const struct agent *a, const struct attempt *t);
/* Tells everyone what is here: what they sent and do not find in it goes elsewhere. */
void peers_claim(struct agent *a);
void peers_judge(struct agent *a);
void peers_forgive(struct agent *a);

/* credits.c */
void credits_grant(struct agent *a);

/* pool.c */
struct attempt *pool_attempt(struct attempt_pool *p); /* zeroed, its memory may hold some */
struct arena pool_arena(struct attempt_pool *p);      /* empty, may hold memory */
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
/* After each change of what due depends on: its limits, its news, what was sent to whom. */
void attempt_reckon(struct agent *a, struct attempt *t);
bool attempt_sooner(const struct heap_node *a, const struct heap_node *b);
mono_ms attempts_due(const struct agent *a);
/* Puts those that are due into a->turn, out of the heap. */
size_t attempts_take_due(struct agent *a);
void ledger_check(const struct agent *a);

/* attempts.c */
void attempt_ordered(struct agent *a, struct peer *p, const struct step_order *order);
/* Its runner had not the means to begin it. */
void attempt_not_begun(struct agent *a, struct attempt *t, struct bytes why);
void attempt_stopped(struct agent *a, const struct peer *p, const struct step_stop *stop);
void attempts_start(struct agent *a);
void attempts_settle(struct agent *a);
void attempts_turn(struct agent *a);
void attempts_hand_back(struct agent *a);
void attempts_drain(struct agent *a);
/* We stood still for so long: what their functions said meanwhile lies in their pipes. */
void attempts_forgive(struct agent *a, mono_ms stood_ms);

/* outcomes.c */
void outcome_ended(struct agent *a, struct attempt *t, const struct attempt_result *r);
/* Ends an attempt that never ran. */
void outcome_refused(struct agent *a, struct attempt *t, enum code code, const char *message);
void outcome_acked(struct agent *a, const struct step_ack *ack);
void outcome_tell(struct agent *a, struct attempt *t);

/* keep.c: true where what a runner has read a payload into (NULL: nothing is known of that) may be
 * kept for it: it is not much larger, or no longer so without what is behind the payload, which is
 * cut off. */
bool holder_keep(struct buf *holder, struct bytes *payload);

/* news.c */
void news_take(struct agent *a, struct attempt *t, const struct attempt_news *news);
void news_checkpoint_drop(struct attempt *t);
void news_flush(struct agent *a, struct attempt *t);
/* All that the attempt has used, by model, copied into arena: t->used.count of them. */
struct usage_part *news_usage(const struct agent *a, const struct attempt *t, struct arena *arena,
                              uint64_t *ret_execution);
/* What only the last owner has heard, and a new one will want should this worker die: the log, and
 * what was used. */
void news_again(struct agent *a, struct attempt *t);

#endif
