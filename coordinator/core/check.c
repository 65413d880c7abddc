/* The invariants of core/README.md, asserted over the whole state. */
#include <assert.h>

#include "core/asks.h"
#include "core/budget.h"
#include "core/docs.h"
#include "core/functions.h"
#include "core/partition.h"
#include "core/peers.h"
#include "core/plant.h"
#include "core/resolve.h"
#include "core/state.h"
#include "core/workers.h"
#include "core/writes.h"

static void check_step(const struct core *c, const struct task *t, const struct step *s)
{
    assert(s->task == t);
    bool queued =
        s->phase == PHASE_READY || (s->phase == PHASE_RESOLVING && work_of(s)->awaits == 0);
    assert(queued == heap_holds(&work_of(s)->ready));
    assert(s->phase != PHASE_DELAYED || heap_holds(&work_of(s)->timer.node));
    assert(s->phase == PHASE_DELAYED || s->phase == PHASE_READY || s->phase == PHASE_WAITING ||
           !heap_holds(&work_of(s)->timer.node));
    assert((s->phase != PHASE_WAITING && rare_of(s)->wait_until == 0) ||
           step_def(s)->wait.kind != WAIT_NONE);
    assert(s->phase != PHASE_WAITING || rare_of(s)->wait_until == 0 ||
           planted(PLANT_WAIT_TIMER_LOST) || heap_holds(&work_of(s)->timer.node));
    assert((s->phase == PHASE_RUNNING || s->phase == PHASE_ITEMS) == (s->state == STEP_RUNNING));
    assert(s->phase == PHASE_NONE || s->work != NULL);
    assert(!step_over(s) || s->work == NULL);
    if (s->phase != PHASE_NONE) {
        assert(s->state == STEP_PENDING || s->state == STEP_RUNNING); /* I8 */
        assert(s->needs_left == 0);                                   /* I5 */
        assert(!task_state_ended(t->state));
    }
    if (s->phase == PHASE_RUNNING && partition_serves(&c->partitions[t->partition])) {
        /* A running step is known to its worker's runs, so that the worker's death is noticed. */
        struct worker *w = worker_by_serial(c, work_of(s)->worker);
        const struct run *r = w != NULL ? worker_run_of(c, w, s) : NULL;
        assert(r != NULL);
        assert(step_def(s)->concurrency.key == NULL || r->hold != NULL || r->hold_due); /* I19 */
    }
    if (s->state == STEP_COMPLETED && s->item == ITEM_NONE) {
        assert(s->result_len > 0 && s->result_offset > RESULTS_OFFSET);
        assert(s->result_offset + s->result_len < RESULTS_OFFSET + t->results_bytes);
        assert(s->order < t->next_order);
    }
    /* Liveness: a step of an owned task that may run is somewhere from where it goes on. */
    bool owned = c->partitions[t->partition].state == PARTITION_OWNED;
    assert(!owned || s->phase != PHASE_BUDGET || budget_moves(t));
    bool rests = task_state_rests(t->state);
    assert(!rests || s->phase == PHASE_NONE || s->phase == PHASE_RUNNING ||
           s->phase == PHASE_WAITING || s->phase == PHASE_ITEMS); /* I13 */
    if (owned && !rests && !task_state_ended(t->state) && s->state == STEP_PENDING &&
        s->needs_left == 0) {
        assert(s->phase != PHASE_NONE);
    }
}

/* I15: waiting is what a task is called when nothing but waits is left. */
static void check_waiting(const struct core *c, const struct task *t)
{
    bool active = false;
    bool waits = false;
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        waits = waits || t->steps[i].phase == PHASE_WAITING;
        active = active || (t->steps[i].phase != PHASE_NONE && t->steps[i].phase != PHASE_WAITING);
    }
    if (c->partitions[t->partition].state == PARTITION_OWNED && !task_state_rests(t->state)) {
        assert((t->state == TASK_WAITING) == (waits && !active));
    }
}

/* Counts and marks of the items agree; no more of them are under way than may be. */
static void check_items(const struct core *c, const struct task *t, const struct step *s)
{
    const struct fan *f = rare_of(s)->fan;
    uint32_t counts[256] = {0};
    for (uint32_t i = 0; i < f->count; i++) {
        counts[f->marks[i]]++;
        assert(i >= f->next || f->marks[i] != ITEM_WAITING);
    }
    assert(counts[ITEM_DONE] == f->done && counts[ITEM_FAILED] == f->failed);
    assert(counts[ITEM_BEGUN] == f->live_count);
    assert(f->live_count <= step_def(s)->max_parallel || planted(PLANT_PARALLEL_IGNORED)); /* I16 */
    assert(f->live_count == 0 ||
           ((s->state == STEP_PENDING || s->state == STEP_RUNNING) && s->needs_left == 0));
    for (uint32_t i = 0; i < f->live_count; i++) {
        const struct step *item = f->live[i];
        assert(item->index == s->index && f->marks[item->item - 1] == ITEM_BEGUN);
        assert(item->generation == s->generation && item->deliveries >= f->base);
        if (s->phase == PHASE_ITEMS || item->phase == PHASE_RUNNING) {
            check_step(c, t, item);
        }
    }
    bool rests = task_state_rests(t->state);
    assert(s->phase != PHASE_ITEMS || rests || f->live_count > 0); /* it goes on */
}

