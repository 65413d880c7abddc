/* A coordinator's connection to the store: ordered batches, delays, and lost connections after
 * which some rows were executed, some were not, and some will be later. */
#include <stdlib.h>

#include "audit.h"
#include "world.h"

#define STORE_DEADLINE_MS 1000 /* see store.h */

static const uint8_t secret[SECRET_BYTES] = "the secret of the simulated city";

static struct batch *open_batch(struct coordinator *c)
{
    if (c->link.open == NULL) {
        c->link.open = mem_zalloc(sizeof *c->link.open);
        c->link.open->era = c->link.era;
    }
    struct batch *b = c->link.open;
    if (b->count == b->cap) {
        b->cap = b->cap < 8 ? 8 : b->cap * 2;
        b->rows = mem_resize(b->rows, b->cap * sizeof(b->rows[0]));
        b->reads = mem_resize(b->reads, b->cap * sizeof(b->reads[0]));
        b->publishes = mem_resize(b->publishes, b->cap * sizeof(b->publishes[0]));
    }
    b->rows[b->count] = NULL;
    b->reads[b->count] = NULL;
    b->publishes[b->count] = NULL;
    return b;
}

void link_write(struct coordinator *c, const struct store_row *row)
{
    struct batch *b = open_batch(c);
    b->rows[b->count++] = store_row_copy(row, &b->arena);
}

void link_read(struct coordinator *c, const struct store_read *read)
{
    struct batch *b = open_batch(c);
    b->reads[b->count++] = store_read_copy(read, &b->arena);
}

void link_publish(struct coordinator *c, const struct store_publish *publish)
{
    struct batch *b = open_batch(c);
    b->publishes[b->count++] = store_publish_copy(publish, &b->arena);
}

static void batch_free(struct batch *b)
{
    arena_free(&b->arena);
    free(b->rows);
    free(b->reads);
    free(b->publishes);
    free(b);
}

/* As in store_redis: a publication that was stored is announced before it is answered. */
static void answer_publish(struct coordinator *c, struct batch *b, size_t i, bool known)
{
    struct store_published p = {.publish_id = b->publishes[i]->publish_id,
                                .verdict = PUBLISH_UNKNOWN};
    if (known) {
        p = b->published[i];
        coordinator_step(c, &(struct event){.kind = EV_PIPELINE,
                                            .text = b->publishes[i]->source,
                                            .version = p.version});
    }
    coordinator_step(c, &(struct event){.kind = EV_PUBLISHED, .published = &p});
}

static void answer(struct coordinator *c, struct batch *b, size_t i, bool known)
{
    if (b->rows[i] != NULL) {
        struct store_written w = {.write_id = b->rows[i]->write_id, .verdict = STORE_UNKNOWN};
        coordinator_step(
            c, &(struct event){.kind = EV_WRITTEN, .written = known ? &b->written[i] : &w});
        return;
    }
    if (b->publishes[i] != NULL) {
        answer_publish(c, b, i, known);
        return;
    }
    struct store_answer a = {
        .kind = b->reads[i]->kind, .read_id = b->reads[i]->read_id, .err = ERR_UNAVAILABLE};
    coordinator_step(c, &(struct event){.kind = EV_READ, .answer = known ? b->answers[i] : &a});
}

static void forget(struct link *l, const struct batch *b)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->batches[i] == b) {
            l->count--;
            memmove(&l->batches[i], &l->batches[i + 1], (l->count - i) * sizeof(l->batches[0]));
            return;
        }
    }
}

static void drop_batch(struct job *j)
{
    batch_free(j->who);
}

/* A job of the coordinator: if that is paused, its answers wait in the socket's buffer. */
static void on_reply(struct world *w, struct job *j)
{
    (void)w;
    struct batch *b = j->who;
    struct coordinator *c = coordinator_of(j->process);
    if (!b->cut) {
        forget(&c->link, b);
    }
    for (size_t i = 0; !b->cut && i < b->count && c->process.alive; i++) {
        answer(c, b, i, true);
    }
    batch_free(b);
}

/* If its part of the store is away, the row was executed a moment before that, or not at all. */
static void execute_row(struct world *w, struct coordinator *c, struct batch *b, size_t i)
{
    bool away = shard_away(w, b->rows[i]->partition);
    struct store_written *written = &b->written[i];
    if (!away || one_in(w, 4)) {
        *written = store_model_write(&w->store, b->rows[i], w->now, &b->arena);
        audit_row(w->audit, c, b->rows[i], b->sent_at, written);
        if (w->mirror != NULL) {
            w->mirror->row(w->mirror, c->index, b->rows[i], written);
        }
    }
    if (away) {
        *written =
            (struct store_written){.write_id = b->rows[i]->write_id, .verdict = STORE_UNKNOWN};
    }
}

