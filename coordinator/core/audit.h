/* The auditor: walks what is owned, a bounded piece each tick; finds, mends and counts what cannot
 * go on. */
#ifndef MARATHON_CORE_AUDIT_H
#define MARATHON_CORE_AUDIT_H

#include "core/core.h"

struct ask;
struct partition;
struct step;
struct task;

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

/* ---- audit.c ---- */

void audit_tick(struct core *c);
void audit_task(struct core *c, struct task *t); /* in memory */
void audit_task_removed(struct core *c, const struct task *t);
/* Counts and says so. s: NULL where it is about no step. */
void audit_found(struct core *c, enum audit_kind kind, partition_id partition, struct bytes task_id,
                 const struct step *s);

/* ---- audit_store.c ---- */

void audit_ask(struct core *c, struct partition *p, struct ask *ask); /* its ids are set */
void audit_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a);
void audit_on_task(struct core *c, const struct ask *ask, const struct store_answer *a);

#endif
