/* What all tasks have used: asked of every coordinator that owns a part of them, and added up. */
#include "api/usage_json.h"
#include "main/calls.h"
#include "main/fanout.h"

#define ALL_PARTITIONS UINT64_MAX /* PARTITION_COUNT bits */

static void unavailable(struct call_state *c)
{
    struct problem p;
    problem_set(&p, CODE_UNAVAILABLE,
                "a part of the tasks is out of reach at the moment, and sums without it would be "
                "wrong");
    p.retry_after_s = 2;
    call_problem(c, &p);
}

static void on_usage(void *user, struct fanout *f)
{
    struct call_state *c = user;
    const struct message *replies[PEERS_MAX];
    size_t count = fanout_messages(f, MSG_USAGE, replies);
    if (count < f->count || peers_covered(&c->gateway->peers) != ALL_PARTITIONS) {
        unavailable(c);
        return;
    }
    struct buf body = {0};
    usage_render(replies, count, &c->usage, &body);
    call_answer(c, 200, buf_bytes(&body), NULL);
    buf_free(&body);
}

void call_usage(struct call_state *c, const struct http_request *r)
{
    const struct query q = {r->args, r->arg_count};
    const struct peers *peers = &c->gateway->peers;
    struct problem p;
    struct message m = {.type = MSG_GET_USAGE};
    uint64_t owners = 0;
    for (int i = 0; i < peers->count; i++) {
        owners |= peers->items[i].partitions != 0 ? 1ULL << i : 0;
    }
    int32_t today = (int32_t)(loop_now(c->gateway->loop).wall / 86400000);
    if (!usage_query_parse(&q, today, &c->usage, &p)) {
        call_problem(c, &p);
        return;
    }
    m.get_usage = c->usage;
    if (peers_covered(peers) == ALL_PARTITIONS) {
        c->fanout = fanout_start(c->gateway, owners, &m, on_usage, c);
    }
    if (c->fanout == NULL) {
        unavailable(c);
    }
}
