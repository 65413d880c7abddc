#include "core/tasks.h"

#include <assert.h>
#include <stdlib.h>

#include "core/audit.h"
#include "core/fx.h"
#include "core/plant.h"
#include "core/ready.h"
#include "core/state.h"
#include "core/timers.h"
#include "model/limits.h"

struct task *task_find(const struct core *c, struct bytes id)
{
    return map_get(&c->tasks, id);
}

void task_insert(struct core *c, struct task *t)
{
    struct partition *p = &c->partitions[t->partition];
    void *old = map_put(&c->tasks, t->id, t);
    assert(old == NULL);
    (void)old;
    t->next = p->tasks;
    t->prev = NULL;
    if (p->tasks != NULL) {
        p->tasks->prev = t;
    }
    p->tasks = t;
    c->stats.tasks_live++;
}

void task_bury(void *task)
{
    task_free(task);
}

static void task_clear_timers(struct core *c, struct task *t)
{
    if (t->running != NULL) {
        timer_clear(c, &t->running->duration_timer);
        timer_clear(c, &t->running->progress_timer);
        timer_clear(c, &t->running->save_timer);
    }
}

void task_hold_news(struct core *c, struct task *t)
{
    if (t->running != NULL) {
        timer_clear(c, &t->running->progress_timer);
    }
}

void task_remove(struct core *c, struct task *t)
{
    struct partition *p = &c->partitions[t->partition];
    audit_task_removed(c, t);
    struct unit_walk walk = {0};
    for (struct step *s; (s = unit_next(t, &walk)) != NULL;) {
        step_unqueue(c, s);
    }
    task_clear_timers(c, t);
    map_remove(&c->tasks, t->id);
    if (t->prev != NULL) {
        t->prev->next = t->next;
    } else {
        p->tasks = t->next;
    }
    if (t->next != NULL) {
        t->next->prev = t->prev;
    }
    c->stats.tasks_live--;
    fx_bury(c, task_bury, t);
}

void task_start_clock(struct core *c, struct task *t)
{
    if (t->ran_since != NEVER_MS || task_state_rests(t->state) || t->state == TASK_WAITING) {
        return;
    }
    t->ran_since = c->now.mono;
    timer_set(c, &running_make(t)->duration_timer,
              c->now.mono + (int64_t)t->max_duration_s * 1000 - t->ran_ms);
}

void task_restart_clock(struct core *c, struct task *t)
{
    t->ran_ms = 0;
    if (t->ran_since != NEVER_MS) {
        t->ran_since = NEVER_MS;
        task_start_clock(c, t);
    }
}

void task_hold_clock(struct core *c, struct task *t)
{
    t->ran_ms = task_ran_ms(t, c->now.mono);
    t->ran_since = NEVER_MS;
    if (t->running != NULL) {
        timer_clear(c, &t->running->duration_timer);
    }
}

void task_stop_clock(struct core *c, struct task *t)
{
    task_hold_clock(c, t);
    task_clear_timers(c, t);
}

/* How old the task is, so that a takeover does not put it behind all tasks that are here. Measured
 * by another host's clock; therefore bounded by the widest distance of two priorities. */
static mono_ms age_of(const struct core *c, const struct task *t)
{
    mono_ms most = (PRIORITY_MAX - PRIORITY_MIN) * c->config.priority_ms;
    mono_ms age = c->now.wall - t->created_at;
    return age < 0 ? 0 : age < most ? age : most;
}

/* Completed steps stay; steps that were running, waiting or had not begun are pending. Wall clocks
 * of two hosts are not compared beyond the wait that was decided. */
void task_loaded(struct core *c, struct task *t)
{
    struct unit_walk walk = {0};
    for (struct step *s; (s = unit_next(t, &walk)) != NULL;) {
        if (s->state == STEP_RUNNING) {
            step_become(s, STEP_PENDING);
        }
        const struct step_rare *x = rare_of(s);
        mono_ms left = x->retry_at - c->now.wall;
        left = left < x->wait_ms ? left : x->wait_ms;
        if (left > 0 && !step_over(s)) { /* a claimed one that failed for good keeps its own */
            work_make(s)->retry_due =
                planted(PLANT_TIMER_LOST_AT_TAKEOVER) ? NEVER_MS : c->now.mono + left;
        }
    }
    t->old_ms = age_of(c, t);
    bool rests = task_state_rests(t->state) && !planted(PLANT_PAUSE_FORGOTTEN);
    if (t->started_at != 0 && !rests && t->state != TASK_WAITING) {
        t->state = TASK_RECOVERING;
    }
}
