#include <inttypes.h>
#include <stdlib.h>

#include "core/asks.h"
#include "core/fx.h"
#include "core/lanes.h"
#include "core/partition.h"
#include "core/plant.h"
#include "core/resolve.h"
#include "core/state.h"
#include "core/tasks.h"
#include "core/workers.h"

struct hold {
    struct hold *prev, *next; /* neighbours in core.holds */
    bool granted;
    char *key, *holder;
    partition_id partition;
    uint64_t epoch;
};

/* The name of the attempt as holder; the caller owns it. By when its task was created as well,
 * since the numbers of an id that is used again after its record expired begin anew: an old attempt
 * may still have its place. */
static char *holder_of(const struct step *s)
{
    struct buf name = {0};
    buf_add_bytes(&name, s->task->id);
    buf_addf(&name, ":%u:%u:%u:%u:%u:%" PRId64, s->task->run, s->index, s->item, s->generation,
             s->deliveries, s->task->created_at);
    char *holder = mem_str_bytes(buf_bytes(&name));
    buf_free(&name);
    return holder;
}

struct hold *hold_create(struct core *c, const struct step *s)
{
    const struct task *t = s->task;
    struct hold *h = mem_zalloc(sizeof *h);
    h->key = mem_str(rare_of(s)->shared->concurrency);
    h->holder = holder_of(s);
    h->partition = t->partition;
    h->epoch = c->partitions[t->partition].fence.epoch;
    h->next = c->holds;
    if (h->next != NULL) {
        h->next->prev = h;
    }
    c->holds = h;
    return h;
}

void hold_granted(struct hold *h)
{
    if (h != NULL) {
        h->granted = true;
    }
}

void hold_fill(struct core *c, const struct hold *h, struct limit_op *op)
{
    op->key = arena_bytes(fx_arena(c), bytes_str(h->key));
    op->holder = arena_bytes(fx_arena(c), bytes_str(h->holder));
    op->epoch = h->epoch;
    op->lease_ms = LIMIT_LEASE_MS;
}

void hold_drop(struct core *c, struct hold *h)
{
    if (h == NULL) {
        return;
    }
    *(h->prev != NULL ? &h->prev->next : &c->holds) = h->next;
    if (h->next != NULL) {
        h->next->prev = h->prev;
    }
    free(h->key);
    free(h->holder);
    free(h);
}

void holds_free(struct core *c)
{
    while (c->holds != NULL) {
        hold_drop(c, c->holds);
    }
}

/* Is the partition still ours, under the same fence as when the hold was taken? */
static bool ours(const struct core *c, const struct hold *h)
{
    const struct partition *p = &c->partitions[h->partition];
    return partition_serves(p) && p->fence.epoch == h->epoch;
}

size_t holds_count(const struct core *c)
{
    size_t n = 0;
    for (const struct hold *h = c->holds; h != NULL; h = h->next) {
        n += h->granted && ours(c, h);
    }
    return n;
}

/* Sends ops, which are in the turn's arena, to the store. False where too many reads wait: the
 * lease then does what a release would have done. */
static bool send(struct core *c, struct limit_op *ops, uint32_t count)
{
    struct ask *ask = count > 0 ? ask_create(c, ASK_HOLDS) : NULL;
    struct store_read read = {.kind = READ_LIMITS, .limits = ops, .limit_count = count};
    if (ask != NULL) {
        ask_send(c, ask, &read);
    }
    return ask != NULL;
}

static struct limit_op *op_of(struct core *c, const struct hold *h, enum limit_op_kind kind)
{
    struct limit_op *op = arena_alloc(fx_arena(c), sizeof *op);
    op->kind = kind;
    hold_fill(c, h, op);
    return op;
}

void hold_release(struct core *c, struct hold *h)
{
    if (h == NULL) {
        return;
    }
    if (ours(c, h) && c->store_up) {
        send(c, op_of(c, h, LIMIT_RELEASE), 1);
        lanes_wake(c, h->key);
    }
    hold_drop(c, h);
}

/* The run of the attempt that ask is about: it has a hold, or is about to get one. NULL where there
 * is none. */
