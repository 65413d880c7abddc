/* I21: an attempt is executed once. The same delivery may be executed again only if its worker is
 * dead, was told to stop it, or was out of touch with the owner while that asked what runs.
 * Anything else that lets a step run again is counted, and makes a new delivery. */
#include <stdio.h>
#include <stdlib.h>

#include "books.h"

/* Pauses of both ends since the claim that still leave time for an answer: the wait for claims (2
 * s), less the time that OWNED may be held back (50 ms), the handshakes of two connections that
 * were just begun, and the slowest round trip (200 ms each). */
#define PAUSED_MS_MAX 1000
/* A worker that has said HELLO within the shortest grace period is waited for. */
#define GRACE_MS 200

/* An order, as it was sent. */
struct sent {
    struct bytes attempt; /* the attempt that it orders */
    struct sent *before;  /* the previous order of the same attempt */
    const struct worker_host *to;
    uint64_t life, epoch;
    bool began;
    size_t record; /* of its execution */
};

/* The claim of a partition's owner. */
struct claimed {
    const struct coordinator *by;
    mono_ms at, paused_ms;
    mono_ms workers_paused_ms[WORKERS_MAX];
};

/* What a worker has heard about the owner of a partition. */
struct heard {
    uint64_t life, epoch; /* life: the worker's; epoch: the greatest that an owner has told it */
};

struct once_books {
    struct map sent; /* attempt -> newest struct sent */
    struct claimed claims[PARTITION_COUNT];
    struct heard heard[WORKERS_MAX][PARTITION_COUNT];
};

static struct once_books *books(struct audit *a)
{
    if (a->once == NULL) {
        a->once = mem_zalloc(sizeof *a->once);
    }
    return a->once;
}

void audit_once_free(struct audit *a)
{
    if (a->once != NULL) {
        map_free(&a->once->sent);
        free(a->once);
    }
}

static struct bytes attempt_key(char *text, size_t room, const struct attempt_ref *ref)
{
    int n = snprintf(text, room, "%.*s:%u:%u:%u:%u:%u", (int)ref->task_id.len,
                     (const char *)ref->task_id.ptr, ref->run, ref->step, ref->item,
                     ref->generation, ref->delivery);
    return bytes_of(text, (size_t)n);
}

static mono_ms paused_ms(const struct process *p)
{
    return p->paused_ms + (p->paused ? p->world->now - p->paused_at : 0);
}

void audit_once_claimed(struct audit *a, const struct coordinator *c, partition_id partition)
{
    struct claimed *now = &books(a)->claims[partition];
    *now = (struct claimed){.by = c, .at = a->world->now, .paused_ms = paused_ms(&c->process)};
    for (uint32_t i = 0; i < a->world->worker_count; i++) {
        now->workers_paused_ms[i] = paused_ms(&a->world->workers[i].process);
    }
}

/* Could the worker report in time what it runs to the owner that has claimed the partition? */
static bool was_in_touch(const struct audit *a, const struct worker_host *h, partition_id partition)
{
    const struct world *w = a->world;
    const struct claimed *claim = &a->once->claims[partition];
    const struct process *owner = &claim->by->process;
    mono_ms paused = paused_ms(owner) - claim->paused_ms + paused_ms(&h->process) -
                     claim->workers_paused_ms[h->index];
    for (size_t i = 0; i < w->conn_count && paused <= PAUSED_MS_MAX; i++) {
        const struct conn *k = w->conns[i];
        if (k->ends[0] == owner && k->ends[1] == &h->process && k->lives[0] == owner->life &&
            k->lives[1] == h->process.life && k->hello && !k->closed && !k->hole[0] &&
            !k->hole[1] && k->hello_at <= claim->at + GRACE_MS) {
            return true;
        }
    }
    return false;
}

/* Is it being executed by a live worker, or has it been, without having been stopped? */
static bool stands(const struct audit *a, const struct sent *s)
{
    if (!s->began || !s->to->process.alive || s->to->process.life != s->life) {
        return false;
    }
    return !a->executions[s->record].stopped;
}

static void needless(struct audit *a, const struct attempt_ref *ref, const struct sent *first,
                     const char *what, const struct process *who)
{
    if (a->world->upgrades) {
        return; /* a worker that was not told of the latest claim may believe another owner */
    }
    REQUIRE(a, "I21", false, "%.*s/%u item %u delivery %u: %s %s, and %s %s it",
            (int)ref->task_id.len, (const char *)ref->task_id.ptr, ref->step, ref->item,
            ref->delivery, what, who->name, first->to->process.name,
            a->executions[first->record].ended ? "has executed" : "executes");
}

void audit_once_ordered(struct audit *a, const struct conn *k, const struct step_order *o)
{
    char text[200];
    struct once_books *b = books(a);
    struct bytes key = attempt_key(text, sizeof text, &o->ref);
    partition_id p = id_partition(o->ref.task_id);
    uint64_t epoch = a->fences[p].epoch;
    struct sent *before = map_get(&b->sent, key);
    for (const struct sent *s = before; s != NULL; s = s->before) {
        if (stands(a, s) && (s->epoch == epoch || was_in_touch(a, s->to, p))) {
            needless(a, &o->ref, s, "ordered again from", k->ends[1]);
        }
    }
    struct sent *s = arena_alloc(&a->arena, sizeof *s);
    *s = (struct sent){.before = before,
                       .attempt = arena_bytes(&a->arena, key),
                       .to = (const struct worker_host *)(const void *)k->ends[1],
                       .life = k->lives[1],
                       .epoch = epoch};
    map_put(&b->sent, s->attempt, s);
}

