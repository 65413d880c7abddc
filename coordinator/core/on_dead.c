/* Dead letters: steps set aside because they kept killing workers, or because they ran out of
 * attempts and their definition says on_exhausted "dead_letter". Listed from the store's index;
 * requeued by a recover of their task, after which deaths count from 0. */
#include <stdlib.h>

#include "core/asks.h"
#include "core/fx.h"
#include "core/marks.h"
#include "core/partition.h"
#include "core/peers.h"
#include "core/plant.h"
#include "core/record.h"
#include "core/recover.h"
#include "core/replies.h"
#include "core/requests.h"
#include "core/state.h"
#include "core/tasks.h"
#include "model/limits.h"

/* ---- the list ---- */

void on_get_dead(struct core *c, const struct peer *p, const struct message *m)
{
    struct ask *ask = ask_for(c, p, m, ASK_DEAD);
    if (ask == NULL) {
        return;
    }
    const struct list_request *l = &m->get_list;
    ask->list.limit = l->limit == 0 || l->limit > DEAD_PAGE_MAX ? DEAD_PAGE_MAX : l->limit;
    ask->partitions = c->owned_told;
    struct store_read read = {.kind = READ_DEAD, .partitions = ask->partitions};
    read.before = l->before;
    read.before_id = arena_bytes(&ask->arena, l->before_id);
    read.limit = ask->list.limit;
    ask_send(c, ask, &read);
}

void dead_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    if (a->err != ERR_OK) {
        refuse_unavailable(c, ask->peer, ask->request);
        return;
    }
    struct message m = {.type = MSG_DEAD, .request = ask->request};
    m.dead.items = arena_alloc(fx_arena(c), (a->task_count + 1) * sizeof *m.dead.items);
    for (uint32_t i = 0; i < a->task_count; i++) {
        struct dead_letter *d = &m.dead.items[m.dead.count];
        if (record_get_dead(&a->tasks[i], fx_arena(c), d) != ERR_OK) {
            fx_log(c, LOG_ERROR, "dead_letter_unreadable", "task_id=%.*s",
                   (int)a->tasks[i].task_id.len, (const char *)a->tasks[i].task_id.ptr);
            continue;
        }
        m.dead.count++;
    }
    if (a->more && m.dead.count > 0) {
        m.dead.next_before = m.dead.items[m.dead.count - 1].at;
        m.dead.next_before_id = m.dead.items[m.dead.count - 1].task_id;
    }
    m.dead.partitions = ask->partitions;
    fx_send(c, ask->peer, &m);
}

/* ---- requeue ---- */

void on_requeue(struct core *c, struct peer *p, const struct message *m)
{
    const struct requeue_request *q = &m->requeue;
    if (!partition_serves(partition_of(c, q->task_id))) {
        refuse_unavailable(c, p->id, m->request);
        return;
    }
    const struct task *t = task_find(c, q->task_id);
    struct marked_ask from = {p->id, m->request, requeue_mark_of(q)};
    if (t != NULL && recover_repeated(c, t, &from)) {
        return;
    }
    if (t != NULL && !task_state_ended(t->state)) {
        refuse_for(c, t, p, m, CODE_NOT_A_DEAD_LETTER);
        return;
    }
    struct ask *ask = ask_for(c, p, m, ASK_TASK);
    if (ask == NULL) {
        return;
    }
    ask->task_id = arena_bytes(&ask->arena, q->task_id);
    ask->dead_step = arena_bytes(&ask->arena, q->step);
    ask->mark = from.mark;
    struct store_read read = {.kind = READ_TASK, .partition = id_partition(ask->task_id)};
    read.task_id = ask->task_id;
    read.items = true;
    ask_send(c, ask, &read);
}

bool task_is_dead(const struct task *t)
{
    const struct step *s = t->error_step >= 0 ? &t->steps[t->error_step] : NULL;
    return t->state == TASK_FAILED && s != NULL && s->state == STEP_FAILED &&
           (t->error_code == CODE_WORKER_DEATHS ||
            (step_def(s)->on_exhausted == EXHAUSTED_DEAD && !planted(PLANT_EXHAUSTED_NOT_DEAD)));
}

bool requeue_allowed(struct core *c, const struct ask *ask, const struct task *t)
{
    int32_t step = pipeline_find(t->pipeline, ask->dead_step);
    struct refusal r = {.code = CODE_NOT_A_DEAD_LETTER, .state = t->state};
    if (step < 0) {
        r.code = CODE_STEP_NOT_FOUND;
        r.detail = no_such_step(c, t->pipeline);
    } else if (!task_is_dead(t)) {
        r.detail = arena_printf(fx_arena(c), "the task is %s and has no dead letter",
                                task_state_name(t->state));
    } else if (step != t->error_step) {
        r.detail = arena_printf(fx_arena(c), "the dead letter of this task is step_%d",
                                (int)t->error_step);
    } else {
        return true;
    }
    ask_refuse(c, ask, r);
    return false;
}
