/* News of running attempts: coalesced to ten events a second and task; progress checkpoints made
 * durable at most once an interval. */
#include "core/on_progress.h"

#include <stdlib.h>

#include "core/account.h"
#include "core/change.h"
#include "core/partition.h"
#include "core/peers.h"
#include "core/plant.h"
#include "core/state.h"
#include "core/tasks.h"
#include "core/timers.h"
#include "core/token.h"
#include "core/workers.h"
#include "core/writes.h"
#include "model/limits.h"

#define EVENT_SPACING_MS 100 /* each event is stored; 10 a second and task are enough to watch */

/* Schedules a progress event for the task, unless another event comes first and tells the same. */
static void progress_soon(struct core *c, struct task *t, uint32_t step)
{
    struct task_running *r = running_make(t);
    r->progress_step = step;
    if (heap_holds(&r->progress_timer.node)) {
        return;
    }
    mono_ms at = t->event_at + EVENT_SPACING_MS;
    timer_set(c, &r->progress_timer, at > c->now.mono ? at : c->now.mono + EVENT_SPACING_MS);
}

void task_news(struct core *c, const struct step *s, struct bytes message)
{
    struct task *t = s->task;
    if (message.len > 0) {
        struct task_running *r = running_make(t);
        free(r->progress_message);
        r->progress_message = mem_str_bytes(bytes_part(message, 0, DESCRIPTION_BYTES_MAX));
    }
    progress_soon(c, t, s->index);
}

/* A step's start is not written by itself: it is told with the next progress event, if nothing else
 * happens for a moment. */
void task_step_started(struct core *c, struct step *s)
{
    struct task *t = s->task;
    if (t->started_at == 0) {
        t->started_at = c->now.wall;
    }
    if (!task_state_rests(t->state)) { /* a worker's claim does not end a pause */
        t->state = TASK_RUNNING;
    }
    task_start_clock(c, t);
    progress_soon(c, t, s->index);
}

void task_progress_due(struct core *c, struct task *t)
{
    struct task_running *r = t->running;
    struct change ch;
    change_begin(c, t, &ch);
    struct task_event *e = change_event(&ch, EVENT_PROGRESS, r->progress_step);
    if (r->progress_message != NULL) {
        e->message = arena_bytes(&ch.write->arena, bytes_str(r->progress_message));
        free(r->progress_message);
        r->progress_message = NULL;
    }
    change_commit(&ch);
}

static void save_at(struct core *c, struct step *s, mono_ms at)
{
    struct timer *timer = &running_make(s->task)->save_timer;
    if (!heap_holds(&timer->node) || timer->at > at) {
        timer_set(c, timer, at);
    }
}

/* A row that was made for another reason may have stored a checkpoint already. It is told of here
 * all the same, so that watchers hear of one once an interval, and not with every such row. */
void task_save_due(struct core *c, struct task *t)
{
    mono_ms interval = (mono_ms)t->checkpoint_interval_s * 1000;
    struct change ch = {0};
    struct unit_walk walk = {0};
    for (struct step *s; (s = unit_next(t, &walk)) != NULL;) {
        if (step_over(s) || !(rare_of(s)->checkpoint_dirty || rare_of(s)->checkpoint_untold)) {
            continue;
        }
        if (work_of(s)->checkpoint_saved_at + interval > c->now.mono) {
            save_at(c, s, work_of(s)->checkpoint_saved_at + interval);
            continue;
        }
        if (ch.core == NULL) {
            change_begin(c, t, &ch);
        }
        work_make(s)->checkpoint_saved_at = c->now.mono;
        change_step(&ch, s);
        if (rare_of(s)->checkpoint_untold) {
            change_tell_checkpoint(&ch, s);
        }
    }
    if (ch.core != NULL) {
        change_commit(&ch);
    }
}

static void take_checkpoint(struct core *c, struct step *s, struct bytes checkpoint)
{
    if (checkpoint.len == 0 || checkpoint.len > INPUT_BYTES_MAX) {
        return;
    }
    step_set_checkpoint(s, checkpoint);
    s->rare->checkpoint_dirty = true;
    s->rare->checkpoint_untold = s->item == ITEM_NONE; /* thousands may save: their pages show it */
    if (planted(PLANT_CHECKPOINT_EARLY)) {
        step_note_saved(s, c->now);
    }
    save_at(c, s, work_of(s)->checkpoint_saved_at + (mono_ms)s->task->checkpoint_interval_s * 1000);
}

void on_progress(struct core *c, struct peer *p, const struct step_progress *n)
{
    struct task *t =
        partition_serves(partition_of(c, n->ref.task_id)) ? task_find(c, n->ref.task_id) : NULL;
    struct step *s =
        t != NULL && n->ref.run == t->run ? unit_find(t, n->ref.step, n->ref.item) : NULL;
    if (s == NULL || s->phase != PHASE_RUNNING || work_of(s)->worker != p->worker->serial ||
        s->deliveries != n->ref.delivery || s->generation != n->ref.generation ||
        !token_valid_in(&c->secret, worker_run_find(p->worker, &n->ref), t, &n->ref)) {
        return;
    }
    if (n->fraction > work_of(s)->fraction && n->fraction <= 1) {
        step_set_fraction(s, n->fraction);
    }
    if (t->checkpoints) {
        take_checkpoint(c, s, n->checkpoint);
    }
    if (n->log.len > 0) { /* kept for the moment of its death; no event, no write */
        step_set_log(s, n->log);
    }
    bool used = account_news(c, s, n);
    if (n->fraction >= 0 || n->message.len > 0 || n->checkpoint.len > 0 || used) {
        task_news(c, s, n->message);
    }
}
