/* What is asked of every coordinator that owns a part of the tasks, and wrong without one: lists,
 * dead letters, sums. */
#include "main/calls.h"
#include "main/fanout.h"

#define ALL_PARTITIONS UINT64_MAX /* PARTITION_COUNT bits */

static void unavailable(struct call_state *c)
{
    struct problem p;
    problem_set(&p, CODE_UNAVAILABLE,
                "some tasks cannot be reached at the moment, or are moving to another coordinator, "
                "so the answer would be incomplete: try again");
    p.retry_after_s = 2;
    call_problem(c, &p);
}

void call_ask_owners(struct call_state *c, struct message *m,
                     void (*done)(void *user, struct fanout *f))
{
    const struct peers *peers = &c->gateway->peers;
    if (peers_covered(peers) == ALL_PARTITIONS) {
        c->fanout = fanout_start(c->gateway, peers_owning(peers), m, done, c);
    }
    if (c->fanout == NULL) {
        unavailable(c);
    }
}

/* Whose tasks an answer is about. One of a coordinator of the release before does not say it: it is
 * about all that its OWNED names, where none has come since it was asked. */
static uint64_t told_of(const struct call_state *c, const struct fanout_answer *a)
{
    const struct message *m = &a->message;
    const struct peer *peer = &c->gateway->peers.items[a->peer];
    uint64_t said = m->type == MSG_LIST   ? m->list.partitions
                    : m->type == MSG_DEAD ? m->dead.partitions
                                          : m->usage.partitions;
    return said == 0 && peer->claims.told == a->told ? peer->claims.partitions : said;
}

bool call_owners_told(struct call_state *c, const struct fanout *f, enum message_type type,
                      const struct message *ret_replies[PEERS_MAX], size_t *ret_count)
{
    if (call_no_room(c, f)) {
        return false;
    }
    size_t count = fanout_messages(f, type, ret_replies);
    uint64_t told = 0;
    bool twice = false; /* by the one that had it and the one that has it now */
    for (size_t i = 0; i < f->count && count == f->count; i++) {
        uint64_t of_one = told_of(c, &f->answers[i]);
        twice = twice || (told & of_one) != 0;
        told |= of_one;
    }
    if (twice || told != ALL_PARTITIONS) {
        unavailable(c);
        return false;
    }
    *ret_count = count;
    return true;
}
