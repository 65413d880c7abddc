/* The inside of the core: its tables, and the verbs that its files offer one another. Nobody
 * outside core/ includes this.
 *
 * One core_step: the event's handler (on_*.c) changes tasks through a `change` (change.h), timers
 * that are due fire (timers.c), free workers get ready steps (dispatch.h). Messages that tell of a
 * change are held in its pending write (writes.c). */
#ifndef MARATHON_CORE_BRAIN_H
#define MARATHON_CORE_BRAIN_H

#include "base/heap.h"
#include "base/map.h"
#include "base/rng.h"
#include "core/core.h"
#include "core/definitions.h"
#include "core/library.h"
#include "core/task.h"

struct pending_write;

/* Rows waiting for the store: beyond it starts are refused (503), what runs goes on */
#define WRITES_PENDING_MAX 16384
/* Beyond it clients' other changes are refused too (503): only cancels, and what workers bring, go
 * on; these are bounded by the live tasks and by what runs */
#define CHANGES_PENDING_MAX (2 * WRITES_PENDING_MAX)
/* Of these rows, their payloads in them. Beyond it starts are refused and no step is sent out: what
 * still comes are the outcomes of what runs, which are bounded by the workers' slots, and must be
 * taken */
#define WRITES_BYTES_MAX (64u << 20)
/* Reads waiting for the store. Gateways may have half of them, and are refused beyond it: a flood
 * of questions must not keep the core from its own */
#define ASKS_PENDING_MAX 16384
/* Steps whose condition is being read for: their data passes through memory at once */
#define RESOLVES_MAX 256
#define WATCHES_MAX  65536 /* (gateway, task) pairs */

enum partition_state {
    PARTITION_UNSEEN,   /* nothing is known yet */
    PARTITION_FOREIGN,  /* somebody else's: its beat is observed */
    PARTITION_CLAIMING, /* compare-and-set is on its way */
    PARTITION_LOADING,  /* ours; its live tasks are being read */
    PARTITION_GRACE,    /* loaded; workers may say what they run before anything is sent out */
    PARTITION_OWNED,
    PARTITION_RELEASING, /* drained: release is on its way */
};

struct partition {
    partition_id id;
    enum partition_state state;
    struct fence fence; /* ours while CLAIMING .. RELEASING, else the one last seen */
    uint64_t beat;      /* FOREIGN: last seen */
    mono_ms beat_ms;    /* FOREIGN: answered time for which it has not moved */
    mono_ms renew_sent_at, renewed_at; /* the latter: of the last that was answered with OK */
    bool ever_owned;
    bool renewing; /* a renewal is on its way */
    bool takeover; /* it was another process's before */
    struct timer timer;
    mono_ms claims_by;  /* GRACE: no claim is awaited for longer */
    struct task *tasks; /* list */
    /* What the store has shown us or acknowledged, ever: it must not go back behind it. */
    struct fence known;
    uint64_t known_beat, epoch_most;
    struct acked {
        char task_id[ID_BYTES_MAX + 1]; /* of the last row acknowledged under `fence`; "" = none */
        uint32_t run;
        uint64_t version;
        struct fence fence;
    } acked;
};

/* An attempt that a worker runs, or of which it holds the outcome. */
struct run {
    struct attempt_ref ref; /* task_id owned */
    uint64_t ordered_after; /* number of the OWNED before our order; 0: a worker has said it */
    bool guessed, stopping; /* claimed by what was said before the partition was ours; no claim */
    bool hold_due;          /* its concurrency key is being found out */
    uint32_t id_hash;       /* of the task_id: tells it from most others */
    struct hold *hold;      /* owned; its place in a concurrency limit (lanes.h), or NULL */
    unix_ms minted_for;     /* token.h; 0: a worker has said it, and so it is to be looked at */
};

struct worker {
    uint64_t serial; /* never used again */
    struct bytes id; /* owned; random per process */
    char *host;
    char *software; /* version text */
    uint32_t pid, slots;
    uint32_t *functions; /* indexes into core's table */
    uint32_t function_count;
    struct bytes *labels; /* owned, sorted as they were said */
    uint32_t label_count;
    peer_id peer; /* 0: disconnected, within its grace */
    uint32_t credit;
    bool draining;
    unix_ms heard_wall;
    struct timer timer; /* resume grace; back, but RUNNING not heard yet */
    struct run *runs;
    uint32_t run_count, run_cap;
};