static void execute_read(struct world *w, struct coordinator *c, struct batch *b, size_t i)
{
    b->answers[i] = store_model_read(&w->store, b->reads[i], w->now, &b->arena);
    if (w->mirror != NULL) {
        w->mirror->read(w->mirror, c->index, b->reads[i], b->answers[i]);
    }
    shard_read(w, b->reads[i], b->answers[i]);
    if (b->reads[i]->kind == READ_LIMITS) {
        audit_limits(w->audit, b->reads[i], b->answers[i]);
    }
}

static void execute_publish(struct world *w, struct coordinator *c, struct batch *b, size_t i)
{
    b->published[i] = store_model_publish(&w->store, b->publishes[i]);
    if (w->mirror != NULL) {
        w->mirror->publish(w->mirror, c->index, b->publishes[i], &b->published[i]);
    }
}

static void execute(struct world *w, struct coordinator *c, struct batch *b)
{
    b->written = arena_alloc(&b->arena, (b->count + 1) * sizeof *b->written);
    b->answers = arena_alloc(&b->arena, (b->count + 1) * sizeof(b->answers[0]));
    b->published = arena_alloc(&b->arena, (b->count + 1) * sizeof *b->published);
    size_t n = b->execute < b->count ? b->execute : b->count;
    for (size_t i = 0; i < n; i++) {
        if (b->publishes[i] != NULL) {
            execute_publish(w, c, b, i);
        } else if (b->rows[i] != NULL) {
            execute_row(w, c, b, i);
        }
    }
    for (size_t i = 0; i < n; i++) { /* as in Redis, reads also see what was submitted after them */
        if (b->reads[i] != NULL) {
            execute_read(w, c, b, i);
        }
    }
    if (w->mirror != NULL) {
        w->mirror->settle(w->mirror);
    }
    b->executed = true;
}

/* When a batch is executed: not while the store stands still, nor before what was sent earlier on
 * the same connection. */
static mono_ms execution_time(struct world *w, struct coordinator *c, const struct batch *b)
{
    struct link *l = &c->link;
    mono_ms at = b->late > w->store_stalled_until ? b->late : w->store_stalled_until;
    for (size_t i = 0; i < l->count && l->batches[i] != b && !b->cut; i++) {
        mono_ms behind = l->last_execution > w->now ? l->last_execution : w->now + 1;
        if (!l->batches[i]->executed && at < behind) {
            at = behind;
        }
    }
    if (!b->cut && at > l->last_execution) {
        l->last_execution = at;
    }
    return at;
}

/* A job of the world: what was sent to the store may be executed after its sender's death. */
static void on_execute(struct world *w, struct job *j)
{
    struct batch *b = j->who;
    struct coordinator *c = &w->coordinators[j->x];
    mono_ms not_before = execution_time(w, c, b);
    if (w->now < not_before) {
        struct job *later = job_add(w, NULL, not_before, on_execute, b);
        later->x = j->x;
        later->drop = drop_batch;
        return;
    }
    execute(w, c, b);
    if (b->cut) {
        batch_free(b);
        return;
    }
    mono_ms at = w->now + between(w, 0, w->store_lag);
    c->link.last_reply = at > c->link.last_reply ? at : c->link.last_reply;
    job_add(w, &c->process, c->link.last_reply, on_reply, b)->drop = drop_batch;
}

static void refuse_open(struct coordinator *c)
{
    struct batch *b = c->link.open;
    c->link.open = NULL;
    b->cut = true;
    for (size_t i = 0; i < b->count; i++) {
        answer(c, b, i, false);
    }
    batch_free(b);
}

static void on_refuse(struct world *w, struct job *j)
{
    (void)w;
    struct coordinator *c = j->who;
    if (c->link.open != NULL && !c->link.up) {
        refuse_open(c);
    }
}

static void on_break(struct world *w, struct job *j)
{
    (void)w;
    link_break(j->who, false);
}

