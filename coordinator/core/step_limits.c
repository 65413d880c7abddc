/* The time limits of a step beyond one attempt: timeout_total over all its attempts, queue_timeout
 * while no worker takes it. The limits of a single attempt are kept by the worker. */
#include "core/step_limits.h"

#include <assert.h>

#include "core/change.h"
#include "core/fx.h"
#include "core/plant.h"
#include "core/ready.h"
#include "core/state.h"
#include "core/step_end.h"

void step_clock_start(struct core *c, struct step *s)
{
    struct work *x = work_make(s);
    if (x->begun_at == 0) {
        x->begun_at = c->now.mono - rare_of(s)->spent_ms;
    }
}

void step_clock_note(struct core *c, struct step *s)
{
    if (work_of(s)->begun_at != 0) {
        rare_make(s)->spent_ms = c->now.mono - s->work->begun_at;
    }
}

/* Its task rests: the time until it goes on does not count. */
void step_clock_hold(struct core *c, struct step *s)
{
    step_clock_note(c, s);
    if (s->work != NULL) {
        s->work->begun_at = 0;
    }
}

void step_clock_reset(struct step *s)
{
    if (s->work != NULL) {
        s->work->begun_at = 0;
    }
    if (s->rare != NULL) {
        s->rare->spent_ms = 0;
    }
}

mono_ms step_total_left(const struct core *c, const struct step *s)
{
    mono_ms total = step_def(s)->timeout_total_ms;
    if (total == 0 || planted(PLANT_TOTAL_FORGOTTEN)) {
        return NEVER_MS;
    }
    mono_ms begun_at = work_of(s)->begun_at;
    return total - (begun_at != 0 ? c->now.mono - begun_at : rare_of(s)->spent_ms);
}

mono_ms step_ready_until(const struct core *c, const struct step *s)
{
    mono_ms queue = step_def(s)->queue_timeout_ms;
    mono_ms until = queue > 0 ? work_of(s)->ready_at + queue : NEVER_MS;
    mono_ms left = work_of(s)->begun_at != 0 ? step_total_left(c, s) : NEVER_MS;
    return left != NEVER_MS && c->now.mono + left < until ? c->now.mono + left : until;
}

/* Ends the step, which is in no queue, because none of its time is left. */
void step_expire(struct core *c, struct step *s)
{
    const struct pipeline_step *def = step_def(s);
    bool total = step_total_left(c, s) <= 0;
    struct change ch;
    change_begin(c, s->task, &ch);
    step_unqueue(c, s);
    const char *why =
        total ? arena_printf(fx_arena(c), "its attempts have used up its timeout_total of %.3g s",
                             def->timeout_total_ms / 1000.0)
              : arena_printf(fx_arena(c),
                             "no worker took it within its queue_timeout of %.3g s: no worker that "
                             "offers %s%s%s was free",
                             def->queue_timeout_ms / 1000.0, def->function,
                             def->requires[0] != '\0' ? " and has the labels " : "", def->requires);
    enum code code = total ? CODE_STEP_TIMEOUT_TOTAL : CODE_QUEUE_TIMEOUT;
    s->deliveries++;
    step_set_error(s, code, bytes_str(why));
    step_give_up(&ch, s, code, bytes_str(why));
    change_commit(&ch);
}
