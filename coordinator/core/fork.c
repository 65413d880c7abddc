/* FORK: a new task that starts from another one's checkpoint. The owner of the source says what its
 * START must say (definition, settings, input, the results that are kept); the owner of the new one
 * admits all of it in one row. So the two may be different coordinators, and nothing is promised
 * between them: what is completed never changes within a run. */
#include <stdlib.h>

#include "core/asks.h"
#include "core/change.h"
#include "core/document.h"
#include "core/fx.h"
#include "core/partition.h"
#include "core/peers.h"
#include "core/plant.h"
#include "core/recover.h"
#include "core/replies.h"
#include "core/requests.h"
#include "core/state.h"
#include "core/tasks.h"
#include "core/writes.h"
#include "model/limits.h"

void on_fork(struct core *c, struct peer *p, const struct message *m)
{
    if (!partition_serves(partition_of(c, m->recover.task_id))) {
        refuse_unavailable(c, p->id, m->request);
        return;
    }
    recover_read_task(c, p, m);
}

/* What was skipped by its condition stays so, as a result would: else all that comes after it would
 * run once more. */
static void keep_skipped(const struct task *t, struct bytes from_step, bool *keep)
{
    int32_t from = from_step.len > 0 ? pipeline_find(t->pipeline, from_step) : -1;
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        bool part =
            from >= 0 && i >= t->pipeline->steps[from].first && i <= (uint32_t)from; /* of it */
        keep[i] = keep[i] ||
                  (t->steps[i].state == STEP_SKIPPED && !part && !t->pipeline->steps[i].finally);
    }
}

/* What stays of the source: completed and skipped steps with nothing before them that runs again.
 * False where nothing would be left to run. */
static bool keep_whole(struct core *c, const struct task *t, bool *keep)
{
    uint32_t n = t->pipeline->step_count;
    bool *again = arena_alloc(fx_arena(c), n);
    bool left = false;
    for (uint32_t i = 0; i < n && !planted(PLANT_FORK_KEEPS_MORE); i++) {
        if (!keep[i] && !again[i]) {
            again[i] = true;
            pipeline_descendants(t->pipeline, i, again);
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        keep[i] = keep[i] && !again[i];
        left = left || !keep[i];
    }
    return left;
}

/* The kept steps: those that were skipped, then the others in the order of completion; count of
 * them. */
static uint32_t in_order(struct core *c, const struct task *t, const bool *keep,
                         uint32_t **ret_steps)
{
    uint32_t n = t->pipeline->step_count;
    uint32_t *at = arena_alloc(fx_arena(c), (t->next_order + 1) * sizeof *at);
    uint32_t *steps = arena_alloc(fx_arena(c), (n + 1) * sizeof *steps);
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (keep[i] && t->steps[i].state == STEP_COMPLETED) {
            at[t->steps[i].order] = i + 1;
        } else if (keep[i]) {
            steps[count++] = i;
        }
    }
    for (uint32_t k = 0; k < t->next_order; k++) {
        if (at[k] > 0) {
            steps[count++] = at[k] - 1;
        }
    }
    *ret_steps = steps;
    return count;
}

static void read_parts(struct core *c, const struct ask *from, struct task *t, bool *keep)
{
    struct ask *ask = ask_again(c, from, ASK_FORK);
    uint32_t *steps = NULL;
    if (ask == NULL) {
        task_free(t);
        free(keep);
        return;
    }
    ask->task = t;
    ask->keep = keep;
    ask->fence = c->partitions[t->partition].fence;
    struct store_read read = {.kind = READ_PARTS, .partition = t->partition, .task_id = t->id};
    read.input = !from->recover.own_input;
    read.range_count = in_order(c, t, keep, &steps);
    read.ranges = arena_alloc(fx_arena(c), (read.range_count + 1) * sizeof *read.ranges);
    for (uint32_t k = 0; k < read.range_count; k++) { /* nothing, of what was skipped */
        const struct step *s = &t->steps[steps[k]];
        read.ranges[k] = (struct byte_range){s->result_offset, s->result_len};
    }
    ask_send(c, ask, &read);
}

void fork_on_task(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    if (writes_admit(c, ask->task_id)) { /* a fresh run of it is being written */
        refuse_unavailable(c, ask->peer, ask->request);
        return;
    }
    struct task *t = recover_task_read(c, ask, a);
    if (t == NULL) {
        return;
    }
    bool *keep = mem_zalloc(t->pipeline->step_count);
    if (!recover_choose_kept(c, ask, t, keep)) {
        task_free(t);
        free(keep);
        return;
    }
    uint64_t bytes = t->pipeline->source.len + INPUT_BYTES_MAX;
    keep_skipped(t, ask->recover.from_step, keep);
    bool left = keep_whole(c, t, keep);
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        bytes += keep[i] ? t->steps[i].result_len : 0;
    }
    if (left && bytes <= FORK_BYTES_MAX) {
        read_parts(c, ask, t, keep);
        return;
    }
    if (left) {
        ask_refuse(c, ask,
                   refusal_at("/from_step", CODE_TOO_LARGE,
                              "the definition and the results that the fork would take over are "
                              "larger than 3 MiB in total: fork from an earlier step"));
    } else {
        ask_refuse(c, ask,
                   refusal_at("/from_step", CODE_INVALID_FIELD,
                              "every step of the task is completed: give from_step, the step from "
                              "which the fork runs"));
    }
    task_free(t);
    free(keep);
}

