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

/* What a timer is for, and with that which struct it is a member of. */
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

/* Where a pending or running step is on its way to a worker. Exactly one phase at a time;
 * STEP_RUNNING is PHASE_RUNNING or PHASE_ITEMS. */
enum step_phase {
    PHASE_NONE,      /* its needs are not met yet, or it is over */
    PHASE_HELD,      /* may run (or begin to wait) once the write that made it so is durable */
    PHASE_DELAYED,   /* its timer runs */
    PHASE_RESOLVING, /* its expressions are being evaluated: it is queued for that, or (awaits set)
                        the task data that they use is being read */
    PHASE_READY,     /* in the ready order of its function */
    PHASE_FETCHING,  /* a worker's credit is reserved, its input is being read */
    PHASE_RUNNING,
    PHASE_WAITING, /* a wait step's wait has begun; its timer runs where it has an end */
    PHASE_ITEMS,   /* of a fan-out step: its items are under way */
    PHASE_BUDGET,  /* the budget has no room for it until another step of its task has ended; in no
                      queue */
};

/* The part of a step that exists only from when it may run until it is over: queues, timer, worker.
 * Not stored. */
struct work {
    struct heap_node ready; /* node in its function's heap; RESOLVING: in the core's */
    struct timer timer;
    struct step *step;
    mono_ms place;     /* its rank: the task's, or an item's own, taken when it was first ready */
    uint64_t age;      /* breaks ties of place; 0 = none yet */
    mono_ms retry_due; /* retry_at on this process's own clock; 0 = at once */
    mono_ms ready_at;  /* READY, FETCHING: since when */
    mono_ms begun_at;  /* its first order, on this process's own clock; 0 = none yet */
    uint64_t worker;   /* serial of the worker: FETCHING, RUNNING */
    uint64_t awaits;   /* HELD: write_id that must be durable first; FETCHING, RESOLVING, RUNNING:
                          read_id of the pending read (0 = none; RUNNING: of its limit keys) */
    double fraction;   /* reported by the running attempt; else 0 */
    mono_ms checkpoint_saved_at; /* its interval counts from here; not set by rows that were made
                                    for other reasons and stored a checkpoint, too */
};

/* Identifies a signal, recover or requeue request, so that a repetition of it is recognized. */
struct request_mark {
    uint64_t key;  /* the request's idempotency key */
    uint64_t hash; /* hash of the request's content */
};

/* Kept per task: the last ones. One client and its gateway repeat one request; two more may have
 * done the same meanwhile. */
#define RECOVERS_KNOWN 4

/* The recovers and requeues that revived a task, oldest first; those without a key are not
 * listed. */
struct recovers {
    uint32_t count;
    struct request_mark marks[RECOVERS_KNOWN];
};

/* The part of a step that few steps have: errors, waits, progress checkpoints, items, limits,
 * usage. */
struct step_rare {
    /* stored */
    enum code error_code;
    char *error;         /* owned; NULL = none */
    char *function_code; /* owned; the function's own code of that error, NULL = none */
    unix_ms retry_at;
    mono_ms wait_ms;  /* the delay that retry_at or wait_until stands for: another host's wall clock
                         cannot make it longer */
    mono_ms spent_ms; /* from its first dispatch to its last row: for timeout_total */
    struct shared *checkpoint; /* newest progress checkpoint; held, as is `saved`: rows, orders and
                                  answers go out from it; NULL = none */
    unix_ms saved_at;    /* when the stored progress checkpoint was saved; 0 = none is stored */
    unix_ms wait_until;  /* a wait step that has begun: when its wait ends, 0 = never */
    struct bytes signal; /* owned, JSON; a signal that came before the step's turn; empty = none */
    struct request_mark mark; /* of the signal that it has taken or keeps; key 0 = none */
    struct fan *fan;          /* owned; of a fan-out step whose list is known, else NULL (fan.h) */
    struct account *account;  /* owned; what its attempts have used; NULL = nothing */
    bool exhausted; /* out of attempts with on_exhausted "pause": that is why its task was paused */
    /* not stored */
    char *log; /* owned; the tail of its log since its last failure, NULL = none. At most
                  LOG_TAIL_BYTES_MAX; as many of these exist as the workers have slots. A done
                  item's is stored */
    bool checkpoint_dirty;      /* no row has it yet */
    bool checkpoint_untold;     /* no event has told of it yet; of a step, not of an item */
    uint32_t saved_bytes;       /* size of the stored progress checkpoint, ... */
    struct shared *saved;       /* ... and its text, where it is small enough to be shown; owned */
    struct step_shared *shared; /* owned; a step with concurrency or rate_limit that was ready
                                   (lanes.h); else NULL */
};

