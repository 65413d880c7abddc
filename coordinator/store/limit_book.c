#include "store/limit_book.h"

#include <stdlib.h>

#define SWEEP_FROM 1024 /* number of rates above which expired ones are searched for */

struct limit_holder {
    char *name;
    uint64_t epoch;
    int64_t until_us;
};

struct limit_waiter {
    char *name;
    int64_t since_us, until_us;
};

struct limit_key {
    struct bytes key; /* owned */
    struct limit_holder *holders;
    size_t holder_count, holder_cap;
    struct limit_waiter *waiters;
    size_t waiter_count, waiter_cap;
};

struct limit_rate {
    struct bytes key; /* owned */
    int64_t next_us;  /* none may pass before this time */
};

static void key_free(struct limit_key *k)
{
    for (size_t i = 0; i < k->holder_count; i++) {
        free(k->holders[i].name);
    }
    for (size_t i = 0; i < k->waiter_count; i++) {
        free(k->waiters[i].name);
    }
    free(k->holders);
    free(k->waiters);
    bytes_free(k->key);
    free(k);
}

void limit_book_free(struct limit_book *b)
{
    void *value = NULL;
    for (size_t i = 0; map_next(&b->keys, &i, &value);) {
        key_free(value);
    }
    for (size_t i = 0; map_next(&b->rates, &i, &value);) {
        struct limit_rate *r = value;
        bytes_free(r->key);
        free(r);
    }
    map_free(&b->keys);
    map_free(&b->rates);
}

static struct limit_key *key_of(struct limit_book *b, struct bytes key)
{
    struct limit_key *k = map_get(&b->keys, key);
    if (k == NULL) {
        k = mem_zalloc(sizeof *k);
        k->key = bytes_of(mem_str_bytes(key), key.len);
        map_put(&b->keys, k->key, k);
    }
    return k;
}

static void holder_remove(struct limit_key *k, size_t i)
{
    free(k->holders[i].name);
    k->holders[i] = k->holders[--k->holder_count];
}

static void waiter_remove(struct limit_key *k, size_t i)
{
    free(k->waiters[i].name);
    k->waiters[i] = k->waiters[--k->waiter_count];
}

/* Removes holders and waiters that have expired. */
static void sweep(struct limit_key *k, int64_t now_us)
{
    for (size_t i = k->holder_count; i-- > 0;) {
        if (k->holders[i].until_us <= now_us) {
            holder_remove(k, i);
        }
    }
    for (size_t i = k->waiter_count; i-- > 0;) {
        if (k->waiters[i].until_us <= now_us) {
            waiter_remove(k, i);
        }
    }
}

static struct limit_holder *holder_find(struct limit_key *k, struct bytes name, uint64_t epoch)
{
    for (size_t i = 0; i < k->holder_count; i++) {
        if (bytes_is(name, k->holders[i].name) && k->holders[i].epoch == epoch) {
            return &k->holders[i];
        }
    }
    return NULL;
}

static struct limit_waiter *waiter_find(struct limit_key *k, struct bytes name)
{
    for (size_t i = 0; i < k->waiter_count; i++) {
        if (bytes_is(name, k->waiters[i].name)) {
            return &k->waiters[i];
        }
    }
    return NULL;
}

/* Gives the holder a new lease. A place it had from the partition's previous owner becomes this
 * one's. */
static void hold(struct limit_key *k, const struct limit_op *op, int64_t now_us)
{
    struct limit_holder *h = holder_find(k, op->holder, op->epoch);
    if (h == NULL) {
        h = holder_find(k, op->holder, op->epoch - 1);
    }
    if (h == NULL) {
        MEM_GROW(k->holders, k->holder_count, k->holder_cap);
        h = &k->holders[k->holder_count++];
        h->name = mem_str_bytes(op->holder);
    }
    h->epoch = op->epoch;
    h->until_us = now_us + (int64_t)op->lease_ms * 1000;
}

/* Is there a free place, after reserving one for each waiter that is ahead in line? */
static bool may_hold(struct limit_key *k, const struct limit_op *op)
{
    const struct limit_waiter *own = waiter_find(k, op->waiter);
    size_t before = 0;
    for (size_t i = 0; i < k->waiter_count; i++) {
        before += &k->waiters[i] != own && (own == NULL || k->waiters[i].since_us < own->since_us);
    }
    return k->holder_count + before < op->limit;
}