static void check_task(const struct core *c, const struct task *t)
{
    uint32_t completed = 0;
    uint32_t over = 0;
    uint32_t skipped = 0;
    double fractions = 0;
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        const struct step *s = &t->steps[i];
        const struct pipeline_step *def = &t->pipeline->steps[i];
        bool done = s->state == STEP_COMPLETED;
        uint32_t left = 0;
        for (uint32_t n = 0; n < def->needs_count; n++) {
            const struct step *need = &t->steps[def->needs[n]];
            left += !step_meets_need(need, def->finally);
            assert(!done || s->started_at >= need->completed_at); /* cause before effect */
        }
        assert(left == s->needs_left);
        completed += s->state == STEP_COMPLETED;
        over += step_over(s);
        skipped += s->state == STEP_SKIPPED;
        fractions += s->state == STEP_RUNNING ? work_of(s)->fraction : 0;
        assert(s->state == STEP_RUNNING || work_of(s)->fraction == 0);
        assert(!s->in_row);
        assert(step_over(s) ? i != t->first_open : i >= t->first_open);
        check_step(c, t, s);
        if (rare_of(s)->fan != NULL) {
            check_items(c, t, s);
        }
    }
    assert(completed == t->completed && skipped == t->skipped);
    double measured = task_measure(t) - (completed + skipped + fractions) / t->pipeline->step_count;
    assert(measured > -1e-8 && measured < 1e-8);
    assert(t->progress >= 0 && t->progress <= 1);
    assert(over + t->steps_left == t->pipeline->step_count);
    assert(task_state_ended(t->state) == (t->steps_left == 0));
    assert((t->state == TASK_COMPLETED) == (t->steps_left == 0 && t->error_code == CODE_NONE));
    assert(!task_state_ended(t->state) ||
           t->writes_pending > 0); /* an ended task leaves with its last write */
    assert((t->ran_since != NEVER_MS) ==
           (t->running != NULL && heap_holds(&t->running->duration_timer.node)));
    assert(!task_state_rests(t->state) || t->ran_since == NEVER_MS); /* I13 */
    assert(t->state != TASK_WAITING || t->ran_since == NEVER_MS);
    check_waiting(c, t);
}

static void check_workers(const struct core *c)
{
    uint64_t credits = 0;
    for (size_t i = 0; i < c->worker_count; i++) {
        const struct worker *w = c->by_serial[i];
        credits += w->credit;
        const struct peer *p = w->peer != 0 ? peer_find(c, w->peer) : NULL;
        assert(p != NULL ? !p->speaks || !heap_holds(&w->timer.node) : heap_holds(&w->timer.node));
        assert(w->peer != 0 || w->credit == 0);
        assert(w->run_count <= 2 * ATTEMPTS_PER_WORKER_MAX); /* I11 */
    }
    assert(credits == c->credit_sum);
}

void core_check(const struct core *c)
{
    size_t tasks = 0;
    size_t delayed = 0;
    for (int i = 0; i < PARTITION_COUNT; i++) {
        const struct partition *p = &c->partitions[i];
        assert(p->tasks == NULL || p->state >= PARTITION_LOADING);
        for (const struct task *t = p->tasks; t != NULL; t = t->next) {
            assert(t->partition == p->id && map_get(&c->tasks, t->id) == t);
            tasks++;
            if (p->state != PARTITION_LOADING) {
                check_task(c, t);
            }
            struct unit_walk walk = {0};
            for (const struct step *s; (s = unit_next(t, &walk)) != NULL;) {
                delayed += s->phase == PHASE_DELAYED;
            }
        }
    }
    assert(tasks == c->tasks.count && tasks == c->stats.tasks_live);
    size_t ready = 0;
    for (size_t i = 0; i < c->function_count; i++) {
        const struct function *f = &c->functions[i];
        assert(f->name == NULL || f->worker_count > 0 || f->ready.count + f->laned > 0); /* I11 */
        ready += f->ready.count + f->laned;
    }
    assert(ready == c->ready_count && delayed == c->delayed_count);
    assert(c->resolving_asks <= RESOLVES_MAX); /* I11 */
    check_workers(c);
    writes_check(c);
    assert(c->write_count <= 4 * WRITES_PENDING_MAX && c->asks.count <= ASKS_PENDING_MAX); /* I11 */
    docs_check(c);
}
