/* Sends rows and reads to the node of their partition, and holds them while that is impossible:
 * while the slot is being moved, the node is being set up, or answers of the slot's previous node
 * are outstanding. Rows and reads of a partition keep their order; those held longer than
 * deadline_ms are given up. */
#include <stdlib.h>

#include "store/redis_cluster.h"

#define LOOK_EVERY_MS 5

static partition_id id_of(const struct cluster_store *s, const struct place *p)
{
    return (partition_id)(p - s->places);
}

static bool rows_are_out(const struct cluster_store *s, const struct place *p)
{
    return p->given_to != NULL && p->given_to->store->rows_out[id_of(s, p)] > 0;
}

/* May it be sent to the place's node at once? A node known to be away qualifies: its store answers
 * at once. */
static bool is_settled(const struct cluster_store *s, const struct place *p)
{
    return p->first == NULL && p->node != NULL && p->node->tried &&
           (p->given_to == p->node || !rows_are_out(s, p));
}

void cluster_look_soon(struct cluster_store *s)
{
    loop_timer_set(s->held_timer, loop_now(s->loop).mono + LOOK_EVERY_MS);
}

void cluster_wake(struct cluster_store *s)
{
    loop_timer_set(s->held_timer, loop_now(s->loop).mono);
}

/* What was refused goes before what was never sent. */
static struct held *held_add(struct cluster_store *s, struct place *p, bool refused)
{
    struct held **at = &p->first;
    while (*at != NULL && (!refused || (*at)->refused)) {
        at = &(*at)->next;
    }
    struct held *h = mem_zalloc(sizeof *h);
    h->refused = refused;
    h->since = loop_now(s->loop).mono;
    h->next = *at;
    *at = h;
    cluster_look_soon(s);
    return h;
}

/* ---- new ones ---- */

static void hold_row(struct cluster_store *s, struct place *p, const struct store_row *row)
{
    struct held *last = p->first;
    while (last != NULL && last->next != NULL) {
        last = last->next;
    }
    bool admits = row->kind == ROW_ADMIT;
    if (last == NULL || last->refused || last->read != NULL || last->call.admits != admits ||
        last->call.row_count >= BATCH_ROWS_MAX || rows_bytes(&last->call.rows) >= BATCH_BYTES_MAX) {
        last = held_add(s, p, false);
        last->call.partition = row->partition;
        last->call.admits = admits;
    }
    struct row_texts texts = row_texts_make(row);
    batch_call_add(&last->call, &s->names, row, &texts);
    row_texts_drop(&texts);
}

void cluster_write(struct cluster_store *s, const struct store_row *row)
{
    struct place *p = &s->places[row->partition];
    if (!is_settled(s, p)) {
        hold_row(s, p, row);
        return;
    }
    p->given_to = p->node;
    p->node->store->base.ops->write(&p->node->store->base, row);
}

void cluster_read(struct cluster_store *s, const struct store_read *read)
{
    struct place *p = &s->places[read->partition];
    if (!is_settled(s, p)) {
        struct held *h = held_add(s, p, false);
        h->read = read_create(s->home, read);
        return;
    }
    p->node->store->base.ops->read(&p->node->store->base, read);
}

/* ---- refused ones ---- */

void cluster_hold_call(struct cluster_store *s, struct batch_call *call, struct cluster_node *ask)
{
    struct held *h = held_add(s, &s->places[call->partition], true);
    call->refused_at = call->refused_at != 0 ? call->refused_at : h->since;
    call->asking = false;
    h->since = call->refused_at;
    h->call = *call;
    h->ask = ask;
}

void cluster_hold_read(struct cluster_store *s, struct redis_read *r, struct cluster_node *ask)
{
    struct held *h = held_add(s, &s->places[r->ask.partition], true);
    r->refused_at = r->refused_at != 0 ? r->refused_at : h->since;
    h->since = r->refused_at;
    h->read = r;
    h->ask = ask;
}

/* ---- given up ---- */

static void give_up(struct cluster_store *s, struct held *h)
{
    if (h->read != NULL) {
        redis_read_give_up(s->home, h->read);
    } else {
        s->gone.unknown_total += h->call.row_count;
        for (uint32_t i = 0; i < h->call.row_count; i++) {
            struct store_written written = {.write_id = h->call.write_ids[i],
                                            .verdict = STORE_UNKNOWN};
            s->handler.written(s->handler.user, &written);
        }
        batch_call_free(&h->call);
    }
    free(h);
}

/* The callee may give us more for the same place meanwhile: that is appended. */
static void give_up_until(struct cluster_store *s, struct place *p, mono_ms since)
{
    struct held *all = p->first;
    p->first = NULL;
    while (all != NULL && all->since <= since) {
        struct held *h = all;
        all = h->next;
        give_up(s, h);
    }
    struct held **end = &all;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = p->first;
    p->first = all;
}

void cluster_held_give_up(struct cluster_store *s)
{
    for (int i = 0; i < PARTITION_COUNT; i++) {
        give_up_until(s, &s->places[i], NEVER_MS);
    }
}

/* ---- tried again ---- */

static void give(struct place *p, struct held *h, struct cluster_node *n)
{
    p->first = h->next;
    if (h->read != NULL) {
        h->read->asking = h->ask != NULL;
        redis_read_adopt(n->store, h->read);
    } else {
        h->call.asking = h->ask != NULL;
        p->given_to = n;
        redis_call_adopt(n->store, &h->call);
    }
    free(h);
}

/* Sends everything at once, except after an ASK: that one goes alone, because the others belong to
 * the slot's own node. */
static void try_again(struct cluster_store *s, struct place *p)
{
    if (p->first == NULL || loop_now(s->loop).mono < p->retry_at || rows_are_out(s, p)) {
        return;
    }
    for (struct held *h = p->first; h != NULL; h = p->first) {
        struct cluster_node *n = h->ask != NULL ? h->ask : p->node;
        bool alone = h->ask != NULL;
        if (n == NULL || !n->tried) {
            return;
        }
        give(p, h, n);
        if (alone) {
            return;
        }
    }
}

void cluster_held_look(void *cluster)
{
    struct cluster_store *s = cluster;
    mono_ms now = loop_now(s->loop).mono;
    bool more = false;
    for (int i = 0; i < PARTITION_COUNT; i++) {
        struct place *p = &s->places[i];
        if (p->first != NULL) {
            try_again(s, p);
            give_up_until(s, p, now - s->deadline_ms);
        }
        more = more || p->first != NULL;
    }
    cluster_gathers_retry(s);
    if (more || s->gathers != NULL) {
        cluster_look_soon(s);
    }
}

void cluster_held_free(struct cluster_store *s)
{
    for (int i = 0; i < PARTITION_COUNT; i++) {
        while (s->places[i].first != NULL) {
            struct held *h = s->places[i].first;
            s->places[i].first = h->next;
            if (h->read != NULL) {
                read_free(h->read);
            }
            batch_call_free(&h->call);
            free(h);
        }
    }
    loop_timer_destroy(s->held_timer);
}
