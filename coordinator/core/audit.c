/* The auditor: walks the tasks of the owned partitions, a piece each tick; checks whether each can
 * go on, repairs what cannot, and counts it. Checks in memory are here, those that ask the store in
 * audit_store.c. All counts should stay 0: each finding is a bug, or somebody has changed the store
 * by hand. */
#include "core/audit.h"

#include "core/asks.h"
#include "core/budget.h"
#include "core/fx.h"
#include "core/partition.h"
#include "core/ready.h"
#include "core/state.h"
#include "core/tasks.h"
#include "core/workers.h"
#include "core/writes.h"

#define TICK_MS             1000
#define PARTITIONS_PER_TICK 8 /* reads that may be pending at once; a round takes at least 8 s */

void audit_found(struct core *c, enum audit_kind kind, partition_id partition, struct bytes task_id,
                 const struct step *s)
{
    c->stats.audit_found_total[kind]++;
    fx_log(c, LOG_ERROR, "audit_finding",
           "kind=%s partition=%u task_id=%.*s step=%s then=\"repaired; this should never be found: "
           "report it, or look for another program that writes to this Redis\"",
           audit_kind_name(kind), partition, (int)task_id.len, (const char *)task_id.ptr,
           s != NULL ? step_def(s)->name : "-");
}

/* ---- one task in memory ---- */

static bool with_its_worker(struct core *c, const struct step *s)
{
    struct worker *w = worker_by_serial(c, work_of(s)->worker);
    return w != NULL && worker_run_of(c, w, s) != NULL;
}

/* Is there anything that will move the step on: a queue, a timer, a read, a worker? */
static bool goes_on(struct core *c, const struct step *s)
{
    uint64_t read_id = work_of(s)->awaits;
    switch (s->phase) {
    case PHASE_NONE:
        return false;
    case PHASE_HELD:
        return write_find(c, work_of(s)->awaits) != NULL;
    case PHASE_DELAYED:
        return heap_holds(&work_of(s)->timer.node);
    case PHASE_READY:
        return heap_holds(&work_of(s)->ready);
    case PHASE_RESOLVING:
        return heap_holds(&work_of(s)->ready) ||
               map_get(&c->asks, bytes_of(&read_id, sizeof read_id)) != NULL;
    case PHASE_FETCHING:
        return map_get(&c->asks, bytes_of(&read_id, sizeof read_id)) != NULL;
    case PHASE_RUNNING:
        return with_its_worker(c, s);
    case PHASE_ITEMS:
        return rare_of(s)->fan->live_count > 0 || task_state_rests(s->task->state);
    case PHASE_BUDGET:
        return budget_moves(s->task);
    case PHASE_WAITING:
        return heap_holds(&work_of(s)->timer.node) ||
               (step_def(s)->wait.kind == WAIT_SIGNAL && rare_of(s)->wait_until == 0);
    }
    return false;
}

/* Puts the step back into the ready order, whatever its own fields say. */
static void requeue(struct core *c, struct step *s)
{
    c->ready_count -= s->phase == PHASE_READY && !heap_holds(&work_of(s)->ready);
    if (s->phase != PHASE_READY || heap_holds(&work_of(s)->ready)) {
        step_unqueue(c, s);
    }
    s->phase = PHASE_NONE;
    step_become(s, STEP_PENDING);
    step_make_ready(c, s);
}

/* An item that was loaded, or was there during a pause, waits until its step's turn comes; the step
 * is judged by itself. */
static bool waits_for_its_step(const struct task *t, const struct step *s)
{
    return s->item != ITEM_NONE && s->phase == PHASE_NONE &&
           t->steps[s->index].phase != PHASE_ITEMS;
}

static void audit_step(struct core *c, struct task *t, struct step *s)
{
    if (waits_for_its_step(t, s)) {
        return;
    }
    bool open = s->state == STEP_PENDING || s->state == STEP_RUNNING;
    bool may_run = open && s->needs_left == 0;
    bool rests = task_state_rests(t->state) && s->state == STEP_PENDING;
    if (!may_run || rests) {
        if (s->phase != PHASE_NONE && !(may_run && s->phase == PHASE_WAITING)) {
            audit_found(c, AUDIT_STEP_MISPLACED, t->partition, t->id, s);
            step_unqueue(c, s);
        }
    } else if (!goes_on(c, s)) {
        bool timed = s->phase == PHASE_DELAYED || s->phase == PHASE_WAITING;
        audit_found(c, timed ? AUDIT_TIMER_LOST : AUDIT_STEP_LOST, t->partition, t->id, s);
        requeue(c, s);
    }
}

