/* Placement and limits: a step runs only where its labels are; at most `limit` attempts of a
 * concurrency key live at once; the store lets no more pass than a rate allows. */
#include <stdio.h>
#include <stdlib.h>

#include "books.h"
#include "model/label.h"

#define RATE_GAP_US 200000 /* of r1, see plan_order.c */

/* A step with a concurrency key that is being executed. */
struct live {
    size_t record; /* of the execution */
    const struct worker_host *worker;
    uint64_t life;
    uint32_t delivery;
    int key; /* index in limits */
    char holder[96];
    bool doubtful; /* somebody may take it for dead */
};

struct lease {
    char holder[96];
    uint64_t epoch;
    mono_ms until;
};

struct order_books {
    struct live *lives;
    size_t live_count, live_cap;
    struct lease *leases;
    size_t lease_count, lease_cap;
    int64_t rate_us; /* of the last one that passed; 0 = none */
};

static const struct {
    const char *key;
    uint32_t limit;
} limits[] = {{"c1", 1}, {"c2", 2}};

static struct order_books *books(struct audit *a)
{
    if (a->order == NULL) {
        a->order = mem_zalloc(sizeof *a->order);
    }
    return a->order;
}

void audit_order_free(struct audit *a)
{
    if (a->order != NULL) {
        free(a->order->lives);
        free(a->order->leases);
        free(a->order);
    }
}

void audit_order_placed(struct audit *a, const struct book_task *t, const struct conn *k,
                        const struct step_order *o)
{
    const struct worker_host *h = (const struct worker_host *)(const void *)k->ends[1];
    const char *required = t->pipeline->steps[o->ref.step].requires;
    REQUIRE(a, "I17", labels_meet(h->labels, h->label_count, bytes_str(required)),
            "%.*s/%u requires %s, and is ordered from %s", (int)t->id.len, (const char *)t->id.ptr,
            o->ref.step, required, h->process.name);
}

/* ---- what the store was asked ---- */

static struct lease *lease_find(struct order_books *b, struct bytes holder)
{
    for (size_t i = 0; i < b->lease_count; i++) {
        if (bytes_is(holder, b->leases[i].holder)) {
            return &b->leases[i];
        }
    }
    return NULL;
}

/* Without when its task was created, which an order does not say. That only matters where an id is
 * used again, and there the audit is blind. */
static struct bytes attempt_of(struct bytes holder)
{
    const uint8_t *colon = holder.len > 0 ? memrchr(holder.ptr, ':', holder.len) : NULL;
    return colon != NULL ? bytes_of(holder.ptr, (size_t)(colon - holder.ptr)) : holder;
}

static void lease_begin(struct order_books *b, const struct limit_op *op, mono_ms now)
{
    struct bytes attempt = attempt_of(op->holder);
    struct lease *l = lease_find(b, attempt);
    if (l == NULL) {
        MEM_GROW(b->leases, b->lease_count, b->lease_cap);
        l = &b->leases[b->lease_count++];
        snprintf(l->holder, sizeof l->holder, "%.*s", (int)attempt.len, (const char *)attempt.ptr);
    }
    l->epoch = op->epoch;
    l->until = now + op->lease_ms;
}

void audit_limits(struct audit *a, const struct store_read *read, const struct store_answer *answer)
{
    struct order_books *b = books(a);
    for (uint32_t i = 0; i < read->limit_count && !a->blind; i++) {
        const struct limit_op *op = &read->limits[i];
        struct lease *l = lease_find(b, attempt_of(op->holder));
        bool granted = op->kind == LIMIT_TAKE && answer->limits[i].granted;
        if (op->key.len > 0 && (granted || op->kind == LIMIT_RENEW)) {
            lease_begin(b, op, a->world->now);
        } else if (op->kind == LIMIT_RELEASE && l != NULL && l->epoch == op->epoch) {
            l->until = 0;
        }
        if (granted && op->rate.len > 0) {
            int64_t now_us = a->world->now * 1000;
            REQUIRE(a, "I19", b->rate_us == 0 || now_us - b->rate_us >= RATE_GAP_US,
                    "two of a rate have passed within %lld us", (long long)(now_us - b->rate_us));
            b->rate_us = now_us;
        }
    }
}

/* ---- what lives ---- */

void audit_order_lost(struct audit *a, const struct process *worker)
{
    struct order_books *b = books(a);
    for (size_t i = 0; i < b->live_count; i++) {
        b->lives[i].doubtful = b->lives[i].doubtful || &b->lives[i].worker->process == worker;
    }
}

static bool counts(const struct audit *a, const struct live *l)
{
    const struct book_execution *x = &a->executions[l->record];
    const struct book_task *t = book_find(a, x->task_id);
    if (x->ended || l->doubtful || !l->worker->process.alive ||
        l->worker->process.life != l->life || t->run != x->run || task_state_ended(t->state)) {
        return false;
    }
    const struct book_step *s = &t->steps[x->step];
    const struct lease *lease = lease_find(a->order, bytes_str(l->holder));
    return s->state == STEP_PENDING && s->generation == x->generation &&
           s->deliveries == l->delivery && lease != NULL && lease->until > a->world->now;
}

static int key_of(const struct pipeline_step *def)
{
    const char *key = def->concurrency.template != NULL ? "c1" : def->concurrency.key;
    for (size_t i = 0; key != NULL && i < sizeof limits / sizeof *limits; i++) {
        if (strcmp(limits[i].key, key) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* Executions of the same attempt, ordered twice, count once. */
static bool counted_before(const struct audit *a, size_t i)
{
    const struct order_books *b = a->order;
    for (size_t k = 0; k < i; k++) {
        if (b->lives[k].key == b->lives[i].key && counts(a, &b->lives[k]) &&
            strcmp(b->lives[k].holder, b->lives[i].holder) == 0) {
            return true;
        }
    }
    return false;
}

void audit_order_began(struct audit *a, const struct worker_host *h, const struct step_order *o,
                       uint64_t record)
{
    const struct attempt_ref *ref = &o->ref;
    const struct book_task *t = a->blind ? NULL : book_find(a, ref->task_id);
    int key = t != NULL && t->run == ref->run ? key_of(&t->pipeline->steps[ref->step]) : -1;
    if (key < 0) {
        return;
    }
    struct order_books *b = books(a);
    MEM_GROW(b->lives, b->live_count, b->live_cap);
    struct live *l = &b->lives[b->live_count++];
    *l = (struct live){.record = record,
                       .worker = h,
                       .life = h->process.life,
                       .delivery = ref->delivery,
                       .key = key};
    snprintf(l->holder, sizeof l->holder, "%.*s:%u:%u:%u:%u:%u", (int)ref->task_id.len,
             (const char *)ref->task_id.ptr, ref->run, ref->step, ref->item, ref->generation,
             ref->delivery);
    REQUIRE(a, "I19", lease_find(b, bytes_str(l->holder)) != NULL,
            "%s is executed, and never had a place of %s", l->holder, limits[key].key);
    uint32_t living = 0;
    for (size_t i = 0; i < b->live_count; i++) {
        living += b->lives[i].key == key && counts(a, &b->lives[i]) && !counted_before(a, i);
    }
    REQUIRE(a, "I19", living <= limits[key].limit, "%u attempts of %s live at once", living,
            limits[key].key);
}
