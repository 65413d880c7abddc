/* The auditor's questions to the store: is each live task stored so that a takeover would find it,
 * and without a TTL? Repairs are rows under the fence. */
#include "core/asks.h"
#include "core/audit.h"
#include "core/change.h"
#include "core/fx.h"
#include "core/partition.h"
#include "core/plant.h"
#include "core/rollback.h"
#include "core/state.h"
#include "core/tasks.h"
#include "core/writes.h"

void audit_ask(struct core *c, struct partition *p, struct ask *ask)
{
    ask->partition = p->id;
    ask->fence = p->fence;
    c->audit.asks++;
    struct store_read read = {.kind = READ_AUDIT,
                              .partition = p->id,
                              .ids = ask->audited,
                              .id_count = ask->audited_count,
                              .cursor = c->audit.listed_cursor[p->id]};
    ask_send(c, ask, &read);
}

/* A change that only repairs the index entry and the TTL of the task's keys. */
static void hold_again(struct core *c, struct task *t)
{
    if (planted(PLANT_AUDIT_BLIND)) {
        return;
    }
    struct change ch;
    change_begin(c, t, &ch);
    change_revive(&ch);
    change_commit(&ch);
}

/* Rows that were sent after the question may have been applied before it, in the same batch: any
 * version between the one at the question and the one now is right. False where the partition had
 * to be dropped. */
static bool judge_live(struct core *c, struct partition *p, struct task *t, uint64_t version,
                       const struct audit_entry *e)
{
    if (!e->found || e->version < version || e->version > t->version) {
        audit_found(c, e->found ? AUDIT_VERSION : AUDIT_RECORD_LOST, p->id, t->id, NULL);
        if (e->version < version) {
            rollback_found(c, p, e->found ? "an older version of a task" : "no record of a task");
        }
        partition_drop(c, p, "the store holds another version of a task, or none");
        return false;
    }
    if (e->expires) {
        audit_found(c, AUDIT_TTL_ON_LIVE, p->id, t->id, NULL);
    }
    if (!e->listed) {
        audit_found(c, AUDIT_NOT_LISTED, p->id, t->id, NULL);
    }
    if (e->ended) {
        audit_found(c, AUDIT_ENDED_MARK, p->id, t->id, NULL);
    }
    if (e->expires || !e->listed || e->ended) {
        hold_again(c, t);
    }
    return true;
}

static void unlist(struct core *c, struct partition *p, struct bytes task_id)
{
    if (planted(PLANT_AUDIT_BLIND)) {
        return;
    }
    struct pending_write *w = write_create(c, ROW_UNLIST, p->id);
    struct store_row row = {.kind = ROW_UNLIST,
                            .write_id = w->write_id,
                            .partition = p->id,
                            .fence = p->fence,
                            .task_id = arena_bytes(fx_arena(c), task_id)};
    fx_write(c, &row);
}

static void ask_for_lost(struct core *c, struct partition *p, struct bytes task_id)
{
    struct ask *ask = ask_create(c, ASK_AUDIT_TASK);
    if (ask == NULL) {
        return; /* the next round finds it again */
    }
    ask->partition = p->id;
    ask->fence = p->fence;
    ask->task_id = arena_bytes(&ask->arena, task_id);
    struct store_read read = {.kind = READ_TASK, .partition = p->id, .task_id = ask->task_id};
    ask_send(c, ask, &read);
}

/* The task was in the live index and not in memory; this answer is of one moment. */
static void judge_listed(struct core *c, struct partition *p, struct bytes task_id,
                         const struct audit_entry *e)
{
    if (!e->listed) {
        return; /* it had ended just then */
    }
    if (e->found && !e->ended) {
        ask_for_lost(c, p, task_id);
        return;
    }
    audit_found(c, AUDIT_LISTED_ENDED, p->id, task_id, NULL);
    unlist(c, p, task_id);
}

/* Tasks of the index that are not in memory get a read of their own. */
static void ask_for_strangers(struct core *c, struct partition *p, const struct store_answer *a)
{
    struct ask *ask = NULL;
    for (uint32_t i = 0; i < a->listed_count; i++) {
        if (task_find(c, a->listed[i]) != NULL || writes_admit(c, a->listed[i])) {
            continue;
        }
        if (ask == NULL) {
            ask = ask_create(c, ASK_AUDIT);
            if (ask == NULL) {
                return;
            }
            ask->audited = arena_alloc(&ask->arena, AUDIT_IDS_MAX * sizeof *ask->audited);
            ask->versions = arena_alloc(&ask->arena, AUDIT_IDS_MAX * sizeof *ask->versions);
            ask->runs = arena_alloc(&ask->arena, AUDIT_IDS_MAX * sizeof *ask->runs);
        }
        if (ask->audited_count < AUDIT_IDS_MAX) {
            ask->audited[ask->audited_count++] = arena_bytes(&ask->arena, a->listed[i]);
        }
    }
    if (ask != NULL) {
        audit_ask(c, p, ask);
    }
}

void audit_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    struct partition *p = &c->partitions[ask->partition];
    c->audit.asks--;
    if (a->err != ERR_OK || p->state != PARTITION_OWNED || !fence_same(&p->fence, &ask->fence)) {
        return;
    }
    if (!fence_same(&a->fence, &ask->fence)) { /* we were replaced, and have not noticed yet */
        partition_drop(c, p, "another coordinator owns it");
        return;
    }
    bool strangers = false;
    for (uint32_t i = 0; i < ask->audited_count && i < a->audit_count; i++) {
        struct task *t = task_find(c, ask->audited[i]);
        if (ask->versions[i] == 0) {
            strangers = true;
            if (t == NULL && !writes_admit(c, ask->audited[i])) {
                judge_listed(c, p, ask->audited[i], &a->audits[i]);
            }
        } else if (t != NULL && t->run == ask->runs[i] && !task_state_ended(t->state) &&
                   !judge_live(c, p, t, ask->versions[i], &a->audits[i])) {
            return;
        }
    }
    if (!strangers) { /* the answer about strangers does not lead to the next page */
        c->audit.listed_cursor[p->id] = a->cursor;
        ask_for_strangers(c, p, a);
    }
}

void audit_on_task(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    struct partition *p = &c->partitions[ask->partition];
    bool ours = p->state == PARTITION_OWNED && fence_same(&p->fence, &ask->fence);
    if (a->err != ERR_OK || !ours || task_find(c, ask->task_id) != NULL ||
        writes_admit(c, ask->task_id)) {
        return;
    }
    if (partition_adopt(c, p, &a->tasks[0])) {
        audit_found(c, AUDIT_TASK_LOST, p->id, ask->task_id, NULL);
    }
}
