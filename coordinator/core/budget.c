#include "core/budget.h"

#include "core/account.h"
#include "core/change.h"
#include "core/fan.h"
#include "core/on_pause.h"
#include "core/plant.h"
#include "core/ready.h"
#include "core/writes.h"

#define WARN_PERCENT 80

static const struct budget *budget_of(const struct task *t)
{
    return &spending_of(t)->budget;
}

void budget_record_put(const struct spending *x, struct buf *out)
{
    pack_uint(out, x->budget.cost_nano);
    pack_uint(out, x->budget.tokens);
    pack_uint(out, x->budget.steps);
    pack_uint(out, planted(PLANT_BUDGET_FORGOTTEN) ? 0 : x->attempts_over);
    pack_uint(out, x->budget_warned);
}

void budget_record_get(struct unpack *u, struct task *t)
{
    struct spending x = {0};
    x.budget.cost_nano = unpack_uint(u);
    x.budget.tokens = unpack_uint(u);
    x.budget.steps = unpack_uint(u);
    x.attempts_over = unpack_uint(u);
    x.budget_warned = unpack_uint(u) != 0;
    if (!budget_none(&x.budget)) {
        *spending_make(t) = x;
    }
}

static struct budget spent_of(const struct task *t)
{
    const struct spending *x = spending_of(t);
    return (struct budget){x->used.cost_nano, usage_tokens(&x->used), x->attempts_over};
}

static void add(struct budget *to, const struct budget *more)
{
    to->cost_nano += more->cost_nano;
    to->tokens += more->tokens;
    to->steps += more->steps;
}

/* What one more attempt of the step is expected to spend. */
static struct budget expected(const struct step *s)
{
    const struct pipeline_step *def = step_def(s);
    const struct account *a = rare_of(&s->task->steps[s->index])->account;
    struct budget b = {def->cost.cost_nano, def->cost.tokens, 1};
    if (a != NULL && a->used_by > 0) {
        b.cost_nano = b.cost_nano > 0 ? b.cost_nano : a->over.cost_nano / a->used_by;
        b.tokens = b.tokens > 0 ? b.tokens : usage_tokens(&a->over) / a->used_by;
    }
    return b;
}

static uint64_t rest(uint64_t whole, uint64_t said)
{
    return whole > said ? whole - said : 0;
}

/* What the attempt under way is expected to spend beyond what it has reported. */
static struct budget reserved(const struct step *s)
{
    struct budget b = expected(s);
    const struct account *a = rare_of(s)->account;
    for (uint32_t i = 0; a != NULL && i < a->meter_count; i++) {
        const struct meter *m = &a->meters[i];
        if (m->here && m->generation == s->generation && m->delivery == s->deliveries) {
            struct usage_sum said = usage_total(&m->used);
            b.cost_nano = rest(b.cost_nano, said.cost_nano);
            b.tokens = rest(b.tokens, usage_tokens(&said));
        }
    }
    return b;
}

static bool runs_function(const struct step *s)
{
    return step_def(s)->function[0] != '\0' && rare_of(s)->fan == NULL;
}

static bool under_way(const struct step *s)
{
    return runs_function(s) && (s->phase == PHASE_FETCHING || s->phase == PHASE_RUNNING);
}

/* What is spent plus what is reserved for steps under way. Ready steps reserve nothing: they may
 * stay ready for long, where no worker will do or a limit is full. Computed each time, not kept: so
 * nothing can be forgotten in it. */
static struct budget committed(const struct task *t)
{
    struct budget sum = spent_of(t);
    struct unit_walk walk = {0};
    if (planted(PLANT_RESERVE_FORGOTTEN)) {
        return sum;
    }
    for (const struct step *s; (s = unit_next(t, &walk)) != NULL;) {
        if (under_way(s)) {
            struct budget b = reserved(s);
            add(&sum, &b);
        }
    }
    return sum;
}

bool budget_spent(const struct task *t)
{
    struct budget spent = spent_of(t);
    return budget_percent(budget_of(t), &spent) >= 100 && !planted(PLANT_BUDGET_IGNORED);
}

/* Does the step reserve a part of the budget, or may it soon? */
static bool takes_room(const struct step *s)
{
    return under_way(s) ||
           (runs_function(s) && (s->phase == PHASE_READY || s->phase == PHASE_HELD));
}

bool budget_moves(const struct task *t)
{
    struct unit_walk walk = {0};
    for (const struct step *s; (s = unit_next(t, &walk)) != NULL;) {
        if (takes_room(s)) {
            return true;
        }
    }
    return false;
}

/* Is there a step that would still cost something, apart from those that run? */
static bool more_to_come(const struct task *t)
{
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        const struct step *s = &t->steps[i];
        const struct fan *f = rare_of(s)->fan;
        bool all_run = f != NULL ? f->done + f->failed + fan_running(f) == f->count
                                 : s->phase == PHASE_RUNNING;
        if (!step_over(s) && step_def(s)->function[0] != '\0' && !all_run) {
            return true;
        }
    }
    return false;
}

static struct task_event *tell(struct change *ch, enum event_type type, const struct deed *deed)
{
    uint32_t step = task_current_step(ch->task);
    struct task_event *e =
        deed != NULL ? change_deed(ch, type, step, deed) : change_event(ch, type, step);
    struct buf text = {0};
    budget_put(&text, budget_of(ch->task));
    e->message = arena_bytes(&ch->write->arena, buf_bytes(&text));
    buf_free(&text);
    return e;
}