struct peer {
    peer_id id;
    enum role role;
    mono_ms heard;
    struct worker *worker;    /* ROLE_WORKER */
    bool speaks;              /* its RUNNING has come (workers) */
    uint64_t asked, answered; /* numbers of OWNED: of its last gain; that its RUNNING had heard */
};

/* A function, and the labels that steps of it require: each such pair has a ready order of its own,
 * so that one that nobody can take is in nobody's way. */
struct function {
    char *name;              /* owned; NULL: this place of the table is free */
    char *requires;          /* owned; "" = no labels */
    struct bytes key;        /* owned: both as one, for the map */
    struct heap ready;       /* of struct step.ready */
    size_t laned;            /* ready too, and behind another one of their lane (lanes.h) */
    struct worker **workers; /* that offer it and have the labels */
    size_t worker_count, worker_cap;
    size_t next_worker; /* where the next search for credit begins: spreads the steps */
    bool warned;        /* that nobody offers it */
};

/* Why a read was asked for, and what goes on when its answer comes. */
enum ask_kind {
    ASK_OWNERS,
    ASK_LIVE,
    ASK_ORDER,
    ASK_LIMITS,
    ASK_HOLDS,
    ASK_KEYS,
    ASK_RESOLVE,
    ASK_TASK,
    ASK_REVIVE,
    ASK_FORK,
    ASK_DOC,
    ASK_HISTORY,
    ASK_LIST,
    ASK_DEAD,
    ASK_READY,
    ASK_AUDIT,
    ASK_AUDIT_TASK,
    ASK_ITEMS,
    ASK_PIPELINE,
    ASK_VERSIONS,
    ASK_PUBLISH,
    ASK_USAGE
};

struct ask {
    uint64_t read_id;
    enum ask_kind kind;
    struct arena arena; /* holds the copies below, and this struct's request texts */
    partition_id partition;
    peer_id peer; /* whom to answer, 0 = nobody */
    uint64_t request;
    enum message_type type; /* of the request */
    struct bytes task_id;
    uint32_t run, step, item; /* ORDER, LIMITS, RESOLVE, KEYS */
    uint64_t worker;          /* ORDER, LIMITS, KEYS: serial */
    struct hold *hold;        /* ORDER, LIMITS: owned */
    struct scope *scope;      /* ORDER: what it has asked for */
    struct lane *lane;        /* LIMITS */
    struct recover_request recover;
    struct bytes dead_step; /* TASK, for a requeue: name or step_id */
    struct doc_request doc;
    struct ask *next; /* DOC: waits for its turn before the next one */
    struct list_request list;
    struct items_request items_wanted; /* ITEMS */
    uint32_t items_total, usage_by;    /* ITEMS, USAGE */
    bool items_over;                   /* their step is */
    struct deed deed;                  /* TASK, REVIVE */
    struct budget budget;              /* TASK, for a resume */
    struct request_mark mark;          /* TASK, REVIVE: of a signal, a recover, a requeue */
    struct task *task;                 /* REVIVE, FORK: owned, until its document is read */
    bool *keep;                        /* REVIVE: the steps whose results stay */
    struct task_summary *items;        /* LIST */
    uint32_t item_count, pages, audited_count;
    uint64_t partitions;   /* LIST, DEAD, USAGE: whose tasks it is about */
    struct bytes *audited; /* AUDIT: ids; of version 0: one that is listed and not in memory */
    uint64_t *versions;
    uint32_t *runs;
    struct fence fence;        /* AUDIT, FORK: the partition's at the time */
    struct message again;      /* PIPELINE: what is to be handled once it is there, in the arena */
    struct bytes name;         /* PIPELINE, VERSIONS */
    uint32_t version;          /* PIPELINE */
    struct pipeline *pipeline; /* PUBLISH: owned */
};

/* Where the auditor is on its walk. */
struct audit {
    partition_id partition;
    struct task *next; /* of its list; NULL and begun: all are seen */
    bool begun;
    mono_ms next_at;
    uint32_t asks; /* reads on their way */
    uint64_t listed_cursor[PARTITION_COUNT];
    uint64_t counting[TASK_STATE_COUNT];
};

struct buried {
    void (*destroy)(void *);
    void *thing;
};

