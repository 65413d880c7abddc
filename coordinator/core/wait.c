/* Steps that wait: for a signal, for so long, until a moment. They hold no worker, and all that is
 * known of a wait is stored, so that it outlives everything.
 *
 * Durations run on the process's own clock, which no setting of the wall clock moves; moments are
 * of the wall clock, and looked at again when that has jumped. After a takeover both go on from the
 * end that is stored, a duration never for longer than it is. */
#include "core/wait.h"

#include "core/change.h"
#include "core/fx.h"
#include "core/plant.h"
#include "core/ready.h"
#include "core/scope.h"
#include "core/state.h"
#include "core/step_end.h"
#include "core/tasks.h"
#include "core/timers.h"
#include "json/doc.h"

/* Less than this the wall clock drifts against the monotonic one without being set: slewing is
 * slower. */
#define CLOCK_JUMP_MS 1000

static bool has_end(const struct step *s)
{
    return step_def(s)->wait.kind != WAIT_SIGNAL || rare_of(s)->wait_ms > 0;
}

static void arm(struct core *c, struct step *s)
{
    mono_ms left = rare_of(s)->wait_until - c->now.wall;
    if (step_def(s)->wait.kind != WAIT_UNTIL && left > rare_of(s)->wait_ms) {
        left = rare_of(s)->wait_ms; /* the host that stored wait_until had a clock ahead of ours */
    }
    timer_set(c, &work_make(s)->timer, has_end(s) ? c->now.mono + (left > 0 ? left : 0) : NEVER_MS);
}

static unix_ms end_of(const struct core *c, const struct step *s)
{
    switch (step_def(s)->wait.kind) {
    case WAIT_UNTIL:
        return rare_of(s)->wait_until;
    case WAIT_SECONDS:
        return c->now.wall + rare_of(s)->wait_ms;
    case WAIT_SIGNAL:
        return rare_of(s)->wait_ms > 0 ? c->now.wall + rare_of(s)->wait_ms : 0;
    case WAIT_NONE:
        break;
    }
    return 0;
}

/* Completes the step with this result, which ends its wait. */
static void resolve(struct change *ch, struct step *s, struct bytes result)
{
    struct core *c = ch->core;
    step_unqueue(c, s);
    s->completed_at = c->now.wall;
    int64_t took = s->completed_at - s->started_at;
    s->duration_ms = took < 0 ? 0 : took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
    rare_make(s)->wait_until = 0;
    if (step_result_fits(s, result)) {
        step_complete(ch, s, parts_whole(result));
    } else {
        step_give_up(ch, s, CODE_TASK_TOO_LARGE,
                     BYTES_LIT("the results of this task are larger than 64 MiB in total"));
    }
}

/* Takes a signal that came before: kept in this step, or in another one that waits for the same
 * name and was not reached. */
static void take_kept(struct change *ch, struct step *s)
{
    struct step *keeper = rare_of(s)->signal.len > 0 ? s : signal_kept(s);
    if (keeper == NULL) {
        return;
    }
    struct bytes data = arena_bytes(fx_arena(ch->core), rare_of(keeper)->signal);
    struct request_mark mark = rare_of(keeper)->mark;
    step_set_signal(keeper, BYTES_NONE, (struct request_mark){0});
    change_step(ch, keeper);
    step_set_signal(s, BYTES_NONE, mark);
    resolve(ch, s, data);
}

/* The step's turn has come: its wait begins, and is over at once where its signal is there
 * already. */
static void begin(struct core *c, struct step *s)
{
    struct task *t = s->task;
    struct change ch;
    change_begin(c, t, &ch);
    s->started_at = c->now.wall;
    if (step_def(s)->wait.end == NULL) {
        rare_make(s)->wait_ms = step_def(s)->wait.ms;
        rare_make(s)->wait_until = step_def(s)->wait.until;
    }
    rare_make(s)->wait_until = end_of(c, s);
    if (t->started_at == 0) {
        t->started_at = c->now.wall;
    }
    s->phase = PHASE_WAITING;
    arm(c, s);
    change_step(&ch, s);
    if (t->state == TASK_PENDING || t->state == TASK_RECOVERING) {
        t->state = TASK_RUNNING;
        task_start_clock(c, t);
    }
    struct task_event *e = change_event(&ch, EVENT_STEP_WAITING, s->index);
    e->retry_at = rare_of(s)->wait_until;
    take_kept(&ch, s);
    change_commit(&ch);
}

/* Takes the value of a wait's expression: a number of seconds, or a moment. */
static bool take_end(struct step *s, struct bytes json)
{
    const struct pipeline_wait *w = &step_def(s)->wait;
    struct doc *d = NULL;
    struct doc_fault fault;
    bool good = doc_parse(json, &d, &fault) == ERR_OK;
    const struct doc_value *v = good ? doc_root(d) : NULL;
    if (good && w->kind == WAIT_UNTIL) {
        good = doc_kind(v) == JSON_STRING &&
               time_parse(doc_string(v), &rare_make(s)->wait_until) == ERR_OK;
    } else if (good) {
        double seconds = doc_number(v);
        double least = w->kind == WAIT_SIGNAL ? 0.001 : 0;
        good = doc_kind(v) == JSON_NUMBER && seconds >= least && seconds <= WAIT_S_MAX;
        rare_make(s)->wait_ms =
            good ? (mono_ms)(seconds * (planted(PLANT_WAIT_CUT) ? 1 : 1000) + 0.5) : 0;
    }
    doc_free(d);
    return good;
}