static struct run *run_with(struct core *c, const struct ask *ask)
{
    struct task *t = task_find(c, ask->task_id);
    struct step *s = t != NULL && t->run == ask->run ? unit_find(t, ask->step, ask->item) : NULL;
    struct worker *w =
        s != NULL && s->phase == PHASE_RUNNING ? worker_by_serial(c, work_of(s)->worker) : NULL;
    struct run *r = w != NULL ? worker_run_of(c, w, s) : NULL;
    char *holder = r != NULL ? holder_of(s) : NULL;
    bool same = holder != NULL && strcmp(holder, ask->hold->holder) == 0;
    free(holder);
    return same ? r : NULL;
}

void hold_return(struct core *c, const struct ask *ask)
{
    struct run *r = ask->hold != NULL ? run_with(c, ask) : NULL;
    if (r == NULL) {
        hold_release(c, ask->hold);
    } else if (r->hold != NULL) {
        hold_drop(c, ask->hold);
    } else {
        r->hold = ask->hold;
    }
}

/* ---- attempts that workers claim ---- */

void hold_claimed(struct core *c, struct worker *w, struct step *s)
{
    struct run *r = worker_run_of(c, w, s);
    const struct step_shared *shared = rare_of(s)->shared;
    if (r == NULL || shared == NULL || shared->concurrency == NULL) {
        return;
    }
    if (r->hold_due) {
        r->hold_due = false;
        c->holds_due--;
    }
    hold_drop(c, r->hold);
    r->hold = hold_create(c, s);
    hold_granted(r->hold);
    send(c, op_of(c, r->hold, LIMIT_RENEW), 1);
}

void hold_claim(struct core *c, struct worker *w, struct step *s)
{
    if (step_def(s)->concurrency.key == NULL || planted(PLANT_LIMIT_FORGOTTEN)) {
        return;
    }
    if (step_shared(s)->concurrency != NULL) {
        hold_claimed(c, w, s);
        return;
    }
    struct run *r = worker_run_of(c, w, s);
    if (r != NULL && !r->hold_due) {
        r->hold_due = true;
        c->holds_due++;
    }
    resolve_keys(c, s);
}

/* ---- the lease ---- */

void holds_renew(struct core *c)
{
    struct limit_op *ops = NULL;
    uint32_t count = 0;
    bool sent = true;
    for (struct hold *h = c->holds; h != NULL && sent; h = h->next) {
        if (!h->granted || !ours(c, h)) {
            continue; /* not granted yet, or the next owner's by now */
        }
        ops = count == 0 ? arena_alloc(fx_arena(c), HOLDS_PER_ASK * sizeof *ops) : ops;
        ops[count].kind = LIMIT_RENEW;
        hold_fill(c, h, &ops[count++]);
        if (count == HOLDS_PER_ASK) {
            sent = send(c, ops, count);
            count = 0;
        }
    }
    sent = sent && (count == 0 || send(c, ops, count));
    if (sent) {
        c->holds_renew_at = c->now.mono + LIMIT_RENEW_MS;
    }
}

/* Asks for the keys of claimed runs that could not be read at once. What was asked for is awaited:
 * a second question would make the answer to the first one worthless. */
static void ask_for_due(struct core *c)
{
    for (size_t i = 0; i < c->worker_count; i++) {
        struct worker *w = c->by_serial[i];
        for (uint32_t k = 0; k < w->run_count; k++) {
            struct step *s = w->runs[k].hold_due ? step_run_by(c, w, &w->runs[k].ref) : NULL;
            uint64_t read_id = s != NULL ? work_of(s)->awaits : 0;
            bool asked = map_get(&c->asks, bytes_of(&read_id, sizeof read_id)) != NULL;
            if (s != NULL && !asked) {
                resolve_keys(c, s);
            }
        }
    }
}

void holds_tick(struct core *c)
{
    if (!c->store_up || (c->holds == NULL && c->holds_due == 0)) {
        return;
    }
    if (c->holds_due > 0) {
        ask_for_due(c);
    }
    if (c->now.mono >= c->holds_renew_at) {
        holds_renew(c);
    }
}
