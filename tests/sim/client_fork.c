/* A client that forks its task: it asks the owner what the fork takes over, starts the fork under
 * an id of its own, and from then on treats it as its task. */
#include <stdio.h>

#include "audit.h"
#include "world.h"

/* The forks of every other client have their own input. */
static bool brings_input(const struct client *c)
{
    return c->index % 2 == 1;
}

void client_wish_fork(struct client *c)
{
    struct world *w = c->gateway->process.world;
    struct message m = {.type = MSG_GET_FORK};
    snprintf(c->fork_from, sizeof c->fork_from, "%s",
             one_in(w, 3)   ? ""
             : one_in(w, 2) ? "step_1"
                            : "s2");
    m.recover.task_id = bytes_str(c->task_id);
    m.recover.from_step = bytes_str(c->fork_from);
    m.recover.own_input = brings_input(c);
    client_wish_for(c, &m);
}

void client_take_fork(struct client *c, const struct message *m)
{
    struct arena arena = {0};
    struct start_request *r = arena_alloc(&arena, sizeof *r);
    *r = m->start;
    audit_fork(c->gateway->process.world->audit, c->task_id, c->fork_from, r);
    if (brings_input(c)) {
        r->input = BYTES_LIT(PLAN_OTHER_INPUT);
    }
    r->task_type = arena_bytes(&arena, r->task_type);
    r->steps = arena_bytes(&arena, r->steps);
    r->session_id = arena_bytes(&arena, r->session_id);
    r->input = arena_bytes(&arena, r->input);
    r->fork_of = arena_bytes(&arena, r->fork_of);
    r->kept = arena_alloc(&arena, (r->kept_count + 1) * sizeof *r->kept);
    for (uint32_t k = 0; k < r->kept_count; k++) {
        r->kept[k] = m->start.kept[k];
        r->kept[k].result = arena_bytes(&arena, m->start.kept[k].result);
        r->kept[k].error = arena_bytes(&arena, m->start.kept[k].error);
    }
    arena_free(&c->fork_arena);
    c->fork_arena = arena;
    c->fork = r;
    client_unwatch(c);
    memcpy(c->left[c->forks], c->task_id, sizeof c->task_id);
    snprintf(c->task_id, sizeof c->task_id, "t%u.%u", c->index, ++c->forks);
    client_new_key(c);
    c->accepted = false;
    c->known = TASK_PENDING;
    c->results_bytes = 0;
    c->has_fan = c->dead = false;
    c->have = c->told = c->live = 0;
    audit_fork_start(c->gateway->process.world->audit, c->task_id, r);
}

void client_tend(struct client *c)
{
    struct world *w = c->gateway->process.world;
    const char *task_id = c->left[chance(w, c->forks)];
    struct message m = {.type = MSG_RESUME};
    if (w->leaves && w->healed && one_in(w, 3)) {
        m.type = MSG_CANCEL; /* however often it is tried again, it may fail */
        m.task.task_id = bytes_str(task_id);
        client_ask_about(c, &m, task_id);
        return;
    }
    if (one_in(w, 2)) {
        m.task.task_id = bytes_str(task_id);
        /* more than it will ever need, in case it rests for its budget */
        m.task.budget = (struct budget){1000ull * COST_NANO, COST_NANO, 1000};
        client_ask_about(c, &m, task_id);
        return;
    }
    m.type = MSG_SIGNAL;
    c->signal_key = 1 + chance(w, UINT32_MAX);
    snprintf(c->signal_data, sizeof c->signal_data, "{\"from\":%u,\"key\":%llu}", c->index,
             (unsigned long long)c->signal_key);
    m.signal.task_id = bytes_str(task_id);
    m.signal.name = one_in(w, 2) ? BYTES_LIT("go") : BYTES_LIT("ok");
    m.signal.data = bytes_str(c->signal_data);
    m.signal.key = c->signal_key;
    client_ask_about(c, &m, task_id);
}