/* Most steps in memory wait for others, or are over: this struct is all that they need. */
struct step {
    struct task *task;
    struct work *work;      /* owned; NULL = it may not run yet, or is over; read through work_of */
    struct step_rare *rare; /* owned; NULL = all zero; read through rare_of */
    uint32_t index;         /* in the pipeline */
    uint32_t item;          /* of a fan-out step, from 1; ITEM_NONE: the step itself */
    uint32_t needs_left;    /* not stored */
    enum step_state state : 8;
    enum step_phase phase : 8; /* not stored */
    bool resolved;             /* its condition holds: later attempts do not evaluate it again */
    bool in_row;               /* is in the row of the change that is being made */
    /* stored, as the state */
    uint32_t generation;
    uint32_t failures; /* attempts that failed */
    uint32_t deaths;
    uint32_t deliveries; /* one more for each failure, death and recovery; never reset within a
                            generation */
    uint32_t order;      /* rank in the order of completion */
    uint32_t duration_ms;
    uint32_t result_offset; /* in the document, which is far below 4 GiB */
    uint32_t result_len;
    unix_ms started_at, completed_at;
};

/* The items of a fan-out step: fan.h. */
struct fan {
    uint32_t count, done, failed; /* items */
    uint64_t results_bytes;       /* sum over the items that are done */
    uint32_t base;                /* the delivery number that an item begins with */
    uint32_t used;                /* the highest delivery number of items that are over */
    uint8_t *marks; /* one enum item_mark per item; ITEM_BEGUN: its struct step is in `live`. NULL:
                       not read */
    uint32_t next;  /* index (from 0): no item before this one waits */
    struct step **live;
    uint32_t live_count, live_cap;
};

/* The part of a task that exists once it has run: its timers, and the progress news that wait to be
 * sent. */
struct task_running {
    struct task *task;
    struct timer duration_timer, progress_timer, save_timer;
    uint32_t progress_step; /* whose news wait to be sent */
    char *progress_message; /* owned */
};

/* The part of a task that has a budget, or has used something. */
struct spending {
    /* all zero: no limit; the rest of this struct is stored only with a budget */
    struct budget budget;
    uint64_t attempts_over; /* attempts that ended since it has a budget */
    bool budget_warned;
    /* not stored */
    bool used_new;         /* some usage is in no row yet */
    struct usage_sum used; /* by all of its steps */
    struct usage unsaid;   /* the part of `used` that is in no row yet */
};

/* One block of memory: the task, its steps, its texts. */
struct task {
    struct bytes id;          /* in this block of memory, like task_type and session_id */
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
    uint32_t results_bytes; /* length of the document's results object, with both braces */
    uint32_t doc_bytes;     /* length of the whole document, with its padding */
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
    uint64_t fractions;  /* sum over the running steps, in billionths */
    /* not stored */
    uint32_t steps_left; /* not over yet */
    uint32_t writes_pending;
    uint64_t last_write; /* newest write about this task */
    /* Rank of the task among those with ready steps, taken when its first step is ready: that time,
     * minus what its priority and the age of the task are worth. Steps of older tasks go first:
     * what was begun is finished. */
    mono_ms place;
    mono_ms old_ms;    /* of a loaded task: how old it was at its load */
    uint64_t age;      /* breaks ties of place; 0 = no place yet */
    mono_ms ran_since; /* NEVER_MS: not running */
    mono_ms event_at;  /* time of the last event */
    /* Most tasks have one step at a time that may run: this is its struct work. */
    struct work work;
    bool work_lent;
    /* Loaded, and the claim grace is not over: workers are still saying which of its steps they
     * run. */
    bool awaits_claims;
};