bool wait_resolve(struct core *c, struct step *s, struct scope *x, struct bytes *ret_why)
{
    static const char *const fields[] = {[WAIT_NONE] = "wait",
                                         [WAIT_SIGNAL] = "wait/timeout",
                                         [WAIT_SECONDS] = "wait/seconds",
                                         [WAIT_UNTIL] = "wait/until"};
    enum wait_kind kind = step_def(s)->wait.kind;
    struct bytes json;
    if (!scope_eval(x, step_def(s)->wait.end, fields[kind], &json, ret_why)) {
        return false;
    }
    if (take_end(s, json)) {
        return true;
    }
    const char *want = kind == WAIT_UNTIL    ? "a time as in RFC 3339"
                       : kind == WAIT_SIGNAL ? "a number of seconds from 0.001 to 31536000 (a year)"
                                             : "a number of seconds from 0 to 31536000 (a year)";
    *ret_why = bytes_str(
        arena_printf(fx_arena(c), "step \"%s\", /%s: its value is %.*s%s, but must be %s",
                     step_def(s)->name, fields[kind], json.len < 100 ? (int)json.len : 100,
                     (const char *)json.ptr, json.len < 100 ? "" : "...", want));
    return false;
}

bool step_waits(const struct step *s)
{
    return step_def(s)->wait.kind != WAIT_NONE && s->state == STEP_PENDING && s->started_at != 0;
}

void wait_make_ready(struct core *c, struct step *s)
{
    if (!step_waits(s)) {
        begin(c, s);
        return;
    }
    s->phase = PHASE_WAITING; /* another coordinator began it */
    arm(c, s);
    if (planted(PLANT_WAIT_TIMER_LOST)) {
        timer_clear(c, &s->work->timer);
    }
}

void wait_due(struct core *c, struct step *s)
{
    const struct pipeline_wait *w = &step_def(s)->wait;
    if (w->kind == WAIT_UNTIL && c->now.wall < rare_of(s)->wait_until) {
        arm(c, s); /* the clock was set back */
        return;
    }
    struct change ch;
    change_begin(c, s->task, &ch);
    if (w->kind != WAIT_SIGNAL) {
        resolve(&ch, s, BYTES_LIT("null"));
    } else if (w->fallback.len > 0) {
        resolve(&ch, s, w->fallback);
    } else {
        const char *why = arena_printf(fx_arena(c), "the signal %s did not come within %lld s",
                                       w->signal, (long long)(rare_of(s)->wait_ms / 1000));
        step_unqueue(c, s);
        s->completed_at = c->now.wall;
        step_set_error(s, CODE_WAIT_TIMEOUT, bytes_str(why));
        step_give_up(&ch, s, CODE_WAIT_TIMEOUT, bytes_str(why));
    }
    change_commit(&ch);
}

void wait_take_signal(struct change *ch, struct step *s, struct bytes data,
                      struct request_mark mark)
{
    if (step_waits(s)) {
        rare_make(s)->mark = mark;
        resolve(ch, s, data);
        return;
    }
    step_set_signal(s, data, mark);
    if (!planted(PLANT_EARLY_SIGNAL_LOST)) {
        change_step(ch, s);
    }
}

void wait_reset(struct step *s, bool anew)
{
    struct step_rare *x = s->rare;
    if (x == NULL) {
        return;
    }
    x->wait_until = 0;
    x->wait_ms = 0;
    if (anew || x->signal.len == 0) { /* a signal that was not used yet stays */
        step_set_signal(s, BYTES_NONE, (struct request_mark){0});
    }
}

/* Where the wall clock has jumped, the timers of all waits for a moment are set anew: few tasks
 * have one, and the clock hardly ever jumps. */
void waits_look_at_clock(struct core *c)
{
    int64_t offset = c->now.wall - c->now.mono;
    int64_t jump = offset - c->wall_offset;
    if (jump <= CLOCK_JUMP_MS && jump >= -CLOCK_JUMP_MS) {
        return;
    }
    c->wall_offset = offset;
    for (int p = 0; p < PARTITION_COUNT; p++) {
        for (struct task *t = c->partitions[p].tasks; t != NULL; t = t->next) {
            for (uint32_t i = 0; t->pipeline->wait_count > 0 && i < t->pipeline->step_count; i++) {
                struct step *s = &t->steps[i];
                if (s->phase == PHASE_WAITING && step_def(s)->wait.kind == WAIT_UNTIL) {
                    arm(c, s);
                }
            }
        }
    }
}

/* A task is `waiting` while all that is left of it are waits that have begun; only then its clock
 * stands. */
void task_review(struct core *c, struct task *t)
{
    bool active = false;
    bool waits = false;
    if (t->pipeline->wait_count == 0 || task_state_ended(t->state) || task_state_rests(t->state)) {
        return;
    }
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        const struct step *s = &t->steps[i];
        waits = waits || s->phase == PHASE_WAITING;
        active = active || (s->phase != PHASE_WAITING && s->phase != PHASE_NONE) || step_may_run(s);
    }
    if (waits && !active && t->state != TASK_WAITING) {
        t->state = TASK_WAITING;
        task_hold_clock(c, t);
    } else if (t->state == TASK_WAITING && active) {
        t->state = TASK_RUNNING;
        task_start_clock(c, t);
    }
}
