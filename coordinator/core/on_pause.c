/* PAUSE and RESUME: a paused task starts no further step until it is resumed; running steps go on
 * and their outcomes are applied. Both are answered when they are durable. */
#include "core/on_pause.h"

#include "core/budget.h"
#include "core/change.h"
#include "core/fan.h"
#include "core/fx.h"
#include "core/peers.h"
#include "core/plant.h"
#include "core/ready.h"
#include "core/replies.h"
#include "core/requests.h"
#include "core/step_limits.h"
#include "core/task.h"
#include "core/tasks.h"

static void answer_done(struct core *c, const struct task *t, const struct peer *p,
                        const struct message *m)
{
    struct reply r;
    reply_begin(c, t, p->id, m->request, &r);
    r.message->done.task_id = arena_bytes(r.arena, t->id);
    r.message->done.state = t->state;
    reply_send(&r, MSG_DONE);
}

/* Finds the live task. False where it has ended or is not ours: the client was answered, or will be
 * from the store. */
static bool find_live(struct core *c, struct peer *p, const struct message *m,
                      struct task **ret_task)
{
    struct task *t = task_find(c, m->task.task_id);
    if (t == NULL) {
        on_query(c, p, m);
        return false;
    }
    if (task_state_ended(t->state)) {
        refuse_for(c, t, p, m, CODE_TASK_ENDED);
        return false;
    }
    *ret_task = t;
    return true;
}

/* Steps that wait for a worker, a timer or a write wait for the resume instead. A wait step that
 * has begun goes on, like a running step. */
static void set_aside(struct core *c, struct task *t)
{
    struct unit_walk walk = {0};
    for (struct step *s; (s = unit_next(t, &walk)) != NULL;) {
        bool leaks = planted(PLANT_PAUSE_LEAKS) && s->phase == PHASE_READY;
        if (s->state == STEP_PENDING && s->phase != PHASE_WAITING && !leaks) {
            step_unqueue(c, s);
            step_clock_hold(c, s);
        }
    }
}

void task_rest(struct change *ch, enum task_state state)
{
    task_hold_clock(ch->core, ch->task);
    ch->task->state = state;
    set_aside(ch->core, ch->task);
}

void task_pause(struct change *ch, const struct deed *deed)
{
    task_rest(ch, TASK_PAUSED);
    change_deed(ch, EVENT_TASK_PAUSED, task_current_step(ch->task), deed);
}

/* Steps that were out of attempts may be tried again; one that was cancelled since, or whose late
 * success was taken, stays as it is. */
static void renew_steps(struct change *ch)
{
    for (uint32_t i = 0; i < ch->task->pipeline->step_count; i++) {
        struct step *s = &ch->task->steps[i];
        if (rare_of(s)->exhausted && s->state == STEP_PENDING) {
            s->rare->exhausted = false;
            if (rare_of(s)->fan != NULL) {
                fan_again(ch, s);
            }
            s->failures = 0;
            s->deaths = 0;
            step_clock_reset(s);
            change_step(ch, s);
        }
    }
}

void on_pause(struct core *c, struct peer *p, const struct message *m)
{
    struct task *t = NULL;
    if (!find_live(c, p, m, &t)) {
        return;
    }
    if (t->state != TASK_PAUSED) {
        struct change ch;
        change_begin(c, t, &ch);
        task_pause(&ch, &m->task.deed);
        change_commit(&ch);
    }
    /* answered also where it was paused already: the first answer may have been lost */
    answer_done(c, t, p, m);
}

/* A RESUME of a task that does not rest may change its budget. The same again changes nothing. */
static void change_budget(struct core *c, struct task *t, struct peer *p, const struct message *m)
{
    struct change ch;
    if (budget_none(&m->task.budget)) {
        refuse_for(c, t, p, m, CODE_NOT_PAUSED);
        return;
    }
    if (!budget_same(&spending_of(t)->budget, &m->task.budget)) {
        change_begin(c, t, &ch);
        (void)budget_set(&ch, &m->task.budget, &m->task.deed);
        change_commit(&ch);
    }
    answer_done(c, t, p, m);
}

/* A task that has spent its budget goes on only with a larger one. */
static bool refused_as_short(struct core *c, const struct task *t, const struct peer *p,
                             const struct message *m)
{
    struct reply r;
    const char *what = NULL;
    if (!budget_short(t, &m->task.budget, fx_arena(c), &what)) {
        return false;
    }
    reply_begin(c, t, p->id, m->request, &r);
    r.message->refused.code = CODE_BUDGET_EXCEEDED;
    r.message->refused.state = t->state;
    r.message->refused.detail = bytes_str(
        arena_printf(r.arena, "the task has spent %s: resume it with a larger budget", what));
    reply_send(&r, MSG_REFUSED);
    return true;
}

void on_resume(struct core *c, struct peer *p, const struct message *m)
{
    struct task *t = NULL;
    if (!find_live(c, p, m, &t)) {
        return;
    }
    if (!task_state_rests(t->state)) {
        change_budget(c, t, p, m);
        return;
    }
    if (t->state == TASK_BUDGET_EXCEEDED && refused_as_short(c, t, p, m)) {
        return;
    }
    struct change ch;
    change_begin(c, t, &ch);
    (void)budget_set(&ch, &m->task.budget, &m->task.deed);
    t->state = t->started_at != 0 ? TASK_RUNNING : TASK_PENDING;
    renew_steps(&ch);
    if (t->started_at != 0) {
        task_start_clock(c, t);
    }
    change_ready_all(&ch);
    change_deed(&ch, EVENT_TASK_RESUMED, task_current_step(t), &m->task.deed);
    change_commit(&ch);
    answer_done(c, t, p, m);
}