void fork_on_parts(struct core *c, struct ask *ask, const struct store_answer *a)
{
    const struct task *t = ask->task;
    const struct task *live = task_find(c, t->id);
    const struct partition *p = &c->partitions[t->partition];
    bool lost = !partition_serves(p) || !fence_same(&p->fence, &ask->fence);
    bool moved =
        lost || (live != NULL && (live->run != t->run || live->doc_revision != t->doc_revision));
    uint32_t *steps = NULL;
    uint32_t count = in_order(c, t, ask->keep, &steps);
    if (a->err != ERR_OK || moved || writes_admit(c, t->id) || a->part_count < count) {
        refuse_unavailable(c, ask->peer, ask->request);
        return;
    }
    struct message m = {.type = MSG_FORK, .request = ask->request};
    struct start_request *r = &m.start;
    struct arena *arena = fx_arena(c);
    r->task_type = arena_bytes(arena, bytes_str(t->task_type));
    r->steps = arena_bytes(arena, t->pipeline->source);
    r->pipeline_version = t->pipeline->version;
    r->input = a->input; /* it stays for as long as the answer does, and so do the results */
    r->enable_checkpoints = t->checkpoints;
    r->checkpoint_interval_s = (int32_t)t->checkpoint_interval_s;
    r->max_retries = (int32_t)t->max_retries;
    r->max_duration_s = (int32_t)t->max_duration_s;
    r->priority = t->priority;
    r->budget = spending_of(t)->budget;
    r->fork_of = arena_bytes(arena, t->id);
    r->kept_count = count;
    r->kept = arena_alloc(arena, (count + 1) * sizeof *r->kept);
    for (uint32_t k = 0; k < count; k++) {
        const struct step *s = &t->steps[steps[k]];
        r->kept[k] = (struct kept_step){.step = s->index,
                                        .result = a->parts[k],
                                        .started_at = s->started_at,
                                        .completed_at = s->completed_at,
                                        .duration_ms = s->duration_ms,
                                        .failures = s->failures,
                                        .error_code = rare_of(s)->error_code,
                                        .error = arena_bytes(arena, bytes_str(rare_of(s)->error))};
    }
    fx_send(c, ask->peer, &m);
}

static bool needs_seen(const struct pipeline *p, uint32_t step, const bool *seen)
{
    const struct pipeline_step *def = &p->steps[step];
    for (uint32_t n = 0; n < def->needs_count; n++) {
        if (!seen[def->needs[n]]) {
            return false;
        }
    }
    return true;
}

bool fork_kept_good(const struct start_request *r, const struct pipeline *p, struct arena *arena)
{
    bool *seen = arena_alloc(arena, p->step_count);
    for (uint32_t k = 0; k < r->kept_count; k++) {
        const struct kept_step *kept = &r->kept[k];
        if (kept->step >= p->step_count || seen[kept->step] ||
            kept->result.len >
                (p->steps[kept->step].for_each != NULL ? FORK_BYTES_MAX : RESULT_BYTES_MAX)) {
            return false; /* the list of a fan-out's results may be larger than one of them */
        }
        if (kept->result.len > 0 && !needs_seen(p, kept->step, seen)) { /* completed before it */
            return false;
        }
        seen[kept->step] = true;
    }
    for (uint32_t k = 0; k < r->kept_count; k++) {
        if (!needs_seen(p, r->kept[k].step, seen)) {
            return false;
        }
    }
    return r->kept_count < p->step_count;
}

struct shared *fork_take_kept(struct change *ch, const struct start_request *r)
{
    struct task *t = ch->task;
    size_t len = 0;
    for (uint32_t k = 0; k < r->kept_count; k++) {
        const struct kept_step *kept = &r->kept[k];
        len += document_result_bytes(&t->pipeline->steps[kept->step], kept->result.len);
    }
    struct shared *results = document_begin(ch->core, len);
    for (uint32_t k = planted(PLANT_FORK_KEEPS_LESS); k < r->kept_count; k++) {
        const struct kept_step *kept = &r->kept[k];
        struct step *s = &t->steps[kept->step];
        change_step(ch, s);
        if (kept->result.len == 0) {
            step_become(s, STEP_SKIPPED);
            continue;
        }
        step_become(s, STEP_COMPLETED);
        s->order = t->next_order++;
        s->started_at = kept->started_at;
        s->completed_at = kept->completed_at;
        s->duration_ms = kept->duration_ms;
        s->failures = kept->failures;
        if (kept->error_code != CODE_NONE) {
            step_set_error(s, kept->error_code, kept->error);
        }
        t->completed++;
        document_add_result(results, s, kept->result);
    }
    task_count_needs(t);
    return results;
}