/* Makes steps that were put aside ready again: of each step (with its items) as many as there is
 * room for. Which of them is sent out is up to dispatch, and one that nobody can take is in no
 * other's way. Of a failing task only its finally steps. ch: NULL where they need not wait for a
 * write. */
static void wake(struct core *c, struct task *t, struct change *ch)
{
    struct budget now = {0};
    struct budget sum = {0};
    uint32_t at = UINT32_MAX;
    struct unit_walk walk = {0};
    for (struct step *s; (s = unit_next(t, &walk)) != NULL;) {
        if (s->phase != PHASE_BUDGET) {
            continue;
        }
        now = at == UINT32_MAX ? committed(t) : now;
        sum = at == s->index ? sum : now;
        at = s->index;
        if (budget_percent(budget_of(t), &sum) >= 100 && !task_failing(t)) {
            continue;
        }
        struct budget b = expected(s);
        add(&sum, &b);
        s->phase = PHASE_NONE;
        if (ch != NULL) {
            change_ready(ch, s);
        } else {
            step_make_ready(c, s);
        }
    }
}

void budget_room(struct core *c, struct task *t)
{
    if (!budget_none(budget_of(t)) && !task_state_rests(t->state)) {
        wake(c, t, NULL);
    }
}

void budget_settle(struct change *ch)
{
    struct task *t = ch->task;
    struct budget spent = spent_of(t);
    if (budget_none(budget_of(t)) || task_state_ended(t->state)) {
        return;
    }
    unsigned percent = budget_percent(budget_of(t), &spent);
    if (percent >= WARN_PERCENT && !t->spending->budget_warned) {
        t->spending->budget_warned = true;
        tell(ch, EVENT_BUDGET_WARNING, NULL);
    }
    if (task_state_rests(t->state)) {
        return;
    }
    if (budget_spent(t) && !task_failing(t)) {
        if (more_to_come(t)) {
            task_rest(ch, TASK_BUDGET_EXCEEDED);
            tell(ch, EVENT_BUDGET_EXCEEDED, NULL);
        }
        return;
    }
    wake(ch->core, t, ch);
}

bool budget_admits(const struct step *s)
{
    const struct task *t = s->task;
    if (budget_none(budget_of(t)) || task_failing(t) || planted(PLANT_BUDGET_IGNORED)) {
        return true;
    }
    struct budget sum = committed(t);
    return budget_percent(budget_of(t), &sum) < 100;
}

void budget_put_aside(struct core *c, struct step *s)
{
    s->phase = PHASE_BUDGET;
    /* the task was recovered or taken over with nothing left of its budget */
    if (budget_spent(s->task)) {
        struct change ch;
        change_begin(c, s->task, &ch);
        change_commit(&ch);
    }
}

void budget_count(struct step *s)
{
    struct task *t = s->task;
    if (!budget_none(budget_of(t))) {
        t->spending->attempts_over++;
    }
}

void budget_merge(struct budget *of, const struct budget *limits)
{
    of->cost_nano = limits->cost_nano > 0 ? limits->cost_nano : of->cost_nano;
    of->tokens = limits->tokens > 0 ? limits->tokens : of->tokens;
    of->steps = limits->steps > 0 ? limits->steps : of->steps;
}

bool budget_same(const struct budget *of, const struct budget *limits)
{
    struct budget b = *of;
    budget_merge(&b, limits);
    return b.cost_nano == of->cost_nano && b.tokens == of->tokens && b.steps == of->steps;
}

bool budget_set(struct change *ch, const struct budget *limits, const struct deed *deed)
{
    struct task *t = ch->task;
    struct budget spent = spent_of(t);
    if (budget_same(budget_of(t), limits)) {
        return false;
    }
    budget_merge(&spending_make(t)->budget, limits);
    t->spending->budget_warned = budget_percent(budget_of(t), &spent) >= WARN_PERCENT;
    tell(ch, EVENT_BUDGET_CHANGED, deed);
    return true;
}

static void put_part(struct buf *text, uint64_t limit, uint64_t spent, const char *unit)
{
    if (limit == 0 || spent < limit) {
        return;
    }
    buf_add_str(text, text->len > 0 ? ", " : "");
    if (unit[0] == 'd') {
        usd_put(text, spent);
        buf_add_str(text, " of ");
        usd_put(text, limit);
    } else {
        buf_addf(text, "%llu of %llu", (unsigned long long)spent, (unsigned long long)limit);
    }
    buf_addf(text, " %s", unit);
}

bool budget_short(const struct task *t, const struct budget *limits, struct arena *arena,
                  const char **ret_text)
{
    struct budget b = *budget_of(t);
    struct budget spent = spent_of(t);
    struct buf text = {0};
    budget_merge(&b, limits);
    put_part(&text, b.cost_nano, spent.cost_nano, "dollars");
    put_part(&text, b.tokens, spent.tokens, "tokens");
    put_part(&text, b.steps, spent.steps, "steps");
    bool is_short = text.len > 0;
    if (is_short) {
        *ret_text = arena_str(arena, buf_cstr(&text));
    }
    buf_free(&text);
    return is_short;
}
