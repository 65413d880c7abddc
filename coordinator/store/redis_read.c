/* What all reads have in common: sending commands, taking answers, the list of reads. */
#include "store/redis_read.h"

#include <stdlib.h>

#include "store/redis_incoming.h"
#include "store/redis_lending.h"

static void drop_kept(struct redis_read *r)
{
    while (r->kept_count > 0) {
        incoming_reply_drop(r->kept[--r->kept_count]);
    }
}

/* Hands the read to the cluster store; it starts over wherever it is adopted. It may follow an ASK
 * only if all of its commands got one: otherwise keys that are still at this node would be taken
 * for missing there. */
static void hand_back(struct redis_read *r)
{
    const struct redis_member *member = r->store->member;
    if (r->why.kind == REDIRECT_ASK && (r->asked != r->taken || r->rounds > 0)) {
        r->why.kind = REDIRECT_LATER;
    }
    read_unlink(r);
    r->store->reads_waiting--;
    r->answer = (struct store_answer){0};
    drop_kept(r);
    r->awaited = r->taken = r->refused = r->asked = r->rounds = r->entry_count = 0;
    r->asking = r->flushed = r->sent = false;
    member->read_refused(member->user, r, &r->why);
}

void read_send(struct redis_read *r, redis_reply_fn *fn)
{
    struct redis_store *s = r->store;
    r->awaited++;
    if (r->asking) {
        struct redis_command command = s->command; /* already built */
        s->command = (struct redis_command){0};
        redis_asking_send(s);
        command_free(&s->command);
        s->command = command;
    }
    redis_send(s, fn, r);
}

bool read_take(struct redis_read *r, const struct redisReply *reply)
{
    struct redis_store *s = r->store;
    struct redirect why;
    r->awaited--;
    r->taken++;
    if (s->member != NULL && redirect_read(reply, &why)) {
        s->member->redirected(s->member->user, &why);
        r->refused++;
        r->asked += why.kind == REDIRECT_ASK;
        r->why = why;
    } else if (reply_is_error(reply, "")) {
        redis_refused(s, "reading", reply);
        return false;
    }
    if (r->refused == 0) {
        return true;
    }
    if (r->awaited == 0) {
        hand_back(r);
    }
    return false;
}

void read_keep(struct redis_read *r)
{
    MEM_GROW(r->kept, r->kept_count, r->kept_cap);
    r->kept[r->kept_count++] = link_keep(r->store->link);
}

void read_round(struct redis_read *r)
{
    r->awaited = r->taken = 0;
    r->rounds++;
}

partition_id read_partition(const struct redis_read *r, uint64_t mask)
{
    for (uint32_t i = 1; i < r->taken; i++) {
        mask &= mask - 1;
    }
    return (partition_id)__builtin_ctzll(mask);
}

void read_unlink(struct redis_read *r)
{
    struct redis_store *s = r->store;
    *(r->prev != NULL ? &r->prev->next : &s->reads) = r->next;
    *(r->next != NULL ? &r->next->prev : &s->reads_last) = r->prev;
}

void read_link(struct redis_read *r)
{
    struct redis_store *s = r->store;
    r->after_row = s->batches.rows_given;
    r->next = NULL;
    r->prev = s->reads_last;
    *(r->prev != NULL ? &r->prev->next : &s->reads) = r;
    s->reads_last = r;
}

void read_free(struct redis_read *r)
{
    free(r->entries);
    free(r->groups);
    drop_kept(r);
    free(r->kept);
    arena_free(&r->arena);
    free(r);
}

static void lend(struct redis_read *r)
{
    struct redis_lending lending = {.arena = &r->arena};
    if (r->answer.err == ERR_OK) {
        incoming_lend(r->kept, r->kept_count, &lending);
    }
    r->answer.lenders = lending_end(&lending);
}

void read_done(struct redis_read *r)
{
    struct redis_store *s = r->store;
    read_unlink(r);
    s->reads_waiting--;
    r->answer.kind = r->ask.kind;
    r->answer.read_id = r->ask.read_id;
    if (r->part != NULL) {
        s->member->part_done(s->member->user, r);
        return;
    }
    lend(r);
    s->handler.read(s->handler.user, &r->answer);
    read_free(r);
}

static void on_nothing(void *user, const struct redisReply *reply)
{
    struct redis_read *r = user;
    if (read_take(r, reply)) {
        read_done(r);
    }
}

void read_partitions(struct redis_read *r, void (*ask)(struct redis_read *r, partition_id p))
{
    if (r->ask.partitions == 0) {
        command_begin(&r->store->command, "PING");
        read_send(r, on_nothing);
        return;
    }
    for (uint64_t mask = r->ask.partitions; mask != 0; mask &= mask - 1) {
        ask(r, (partition_id)__builtin_ctzll(mask));
    }
}
