/* Tasks and steps in memory. A task is owned by the core's table from its admission (or load) to
 * its end or the loss of its partition; everything else names it by id. Payloads are not here: only
 * where they lie in the stored document. */
#ifndef MARATHON_CORE_TASK_H
#define MARATHON_CORE_TASK_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/heap.h"
#include "base/shared.h"
#include "model/code.h"
#include "model/message.h"
#include "model/pipeline.h"
#include "model/state.h"

/* What a timer is for decides what its owner is. */
enum timer_kind {
    TIMER_STEP,      /* a step's wait is over: struct step */
    TIMER_DURATION,  /* max_task_duration: struct task */
    TIMER_PROGRESS,  /* coalesced progress is due: struct task */
    TIMER_SAVE,      /* progress checkpoints are due: struct task */
    TIMER_WORKER,    /* resume grace is over: struct worker */
    TIMER_PARTITION, /* claim grace is over: struct partition */
    TIMER_LANE,      /* a refused lane may ask again: struct lane */
};

struct timer {
    struct heap_node node;
    enum timer_kind kind;
    mono_ms at;
    uint64_t sequence; /* breaks ties in the order of setting */
};

/* Where a pending or running step is. Exactly one phase at a time; STEP_RUNNING = PHASE_RUNNING or
 * PHASE_ITEMS. */
enum step_phase {
    PHASE_NONE,      /* waits for its needs, or is over */
    PHASE_HELD,      /* may run (or wait) once the write that made it so is durable */
    PHASE_DELAYED,   /* its timer runs */
    PHASE_RESOLVING, /* what it is to do is found out: in the order of those that wait for it, or
                        (awaits set) the task's data is being read */
    PHASE_READY,     /* in the ready order of its function */
    PHASE_FETCHING,  /* a worker's credit is reserved, its input is being read */
    PHASE_RUNNING,
    PHASE_WAITING, /* a wait step's wait has begun; its timer runs where it has an end */
    PHASE_ITEMS,   /* of a fan-out step: its items are under way */
    PHASE_BUDGET,  /* may run once something of its task that is under way has ended, and left room
                      in the budget; in no queue */
};

/* What there is of a step only while something is to be done about it: from when it may run until
 * it is over. Not stored. */
struct work {
    struct heap_node ready; /* in the heap of its function; RESOLVING: of the core */
    struct timer timer;
    struct step *step;
    mono_ms place; /* in the order: its task's, or an item's own, taken when it was first ready */
    uint64_t age;  /* breaks ties of place; 0 = none yet */
    mono_ms retry_due; /* retry_at on this process's own clock; 0 = at once */
    mono_ms ready_at;  /* READY, FETCHING: since when */
    mono_ms begun_at;  /* its first order, on this process's own clock; 0 = none yet */
    uint64_t worker;   /* serial of the worker: FETCHING, RUNNING */
    uint64_t awaits;   /* HELD: the write that must be durable first; else the read that was asked
                          for: FETCHING, RESOLVING (0 = none yet), RUNNING (of its keys) */
    double fraction;   /* reported by the running attempt; else 0 */
    mono_ms checkpoint_saved_at;
};

/* How the repetition of a signal, a recover or a requeue is known. */
struct request_mark {
    uint64_t key;  /* of its request */
    uint64_t hash; /* of what it says */
};

/* Of one task: a client, its gateway, and two more who did the same meanwhile. */
#define RECOVERS_KNOWN 4

/* The recovers and requeues by which a task lived again, the oldest first; those without a key are
 * not among them. */
struct recovers {
    uint32_t count;
    struct request_mark marks[RECOVERS_KNOWN];
};

/* What only few steps have: errors, waits, progress checkpoints, items, limits, usage. */
struct step_rare {
    /* stored */
    enum code error_code;
    char *error;         /* owned; NULL = none */
    char *function_code; /* owned; the function's own code of that error, NULL = none */
    unix_ms retry_at;
    mono_ms wait_ms;  /* what retry_at stands for: bounds what another wall clock makes of it */
    mono_ms spent_ms; /* from its first order to its last row: for timeout_total */
    struct shared *checkpoint; /* newest progress checkpoint; held, as is `saved`: rows, orders and
                                  answers go out from it; NULL = none */
    unix_ms saved_at;          /* when the one that is stored was; 0 = there is none */
    unix_ms wait_until;        /* of a wait step that has begun: its end, 0 = none */
    struct bytes signal;       /* owned; came before the step's turn, JSON; empty = none */
    struct request_mark mark;  /* of the signal that it has, or had; key 0 = none */
    struct fan *fan;           /* owned; of a fan-out step whose list is known, else NULL (fan.h) */
    struct account *account;   /* owned; what its attempts have used; NULL = nothing */
    bool exhausted;            /* its task was paused because nothing is left to try */
    /* not stored */
    char *log; /* the end of its log, as far as it was heard, since its last failure; owned; NULL =
                  none. At most LOG_TAIL_BYTES_MAX, as many as the workers have slots. Of an item
                  that is done it is stored */
    bool checkpoint_dirty;
    uint32_t saved_bytes;       /* of the progress checkpoint that is stored, ... */
    struct shared *saved;       /* ... and itself, where it is small enough to be shown, or NULL */
    struct step_shared *shared; /* owned; of one with concurrency or rate_limit, once it was ready
                                   (lanes.h); else NULL */
};

