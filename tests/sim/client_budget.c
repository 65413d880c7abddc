/* A client that changes its task's budget: raises it where that rests for it; in some worlds sets
 * another one, larger or smaller, while it runs. */
#include "world.h"

/* Twice the present budget (which is spent), for each limit that it has. */
void client_raise_budget(struct client *c)
{
    struct message m = {.type = MSG_RESUME};
    m.task.task_id = bytes_str(c->task_id);
    m.task.budget = c->seen;
    client_wish_for(c, &m);
}

void client_change_budget(struct client *c)
{
    struct world *w = c->gateway->process.world;
    struct message m = {.type = MSG_RESUME};
    m.task.task_id = bytes_str(c->task_id);
    m.task.budget.cost_nano = COST_NANO * (1 + chance(w, 3));
    m.task.budget.steps = 1 + chance(w, 4);
    client_wish_for(c, &m);
}

static uint64_t twice(uint64_t limit, uint64_t spent)
{
    return limit == 0 ? 0 : 2 * (spent > limit ? spent : limit);
}

void client_see_budget(struct client *c, const struct task_view *v)
{
    struct usage_sum used = {0};
    for (uint32_t i = 0; i < v->usage_count; i++) {
        usage_sum_add(&used, &v->usage[i].sum);
    }
    c->seen = (struct budget){twice(v->budget.cost_nano, used.cost_nano),
                              twice(v->budget.tokens, usage_tokens(&used)),
                              twice(v->budget.steps, v->attempts_over)};
}
