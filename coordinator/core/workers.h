/* Workers and the attempts that they run (workers.c): joining, credit, claims, silence, death. */
#ifndef MARATHON_CORE_WORKERS_H
#define MARATHON_CORE_WORKERS_H

#include "core/core.h"
#include "core/task.h"

struct hold;
struct partition;
struct peer;

/* An attempt that a worker runs, or whose outcome it holds until that is acknowledged. */
struct run {
    struct attempt_ref ref; /* task_id owned */
    uint64_t ordered_after; /* number of the last OWNED sent before our order; 0: we know of it from
                               the worker's RUNNING */
    bool guessed, stopping; /* guessed: claimed from a RUNNING that is older than our ownership.
                               stopping: told to stop, so it counts as no claim */
    bool hold_due;          /* its concurrency key is not known yet: it is to be evaluated */
    uint32_t id_hash;       /* of the task_id: to compare quickly */
    struct hold *hold;      /* owned; its place in a concurrency limit (lanes.h), or NULL */
    unix_ms minted_for;     /* token.h; 0: the token came from the worker, and must be verified */
};

struct worker {
    uint64_t serial; /* unique in this process */
    struct bytes id; /* owned; random per process */
    char *host;
    char *software; /* version text */
    uint32_t pid, slots;
    uint32_t *functions; /* indexes into core.functions */
    uint32_t function_count;
    struct bytes *labels; /* owned, in the order in which the worker sent them */
    uint32_t label_count;
    peer_id peer; /* its connection; 0: disconnected, within the resume grace */
    uint32_t credit;
    bool draining;
    unix_ms heard_wall;
    /* end of the resume grace, also while it is back and has not sent RUNNING */
    struct timer timer;
    struct run *runs;
    uint32_t run_count, run_cap;
};

struct worker *worker_join(struct core *c, const struct message *hello, peer_id peer);
void worker_disconnected(struct core *c, struct worker *w);
struct worker *worker_by_serial(const struct core *c, uint64_t serial);
struct run *worker_run_find(struct worker *w, const struct attempt_ref *ref);
struct run *worker_run_add(struct worker *w, const struct attempt_ref *ref);
void worker_run_remove(struct core *c, struct worker *w, const struct attempt_ref *ref);
/* Its run of the step's current attempt, or NULL. */
struct run *worker_run_of(const struct core *c, struct worker *w, const struct step *s);
uint32_t worker_busy(const struct core *c, const struct worker *w); /* slots taken by our tasks */
/* The step whose current attempt is this one, at this worker; or NULL. */
struct step *step_run_by(struct core *c, const struct worker *w, const struct attempt_ref *ref);
void worker_gone(struct core *c, struct worker *w);
void worker_timer(struct core *c, struct worker *w);
void worker_free(struct core *c, struct worker *w);
/* After a load: attempts that workers have said they run become running. */
void workers_claim(struct core *c, struct partition *p);

void on_running(struct core *c, struct peer *p, const struct message *m);
void on_decline(struct core *c, struct peer *p, const struct attempt_ref *ref);
void on_credit(struct core *c, struct peer *p, const struct message *m);

#endif