/* Most steps in memory wait for others, or are over: they are this, and nothing else. */
struct step {
    struct task *task;
    struct work *work;      /* owned; NULL = nothing is to be done: read by work_of */
    struct step_rare *rare; /* owned; NULL = all zero: read by rare_of */
    uint32_t index;         /* in the pipeline */
    uint32_t item;          /* of a fan-out step, from 1; ITEM_NONE: the step itself */
    uint32_t needs_left;    /* not stored */
    enum step_state state : 8;
    enum step_phase phase : 8; /* not stored */
    bool resolved;             /* its condition holds: not asked again by later attempts */
    bool in_row;               /* of the change that is being made */
    /* stored, as the state */
    uint32_t generation;
    uint32_t failures; /* attempts that failed */
    uint32_t deaths;
    uint32_t deliveries; /* failures, deaths and recoveries, never reset within a generation */
    uint32_t order;      /* place in the order of completion */
    uint32_t duration_ms;
    uint32_t result_offset; /* in the document, which is far below 4 GiB */
    uint32_t result_len;
    unix_ms started_at, completed_at;
};

/* The items of a fan-out step: fan.h. */
struct fan {
    uint32_t count, done, failed; /* items */
    uint64_t results_bytes;       /* of those that are done */
    uint32_t base;                /* delivery of an item that has not begun */
    uint32_t used;                /* the highest delivery of those that are over */
    uint8_t *marks; /* enum item_mark of each; ITEM_BEGUN: it is in `live`. NULL: not read */
    uint32_t next;  /* no item before this one (from 0) waits */
    struct step **live;
    uint32_t live_count, live_cap;
};

/* What a task has once it has run: its timers, and the news that wait to be told. */
struct task_running {
    struct task *task;
    struct timer duration_timer, progress_timer, save_timer;
    uint32_t progress_step; /* whose news is waiting to be told */
    char *progress_message; /* owned */
};

/* What a task has that has used something, or may use only so much. */
struct spending {
    struct budget budget;   /* none: no limit; the rest of it is stored with one only */
    uint64_t attempts_over; /* since it has one */
    bool budget_warned;
    /* not stored */
    bool used_new;         /* something is in no row yet */
    struct usage_sum used; /* by all of its steps */
    struct usage unsaid;   /* of it, what is in no row yet */
};

/* One block of memory: the task, its steps, its texts. */
struct task {
    struct bytes id;          /* in this block, as task_type and session_id */
    struct task *next, *prev; /* in its partition's list */
    struct pipeline *pipeline;
    struct step *steps;           /* pipeline->step_count of them */
    struct task_running *running; /* owned; NULL = it has not run here */
    struct spending *spending;    /* owned; NULL = all zero: read by spending_of */
    /* immutable, stored in the spec */
    const char *task_type, *session_id;
    unix_ms created_at;
    int32_t priority;
    uint32_t max_retries, checkpoint_interval_s;
    uint32_t max_duration_s;
    bool checkpoints;
    bool keyed; /* was started with an idempotency key */
    partition_id partition;
    /* stored in the head */
    enum task_state state;
    uint32_t run;
    uint32_t completed; /* steps */
    uint32_t next_order;
    uint32_t doc_revision;
    uint32_t recoveries;
    uint64_t seq;
    uint64_t version;
    uint32_t results_bytes; /* of the document's results object, both braces counted */
    uint32_t doc_bytes;     /* of the whole document, padding counted */
    int64_t ran_ms;         /* running time up to ran_since */
    double progress;
    unix_ms started_at, completed_at;
    enum code error_code;
    int32_t error_step;        /* index, -1 = none */
    char *error;               /* owned; NULL = none */
    struct recovers *recovers; /* owned; NULL = none that had a key */
    /* not stored; kept by step_become */
    uint32_t skipped;    /* steps */
    uint32_t first_open; /* the first step that is not over, or step_count */
    uint64_t fractions;  /* of running steps, in billionths */
    /* not stored */
    uint32_t steps_left; /* not over yet */
    uint32_t writes_pending;
    uint64_t last_write; /* newest write about this task */
    /* Place among those with ready steps, from the first one on: the moment of that, earlier by
     * what its priority is worth and by how old the task already was. The steps of an older task go
     * first: what was begun is finished. */
    mono_ms place;
    mono_ms old_ms;    /* of a loaded task */
    uint64_t age;      /* breaks ties of place; 0 = no place yet */
    mono_ms ran_since; /* NEVER_MS: not running */
    mono_ms event_at;  /* of the last event */
    /* Most tasks have one step at a time that may run: its work is here. */
    struct work work;
    bool work_lent;
    /* Loaded, and the grace for claims is not over: what runs of it is being found out. */
    bool awaits_claims;
};

