/* The audit's books, shared only by its files. */
#ifndef MARATHON_SIM_BOOKS_H
#define MARATHON_SIM_BOOKS_H

#include "audit.h"
#include "core/account.h"
#include "core/record.h"

/* One execution of a function. */
struct book_execution {
    struct bytes task_id, key, result;
    uint32_t run, step, item, generation;
    uint32_t recoveries;         /* of the task when it began */
    uint64_t life, number;       /* of its worker, and the worker's number for it */
    mono_ms silence_ms, news_at; /* its limit without news, 0: none; since when it has given none */
    mono_ms news_paused_ms, news_stood_ms; /* of its worker, by then */
    mono_ms silent_ms;                     /* for how long it was silent when it was stopped */
    bool ended, ok;
    bool stopped; /* its worker was told to stop it, or drains: it may be handed back */
};

/* An item of a fan-out step. */
struct book_item {
    char mark; /* enum item_mark */
    uint32_t failures, deaths, deliveries;
    struct bytes value, result;
    mono_ms not_before;
    uint64_t ordered_epoch; /* of the coordinator that ordered this delivery last */
    uint32_t ordered_delivery;
};

struct book_fan {
    uint32_t count, base; /* base: the delivery of one that waits */
    bool exhausted;
    struct book_item *items;
};

struct book_step {
    enum step_state state;
    uint32_t generation, failures, deaths, deliveries, order;
    struct bytes result;     /* if completed */
    struct bytes checkpoint; /* of its progress, as stored */
    mono_ms not_before;      /* of its next order */
    uint32_t completions;    /* events of this generation */
    uint64_t signal_key;
    struct bytes signal;      /* that came before the step's turn, and is kept */
    mono_ms waits_until;      /* a wait step for a time must not end earlier */
    struct book_fan *fan;     /* NULL: it has no items */
    bool exhausted;           /* out of attempts: its task is paused for somebody to look at it */
    bool kept;                /* taken over from the source, if the task is a fork */
    struct usage_sum used;    /* as stored */
    struct usage_sum applied; /* by outcomes whose worker knows that they were applied */
};

/* A task, as the store had it after its last row. */
struct book_task {
    struct bytes id;
    uint32_t run, recoveries_seen, cancels_seen, pauses_seen, resumes_seen;
    int64_t ran_ms;
    uint64_t seq, version;
    struct book_step *steps;
    uint32_t step_count;
    struct pipeline *pipeline;
    struct bytes *events; /* blobs of this run, indexed by seq - 1 */
    size_t event_count, event_cap;
    enum task_state state;
    bool was_dead;         /* ever */
    bool forsaken;         /* its coordinator died, and recovery is switched off */
    struct usage_sum used; /* as reported for the sums over all tasks */
    struct budget budget;
    uint64_t attempts_over, epoch;
    bool failing, warned, was_exceeded, counted, rebudgeted;
    bool wild;               /* something has happened that makes its budget unpredictable */
    struct book_task *older; /* the previous run */
};

/* An outcome that a worker has sent, by its number. */
struct book_outcome {
    uint64_t life, number; /* of the worker */
    struct bytes task_id;
    uint32_t run, step, item, generation, delivery;
    bool ok, counted;
    struct usage_sum used;
};

/* The usage that an execution has reported. */
struct book_used {
    struct bytes task_id;
    uint32_t run, step, generation, delivery;
    uint64_t execution;
    struct usage_sum sum;
};

/* A fork that a client starts, or has started. */
struct book_fork {
    struct bytes task_id, source, input;
    const struct kept_step *kept;
    uint32_t kept_count;
};

struct book_key {
    struct bytes key, task_id;
};

struct audit {
    struct world *world;
    bool blind;
    struct arena arena;
    struct map tasks;
    struct book_execution *executions;
    size_t execution_count, execution_cap;
    struct book_outcome *outcomes;
    size_t outcome_count, outcome_cap;
    struct book_used *used;
    size_t used_count, used_cap;
    struct book_key *keys;
    size_t key_count, key_cap;
    struct book_fork *forks;
    size_t fork_count, fork_cap;
    struct map recovers_asked; /* id -> struct recovers_asked (audit_fork.c) */
    struct fence fences[PARTITION_COUNT];
    bool owned[PARTITION_COUNT];
    struct fence released[PARTITION_COUNT]; /* the last fence that was handed over */
    mono_ms row_sent_at;                    /* of the row being audited */
    struct order_books *order;              /* audit_order.c */
    struct once_books *once;                /* audit_once.c */
};

struct book_task *book_find(const struct audit *a, struct bytes id);
/* Was it run, with this result? */
bool book_has_result(const struct audit *a, struct bytes task_id, uint32_t run, uint32_t step,
                     uint32_t generation, struct bytes result);
