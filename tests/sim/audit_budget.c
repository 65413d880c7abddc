/* Budgets: what is ordered fits into them, and a task that rests for its budget continues when it
 * is raised. */
#include "books.h"

#define TASK(t) (int)(t)->id.len, (const char *)(t)->id.ptr

static unsigned percent(const struct book_task *t)
{
    struct budget spent = {t->used.cost_nano, usage_tokens(&t->used), t->attempts_over};
    return budget_percent(&t->budget, &spent);
}

/* An order goes out: the budget as stored must not be spent. */
void audit_budget_order(struct audit *a, const struct book_task *t, const struct step_order *o)
{
    REQUIRE(a, "budget", t->state != TASK_BUDGET_EXCEEDED,
            "%.*s/%u: ordered, and the task rests for its budget", TASK(t), o->ref.step);
    REQUIRE(a, "budget", t->failing || budget_none(&t->budget) || percent(t) < 100,
            "%.*s/%u: ordered with %llu of %llu, %llu of %llu attempts spent", TASK(t), o->ref.step,
            (unsigned long long)t->used.cost_nano, (unsigned long long)t->budget.cost_nano,
            (unsigned long long)t->attempts_over, (unsigned long long)t->budget.steps);
}

/* Was the run free of disturbances: one coordinator, one execution per attempt, no message too
 * late? Then the steps that ran at the same time may overshoot the budget by less than the cost of
 * one step. */
static void check_overshoot(struct audit *a, struct book_task *t, const struct task *now,
                            const struct store_row *row)
{
    t->epoch = t->epoch == 0 ? row->fence.epoch : t->epoch;
    bool tame = t->epoch == row->fence.epoch && now->recoveries == 0 && !t->failing;
    uint32_t attempts = 0;
    for (uint32_t i = 0; i < t->step_count; i++) {
        const struct step *s = &now->steps[i];
        bool known = step_def(s)->function[0] == '\0' || step_def(s)->cost.cost_nano == COST_NANO;
        tame = tame && known && s->deaths == 0 && s->state != STEP_CANCELLED;
        attempts += s->failures + 1;
    }
    uint32_t executions = 0;
    for (size_t k = 0; k < a->execution_count; k++) {
        executions += a->executions[k].run == t->run && bytes_eq(a->executions[k].task_id, t->id);
    }
    t->wild = t->wild || !tame || executions > attempts;
    REQUIRE(a, "budget",
            t->wild || spending_of(now)->budget.cost_nano == 0 ||
                spending_of(now)->used.cost_nano < spending_of(now)->budget.cost_nano + COST_NANO,
            "%.*s: %llu spent of %llu: more than was under way could have been told", TASK(t),
            (unsigned long long)spending_of(now)->used.cost_nano,
            (unsigned long long)spending_of(now)->budget.cost_nano);
    REQUIRE(a, "budget",
            t->wild || spending_of(now)->budget.steps == 0 ||
                spending_of(now)->attempts_over <= spending_of(now)->budget.steps,
            "%.*s: %llu attempts of %llu", TASK(t),
            (unsigned long long)spending_of(now)->attempts_over,
            (unsigned long long)spending_of(now)->budget.steps);
}

/* Attempts that are over, as the steps show them: since a recover more of them are forgotten. */
static uint64_t attempts_shown(const struct book_task *t, const struct task *now)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < now->pipeline->step_count; i++) {
        const struct step *s = &now->steps[i];
        if (step_def(s)->function[0] == '\0' || step_def(s)->for_each != NULL ||
            rare_of(s)->error_code == CODE_EXPRESSION_ERROR || t->steps[i].kept) {
            continue; /* it made none, or they were its items' or another task's */
        }
        count += s->failures + s->deaths;
        count += s->state == STEP_COMPLETED && rare_of(s)->error_code == CODE_NONE;
    }
    return count;
}

void audit_budget_row(struct audit *a, struct book_task *t, const struct task *now,
                      const struct store_row *row)
{
    struct task_event e;
    bool changed = false, resumed = false, warned = false;
    for (uint32_t i = 0; i < row->event_count; i++) {
        if (record_get_event(row->events[i].blob.whole, &e) == ERR_OK) {
            changed = changed || e.type == EVENT_BUDGET_CHANGED;
            resumed = resumed || e.type == EVENT_TASK_RESUMED || e.type == EVENT_TASK_PAUSED ||
                      e.type == EVENT_TASK_FAILING;
            warned = warned || e.type == EVENT_BUDGET_WARNING;
        }
    }
    bool first = t->version == 0;
    REQUIRE(a, "budget",
            first || changed ||
                (spending_of(now)->budget.cost_nano == t->budget.cost_nano &&
                 spending_of(now)->budget.tokens == t->budget.tokens &&
                 spending_of(now)->budget.steps == t->budget.steps),
            "%.*s: another budget, and nobody has changed it", TASK(t));
    REQUIRE(a, "budget", spending_of(now)->attempts_over >= t->attempts_over,
            "%.*s: %llu attempts were over, and now %llu", TASK(t),
            (unsigned long long)t->attempts_over,
            (unsigned long long)spending_of(now)->attempts_over);
    bool from_start = first ? !budget_none(&spending_of(now)->budget) : t->counted;
    t->counted = from_start;
    REQUIRE(a, "budget",
            first || !from_start || spending_of(now)->attempts_over >= attempts_shown(t, now),
            "%.*s: %llu attempts of its budget are spent, and %llu were made", TASK(t),
            (unsigned long long)spending_of(now)->attempts_over,
            (unsigned long long)attempts_shown(t, now));
    REQUIRE(a, "budget", !warned || (!t->warned && spending_of(now)->budget_warned),
            "%.*s: warned twice", TASK(t));
    bool was = t->state == TASK_BUDGET_EXCEEDED;
    REQUIRE(a, "budget",
            !was || now->state == TASK_BUDGET_EXCEEDED || task_state_ended(now->state) || resumed,
            "%.*s: %s after its budget was spent, and nobody has said so", TASK(t),
            task_state_name(now->state));
    REQUIRE(a, "budget", !was || now->state != TASK_BUDGET_EXCEEDED || now->ran_ms == t->ran_ms,
            "%.*s: has become older while it rested", TASK(t));
    t->budget = spending_of(now)->budget;
    t->attempts_over = spending_of(now)->attempts_over;
    t->warned = spending_of(now)->budget_warned;
    t->failing = task_failing(now) || now->error_code != CODE_NONE;
    t->was_exceeded = t->was_exceeded || now->state == TASK_BUDGET_EXCEEDED;
    t->rebudgeted = t->rebudgeted || changed;
    t->wild = t->wild || changed;
    check_overshoot(a, t, now, row);
}
