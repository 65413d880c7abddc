/* What all tasks have used: asked of every coordinator that owns a part of them, and added up. */
#include "api/usage_json.h"
#include "main/calls.h"
#include "main/fanout.h"

static void on_usage(void *user, struct fanout *f)
{
    struct call_state *c = user;
    const struct message *replies[PEERS_MAX];
    size_t count;
    if (!call_owners_told(c, f, MSG_USAGE, replies, &count)) {
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
    struct problem p;
    struct message m = {.type = MSG_GET_USAGE};
    int32_t today = (int32_t)(loop_now(c->gateway->loop).wall / 86400000);
    if (!usage_query_parse(&q, today, &c->usage, &p)) {
        call_problem(c, &p);
        return;
    }
    m.get_usage = c->usage;
    call_ask_owners(c, &m, on_usage);
}
