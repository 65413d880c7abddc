/* Workers and the attempts that they run (workers.c): joining, credit, claims, silence, death. */
#ifndef MARATHON_CORE_WORKERS_H
#define MARATHON_CORE_WORKERS_H

#include "core/core.h"
#include "core/task.h"

struct hold;
struct partition;
struct peer;

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

void on_running(struct core *c, struct peer *p, const struct message *m);
void on_decline(struct core *c, struct peer *p, const struct attempt_ref *ref);
void on_credit(struct core *c, struct peer *p, const struct message *m);

#endif
