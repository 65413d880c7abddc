/* Signals by key: whoever is told that a step has received a signal finds the data sent in that
 * step, and a repetition is answered the same way even after the task's end. */
#include <string.h>

#include "books.h"

#define TASK(t) (int)(t)->id.len, (const char *)(t)->id.ptr

/* The data of a signal that the step has: the kept signal until its turn, then its result. */
static struct bytes heard(const struct book_step *b)
{
    return b->signal.len > 0 ? b->signal : b->state == STEP_COMPLETED ? b->result : BYTES_NONE;
}

/* After a recover or a fresh run, the next signal may take the place of an earlier one. */
static const struct book_task *first_life(struct audit *a, const char *task_id)
{
    const struct book_task *t = a->blind ? NULL : book_find(a, bytes_str(task_id));
    return t != NULL && t->older == NULL && t->recoveries_seen == 0 ? t : NULL;
}

void audit_signalled(struct audit *a, const char *task_id, struct bytes step,
                     const struct signal_request *signal)
{
    const struct book_task *t = first_life(a, task_id);
    int32_t i = t != NULL ? pipeline_find(t->pipeline, step) : -1;
    if (i < 0) {
        return;
    }
    struct bytes has = heard(&t->steps[i]);
    REQUIRE(a, "I15", has.len == 0 || bytes_eq(has, signal->data),
            "%.*s/%d: has %.*s, and answers for the signal %.*s", TASK(t), (int)i, (int)has.len,
            (const char *)has.ptr, (int)signal->data.len, (const char *)signal->data.ptr);
}

void audit_unsignalled(struct audit *a, const char *task_id, const struct signal_request *signal)
{
    const struct book_task *t = first_life(a, task_id);
    for (uint32_t i = 0; t != NULL && i < t->step_count; i++) {
        const struct book_step *b = &t->steps[i];
        REQUIRE(a, "I15", b->signal_key != signal->key || !bytes_eq(heard(b), signal->data),
                "%.*s/%u: a signal that it has had is refused when it is repeated", TASK(t), i);
    }
}

/* No step waits for a signal that another step keeps without having come to its turn. */
void audit_signals_kept(struct audit *a, const struct book_task *t, const struct task *now)
{
    for (uint32_t i = 0; i < t->step_count && !task_state_ended(now->state); i++) {
        const struct pipeline_wait *w = &step_def(&now->steps[i])->wait;
        const struct step *s = &now->steps[i];
        bool waits = w->kind == WAIT_SIGNAL && s->state == STEP_PENDING && s->started_at != 0;
        for (uint32_t k = 0; waits && k < t->step_count; k++) {
            const struct pipeline_wait *other = &step_def(&now->steps[k])->wait;
            REQUIRE(a, "I15",
                    rare_of(&now->steps[k])->signal.len == 0 ||
                        strcmp(w->signal, other->signal) != 0,
                    "%.*s/%u waits for a signal that step %u keeps", TASK(t), i, k);
        }
    }
}