struct core {
    struct core_config config;
    struct moment now;
    struct rng rng;
    struct effects *fx;
    struct buf scratch; /* to write a text in; of whoever is at it, until he calls another */
    struct hmac_key secret;
    bool store_up, draining, drained_told;
    char *admission_closed;      /* why; NULL = open */
    char *remarks[REMARK_COUNT]; /* NULL = none */
    struct partition partitions[PARTITION_COUNT];
    char *members[PARTITION_COUNT]; /* URLs of the owners that say one, in order; owned */
    uint32_t member_count;
    int64_t wall_offset; /* wall clock minus own clock when waits were last set by it */
    uint64_t owned_told, owned_number; /* the mask that peers were told; how many times */
    bool partitions_moved;             /* some state has changed since that was looked at */
    mono_ms leases_checked_at;
    mono_ms tell_by; /* gained partitions are told by then; NEVER_MS: nothing is waiting */
    mono_ms next_tick, next_observe, next_renew;
    bool observing; /* a READ_OWNERS is on its way */
    bool wishing;   /* partitions that we asked for are awaited */
    mono_ms last_tick_at, observed_at;
    mono_ms store_heard_at;    /* last answer to a look at the owners */
    struct map tasks;          /* id -> struct task */
    struct map peers;          /* bytes of the id -> struct peer */
    struct map workers;        /* id -> struct worker */
    struct worker **by_serial; /* dense list of the workers, in the order of joining: ascending */
    size_t worker_count, worker_cap;
    uint64_t next_serial;
    struct function *functions;
    size_t function_count, function_cap;
    struct map function_places; /* key -> place in functions, plus 1 */
    size_t ready_count;
    size_t delayed_count;  /* steps whose timer runs */
    struct heap resolving; /* of struct step.ready: those that wait for their turn */
    uint32_t resolving_asks;
    struct map lanes, gates; /* lanes.c */
    uint64_t next_lane;
    struct hold *holds; /* a list */
    mono_ms holds_renew_at;
    uint32_t holds_due; /* runs that want theirs */
    uint64_t credit_sum;
    uint64_t last_age; /* ages tasks */
    struct heap timers;
    uint64_t next_timer;
    struct map watches; /* task id -> struct watch */
    size_t watch_count;
    struct definitions definitions;
    struct library library;
    struct map asks;                    /* bytes of read_id -> struct ask */
    struct ask *docs_first, *docs_last; /* docs.h: that wait for their turn, in no map yet */
    uint64_t next_read, docs_bytes, docs_waiting;
    struct pending_write **writes; /* a queue, in the order of their write_id */
    size_t write_head, write_count, write_cap;
    uint64_t write_bytes;    /* of the unanswered ones' rows */
    uint32_t admits_pending; /* starts among them */
    uint64_t next_write;
    struct buried *graves;
    size_t grave_count, grave_cap;
    struct audit audit;
    struct usage used; /* since the start, by model: for /metrics */
    struct core_stats stats;
};

/* fx.c: effects. Messages are copied shallowly: what they point to must live until the next
 * core_step (fx arena, tasks). */
void fx_send(struct core *c, peer_id peer, const struct message *m);
struct effect *fx_send_stranger(
    struct core *c,
    peer_id peer); /* to one whose HELLO is refused; message is the caller's to set */
