/* Forks: they get exactly the results that are kept and an id of their own, and the source is
 * untouched. */
#include <stdlib.h>
#include <string.h>

#include "books.h"

#define TASK(t) (int)(t)->id.len, (const char *)(t)->id.ptr

/* Two of RECOVERS_KNOWN, since requests may arrive in another order than they were sent. */
#define KEYS_ASKED 2

/* The recovers and requeues that clients have asked for: a repetition has the same effect as the
 * first. */
struct recovers_asked {
    uint32_t count;
    uint64_t keys[KEYS_ASKED]; /* newest first */
};

static bool asked_before(const struct recovers_asked *asked, uint64_t key)
{
    for (uint32_t i = 0; i < KEYS_ASKED; i++) {
        if (asked->keys[i] == key) {
            return true;
        }
    }
    return false;
}

void audit_asked(struct audit *a, const char *task_id, const struct message *m)
{
    if (m->type != MSG_RECOVER && m->type != MSG_REQUEUE) {
        return;
    }
    uint64_t key = m->type == MSG_RECOVER ? m->recover.key : m->requeue.key;
    struct recovers_asked *asked = map_get(&a->recovers_asked, bytes_str(task_id));
    if (asked == NULL) {
        asked = arena_alloc(&a->arena, sizeof *asked);
        map_put(&a->recovers_asked, arena_bytes(&a->arena, bytes_str(task_id)), asked);
    }
    if (!asked_before(asked, key)) {
        asked->count++;
        memmove(asked->keys + 1, asked->keys, (KEYS_ASKED - 1) * sizeof asked->keys[0]);
        asked->keys[0] = key;
    }
}

/* The keys of one run: a fresh start does not know earlier keys. */
void audit_recoveries(struct audit *a, const struct book_task *t, const struct task *now)
{
    const struct recovers_asked *asked = map_get(&a->recovers_asked, t->id);
    uint32_t most = asked != NULL ? asked->count : 0;
    REQUIRE(a, "recover", now->recoveries <= most,
            "%.*s was recovered %u times, and a client asked for that %u times", TASK(t),
            now->recoveries, most);
}

static bool takes_as_skipped(const struct start_request *fork, uint32_t step)
{
    for (uint32_t k = 0; k < fork->kept_count; k++) {
        if (fork->kept[k].step == step) {
            return fork->kept[k].result.len == 0;
        }
    }
    return false;
}

/* Its first `most` completed steps, and those skipped by then, except steps that depend on one that
 * is not kept, `from`, and what follows `from`. */
