/* POST /start/batch: many starts in one request. Each is a start of its own, to the owner of its
 * partition; the answer names them in the order of the request, once the last one is known. */
#include <stdlib.h>

#include "api/start_body.h"
#include "json/scan.h"
#include "main/calls.h"

struct start_item {
    struct start_batch *batch;
    wire_id request;      /* 0: answered, or never sent */
    struct bytes task_id; /* BYTES_NONE until it was started */
    struct bytes problem; /* JSON; else */
};

struct start_batch {
    struct call_state *call;
    struct start_item *items;
    size_t count, waiting;
    struct arena arena; /* of what the items hold */
    size_t counted;     /* bytes, in gateway.batch_bytes */
};

static void batch_count(struct start_batch *b)
{
    struct gateway *g = b->call->gateway;
    size_t memory = b->arena.used_bytes + b->count * sizeof *b->items;
    g->batch_bytes += memory;
    g->batch_bytes -= b->counted;
    b->counted = memory;
}

void start_batch_free(struct start_batch *b)
{
    if (b == NULL) {
        return;
    }
    for (size_t i = 0; i < b->count; i++) {
        if (b->items[i].request != 0) {
            requests_drop(&b->call->gateway->requests, b->items[i].request);
        }
    }
    b->call->gateway->batch_bytes -= b->counted;
    arena_free(&b->arena);
    free(b->items);
    free(b);
}

static void item_fail(struct start_item *item, const struct problem *p)
{
    struct buf text = {0};
    const struct call_state *c = item->batch->call;
    answer_problem_render(c->gateway, c->exchange.id, p, bytes_str(c->request_id), &text);
    item->problem = arena_bytes(&item->batch->arena, buf_bytes(&text));
    buf_free(&text);
}

static void batch_answer(struct start_batch *b)
{
    struct buf body = {0};
    for (size_t i = 0; i < b->count; i++) {
        const struct start_item *item = &b->items[i];
        buf_add_char(&body, i == 0 ? '[' : ',');
        if (item->problem.len > 0) {
            buf_add_bytes(&body, item->problem);
            continue;
        }
        buf_add_str(&body, "{\"task_id\":");
        json_put_string(&body, item->task_id);
        buf_add_str(&body, ",\"status\":\"started\"}");
    }
    buf_add_char(&body, ']');
    call_answer(b->call, 200, buf_bytes(&body), NULL);
    buf_free(&body);
}

static void on_item(void *user, const struct reply *reply)
{
    struct start_item *item = user;
    struct start_batch *b = item->batch;
    item->request = 0;
    if (reply->err == ERR_OK && reply->message->type == MSG_STARTED) {
        item->task_id = arena_bytes(&b->arena, reply->message->started.task_id);
    } else {
        struct problem p;
        problem_from_reply(&p, reply, item->task_id);
        item_fail(item, &p);
    }
    batch_count(b);
    if (--b->waiting == 0) {
        batch_answer(b);
    }
}

static void item_start(struct start_item *item, const struct start_input *in, struct shared *lender)
{
    struct start_batch *b = item->batch;
    struct start_call start = {0};
    struct problem p;
    if (!start_body_parse(in, &start, &p)) {
        item_fail(item, &p);
    } else {
        struct message m = {.type = MSG_START};
        m.start = start.request;
        item->task_id = arena_bytes(&b->arena, m.start.task_id);
        item->request = requests_send_lent(&b->call->gateway->requests, target_of(item->task_id),
                                           (struct lent_message){&m, lender}, on_item, item);
        b->waiting += item->request != 0;
        if (item->request == 0) {
            problem_full(&p);
            item_fail(item, &p);
        }
    }
    start_call_free(&start);
}

static void items_start(struct start_batch *b, const struct http_request *r,
                        const struct json_index *index, const uint32_t *nodes)
{
    struct call_state *c = b->call;
    for (size_t i = 0; i < b->count; i++) {
        struct start_input in = {.body = index->nodes[nodes[i]].value,
                                 .credential = bytes_str(c->credential),
                                 .idempotency_key = r->idempotency_key,
                                 .now = loop_now(c->gateway->loop).wall,
                                 .place = (uint32_t)i + 1,
                                 .index = index,
                                 .node = nodes[i]};
        random_block_take(c->gateway->random, in.random, sizeof in.random);
        b->items[i].batch = b;
        item_start(&b->items[i], &in, r->lender);
    }
}

void call_start_batch(struct call_state *c, const struct http_request *r)
{
    struct json_index index = {0};
    uint32_t nodes[START_BATCH_MAX];
    size_t count = 0;
    struct problem p;
    if (!call_body_taken(c, r, true)) {
        return;
    }
    if (!start_batch_parse(r->body, &index, nodes, &count, &p)) {
        json_index_free(&index);
        call_problem(c, &p);
        return;
    }
    struct start_batch *b = mem_zalloc(sizeof *b);
    b->call = c;
    b->items = mem_zalloc(count * sizeof *b->items);
    b->count = count;
    c->batch = b;
    items_start(b, r, &index, nodes);
    batch_count(b);
    json_index_free(&index);
    if (b->waiting == 0) {
        batch_answer(b);
    }
}