void audit_once_began(struct audit *a, const struct worker_host *h, const struct step_order *o,
                      uint64_t record)
{
    char text[200];
    partition_id p = id_partition(o->ref.task_id);
    struct sent *own = map_get(&books(a)->sent, attempt_key(text, sizeof text, &o->ref));
    struct sent *newest = own;
    while (own != NULL && (own->to != h || own->life != h->process.life || own->began)) {
        own = own->before;
    }
    if (own == NULL || a->blind) {
        return;
    }
    own->began = true;
    own->record = record;
    /* Only orders of the newest owner count: whether h was in touch with an earlier one is no
     * longer known, and the newest owner can tell h to stop only after it has heard of both. */
    uint64_t epoch = a->fences[p].epoch;
    for (const struct sent *s = newest; s != NULL && own->epoch < epoch; s = s->before) {
        if (s->epoch == epoch && stands(a, s) && was_in_touch(a, h, p)) {
            needless(a, &o->ref, s, "an old order begins at", &h->process);
        }
    }
}

/* Is this attempt, by all that is stored, still to be executed? */
static bool stored_as_wanted(const struct audit *a, const struct attempt_ref *ref)
{
    const struct book_task *t = book_find(a, ref->task_id);
    if (t == NULL || t->run != ref->run || task_state_ended(t->state)) {
        return false;
    }
    if (ref->item != ITEM_NONE) {
        const struct book_outcome o = {.step = ref->step,
                                       .item = ref->item,
                                       .generation = ref->generation,
                                       .delivery = ref->delivery};
        return audit_fan_wants(t, &o) && !audit_fan_moved_on(t, &o);
    }
    const struct book_step *s = &t->steps[ref->step];
    return s->state == STEP_PENDING && s->generation == ref->generation &&
           s->deliveries == ref->delivery;
}

/* Was it sent to another worker? */
static bool others_have(const struct sent *s, const struct process *worker, uint64_t life)
{
    while (s != NULL && &s->to->process == worker && s->life == life) {
        s = s->before;
    }
    return s != NULL;
}

bool audit_once_stops_wanted(struct audit *a, const struct conn *k, const struct attempt_ref *ref)
{
    char text[200];
    if (!stored_as_wanted(a, ref)) {
        return false;
    }
    const struct sent *s = map_get(&books(a)->sent, attempt_key(text, sizeof text, ref));
    REQUIRE(a, "I21", others_have(s, k->ends[1], k->lives[1]),
            "%.*s/%u item %u delivery %u: %s is told to stop what nobody else has",
            (int)ref->task_id.len, (const char *)ref->task_id.ptr, ref->step, ref->item,
            ref->delivery, k->ends[1]->name);
    return true;
}

void audit_once_set_aside(struct audit *a, const struct conn *k, const struct book_outcome *o)
{
    char text[200];
    const struct attempt_ref ref = {.task_id = o->task_id,
                                    .run = o->run,
                                    .step = o->step,
                                    .item = o->item,
                                    .generation = o->generation,
                                    .delivery = o->delivery};
    const struct sent *newest = map_get(&books(a)->sent, attempt_key(text, sizeof text, &ref));
    const struct sent *own = newest;
    while (own != NULL && (&own->to->process != k->ends[1] || own->life != k->lives[1])) {
        own = own->before;
    }
    if (own == NULL || !own->began || !stored_as_wanted(a, &ref)) {
        return;
    }
    struct book_execution *x = &a->executions[own->record];
    REQUIRE(a, "I21", x->stopped || others_have(newest, k->ends[1], k->lives[1]),
            "%.*s/%u item %u delivery %u: its failure at %s does not count, and nobody else has it",
            (int)ref.task_id.len, (const char *)ref.task_id.ptr, ref.step, ref.item, ref.delivery,
            k->ends[1]->name);
    x->stopped = true;
}

void audit_once_told(struct audit *a, const struct worker_host *h, const struct message *owned)
{
    struct heard *heard = books(a)->heard[h->index];
    uint32_t next = 0;
    for (int i = 0; i < PARTITION_COUNT && owned->owned.epoch_count > 0; i++) {
        if ((owned->owned.partitions >> i & 1) == 0) {
            continue;
        }
        uint64_t epoch = owned->owned.epochs[next++].epoch;
        bool newer = heard[i].life != h->process.life || heard[i].epoch < epoch;
        heard[i] = newer ? (struct heard){h->process.life, epoch} : heard[i];
    }
}

void audit_once_obeyed(struct audit *a, const struct worker_host *h, const struct conn *k,
                       const struct attempt_ref *ref)
{
    partition_id p = id_partition(ref->task_id);
    const struct once_books *b = books(a);
    const struct heard *heard = &b->heard[h->index][p];
    if (a->blind || a->world->upgrades || !stored_as_wanted(a, ref)) {
        return; /* anybody may say so; or it cannot be told from what only the owner may say */
    }
    bool knows = heard->life == h->process.life && heard->epoch == a->fences[p].epoch &&
                 was_in_touch(a, h, p);
    REQUIRE(a, "I21", !knows || k->ends[0] == &b->claims[p].by->process,
            "%.*s/%u item %u delivery %u: %s stops it for %s, and knows that %s owns it",
            (int)ref->task_id.len, (const char *)ref->task_id.ptr, ref->step, ref->item,
            ref->delivery, h->process.name, k->ends[0]->name, b->claims[p].by->process.name);
}
