/* The auditor: walks the owned tasks, a bounded piece each tick; finds what cannot go on, repairs
 * and counts it. */
#ifndef MARATHON_CORE_AUDIT_H
#define MARATHON_CORE_AUDIT_H

#include "core/core.h"

struct ask;
struct partition;
struct step;
struct task;

/* How far the auditor's walk has come. */
struct audit {
    partition_id partition;
    struct task *next; /* next one of the partition's tasks; NULL and begun: all were looked at */
    bool begun;
    mono_ms next_at;
    uint32_t asks; /* reads that are not answered yet */
    uint64_t listed_cursor[PARTITION_COUNT];
    uint64_t counting[TASK_STATE_COUNT];
};

/* ---- audit.c ---- */

void audit_tick(struct core *c);
void audit_task(struct core *c, struct task *t); /* looks at the task in memory */
void audit_task_removed(struct core *c, const struct task *t);
/* Counts and logs a finding. s: NULL where it is about no step. */
void audit_found(struct core *c, enum audit_kind kind, partition_id partition, struct bytes task_id,
                 const struct step *s);

/* ---- audit_store.c ---- */

void audit_ask(struct core *c, struct partition *p, struct ask *ask); /* ask's ids are set */
void audit_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a);
void audit_on_task(struct core *c, const struct ask *ask, const struct store_answer *a);

#endif