void fx_close(struct core *c, peer_id peer, const char *why);
void fx_read(struct core *c, const struct store_read *read);
void fx_write(struct core *c, const struct store_row *row);
void fx_publish(struct core *c, const struct store_publish *publish);
void fx_log(struct core *c, enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
struct arena *fx_arena(struct core *c);
/* What effects may still point to: freed at the beginning of the next core_step. */
void fx_bury(struct core *c, void (*destroy)(void *), void *thing);
void fx_free_buried(struct core *c);

/* timers.c */
void timer_set(struct core *c, struct timer *t, mono_ms at); /* sets or moves; NEVER_MS clears */
void timer_clear(struct core *c, struct timer *t);
void timers_fire(struct core *c);

/* partition.c */
struct partition *partition_of(struct core *c, struct bytes task_id);
bool partition_serves(const struct partition *p); /* its tasks are in memory and may change */
bool partition_told(const struct core *c, const struct partition *p); /* to peers, as ours */
void partitions_check_leases(struct core *c); /* before anything is answered or fires */
void partitions_tick(struct core *c);
bool partition_mine(const struct core *c, const uint8_t nonce[NONCE_BYTES]);
bool fence_same(const struct fence *a, const struct fence *b);
/* sharing.c: asks others for partitions where we hold less than our share. True while some that we
 * asked for are awaited. */
bool partitions_share(struct core *c, const struct owner_record *owners);
void partition_on_owners(struct core *c, const struct store_answer *a);
void partition_on_live(struct core *c, const struct ask *ask, const struct store_answer *a);
void partition_on_claimed(struct core *c, partition_id id, enum store_verdict verdict);
void partition_on_renewed(struct core *c, partition_id id, enum store_verdict verdict);
void partition_on_released(struct core *c, partition_id id);
/* A task that should have been loaded with it. False where it cannot be read or has ended. */
bool partition_adopt(struct core *c, struct partition *p, const struct task_record *r);
/* Forgets its tasks and what waits for them; it will be observed and claimed again. */
void partition_drop(struct core *c, struct partition *p, const char *why);
void partitions_store_down(struct core *c);
void partitions_drain(struct core *c);
void partitions_tell(struct core *c); /* MSG_OWNED to all peers where the mask has changed */
struct message partitions_owned(struct core *c); /* what was told last */

/* members.c */
void members_learn(struct core *c, const struct owner_record *owners); /* and tells all peers */
void members_tell(struct core *c, peer_id peer);
void members_free(struct core *c);

/* tasks.c: the table */
struct task *task_find(const struct core *c, struct bytes id);
void task_insert(struct core *c, struct task *t);
void task_remove(struct core *c, struct task *t); /* out of all tables and timers, and freed */
void task_bury(void *task);                       /* for fx_bury */
void task_loaded(struct core *c, struct task *t); /* what was running is pending again */
/* max_task_duration counts from now on; not while the task rests. */
void task_start_clock(struct core *c, struct task *t);
void task_hold_news(struct core *c, struct task *t);     /* another event tells them */
void task_hold_clock(struct core *c, struct task *t);    /* it no longer counts */
void task_stop_clock(struct core *c, struct task *t);    /* the task has ended: nor is it told of */
void task_restart_clock(struct core *c, struct task *t); /* what it ran does not count */

/* step_limits.c: timeout_total counts from the first order, queue_timeout from being ready. */
void step_clock_start(struct core *c, struct step *s);
void step_clock_note(struct core *c, struct step *s); /* what was spent, for its blob */
void step_clock_hold(struct core *c, struct step *s); /* its task rests */
void step_clock_reset(struct step *s);
mono_ms step_total_left(const struct core *c, const struct step *s);  /* NEVER_MS: no limit */
mono_ms step_ready_until(const struct core *c, const struct step *s); /* NEVER_MS: no limit */
void step_expire(struct core *c, struct step *s);

/* resolve.c: what a step is to do, where its task's data says so, before it may become ready. */
void resolve_later(struct core *c, struct step *s); /* phase RESOLVING; asks when it is its turn */
void steps_resolve(struct core *c);
/* The keys of a running step that was claimed. */
void resolve_keys(struct core *c, struct step *s);
void resolve_on_keys(struct core *c, const struct ask *ask, const struct store_answer *a);
void resolve_on_parts(struct core *c, const struct ask *ask, const struct store_answer *a);

/* workers.c, peers.c */
struct worker *worker_join(struct core *c, const struct message *hello, peer_id peer);
void worker_disconnected(struct core *c, struct worker *w);
struct worker *worker_by_serial(const struct core *c, uint64_t serial);
struct run *worker_run_find(struct worker *w, const struct attempt_ref *ref);
struct run *worker_run_add(struct worker *w, const struct attempt_ref *ref);
void worker_run_remove(struct core *c, struct worker *w, const struct attempt_ref *ref);
struct run *worker_run_of(struct worker *w, const struct step *s);  /* or NULL */
uint32_t worker_busy(const struct core *c, const struct worker *w); /* with tasks of ours */
/* The step that it runs by this attempt, or NULL. */
struct step *step_run_by(struct core *c, const struct worker *w, const struct attempt_ref *ref);
void worker_gone(struct core *c, struct worker *w);
void worker_timer(struct core *c, struct worker *w);
void worker_free(struct core *c, struct worker *w);
/* After a load: what workers have said that they run is running. */
void workers_claim(struct core *c, struct partition *p);
struct peer *peer_find(const struct core *c, peer_id id);
void peers_tick(struct core *c);

/* on_*.c */
void on_peer_up(struct core *c, peer_id id, const struct message *hello);
void on_peer_down(struct core *c, peer_id id);
void on_running(struct core *c, struct peer *p, const struct message *m);
void on_decline(struct core *c, struct peer *p, const struct attempt_ref *ref);
void on_credit(struct core *c, struct peer *p, const struct message *m);
void on_outcome(struct core *c, struct peer *p, const struct step_outcome *o);
void on_progress(struct core *c, struct peer *p, const struct step_progress *n);
void on_start(struct core *c, struct peer *p, const struct message *m);
void on_cancel(struct core *c, struct peer *p, const struct message *m);
void on_recover(struct core *c, struct peer *p, const struct message *m);
void on_fork(struct core *c, struct peer *p, const struct message *m);
void on_signal(struct core *c, struct peer *p, const struct message *m);
void on_pause(struct core *c, struct peer *p, const struct message *m);
void on_resume(struct core *c, struct peer *p, const struct message *m);
void on_query(struct core *c, struct peer *p, const struct message *m);
void on_get_dead(struct core *c, const struct peer *p, const struct message *m);
void on_requeue(struct core *c, struct peer *p, const struct message *m);
/* on_usage.c */
void on_get_usage(struct core *c, const struct peer *p, const struct message *m);
void usage_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a);
void on_items(struct core *c, struct peer *p, const struct message *m);
void items_on_answer(struct core *c, struct ask *ask, const struct store_answer *a);
void on_watch(struct core *c, struct peer *p, const struct message *m);
void on_unwatch(struct core *c, peer_id peer, struct bytes task_id);
void on_admitted(struct core *c, struct pending_write *w, const struct store_written *written);
void task_timed_out(struct core *c, struct task *t);
void task_progress_due(struct core *c, struct task *t);
void task_save_due(struct core *c, struct task *t);
/* An attempt failed for good, or may be tried again: counted, told, made durable. */
void step_fail(struct core *c, struct step *s, enum code code, struct bytes message);
/* Something about a step is worth telling: with the next progress event. */
void task_news(struct core *c, const struct step *s, struct bytes message);
void task_step_started(struct core *c, struct step *s);
void step_worker_died(struct core *c, struct step *s, struct bytes why);
void query_on_task(struct core *c, const struct ask *ask, const struct store_answer *a);
void dead_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a);
void query_on_answer(struct core *c, struct ask *ask, const struct store_answer *a);
void watch_tell(struct core *c, struct bytes task_id, struct task_event *events, uint32_t count);
void watches_drop_peer(struct core *c, peer_id peer);
void watches_drop_partitions(struct core *c, uint64_t lost);