void link_depart(struct coordinator *c)
{
    struct world *w = c->process.world;
    struct batch *b = c->link.open;
    if (b == NULL) {
        return;
    }
    if (!c->link.up) {
        job_add(w, &c->process, w->now + 1, on_refuse, c);
        return;
    }
    c->link.open = NULL;
    b->sent_at = w->now;
    b->execute = b->count;
    MEM_GROW(c->link.batches, c->link.count, c->link.cap);
    c->link.batches[c->link.count++] = b;
    mono_ms at = w->now + (w->faults > 0 && one_in(w, 100) ? between(w, 5, 60)
                                                           : between(w, 0, w->store_lag));
    c->link.last_execution = at > c->link.last_execution ? at : c->link.last_execution;
    struct job *j = job_add(w, NULL, c->link.last_execution, on_execute, b);
    j->x = c->index;
    j->drop = drop_batch;
    if (!w->healed && w->faults > 1 && one_in(w, 700)) {
        job_add(w, &c->process, w->now + between(w, 0, 3), on_break, c);
    }
}

/* The newest version of each pipeline that has changed since the last look. */
static void tell_pipelines(struct world *w, struct coordinator *c)
{
    uint64_t seen = c->link.changes_seen;
    c->link.changes_seen = w->store.pipeline_changes;
    for (size_t i = 0; i < w->store.pipeline_count; i++) {
        const struct stored_pipeline *p = &w->store.pipelines[i];
        if (p->change > seen) {
            coordinator_step(c,
                             &(struct event){.kind = EV_PIPELINE,
                                             .text = buf_bytes(&p->versions[p->count - 1].source),
                                             .version = (uint32_t)p->count});
        }
    }
}

static void on_up(struct world *w, struct job *j)
{
    struct coordinator *c = j->who;
    if (c->link.up || j->x != c->link.era) {
        return;
    }
    if (w->now < w->store_stalled_until) {
        link_connect(c, w->store_stalled_until + 1);
        return;
    }
    tell(w, c->process.name, "store up");
    c->link.up = true;
    c->link.last_execution = w->now;
    c->link.last_reply = w->now;
    struct batch *left = c->link.open; /* requested while it was away */
    c->link.open = NULL;
    if (left != NULL) {
        left->cut = true;
        for (size_t i = 0; i < left->count; i++) {
            answer(c, left, i, false);
        }
        batch_free(left);
    }
    c->link.changes_seen = 0;
    tell_pipelines(w, c);
    coordinator_step(c, &(struct event){.kind = EV_STORE_UP, .secret = secret});
}

void link_connect(struct coordinator *c, mono_ms at)
{
    job_add(c->process.world, &c->process, at, on_up, c)->x = c->link.era;
}

/* Batches that were not executed yet: a prefix of them will be, perhaps much later; the rest
 * never. */
static void cut_batches(struct world *w, struct link *l)
{
    bool through = true;
    mono_ms late = w->now + (!w->healed && one_in(w, 2) ? between(w, 0, 5000) : 0);
    for (size_t i = 0; i < l->count; i++) {
        struct batch *b = l->batches[i];
        b->cut = true;
        b->late = late;
        if (b->executed) {
            continue;
        }
        if (!through || one_in(w, 3)) {
            b->execute = through ? (size_t)chance(w, b->count + 1) : 0;
            through = false;
        }
    }
}

void link_break(struct coordinator *c, bool killed)
{
    struct world *w = c->process.world;
    struct link *l = &c->link;
    if (killed) {
        cut_batches(w, l);
        l->count = 0;
        l->era++;
        l->up = false;
        if (l->open != NULL) {
            batch_free(l->open);
            l->open = NULL;
        }
        return;
    }
    if (!l->up) {
        return;
    }
    tell(w, c->process.name, "loses the store with %zu batches on their way", l->count);
    cut_batches(w, l);
    size_t count = l->count;
    struct batch **lost = l->batches;
    l->batches = NULL;
    l->count = l->cap = 0;
    l->era++;
    l->up = false;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < lost[i]->count; k++) {
            answer(c, lost[i], k, false);
        }
    }
    free(lost);
    for (int rounds = 0; l->open != NULL && rounds < 100; rounds++) {
        refuse_open(c);
    }
    coordinator_step(c, &(struct event){.kind = EV_STORE_DOWN});
    link_connect(c, w->now + between(w, 10, 1000));
}

void link_deadline(struct world *w, struct job *j)
{
    struct coordinator *c = j->who;
    job_add(w, &c->process, w->now + 250, link_deadline, c);
    if (c->link.up && c->link.count > 0 &&
        w->now - c->link.batches[0]->sent_at > STORE_DEADLINE_MS) {
        link_break(c, false);
    } else if (c->link.up && w->now >= w->store_stalled_until) {
        tell_pipelines(w, c);
    }
}