static void wait_in_line(struct limit_key *k, const struct limit_op *op, int64_t now_us)
{
    struct limit_waiter *w = waiter_find(k, op->waiter);
    if (w == NULL) {
        MEM_GROW(k->waiters, k->waiter_count, k->waiter_cap);
        w = &k->waiters[k->waiter_count++];
        *w = (struct limit_waiter){.name = mem_str_bytes(op->waiter), .since_us = now_us};
    }
    w->until_us = now_us + (int64_t)op->patience_ms * 1000;
}

/* Removes rates whose next pass is due: they no longer restrict anything. */
static void rates_sweep(struct limit_book *b, int64_t now_us)
{
    void *value = NULL;
    for (size_t i = 0; map_next(&b->rates, &i, &value);) {
        struct limit_rate *r = value;
        if (r->next_us <= now_us) {
            map_remove(&b->rates, r->key);
            bytes_free(r->key);
            free(r);
        }
    }
}

static struct limit_rate *rate_of(struct limit_book *b, struct bytes key, int64_t now_us)
{
    if (b->rates.count >= b->sweep_at) {
        rates_sweep(b, now_us);
        b->sweep_at = 2 * b->rates.count + SWEEP_FROM;
    }
    struct limit_rate *r = map_get(&b->rates, key);
    if (r == NULL) {
        r = mem_zalloc(sizeof *r);
        r->key = bytes_of(mem_str_bytes(key), key.len);
        map_put(&b->rates, r->key, r);
    }
    return r;
}

static void take(struct limit_book *b, const struct limit_op *op, int64_t now_us,
                 struct limit_answer *answer)
{
    struct limit_key *k = op->key.len > 0 ? key_of(b, op->key) : NULL;
    struct limit_rate *r = op->rate.len > 0 ? rate_of(b, op->rate, now_us) : NULL;
    bool has = false;
    if (k != NULL) {
        sweep(k, now_us);
        has = holder_find(k, op->holder, op->epoch) != NULL ||
              holder_find(k, op->holder, op->epoch - 1) != NULL;
        if (!has && !may_hold(k, op)) {
            wait_in_line(k, op, now_us);
            return;
        }
    }
    if (r != NULL && r->next_us > now_us) {
        answer->by_rate = true;
        answer->wait_ms = (uint32_t)((r->next_us - now_us + 999) / 1000);
        return;
    }
    answer->granted = true;
    if (k != NULL) {
        hold(k, op, now_us);
        struct limit_waiter *w = waiter_find(k, op->waiter);
        if (w != NULL) {
            waiter_remove(k, (size_t)(w - k->waiters));
        }
    }
    if (r != NULL) {
        r->next_us = now_us + (int64_t)op->interval_us;
    }
}

static void release(struct limit_book *b, const struct limit_op *op)
{
    struct limit_key *k = key_of(b, op->key);
    struct limit_holder *h = holder_find(k, op->holder, op->epoch);
    if (h != NULL) {
        holder_remove(k, (size_t)(h - k->holders));
    }
}

static void forget_empty(struct limit_book *b, struct bytes key)
{
    struct limit_key *k = key.len > 0 ? map_get(&b->keys, key) : NULL;
    if (k != NULL && k->holder_count == 0 && k->waiter_count == 0) {
        map_remove(&b->keys, k->key);
        key_free(k);
    }
}

void limit_book_do(struct limit_book *b, const struct limit_op *op, int64_t now_us,
                   struct limit_answer *ret_answer)
{
    *ret_answer = (struct limit_answer){0};
    switch (op->kind) {
    case LIMIT_TAKE:
        take(b, op, now_us, ret_answer);
        break;
    case LIMIT_RENEW:
        hold(key_of(b, op->key), op, now_us);
        break;
    case LIMIT_RELEASE:
        release(b, op);
        break;
    }
    forget_empty(b, op->key);
}

uint32_t limit_book_holders(const struct limit_book *b, struct bytes key, int64_t now_us)
{
    const struct limit_key *k = map_get(&b->keys, key);
    uint32_t count = 0;
    for (size_t i = 0; k != NULL && i < k->holder_count; i++) {
        count += k->holders[i].until_us > now_us;
    }
    return count;
}

struct limit_op *limit_ops_copy(const struct limit_op *ops, uint32_t count, struct arena *arena)
{
    struct limit_op *copy = arena_alloc(arena, (count + 1) * sizeof *copy);
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = ops[i];
        copy[i].key = arena_bytes(arena, ops[i].key);
        copy[i].holder = arena_bytes(arena, ops[i].holder);
        copy[i].waiter = arena_bytes(arena, ops[i].waiter);
        copy[i].rate = arena_bytes(arena, ops[i].rate);
    }
    return copy;
}
