/* A store that goes back to an earlier state: a replica was promoted without the last writes, or an
 * older file was restored. What was acknowledged since then is lost, which no promise covers; but
 * the loss must be noticed, and the tasks in the older store must run to their end. Played as an
 * epilogue, after everything is over and audited, because the books are no longer right. */
#include <stdio.h>
#include <stdlib.h>

#include "audit.h"
#include "core/record.h"
#include "world.h"

#define SEEN_WITHIN_MS 10000 /* the lease, a few reads by the owners, and the claims */

static void on_copy(struct world *w, struct job *j)
{
    (void)j;
    tell(w, "db", "is copied");
    w->older = mem_alloc(sizeof *w->older);
    store_model_copy(&w->store, w->older);
}

void rollback_plan(struct world *w)
{
    if (w->seed % 8 == 5) {
        job_add(w, NULL, between(w, w->now, w->heal_at), on_copy, NULL);
    }
}

/* A paused task rests, and a wait may be for a signal that nobody sends any more. */
static bool must_end(const struct stored_task *t)
{
    struct task_record r = {.task_id = t->id,
                            .version = t->version,
                            .run = t->run,
                            .spec = buf_bytes(&t->spec),
                            .head = buf_bytes(&t->head)};
    struct arena arena = {0};
    struct task_summary s = {0};
    bool must = !t->ended && record_get_summary(&r, &arena, &s) == ERR_OK &&
                !task_state_rests(s.state) && s.state != TASK_WAITING;
    arena_free(&arena);
    return must;
}

static bool all_ended(const struct world *w)
{
    for (size_t i = 0; i < w->store.task_count; i++) {
        if (must_end(w->store.tasks[i])) {
            return false;
        }
    }
    return true;
}

static uint64_t seen(const struct world *w)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < w->coordinator_count; i++) {
        count += core_stats(w->coordinators[i].core).rollbacks_total;
    }
    return count;
}

/* Somebody remembers the store's later state. */
static bool all_owned(const struct world *w)
{
    uint64_t owned = 0;
    for (uint32_t i = 0; i < w->coordinator_count; i++) {
        owned |= core_stats(w->coordinators[i].core).partitions;
    }
    return owned == UINT64_MAX;
}

static void go_back(struct world *w)
{
    tell(w, "db", "goes back");
    audit_blind(w->audit);
    w->rolled_back = true;
    for (uint32_t i = 0; i < w->gateway_count; i++) {
        gateway_kill(&w->gateways[i]); /* what their clients know is no longer right */
    }
    for (uint32_t i = 0; i < w->coordinator_count; i++) {
        link_break(&w->coordinators[i], false);
    }
    store_model_free(&w->store);
    w->store = *w->older;
    free(w->older);
    w->older = NULL;
}

void rollback_play(struct world *w)
{
    if (w->older == NULL) {
        return;
    }
    for (uint32_t i = 0; i < w->coordinator_count; i++) {
        if (!w->coordinators[i].process.alive) {
            coordinator_start(w, &w->coordinators[i]);
        }
    }
    mono_ms began = w->now;
    while (!all_owned(w)) {
        world_next(w);
        if (w->now > began + LIVENESS_WITHIN_MS) {
            violated(w, "I12", "a partition stays without an owner");
        }
    }
    uint64_t before = seen(w);
    go_back(w);
    mono_ms at = w->now;
    while (seen(w) == before) {
        world_next(w);
        if (w->now > at + SEEN_WITHIN_MS) {
            violated(w, "rollback", "nobody saw that the store went back");
        }
    }
    while (!all_ended(w)) {
        world_next(w);
        if (w->now > at + LIVENESS_WITHIN_MS) {
            for (size_t i = 0; i < w->store.task_count; i++) {
                const struct stored_task *t = w->store.tasks[i];
                fprintf(stderr, "  %.*s%s\n", (int)t->id.len, (const char *)t->id.ptr,
                        must_end(t) ? " has not ended" : "");
            }
            violated(w, "rollback", "what the older store holds does not end");
        }
    }
}