/* Does the step's condition hold, by the results in the books? (plan.c defines its form.) */
bool book_when_holds(const struct book_task *t, uint32_t step);
/* Is the result of a step that is a pipeline made of the results of its last steps? */
bool book_joined(const struct book_task *t, uint32_t step);
/* Executions that failed, and that began after the task's last recovery. */
uint32_t book_failures(const struct audit *a, const struct book_task *t, uint32_t step,
                       uint32_t generation);

/* audit_order.c: the worker behind k may run it. */
void audit_order_placed(struct audit *a, const struct book_task *t, const struct conn *k,
                        const struct step_order *o);
/* audit_once.c: c has claimed the partition; an order is sent. */
void audit_once_claimed(struct audit *a, const struct coordinator *c, partition_id partition);
void audit_once_ordered(struct audit *a, const struct conn *k, const struct step_order *o);
/* Its worker is told to stop it. True: not because of what is stored, but because another worker
 * has it too, which only the owner may judge. */
bool audit_once_stops_wanted(struct audit *a, const struct conn *k, const struct attempt_ref *ref);
/* A failed attempt is reported as too late: that execution does not count. */
void audit_once_set_aside(struct audit *a, const struct conn *k, const struct book_outcome *o);
void audit_once_free(struct audit *a);
/* audit_takeover.c: c claims a partition, before the books know; an order; what a row does to a
 * task. */
void audit_takeover_claims(struct audit *a, const struct store_row *row);
void audit_takeover_ordered(struct audit *a, const struct book_task *t);
void audit_takeover_row(struct audit *a, struct book_task *t, const struct task *now);
void audit_wished(struct audit *a, const struct coordinator *c);
struct task *audit_read_back(struct audit *a, const struct stored_task *s);
/* audit_budget.c */
void audit_budget_order(struct audit *a, const struct book_task *t, const struct step_order *o);
void audit_budget_row(struct audit *a, struct book_task *t, const struct task *now,
                      const struct store_row *row);
/* audit_usage.c */
void audit_usage_row(struct audit *a, struct book_task *t, const struct task *now,
                     const struct store_row *row);
void audit_usage_ack(struct audit *a, struct book_task *t, struct book_outcome *o);
void audit_order_free(struct audit *a);

/* audit_retry.c: finds the row's event of this type about this step; false if there is none. */
bool row_event(const struct store_row *row, enum event_type type, uint32_t step,
               struct task_event *ret_event);
/* A retry in the row: checks its wait, and whether it is allowed. */
void audit_counts(struct audit *a, struct book_task *t, struct book_step *b, const struct step *s,
                  const struct store_row *row, bool revived);
void audit_wait(struct audit *a, struct book_task *t, struct book_step *b, const struct step *s,
                const struct store_row *row);

/* The wait for the attempt after this failure or death. */
struct wait_bounds {
    mono_ms least, most;
};
struct wait_bounds audit_wait_bounds(const struct step *s, bool death);

/* How long a wait step waits; an expression is one of plan.c's. */
mono_ms audit_wait_ms(const struct pipeline_wait *wait, const struct stored_task *stored);

/* audit_progress.c: what is reported as saved is what is stored. */
void audit_checkpoint(struct audit *a, const struct book_task *t, struct book_step *b,
                      const struct step *s, const struct store_row *row);
void audit_checkpoint_told(struct audit *a, const struct book_task *t, const struct step_view *v,
                           uint32_t step);

/* audit_fork.c, for a task being admitted: marks the steps that it took over, which must be those
 * that its client was told of. */
void audit_fork_admitted(struct audit *a, struct book_task *t, const struct task *now,
                         const struct store_row *row);
/* An ended task lives again only if a client has asked for that. */
void audit_signals_kept(struct audit *a, const struct book_task *t, const struct task *now);
void audit_recoveries(struct audit *a, const struct book_task *t, const struct task *now);
/* Call when a coordinator answers a question about a fork. */
void audit_fork_told(struct audit *a, const struct start_request *fork);

/* audit_fan.c: a row's changes of items, and their effect on their steps. */
void audit_fans(struct audit *a, struct book_task *t, struct task *now,
                const struct store_row *row);
void audit_fan_counts(struct audit *a, const struct book_task *t, const struct step *s);
void audit_fan_order(struct audit *a, const struct book_task *t, const struct step_order *o);
void audit_fan_status(struct audit *a, const struct book_task *t, const struct step_view *v,
                      uint32_t step);
/* Is the outcome of an item's attempt still wanted? Is the item past it? */
bool audit_fan_wants(const struct book_task *t, const struct book_outcome *o);
bool audit_fan_moved_on(const struct book_task *t, const struct book_outcome *o);

#define REQUIRE(a, invariant, condition, ...)                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            violated((a)->world, invariant, __VA_ARGS__);                                          \
        }                                                                                          \
    } while (0)

#endif