/* It will not run (again) in this run of the task: completed, failed for good, skipped or
 * cancelled. */
static inline bool step_over(const struct step *s)
{
    return s->state != STEP_PENDING && s->state != STEP_RUNNING;
}

/* Is it done, for a step that needs it? A finally step only waits until the others are over. */
static inline bool step_meets_need(const struct step *s, bool of_finally)
{
    return s->state == STEP_COMPLETED || s->state == STEP_SKIPPED || (of_finally && step_over(s));
}

/* It has failed, and its finally steps still run. */
static inline bool task_failing(const struct task *t)
{
    return t->error_code != CODE_NONE && !task_state_ended(t->state);
}

/* Names that a task has for its whole life. */
struct task_names {
    struct bytes id, type, session_id;
};

/* Takes a reference of p. Steps are fresh: PENDING, needs counted. */
struct task *task_create(const struct task_names *names, struct pipeline *p);
void task_free(struct task *t); /* it must be in no heap and no list; NULL is allowed */

/* A fresh step for an item; the steps of the pipeline come with their task. */
struct step *step_create(struct task *t, uint32_t index);
void step_free(struct step *s);

/* The parts of a step or a task that are allocated when something is put into them. A reader is
 * given one that is all zero where there is none. */
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
void step_work_done(struct step *s); /* frees its work; it must be in no queue */

/* Iterates over the steps of a task and their items that are in memory. Start with a zeroed walk;
 * NULL after the last. */
struct unit_walk {
    uint32_t step, item;
};
struct step *unit_next(const struct task *t, struct unit_walk *walk);

/* Each change of a step's state and fraction goes through these two, which keep the task's sums:
 * nobody has to walk all steps of a long task. Only a running step has a fraction, 0 at first. */
void step_become(struct step *s, enum step_state state);
void step_set_fraction(struct step *s, double fraction);
void step_set_error(struct step *s, enum code code, struct bytes message);
void step_clear_error(struct step *s);
void step_forget_retry(struct step *s);              /* clears retry_at */
void step_set_log(struct step *s, struct bytes log); /* empty: none */
void step_set_checkpoint(struct step *s, struct bytes checkpoint);
void step_drop_checkpoint(struct step *s);
/* The newest progress checkpoint becomes the stored one: a row with it is being written. */
void step_note_saved(struct step *s, struct moment now);
void step_load_saved(struct step *s, unix_ms at); /* after a load */
void step_set_signal(struct step *s, struct bytes data, struct request_mark mark);
void task_set_error(struct task *t, enum code code, struct bytes message, int32_t step);
void task_clear_error(struct task *t);

/* A unit is what an attempt runs: a step, or an item of one. NULL where the task has no such
 * unit. */
struct step *unit_find(const struct task *t, uint32_t step, uint32_t item);
const struct pipeline_step *step_def(const struct step *s);
/* In the claim grace: a worker may be running it and not have said so yet. */
bool step_may_run(const struct step *s);
uint32_t step_max_retries(const struct step *s);
/* Computes needs_left and all sums over the steps' states anew. */
void task_count_needs(struct task *t);
/* Index of the first step that is not over; of an ended task, of the first that was not completed
 * or skipped; else of the last one. */
uint32_t task_current_step(const struct task *t);
/* Progress, 0..1: completed and skipped steps, and the fractions of running ones. */
double task_measure(const struct task *t);
bool task_can_recover(const struct task *t);
/* Running time so far. */
int64_t task_ran_ms(const struct task *t, mono_ms now);

#endif