static void audit_needs(struct core *c, struct task *t)
{
    uint32_t n = t->pipeline->step_count;
    uint32_t *before = arena_alloc(fx_arena(c), n * sizeof *before);
    for (uint32_t i = 0; i < n; i++) {
        before[i] = t->steps[i].needs_left;
    }
    task_count_needs(t);
    for (uint32_t i = 0; i < n; i++) {
        if (before[i] != t->steps[i].needs_left) {
            audit_found(c, AUDIT_NEEDS_WRONG, t->partition, t->id, &t->steps[i]);
        }
    }
}

void audit_task(struct core *c, struct task *t)
{
    if (task_state_ended(t->state)) {
        return; /* it leaves memory with the answer to its last row */
    }
    audit_needs(c, t);
    struct unit_walk walk = {0};
    for (struct step *s; (s = unit_next(t, &walk)) != NULL;) {
        audit_step(c, t, s);
    }
    if (t->ran_since != NEVER_MS && !heap_holds(&t->running->duration_timer.node)) {
        audit_found(c, AUDIT_TIMER_LOST, t->partition, t->id, NULL);
        task_stop_clock(c, t);
        task_start_clock(c, t);
    }
}

/* ---- the walk ---- */

void audit_task_removed(struct core *c, const struct task *t)
{
    if (c->audit.next == t) {
        c->audit.next = t->next;
    }
}

static void next_partition(struct core *c)
{
    struct audit *a = &c->audit;
    a->begun = false;
    a->next = NULL;
    a->partition = (partition_id)((a->partition + 1) % PARTITION_COUNT);
    if (a->partition == 0) {
        memcpy(c->stats.tasks_by_state, a->counting, sizeof a->counting);
        memset(a->counting, 0, sizeof a->counting);
        c->stats.audit_rounds_total++;
    }
}

/* The next piece of the partition's tasks. False where there is no room for the read. */
static bool audit_piece(struct core *c, struct partition *p)
{
    struct audit *a = &c->audit;
    struct ask *ask = ask_create(c, ASK_AUDIT);
    if (ask == NULL) {
        return false;
    }
    ask->audited = arena_alloc(&ask->arena, AUDIT_IDS_MAX * sizeof *ask->audited);
    ask->versions = arena_alloc(&ask->arena, AUDIT_IDS_MAX * sizeof *ask->versions);
    ask->runs = arena_alloc(&ask->arena, AUDIT_IDS_MAX * sizeof *ask->runs);
    a->next = a->begun ? a->next : p->tasks;
    a->begun = true;
    for (uint32_t seen = 0; a->next != NULL && seen < AUDIT_IDS_MAX; seen++) {
        struct task *t = a->next;
        a->next = t->next;
        audit_task(c, t);
        a->counting[t->state]++;
        if (!task_state_ended(t->state)) {
            ask->audited[ask->audited_count] = arena_bytes(&ask->arena, t->id);
            ask->runs[ask->audited_count] = t->run;
            ask->versions[ask->audited_count++] = t->version;
        }
    }
    audit_ask(c, p, ask);
    return true;
}

void audit_tick(struct core *c)
{
    struct audit *a = &c->audit;
    if (c->now.mono < a->next_at || !c->store_up || c->draining || a->asks > 0) {
        return;
    }
    a->next_at = c->now.mono + TICK_MS;
    for (int looked = 0, pieces = 0; looked < PARTITION_COUNT && pieces < PARTITIONS_PER_TICK;
         looked++) {
        struct partition *p = &c->partitions[a->partition];
        if (p->state == PARTITION_OWNED && !(a->begun && a->next == NULL)) {
            if (!audit_piece(c, p)) {
                return;
            }
            pieces++;
        }
        if (p->state != PARTITION_OWNED || a->next == NULL) {
            next_partition(c);
        }
    }
}