/* It will not run (again) in this run of the task: completed, failed for good, skipped, cancelled.
 */
static inline bool step_over(const struct step *s)
{
    return s->state != STEP_PENDING && s->state != STEP_RUNNING;
}

/* Does it count as done for a step that needs it? A finally step only waits for the end of all. */
static inline bool step_meets_need(const struct step *s, bool of_finally)
{
    return s->state == STEP_COMPLETED || s->state == STEP_SKIPPED || (of_finally && step_over(s));
}

/* It has failed, and its finally steps still run. */
static inline bool task_failing(const struct task *t)
{
    return t->error_code != CODE_NONE && !task_state_ended(t->state);
}

/* What it is called and what it belongs to, for its whole life. */
struct task_names {
    struct bytes id, type, session_id;
};

/* Takes a reference of p. Steps are fresh: PENDING, needs counted. */
struct task *task_create(const struct task_names *names, struct pipeline *p);
void task_free(struct task *t); /* it must be in no heap and no list; NULL is allowed */

/* A fresh one, for items: those of the pipeline come with their task. */
struct step *step_create(struct task *t, uint32_t index);
void step_free(struct step *s);

/* Parts that are made when there is something to be put into them. Whoever only reads is given one
 * that is all zero where there is none yet. */
extern const struct work no_work;
extern const struct step_rare no_rare;
extern const struct spending no_spending;

static inline const struct work *work_of(const struct step *s)
{
    return s->work != NULL ? s->work : &no_work;
}

static inline const struct step_rare *rare_of(const struct step *s)
{
    return s->rare != NULL ? s->rare : &no_rare;
}

static inline const struct spending *spending_of(const struct task *t)
{
    return t->spending != NULL ? t->spending : &no_spending;
}

struct work *work_make(struct step *s);
struct step_rare *rare_make(struct step *s);
struct task_running *running_make(struct task *t);
struct spending *spending_make(struct task *t);
void step_rare_drop(struct step *s);
void step_work_done(struct step *s); /* nothing more is to be done about it: it is in no queue */

/* A walk over all there is in memory of a task: its steps, and their items. NULL after the last. */
struct unit_walk {
    uint32_t step, item;
};
struct step *unit_next(const struct task *t, struct unit_walk *walk);

/* Each change of a state and of a fraction, so that nobody has to look at all steps of a long task
 * to say where it is. Only a running step has a fraction,
 * from 0 on. */
void step_become(struct step *s, enum step_state state);
void step_set_fraction(struct step *s, double fraction);
void step_set_error(struct step *s, enum code code, struct bytes message);
void step_clear_error(struct step *s);
void step_forget_retry(struct step *s);              /* it waits for no moment */
void step_set_log(struct step *s, struct bytes log); /* empty: none */
void step_set_checkpoint(struct step *s, struct bytes checkpoint);
void step_drop_checkpoint(struct step *s);
/* The newest progress checkpoint becomes the stored one: it is in a row at this moment. */
void step_note_saved(struct step *s, struct moment now);
void step_load_saved(struct step *s, unix_ms at); /* as it was read */
void step_set_signal(struct step *s, struct bytes data, struct request_mark mark);
void task_set_error(struct task *t, enum code code, struct bytes message, int32_t step);
void task_clear_error(struct task *t);

/* What attempts are made of: a step, or an item of one. NULL where the task has no such. */
struct step *unit_find(const struct task *t, uint32_t step, uint32_t item);
const struct pipeline_step *step_def(const struct step *s);
/* A worker may have it and not have said so yet: in the grace for claims. */
bool step_may_run(const struct step *s);
uint32_t step_max_retries(const struct step *s);
/* Counts needs_left and all that is kept of the steps' states anew. */
void task_count_needs(struct task *t);
/* The first step that is not over; of an ended task the first that was not completed or skipped;
 * else the last one. */
uint32_t task_current_step(const struct task *t);
/* Completed and skipped steps and the fractions of running ones, 0..1. */
double task_measure(const struct task *t);
bool task_can_recover(const struct task *t);
/* Running time so far. */
int64_t task_ran_ms(const struct task *t, mono_ms now);

#endif
