/* The items of a fan-out step. */
#include "api/items_json.h"
#include "main/calls.h"

static void on_items(void *user, const struct reply *reply)
{
    struct call_state *c = user;
    struct problem p;
    c->request = 0;
    if (reply->err != ERR_OK || reply->message->type != MSG_ITEMS) {
        problem_from_reply(&p, reply, bytes_str(c->task_id));
        call_problem(c, &p);
        return;
    }
    struct body_plan body = {0};
    items_render(reply->message, &body);
    call_answer_plan(c, &body);
}

void call_items(struct call_state *c, const struct http_request *r)
{
    struct query q = {r->args, r->arg_count};
    struct problem p;
    struct message m = {.type = MSG_GET_ITEMS};
    if (!items_query_parse(&q, &m.get_items, &p)) {
        call_problem(c, &p);
        return;
    }
    m.get_items.task_id = bytes_str(c->task_id);
    m.get_items.step = bytes_str(c->step);
    c->request =
        requests_send(&c->gateway->requests, target_of(m.get_items.task_id), &m, on_items, c);
    if (c->request == 0) {
        problem_full(&p);
        call_problem(c, &p);
    }
}