/* audit.c: walks what is owned, a bounded piece each tick; finds, mends and counts. */
void audit_tick(struct core *c);
void audit_task(struct core *c, struct task *t); /* in memory */
void audit_task_removed(struct core *c, const struct task *t);
/* audit_store.c */
void audit_ask(struct core *c, struct partition *p, struct ask *ask); /* its ids are set */
void audit_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a);
void audit_on_task(struct core *c, const struct ask *ask, const struct store_answer *a);
/* Counts and says so. s: NULL where it is about no step. */
void audit_found(struct core *c, enum audit_kind kind, partition_id partition, struct bytes task_id,
                 const struct step *s);

/* rollback.c: a store that came back with older data. True, counted and told: the record that was
 * seen is older than what we know of the partition. */
bool rollback_seen(struct core *c, struct partition *p, const struct owner_record *r);
void rollback_note_acked(struct core *c, struct partition *p, const struct task *t,
                         uint64_t version);
/* After a load: does it hold the last row that was acknowledged? */
void rollback_check_loaded(struct core *c, struct partition *p);
void rollback_found(struct core *c, const struct partition *p, const char *what);

/* asks.c */
struct ask *ask_create(struct core *c, enum ask_kind kind); /* NULL where too many wait */
/* One of a request, or NULL: it was refused. */
struct ask *ask_for(struct core *c, const struct peer *p, const struct message *m,
                    enum ask_kind kind);
/* The next one of the same request, once another has been answered; likewise. */
struct ask *ask_again(struct core *c, const struct ask *from, enum ask_kind kind);
struct deed deed_copy(struct arena *arena, const struct deed *deed);
void ask_send(struct core *c, struct ask *ask, struct store_read *read); /* sets read_id */
void asks_on_answer(struct core *c, const struct store_answer *a);
void ask_free(void *ask);

/* wait.c: wait steps. */
bool step_waits(const struct step *s); /* its wait has begun */
void wait_make_ready(struct core *c, struct step *s);
struct scope;
/* Its time is an expression: found out before it begins. False with the fault in ret_why. */
bool wait_resolve(struct core *c, struct step *s, struct scope *x, struct bytes *ret_why);
void wait_due(struct core *c, struct step *s);
void wait_reset(struct step *s, bool anew);
void waits_look_at_clock(struct core *c);
/* Whether the task is waiting, and whether its clock stands: after each change of its steps. */
void task_review(struct core *c, struct task *t);

/* view.c */
struct task_view *view_of(struct core *c, const struct task *t, struct arena *arena);

#endif