static void choose_kept(const struct book_task *t, const struct start_request *fork, int32_t from,
                        uint32_t most, bool *keep)
{
    uint32_t n = t->step_count;
    bool *again = mem_zalloc(n);
    for (uint32_t i = 0; i < n; i++) {
        bool part = from >= 0 && i >= t->pipeline->steps[from].first && i <= (uint32_t)from &&
                    (i == (uint32_t)from || t->pipeline->steps[from].joins);
        bool is = t->steps[i].state == STEP_COMPLETED && t->steps[i].order < most;
        is = is || (t->steps[i].state == STEP_SKIPPED && takes_as_skipped(fork, i));
        if (!is || t->pipeline->steps[i].finally || part) {
            again[i] = true;
            pipeline_descendants(t->pipeline, i, again);
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        keep[i] = !again[i];
    }
    free(again);
}

static bool has(const struct start_request *fork, uint32_t step, struct bytes result)
{
    for (uint32_t k = 0; k < fork->kept_count; k++) {
        if (fork->kept[k].step == step) {
            return bytes_eq(fork->kept[k].result, result);
        }
    }
    return false;
}

static bool explains(const struct book_task *t, const struct start_request *fork, int32_t from,
                     uint32_t most)
{
    bool *keep = mem_zalloc(t->step_count);
    uint32_t count = 0;
    bool all = true;
    choose_kept(t, fork, from, most, keep);
    for (uint32_t i = 0; i < t->step_count; i++) {
        bool skipped = t->steps[i].state == STEP_SKIPPED;
        count += keep[i];
        all = all && (!keep[i] || has(fork, i, skipped ? BYTES_NONE : t->steps[i].result));
    }
    free(keep);
    return all && count == fork->kept_count;
}

/* Neither the step from which the fork was asked for nor how far the task was when it was read is
 * known here: some step and some moment must explain the answer. */
void audit_fork_told(struct audit *a, const struct start_request *fork)
{
    const struct book_task *t = book_find(a, fork->fork_of);
    REQUIRE(a, "fork", t != NULL, "a fork of a task that is not stored");
    bool explained = false;
    for (int32_t from = -1; from < (int32_t)t->step_count && !explained; from++) {
        for (uint32_t most = 0; most <= t->step_count && !explained; most++) {
            explained = explains(t, fork, from, most);
        }
    }
    REQUIRE(a, "fork", explained, "%.*s: a fork of it has %u results that are not those to be kept",
            TASK(t), fork->kept_count);
}

void audit_fork(struct audit *a, const char *source, const char *from_step,
                const struct start_request *fork)
{
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    REQUIRE(a, "fork", bytes_is(fork->fork_of, source), "a fork of %s says it is of another",
            source);
    REQUIRE(a, "fork", pipeline_parse(fork->steps, &p, &fault) == ERR_OK,
            "%s: the definition of its fork cannot be read", source);
    int32_t from = pipeline_find(p, bytes_str(from_step));
    bool *after = mem_zalloc(p->step_count);
    if (from >= 0) {
        after[from] = true;
        pipeline_descendants(p, (uint32_t)from, after);
    }
    for (uint32_t k = 0; k < fork->kept_count; k++) {
        REQUIRE(a, "fork", fork->kept[k].step < p->step_count && !after[fork->kept[k].step],
                "%s: its fork from %s keeps the result of step %u", source, from_step,
                fork->kept[k].step);
    }
    free(after);
    pipeline_unref(p);
}

void audit_fork_start(struct audit *a, const char *task_id, const struct start_request *fork)
{
    MEM_GROW(a->forks, a->fork_count, a->fork_cap);
    struct kept_step *kept = arena_alloc(&a->arena, (fork->kept_count + 1) * sizeof *kept);
    for (uint32_t k = 0; k < fork->kept_count; k++) {
        kept[k] = fork->kept[k];
        kept[k].result = arena_bytes(&a->arena, fork->kept[k].result);
    }
    a->forks[a->fork_count++] =
        (struct book_fork){.task_id = arena_bytes(&a->arena, bytes_str(task_id)),
                           .source = arena_bytes(&a->arena, fork->fork_of),
                           .input = arena_bytes(&a->arena, fork->input),
                           .kept = kept,
                           .kept_count = fork->kept_count};
}

void audit_fork_admitted(struct audit *a, struct book_task *t, const struct task *now,
                         const struct store_row *row)
{
    const struct book_fork *f = NULL;
    for (size_t i = 0; i < a->fork_count; i++) {
        f = bytes_eq(a->forks[i].task_id, t->id) ? &a->forks[i] : f;
    }
    const struct stored_task *stored = store_model_find(&a->world->store, t->id, a->world->now);
    uint32_t completed = 0;
    for (uint32_t k = 0; f != NULL && k < f->kept_count; k++) {
        completed += f->kept[k].result.len > 0;
    }
    REQUIRE(a, "fork", now->completed == completed,
            "%.*s is admitted with %u steps completed, not %u", TASK(t), now->completed, completed);
    if (f == NULL) {
        return;
    }
    struct task_event e;
    REQUIRE(a, "fork",
            row_event(row, EVENT_TASK_FORKED, task_current_step(now), &e) &&
                bytes_eq(e.message, f->source) && !bytes_eq(t->id, f->source),
            "%.*s: its first event does not say of which task it is a fork", TASK(t));
    REQUIRE(a, "fork", bytes_eq(buf_bytes(&stored->input), f->input), "%.*s: another input",
            TASK(t));
    uint32_t order = 0;
    for (uint32_t k = 0; k < f->kept_count; k++) {
        const struct step *s = &now->steps[f->kept[k].step];
        bool skipped = f->kept[k].result.len == 0;
        struct bytes result =
            bytes_part(buf_bytes(&stored->doc), (size_t)s->result_offset, s->result_len);
        REQUIRE(a, "fork",
                skipped ? s->state == STEP_SKIPPED
                        : s->state == STEP_COMPLETED && s->order == order++ &&
                              bytes_eq(result, f->kept[k].result),
                "%.*s/%u: it is not what it was in its source", TASK(t), s->index);
        t->steps[s->index].kept = true;
    }
}
