/* Progress checkpoints: watchers, statuses and the next attempt see what the store holds. */
#include "books.h"
#include "model/limits.h"

#define TASK(t) (int)(t)->id.len, (const char *)(t)->id.ptr

void audit_checkpoint(struct audit *a, const struct book_task *t, struct book_step *b,
                      const struct step *s, const struct store_row *row)
{
    struct task_event e;
    struct bytes checkpoint = shared_bytes(rare_of(s)->checkpoint);
    if (row_event(row, EVENT_STEP_CHECKPOINT, s->index, &e)) {
        REQUIRE(a, "checkpoint",
                bytes_eq(e.checkpoint, checkpoint) && e.checkpoint_bytes == checkpoint.len &&
                    rare_of(s)->saved_at == e.at,
                "%.*s/%u: its event tells of a checkpoint %.*s, stored is %.*s", TASK(t), s->index,
                (int)e.checkpoint.len, (const char *)e.checkpoint.ptr, (int)checkpoint.len,
                (const char *)checkpoint.ptr);
    }
    if (!bytes_eq(b->checkpoint, checkpoint)) {
        b->checkpoint = arena_bytes(&a->arena, checkpoint);
    }
}

void audit_checkpoint_told(struct audit *a, const struct book_task *t, const struct step_view *v,
                           uint32_t step)
{
    const struct bytes stored = t->steps[step].checkpoint;
    REQUIRE(a, "checkpoint",
            v->checkpoint_bytes == stored.len && bytes_eq(v->checkpoint, stored) &&
                (v->checkpoint_at != 0) == (stored.len > 0),
            "%.*s/%u: a status with the checkpoint %.*s, stored is %.*s", TASK(t), step,
            (int)v->checkpoint.len, (const char *)v->checkpoint.ptr, (int)stored.len,
            (const char *)stored.ptr);
}
