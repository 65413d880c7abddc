/* A task as gateways see it. */
#include "core/view.h"

#include "core/account.h"
#include "core/fan.h"
#include "core/functions.h"
#include "core/lanes.h"
#include "core/state.h"
#include "core/wait.h"
#include "model/limits.h"

static struct usage_part *view_usage(const struct usage *u, struct arena *arena)
{
    struct usage_part *parts = arena_alloc(arena, (u->count + 1) * sizeof *parts);
    for (uint32_t i = 0; i < u->count; i++) {
        parts[i] = u->parts[i];
        parts[i].model = arena_bytes(arena, u->parts[i].model);
    }
    return parts;
}

/* Usage of each step and of the task: by model, where that is not too much for one answer. */
static void view_used(const struct task *t, struct arena *arena, struct task_view *v)
{
    struct usage whole = {0};
    uint32_t shown = 0;
    for (uint32_t i = 0; i < v->step_count; i++) {
        const struct account *a = rare_of(&t->steps[i])->account;
        struct step_view *s = &v->steps[i];
        if (a == NULL || a->total.count == 0) {
            continue;
        }
        for (uint32_t k = 0; k < a->total.count; k++) {
            usage_add(&whole, a->total.parts[k].model, &a->total.parts[k].sum);
        }
        shown += a->total.count;
        s->usage = view_usage(&a->total, arena);
        s->usage_count = a->total.count;
        if (shown > USAGE_VIEW_MAX) {
            s->usage[0] = (struct usage_part){BYTES_LIT(USAGE_OTHER), usage_total(&a->total)};
            s->usage_count = 1;
        }
    }
    if (whole.count > 0) {
        v->usage = view_usage(&whole, arena);
        v->usage_count = whole.count;
    }
    usage_free(&whole);
}

/* Room that is left in one status answer, for all steps together. */
struct view_room {
    size_t checkpoints, errors, logs;
};

/* A message that is cut ends with a whole character. */
static struct bytes view_error(const char *error, struct arena *arena, size_t *room)
{
    struct bytes whole = bytes_str(error);
    if (whole.len <= *room) {
        *room -= whole.len;
        return arena_bytes(arena, whole);
    }
    size_t len = whole.len < ERROR_SHORT_BYTES_MAX ? whole.len : ERROR_SHORT_BYTES_MAX;
    while (len > 0 && len < whole.len && (whole.ptr[len] & 0xc0) == 0x80) {
        len--;
    }
    const char *rest = len < whole.len ? " ... (the history has all of it)" : "";
    return bytes_str(arena_printf(arena, "%.*s%s", (int)len, error, rest));
}

static void view_step(struct core *c, const struct step *s, struct arena *arena,
                      struct view_room *room, struct step_view *v)
{
    const struct pipeline_step *def = step_def(s);
    const struct step_rare *x = rare_of(s);
    v->state = s->state;
    v->started_at = s->started_at;
    v->completed_at = s->completed_at;
    v->retry_at = s->state == STEP_PENDING ? x->retry_at : 0;
    v->duration_ms = s->duration_ms;
    v->retry_count = s->failures;
    v->deaths = s->deaths;
    v->max_retries = step_max_retries(s);
    v->progress = step_meets_need(s, false)  ? 1
                  : s->state == STEP_RUNNING ? work_of(s)->fraction
                                             : 0;
    v->order = s->order;
    v->result_offset = s->result_offset;
    v->result_len = s->result_len;
    v->error_code = x->error_code;
    v->error = view_error(x->error, arena, &room->errors);
    v->function_code = arena_bytes(arena, bytes_str(x->function_code));
    v->name = arena_bytes(arena, bytes_str(def->name));
    v->description = arena_bytes(arena, bytes_str(def->description));
    v->function = arena_bytes(arena, bytes_str(def->function));
    v->checkpoint_at = x->saved_at;
    v->checkpoint_bytes = x->saved_bytes;
    size_t shown = shared_bytes(x->saved).len;
    if (shown <= room->checkpoints) {
        v->checkpoint = arena_hold(arena, x->saved);
        room->checkpoints -= shown;
    }
    struct bytes log = bytes_str(x->log);
    if (s->state == STEP_RUNNING && log.len <= room->logs) {
        v->log = arena_bytes(arena, log);
        room->logs -= log.len;
    }
    if (step_waits(s)) {
        v->waiting_until = x->wait_until;
        v->waiting_for = def->wait.kind == WAIT_SIGNAL
                             ? bytes_str(arena_printf(arena, "the signal %s", def->wait.signal))
                             : BYTES_LIT("a moment");
    }
    if (x->fan != NULL) {
        v->fans_out = true;
        v->items = x->fan->count;
        v->items_done = x->fan->done;
        v->items_failed = x->fan->failed;
        v->items_running = fan_running(x->fan);
    }
    if (s->phase == PHASE_BUDGET) {
        v->waiting_for = BYTES_LIT("room in the task's budget");
    }
    if (s->phase == PHASE_READY) {
        const struct function *f = function_of(c, s);
        const char *lack = f->worker_count > 0 ? lane_lack(s, arena) : NULL;
        v->waiting_for = bytes_str(lack != NULL ? lack : function_lack(f, arena));
    }
}

/* Estimated end, from the pace so far: good enough for a progress bar; 0 where nothing can be
 * said. */
static unix_ms estimate(const struct core *c, const struct task *t)
{
    double done = t->progress;
    if (t->state != TASK_RUNNING || t->started_at == 0 || done <= 0.01) {
        return 0;
    }
    double elapsed = (double)task_ran_ms(t, c->now.mono);
    return c->now.wall + (unix_ms)(elapsed / done * (1 - done));
}

struct task_view *view_of(struct core *c, const struct task *t, struct arena *arena)
{
    struct task_view *v = arena_alloc(arena, sizeof *v);
    v->task_id = arena_bytes(arena, t->id);
    v->task_type = arena_bytes(arena, bytes_str(t->task_type));
    v->session_id = arena_bytes(arena, bytes_str(t->session_id));
    v->pipeline_version = t->pipeline->version;
    v->run = t->run;
    v->state = t->state;
    v->progress = t->progress;
    v->seq = t->seq;
    v->created_at = t->created_at;
    v->started_at = t->started_at;
    v->completed_at = t->completed_at;
    v->estimated_completion = estimate(c, t);
    v->error_code = t->error_code;
    v->error = arena_bytes(arena, bytes_str(t->error));
    if (t->error_step >= 0) {
        v->error_step = arena_bytes(arena, bytes_str(t->pipeline->steps[t->error_step].name));
    }
    v->can_recover = task_can_recover(t) && c->config.recovery_enabled;
    v->checkpoints = t->checkpoints;
    v->checkpoint_interval_s = t->checkpoint_interval_s;
    v->max_retries = t->max_retries;
    v->recovery_enabled = c->config.recovery_enabled;
    v->backend = bytes_str(c->config.backend);
    v->doc_revision = t->doc_revision;
    v->results_bytes = t->results_bytes;
    v->budget = spending_of(t)->budget;
    v->attempts_over = spending_of(t)->attempts_over;
    v->step_count = t->pipeline->step_count;
    v->steps = arena_alloc(arena, v->step_count * sizeof *v->steps);
    struct view_room room = {CHECKPOINTS_SHOWN_BYTES_MAX, ERRORS_SHOWN_BYTES_MAX,
                             LOGS_SHOWN_BYTES_MAX};
    for (uint32_t i = 0; i < v->step_count; i++) {
        view_step(c, &t->steps[i], arena, &room, &v->steps[i]);
    }
    view_used(t, arena, v);
    return v;
}
