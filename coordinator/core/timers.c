#include "core/timers.h"

#include <assert.h>
#include <stddef.h>

#include "core/grace.h"
#include "core/lanes.h"
#include "core/on_progress.h"
#include "core/ready.h"
#include "core/state.h"
#include "core/step_end.h"
#include "core/step_limits.h"
#include "core/wait.h"
#include "core/workers.h"

#define OWNER(type, field, t) ((type *)(void *)((char *)(t)-offsetof(type, field)))

void timer_clear(struct core *c, struct timer *t)
{
    if (heap_holds(&t->node)) {
        heap_remove(&c->timers, &t->node);
    }
}

void timer_set(struct core *c, struct timer *t, mono_ms at)
{
    timer_clear(c, t);
    if (at != NEVER_MS) {
        t->at = at;
        t->sequence = c->next_timer++;
        heap_push(&c->timers, &t->node);
    }
}

static void timer_fire(struct core *c, struct timer *t)
{
    switch (t->kind) {
    case TIMER_STEP: {
        struct step *s = OWNER(struct work, timer, t)->step;
        if (s->phase == PHASE_WAITING) {
            wait_due(c, s);
            break;
        }
        if (s->phase == PHASE_READY) {
            step_expire(c, s);
            break;
        }
        assert(s->phase == PHASE_DELAYED);
        s->phase = PHASE_NONE;
        c->delayed_count--;
        step_make_ready(c, s);
        break;
    }
    case TIMER_DURATION:
        task_timed_out(c, OWNER(struct task_running, duration_timer, t)->task);
        break;
    case TIMER_PROGRESS:
        task_progress_due(c, OWNER(struct task_running, progress_timer, t)->task);
        break;
    case TIMER_SAVE:
        task_save_due(c, OWNER(struct task_running, save_timer, t)->task);
        break;
    case TIMER_WORKER:
        worker_timer(c, OWNER(struct worker, timer, t));
        break;
    case TIMER_LANE:
        lane_due(c, t);
        break;
    case TIMER_PARTITION:
        partition_timer(c, OWNER(struct partition, timer, t));
        break;
    }
}

/* A handler may set a timer to a time that has passed: it fires in the same call. Each handler
 * makes progress, so this ends. */
void timers_fire(struct core *c)
{
    for (;;) {
        struct heap_node *n = heap_top(&c->timers);
        if (n == NULL) {
            return;
        }
        struct timer *t = OWNER(struct timer, node, n);
        if (t->at > c->now.mono) {
            return;
        }
        heap_remove(&c->timers, n);
        timer_fire(c, t);
    }
}
